"""What can be wrong with an ingress: rules for requests, certificates, no TLS, no answer at all."""

import socket
import ssl
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import trustme

from sandbox.ingress import Ingress, certificates, rules
from tests.sandbox.receiver import Receiver


@pytest.fixture
def ingress(receiver: Receiver) -> Iterator[Ingress]:
    with Ingress(receiver.server_port) as ingress:
        yield ingress


@pytest.fixture
def client(ingress: Ingress) -> Iterator[httpx.Client]:
    """Trusts the authority, follows nothing, and keeps its connections."""
    with httpx.Client(
        verify=ssl.create_default_context(cafile=ingress.ca_file), timeout=5, trust_env=False
    ) as client:
        yield client


def post(ingress: Ingress, client: httpx.Client, path: str = "/hook/one", **how: Any) -> Any:
    return client.post(f"{ingress.url}{path}", **{"content": b"payload", **how})


# Rules


def test_a_fixed_answer_comes_without_the_target_being_asked(
    ingress: Ingress, client: httpx.Client, receiver: Receiver
) -> None:
    """Status, page and headers are those of whatever stands in front."""
    ingress.rule = rules.answers(403, "<h1>Forbidden</h1>", headers={"Server": "waf"})

    answer = post(ingress, client)

    assert (403, "<h1>Forbidden</h1>", "waf") == (
        answer.status_code,
        answer.text,
        answer.headers["server"],
    )
    assert [] == receiver.received


def test_a_fixed_answer_can_be_for_chosen_paths(
    ingress: Ingress, client: httpx.Client, receiver: Receiver
) -> None:
    """The others arrive as they were sent, with their bodies."""
    ingress.rule = rules.answers(404, below="/hook/")

    answers = [post(ingress, client, path).status_code for path in ("/hook/one", "/healthz")]

    assert [404, 200] == answers
    assert [("/healthz", b"payload")] == [(got.path, got.body) for got in receiver.received]


@pytest.mark.parametrize(
    ("rule", "status", "header", "value"),
    [
        pytest.param(
            rules.redirects("https://flux.example.com"),
            308,
            "location",
            "https://flux.example.com/hook/one",
            id="redirect",
        ),
        pytest.param(
            rules.asks_for_password("Flux"), 401, "www-authenticate", 'Basic realm="Flux"', id="401"
        ),
        pytest.param(
            rules.sends_to_login("https://login.example.com/start"),
            302,
            "location",
            "https://login.example.com/start?rd=/hook/one",
            id="login",
        ),
        pytest.param(rules.limits_rate(), 429, "retry-after", "60", id="rate"),
        pytest.param(rules.limits_body(6), 413, "server", "nginx", id="body"),
    ],
)
def test_a_rule_answers_as_what_it_stands_for(
    ingress: Ingress, client: httpx.Client, rule: rules.Rule, status: int, header: str, value: str
) -> None:
    """Status and the header that clients go by."""
    ingress.rule = rule

    answer = post(ingress, client)

    assert (status, value) == (answer.status_code, answer.headers[header])


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        pytest.param(rules.limits_body(7), {}, id="small enough"),
        pytest.param(rules.limits_rate(1), {}, id="seldom enough"),
        pytest.param(rules.asks_for_password(), {"auth": ("u", "p")}, id="credentials"),
    ],
)
def test_what_a_rule_lets_through_arrives(
    ingress: Ingress,
    client: httpx.Client,
    receiver: Receiver,
    rule: rules.Rule,
    options: dict[str, Any],
) -> None:
    """Head and body are what was sent."""
    ingress.rule = rule

    post(ingress, client, headers={"X-Event": "push"}, **options)

    (got,) = receiver.received
    assert ("/hook/one", "push", b"payload") == (got.path, got.headers["x-event"], got.body)


@pytest.mark.parametrize(
    ("rule", "sent", "arrives"),
    [
        pytest.param(rules.adds_prefix("/flux"), "/hook/one?a=b", "/flux/hook/one?a=b", id="add"),
        pytest.param(rules.strips_prefix("/hook"), "/hook/one", "/one", id="strip"),
        pytest.param(rules.strips_prefix("/hook"), "/hooks", "/hooks", id="not below"),
        pytest.param(rules.strips_prefix("/hook"), "/hook", "/", id="all of it"),
    ],
)
def test_a_path_can_be_changed_on_the_way(
    ingress: Ingress,
    client: httpx.Client,
    receiver: Receiver,
    rule: rules.Rule,
    sent: str,
    arrives: str,
) -> None:
    """As a rewriting middleware does it."""
    ingress.rule = rule

    post(ingress, client, sent)

    assert [arrives] == [got.path for got in receiver.received]


