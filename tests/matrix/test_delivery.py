"""Deliveries that failed, or were never sent, where nothing behind them explains it."""

import pytest

from fluxhooks.observe.doctor.faults import Fault
from sandbox.forges.gitlab.payloads import PUSH
from sandbox.ingress import rules
from tests.matrix.chain import GITHUB, GITLAB, Chain
from tests.matrix.conftest import Judge
from tests.matrix.rows import BOTH, Row, Rows

rows = Rows()


@rows(
    Fault.DELIVERY_SECRET_DIFFERS,
    "the webhook's secret is changed at the forge",
    at=BOTH,
    cure=r"HOOK|rotate",
    sample=GITHUB,
)
def delivery_secret_differs(chain: Chain) -> None:
    other = chain.token[::-1]
    chain.known_tokens.append(other)
    chain.webhook.edit(secret=other)
    chain.push()
    assert chain.deliveries()[-1].status_code == 400


@rows(
    Fault.DELIVERY_SECRET_DIFFERS,
    "the webhook's token is changed at GitLab, which disabled it after four pushes",
    at=GITLAB,
    cure=r"HOOK.*token.*HOOK/test/push_events",
)
def delivery_secret_differs_until_disabled(chain: Chain) -> None:
    chain.webhook.edit(token="nobody knows it")
    chain.known_tokens.append("nobody knows it")
    for _ in range(4):
        chain.push()
    (hook,) = chain.forge.hooks(chain.path)
    assert hook.disabled_until is not None


@rows(
    Fault.DELIVERY_NO_CONNECTION,
    "the forge gets no connection, where the doctor does",
    at=BOTH,
    cure=r"addresses",
    own_ingress=True,
)
def delivery_no_connection(chain: Chain) -> None:
    chain.ingress.refuse()
    chain.push()
    chain.ingress.resume()


@rows(
    Fault.DELIVERY_TIMED_OUT,
    "the forge waits for a connection in vain, where the doctor gets one",
    cure=r"",
    own_ingress=True,
)
def delivery_timed_out(chain: Chain) -> None:
    impatient(chain)
    chain.ingress.ignore()
    chain.push()
    chain.ingress.resume()
    assert chain.deliveries()[-1].status == "timed out"


@rows(
    Fault.DELIVERY_TOO_LARGE,
    "a push is sent that is larger than the controller takes",
    at=BOTH,
    cure=r"",
)
def delivery_too_large(chain: Chain) -> None:
    newest = chain.deliveries("push" if chain.forge is chain.sandbox.github else PUSH)[-1]
    payload = {**newest.payload, "commits": [{"message": "x" * 1000}] * 3150}
    event = "push" if chain.forge is chain.sandbox.github else PUSH
    chain.forge.send(chain.path, event, payload)
    chain.forge.wait_idle()
    # 413, unless the controller had gone before all was sent.
    assert not chain.deliveries()[-1].ok


@rows(
    Fault.DELIVERY_FAILED,
    "the ingress answered the newest push with 502, and works again",
    at=BOTH,
    cure=r"HOOK/deliveries/\d+/attempts|HOOK/events/\d+/resend",
    own_ingress=True,
)
def delivery_failed(chain: Chain) -> None:
    chain.ingress.rule = rules.answers(502)
    chain.push()
    chain.ingress.rule = None


@rows(
    Fault.DELIVERY_NOT_SENT,
    "four branches are pushed at once, of which GitLab tells nothing",
    at=GITLAB,
    cure=r"three|flux reconcile",
)
def delivery_of_many_branches(chain: Chain) -> None:
    chain.repository.commit({}, message="Begin", branch="one")
    chain.forge.wait_idle()
    commit = chain.commit_locally()
    names = ("main", "one", "two", "three")
    chain.repository.push(*(f"{commit}:refs/heads/{name}" for name in names), force=True)
    chain.forge.wait_idle()


@rows(
    Fault.DELIVERY_NOT_SENT,
    "GitHub sends nothing for a push, as in an incident",
    cure=r"flux reconcile source git app -n NS",
)
def delivery_kept_back(chain: Chain) -> None:
    chain.forge.pause_deliveries()
    chain.after(chain.forge.resume_deliveries)
    chain.repository.commit(chain.content(), message="A change")


@rows(
    Fault.DELIVERY_EVENT_REFUSED,
    "the webhook tells of pages that were built, and the Receiver takes pushes only",
    cure=r"page_build",
)
def delivery_event_refused(chain: Chain) -> None:
    chain.name_scope()
    chain.make("HelmRepository", "charts", {"interval": "30m", "url": "http://localhost:9"})
    chain.patch("Receiver", resources=[{"kind": "HelmRepository", "name": "charts"}])
    chain.await_path()
    # A new one, whose log has no push that was taken.
    chain.webhook.delete()
    chain.webhook.id = chain.webhook.create(chain.url, chain.token, events=["page_build"])
    chain.forge.wait_idle()
    chain.forge.send(chain.path, "page_build", {"build": {"status": "built"}})
    assert chain.deliveries()[-1].status_code == 400


@rows(
    Fault.DELIVERY_THROTTLED,
    "GitHub holds deliveries back, as there are too many",
    cure=r"fewer",
)
def delivery_throttled(chain: Chain) -> None:
    chain.forge.throttling = True
    chain.after(lambda: setattr(chain.forge, "throttling", False))
    chain.push()
    chain.await_applied()


def impatient(chain: Chain) -> None:
    """Let the forge wait for one second instead of ten."""
    poster = chain.forge._poster
    before = poster.timeout
    poster.timeout = 1.0
    chain.after(lambda: setattr(poster, "timeout", before))


@pytest.mark.parametrize("row", rows.all)
def test_the_deliverys_fault_is_named(row: Row, judge: Judge) -> None:
    """The forge's log is read, and read together with what the public URL answers."""
    judge(row)
