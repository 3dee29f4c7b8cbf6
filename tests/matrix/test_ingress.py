"""From the connection to the controller, wrong one by one."""

from typing import Any

import pytest

from fluxhooks.observe.doctor.faults import Fault
from sandbox.cluster.ports import free_ports
from sandbox.ingress import rules
from sandbox.ingress.rules import Rule
from tests.matrix.chain import GITHUB, GITLAB, Chain
from tests.matrix.conftest import Judge
from tests.matrix.rows import BOTH, Row, Rows
from tests.matrix.test_delivery import impatient

rows = Rows()

OWN: Any = {"own_ingress": True}


def ruled(chain: Chain, rule: Rule) -> None:
    """Have the ingress do something else with requests, and push."""
    chain.ingress.rule = rule
    chain.push()


@rows(
    Fault.REDIRECT,
    "the ingress redirects to another name of the host",
    at=BOTH,
    cure=r"www\.example\.com",
    sample=GITLAB,
    **OWN,
)
def ingress_redirects(chain: Chain) -> None:
    ruled(chain, rules.redirects("https://www.example.com", status=301))


@rows(Fault.LOGIN_REQUIRED, "the ingress wants a password", at=BOTH, cure=r"/hook/", **OWN)
def ingress_wants_password(chain: Chain) -> None:
    ruled(chain, rules.asks_for_password())


@rows(
    Fault.LOGIN_REQUIRED,
    "the ingress sends whoever is not signed in to a login page",
    at=BOTH,
    cure=r"/hook/",
    **OWN,
)
def ingress_sends_to_login(chain: Chain) -> None:
    ruled(chain, rules.sends_to_login("https://login.example.com/oauth2/sign_in"))


@rows(
    Fault.REFUSED_IN_FRONT,
    "a firewall for web applications answers 403",
    at=BOTH,
    cure=r"",
    **OWN,
)
def ingress_refuses(chain: Chain) -> None:
    headers = {"Server": "cloudflare"}
    ruled(chain, rules.answers(403, "<h1>Forbidden</h1>", headers=headers))


@rows(
    Fault.BODY_LIMIT,
    "the ingress takes bodies of up to 1 kB",
    at=BOTH,
    cure=r"body|size|limit",
    **OWN,
)
def ingress_limits_bodies(chain: Chain) -> None:
    ruled(chain, rules.limits_body(1000))


@rows(Fault.RATE_LIMIT, "the ingress answers 429", at=BOTH, cure=r"rate|limit", **OWN)
def ingress_limits_rate(chain: Chain) -> None:
    ruled(chain, rules.limits_rate())


@rows(
    Fault.WRONG_SERVICE,
    "the ingress leads to the controller's port for events",
    at=BOTH,
    cure=r"webhook-receiver",
    sample=GITHUB,
    **OWN,
)
def ingress_to_events_port(chain: Chain) -> None:
    chain.ingress.target_port = chain.sandbox.cluster.events_port
    chain.push()


@rows(
    Fault.OTHER_BACKEND,
    "another application answers with its page",
    at=BOTH,
    cure=r"",
    **OWN,
)
def ingress_to_other_backend(chain: Chain) -> None:
    ruled(chain, rules.answers(200, "<html><title>Shop</title></html>"))


@rows(
    Fault.OTHER_BACKEND,
    "the ingress knows no such path and answers with its own 404 page",
    cure=r"",
    **OWN,
)
def ingress_default_backend(chain: Chain) -> None:
    headers = {"Server": "nginx"}
    ruled(chain, rules.answers(404, "<html><h1>404 Not Found</h1></html>", headers=headers))


@rows(
    Fault.PATH_CHANGED,
    "the ingress rewrites the path and adds a prefix",
    at=BOTH,
    cure=r"",
    **OWN,
)
def ingress_adds_prefix(chain: Chain) -> None:
    ruled(chain, rules.adds_prefix("/flux"))


@rows(
    Fault.PATH_CHANGED,
    "the ingress strips /hook from the path",
    cure=r"",
    **OWN,
)
def ingress_strips_prefix(chain: Chain) -> None:
    ruled(chain, rules.strips_prefix("/hook"))


@rows(
    Fault.NO_BACKEND,
    "nothing listens behind the ingress",
    at=BOTH,
    cure=r"notification-controller",
    **OWN,
)
def ingress_without_backend(chain: Chain) -> None:
    (chain.ingress.target_port,) = free_ports(1)
    chain.push()


@rows(
    Fault.NO_BACKEND,
    "notification-controller is down",
    cure=r"notification-controller",
    **OWN,
)
def ingress_controller_down(chain: Chain) -> None:
    cluster = chain.sandbox.cluster
    cluster.stop("notification-controller")
    chain.after(lambda: cluster.start("notification-controller"))
    chain.push()


@rows(
    Fault.NO_ANSWER,
    "the ingress takes connections and does not answer",
    at=BOTH,
    cure=r"",
    look={"limit": 15.0},
    **OWN,
)
def ingress_silent(chain: Chain) -> None:
    impatient(chain)
    chain.ingress.pause()
    chain.push()


@pytest.mark.parametrize("row", rows.all)
def test_the_ingress_fault_is_named(row: Row, judge: Judge) -> None:
    """What answers in the controller's place is told from the controller."""
    judge(row)