def test_a_rule_decides_on_every_request_of_a_client(
    ingress: Ingress, client: httpx.Client, receiver: Receiver
) -> None:
    """Also of one that keeps its connections; without a rule nothing is read again."""
    statuses = []
    for rule in (None, rules.limits_rate(2), rules.answers(503), None):
        ingress.rule = rule
        statuses += [post(ingress, client).status_code for _ in range(3)]

    assert [200] * 3 + [200, 200, 429] + [503] * 3 + [200] * 3 == statuses
    assert 8 == len(receiver.received)


# TLS


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        pytest.param(certificates.expired, "certificate has expired", id="expired"),
        pytest.param(certificates.not_yet_valid, "certificate is not yet valid", id="not yet"),
        pytest.param(certificates.for_other_names, "Hostname mismatch", id="other name"),
        pytest.param(
            lambda _: certificates.of_unknown_authority(),
            "unable to get local issuer",
            id="unknown authority",
        ),
        pytest.param(
            certificates.without_intermediate, "unable to get local issuer", id="half a chain"
        ),
    ],
)
def test_a_bad_certificate_is_refused_until_it_is_mended(
    ingress: Ingress, client: httpx.Client, make: Any, complaint: str
) -> None:
    """Each for its own reason, also by clients that were connected before."""
    post(ingress, client)
    ingress.certificate = make(ingress.ca)
    with pytest.raises(httpx.ConnectError, match=complaint):
        post(ingress, client)

    ingress.certificate = certificates.good(ingress.ca)

    assert 200 == post(ingress, client).status_code


def test_a_certificate_that_is_about_to_expire_is_accepted(receiver: Receiver) -> None:
    """And tells its end to who looks."""
    ca = trustme.CA()
    soon = certificates.expires_in(ca, days=2)
    with Ingress(receiver.server_port, ca=ca, certificate=soon) as ingress:
        context = ssl.create_default_context(cafile=ingress.ca_file)
        address = ("127.0.0.1", int(ingress.host.partition(":")[2]))
        with (
            socket.create_connection(address) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            described = connection.getpeercert()

    assert described is not None
    left = ssl.cert_time_to_seconds(str(described["notAfter"])) - time.time()
    assert 0 < left < 2 * 24 * 3600


def test_without_tls_its_address_is_http(ingress: Ingress, receiver: Receiver) -> None:
    """And works as such."""
    ingress.tls = False

    answer = httpx.post(f"{ingress.url}/hook/one", content=b"plain", trust_env=False)

    assert (200, f"http://{ingress.host}") == (answer.status_code, ingress.url)
    assert [b"plain"] == [got.body for got in receiver.received]


@pytest.mark.parametrize("rule", [None, rules.answers(403)], ids=["no rule", "a rule"])
def test_who_speaks_tls_to_a_plain_port_is_answered_no_tls(
    ingress: Ingress, client: httpx.Client, rule: rules.Rule | None
) -> None:
    """As when a load balancer passes 443 to a port for http."""
    url = ingress.url
    ingress.rule, ingress.tls = rule, False

    with pytest.raises(httpx.ConnectError, match="SSL"):
        client.post(url, content=b"")


# Nothing at all


def test_an_ignoring_ingress_lets_no_connection_come_about(
    ingress: Ingress, client: httpx.Client
) -> None:
    """Not refused, not accepted: whoever asks waits in vain, until it works again."""
    post(ingress, client)
    ingress.ignore()
    with pytest.raises(httpx.ConnectTimeout):
        post(ingress, client, timeout=0.3)

    ingress.resume()

    assert 200 == post(ingress, client).status_code


def test_an_ignoring_ingress_can_refuse_next(ingress: Ingress, client: httpx.Client) -> None:
    """Every state leads to every other."""
    ingress.ignore()
    ingress.refuse()

    with pytest.raises(httpx.ConnectError):
        post(ingress, client)


def test_several_stand_beside_each_other(receiver: Receiver) -> None:
    """One authority is trusted, each has its own port and its own fault."""
    ca = trustme.CA()
    with (
        Ingress(receiver.server_port, ca=ca) as one,
        Ingress(receiver.server_port, ca=ca, rule=rules.answers(503)) as two,
        Ingress(receiver.server_port, tls=False) as three,
    ):
        context = ssl.create_default_context(cafile=one.ca_file)
        with httpx.Client(verify=context, trust_env=False) as client:
            statuses = [post(each, client).status_code for each in (one, two, three)]

    assert [200, 503, 200] == statuses
