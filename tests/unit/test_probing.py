"""What a probe sends, what each answer means, and what it never does unasked."""

import asyncio
import contextlib
import dataclasses
import datetime
import json
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from fluxhooks.errors import ObservationError
from fluxhooks.flux.hook_path import UNKNOWN_PATH, hook_path
from fluxhooks.flux.receiver_types import RECEIVER_TYPES, Proof, ReceiverType
from fluxhooks.flux.resource_filter import with_probe
from fluxhooks.flux.signature import sign
from fluxhooks.observe import probe
from fluxhooks.observe.cluster import ServedReceiver
from fluxhooks.observe.probing.examination import Settings, examine, withheld
from fluxhooks.observe.probing.findings import Check, Finding, Probed, Verdict
from fluxhooks.observe.probing.targets import Target, of_cluster, of_stack, of_url
from fluxhooks.observe.state import DeclaredGeneration, DeclaredReceiver, parse

TOKEN = "a-token-nobody-may-see"
PATH = hook_path(TOKEN, "app-g1", "flux-system")
HOST = "flux.example.com"
APP = Target(
    name="app",
    type=ReceiverType.GITHUB,
    url=f"https://{HOST}{PATH}",
    token=TOKEN,
    event="push",
    harmless=True,
)

Answer = int | httpx.Response | Exception


class Certificate:
    """What the network says of a connection's certificate, where one is valid for some days."""

    def __init__(self, days: float) -> None:
        self._until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)

    def get_extra_info(self, _: str) -> "Certificate":
        return self

    def getpeercert(self) -> dict[str, str]:
        return {"notAfter": f"{self._until:%b %d %H:%M:%S %Y GMT}"}


class Door:
    """A public host: what it answers on a path that no Receiver has, unsigned and signed.

    A list is answered in its order, and its last for ever.
    """

    def __init__(
        self,
        *,
        control: Answer | list[Answer] = 404,
        unsigned: Answer | list[Answer] = 400,
        signed: Answer | list[Answer] = 200,
        days: float = 63.5,
    ) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = {
            name: list(given) if isinstance(given, list) else [given]
            for name, given in (("control", control), ("unsigned", unsigned), ("signed", signed))
        }
        self._certificate = Certificate(days)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        asked = "signed" if request.method == "POST" else "unsigned"
        answers = self._answers["control" if request.url.path.endswith(UNKNOWN_PATH) else asked]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        given = answer if isinstance(answer, httpx.Response) else httpx.Response(answer)
        return httpx.Response(
            given.status_code,
            headers=given.headers,
            content=given.content,
            extensions={"network_stream": self._certificate},
        )

    @property
    def asked(self) -> list[str]:
        """Method and path of each request, a made-up path told apart."""
        return [
            f"{request.method} {'made-up' if request.url.path == UNKNOWN_PATH else 'hook'}"
            for request in self.requests
        ]


def probed(door: Callable[[httpx.Request], Any], *targets: Target, **settings: Any) -> list[Probed]:
    """Examine targets behind a door, asking once."""
    return asyncio.run(
        examine(
            targets or [APP],
            Settings(**{"settle_for": 0, **settings}),
            certificates=_NO_CERTIFICATES,
            transport=httpx.MockTransport(door),
        )
    )


# Nothing is encrypted where nothing is sent.
_NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def finding(check: Check, door: Door, target: Target = APP, **settings: Any) -> Finding:
    """Return what one check comes to."""
    (found,) = probed(door, target, **settings)
    return next(each for each in found.findings if each.check is check)


def verdicts(found: Probed) -> list[str]:
    """Return what all checks came to."""
    return [str(each.verdict) for each in found.findings]


def page(status: int, server: str = "nginx") -> httpx.Response:
    """Return an answer with a page."""
    return httpx.Response(status, headers={"server": server}, text="<html>no</html>")


def redirect(status: int, location: str) -> httpx.Response:
    """Return a redirect."""
    return httpx.Response(status, headers={"location": location})


def caused(by: Exception, *, kind: type[httpx.HTTPError] = httpx.ConnectError) -> Exception:
    """Return the error that httpx raises for one of the network's."""
    error = kind("All connection attempts failed")
    error.__cause__ = by
    return error


# What is sent


def test_a_receiver_that_answers_as_it_must_is_found_well() -> None:
    """Three requests tell it: a made-up path, a GET without a signature, and a signed probe."""
    door = Door()
    (found,) = probed(door)

    assert ["ok", "ok", "ok", "ok", "skipped"] == verdicts(found)
    assert [None, 404, 400, 200, None] == [each.status for each in found.findings]
    assert ["GET made-up", "GET hook", "POST hook"] == door.asked
    body = probe.probe_body(ReceiverType.GITHUB)
    assert body == door.requests[2].content
    sent = door.requests[2].headers
    assert {"push", sign(ReceiverType.GITHUB, TOKEN, body)["X-Hub-Signature-256"]} == {
        sent["x-github-event"],
        sent["x-hub-signature-256"],
    }
    assert b"" == door.requests[1].content
    assert set() == {n for n in door.requests[1].headers if n.startswith(("x-", "content-type"))}


def test_its_json_says_each_check_and_no_secret() -> None:
    """Names are for machines; times are in milliseconds."""
    (found,) = probed(Door())
    shown = found.as_json()
    first = shown["checks"][0]

    assert ("app", "github", HOST, True) == tuple(shown[k] for k in ("name", "type", "host", "ok"))
    assert ["tls", "control", "unsigned", "signed", "delivery"] == [
        check["check"] for check in shown["checks"]
    ]
    assert 63 == first["certificate_days"]
    assert all(isinstance(check["ms"], float) for check in shown["checks"][1:4])
    assert TOKEN not in json.dumps(shown)
    assert PATH not in json.dumps(shown)


@pytest.mark.parametrize("receiver_type", list(ReceiverType))
def test_each_type_gets_what_tells_of_it_and_reconciles_nothing(
    receiver_type: ReceiverType,
) -> None:
    """With the filter that spares probes: what is left out would reconcile, or cannot be made."""
    door = Door()
    target = dataclasses.replace(APP, type=receiver_type)
    probed(door, target)
    facts = RECEIVER_TYPES[receiver_type]
    provable = facts.proof is not Proof.IDENTITY and receiver_type is not ReceiverType.CDEVENTS

    expected = ["GET made-up"]
    expected += [] if receiver_type is ReceiverType.GENERIC else ["GET hook"]
    expected += ["POST hook"] if provable else []
    assert expected == door.asked
    assert [b'"fluxhooksProbe":true' in r.content for r in door.requests[-1:]] == [provable]


@pytest.mark.parametrize("receiver_type", list(ReceiverType))
def test_without_the_filter_no_type_is_sent_a_probe(receiver_type: ReceiverType) -> None:
    """It would reconcile, and is told of beforehand."""
    door = Door()
    target = dataclasses.replace(APP, type=receiver_type, harmless=False)
    found = finding(Check.SIGNED, door, target)

    assert "POST hook" not in door.asked
    assert (Verdict.SKIPPED, None) == (found.verdict, found.status)
    why = "signed probe (nothing in its resourceFilter keeps a signed probe from reconciling)"
    assert target.signable == (why in withheld(target))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param(
            {"type": ReceiverType.GENERIC},
            "a Receiver of this type reconciles on any request, a GET too",
            id="generic",
        ),
        pytest.param(
            {"type": ReceiverType.GITLAB, "token": None},
            "a Receiver with an empty token would take a GET for a delivery, and the token is not "
            "known",
            id="gitlab, its token unknown",
        ),
        pytest.param(
            {"type": ReceiverType.HARBOR, "token": None},
            "a Receiver with an empty token would take a GET for a delivery, and the token is not "
            "known",
            id="harbor, its token unknown",
        ),
    ],
)
def test_a_get_that_might_reconcile_is_not_sent(changes: dict[str, Any], why: str) -> None:
    """And is told of beforehand."""
    door = Door()
    target = dataclasses.replace(APP, **changes)

    assert f"not sent: {why}" == finding(Check.UNSIGNED, door, target).seen
    assert "GET hook" not in door.asked
    assert [f"unsigned GET ({why})"] == withheld(target)


def test_nothing_is_withheld_from_a_receiver_of_ours() -> None:
    """Nobody is warned of nothing."""
    assert [] == withheld(APP)
    assert [] == withheld(dataclasses.replace(APP, url="", harmless=False))


def test_an_empty_token_is_wrong_and_never_tried() -> None:
    """The controller would take anything, so the GET would be a delivery."""
    door = Door()
    target = dataclasses.replace(APP, type=ReceiverType.GITLAB, token="")
    found = finding(Check.UNSIGNED, door, target)

    assert Verdict.WRONG is found.verdict
    assert "The token in its Secret is empty: whoever knows the path is believed." == found.cure
    assert ["GET made-up"] == door.asked


@pytest.mark.parametrize("token", ["token\n", "to\nken", "token\r"])
def test_a_line_break_in_a_token_is_wrong(token: str) -> None:
    """The path works and every signature of a sender fails: ours would not."""
    door = Door()
    found = finding(Check.SIGNED, door, dataclasses.replace(APP, token=token))

    assert (Verdict.WRONG, "not sent: the token in its Secret has a line break") == (
        found.verdict,
        found.seen,
    )
    assert "POST hook" not in door.asked


@pytest.mark.parametrize("token", [" token", "token ", "to\x00ken", "to\x1bken", "to\x7fken"])
@pytest.mark.parametrize("receiver_type", [ReceiverType.GITLAB, ReceiverType.HARBOR])
def test_a_token_that_no_header_can_hold_is_wrong(receiver_type: ReceiverType, token: str) -> None:
    """Who tries to send it is told so with a text that quotes it."""
    door = Door()
    found = finding(Check.SIGNED, door, dataclasses.replace(APP, type=receiver_type, token=token))

    assert (
        Verdict.WRONG,
        "not sent: the token in its Secret cannot be the value of a header",
    ) == (found.verdict, found.seen)
    assert "POST hook" not in door.asked


@pytest.mark.parametrize(
    ("gone", "verdict"), [(True, Verdict.WRONG), (False, Verdict.UNKNOWN)], ids=["gone", "hidden"]
)
def test_without_a_token_nothing_is_signed(gone: bool, verdict: Verdict) -> None:
    """A Secret that is gone is wrong; one that may not be read leaves it open."""
    door = Door()
    target = dataclasses.replace(APP, token=None, no_token="no Secret", token_is_gone=gone)
    found = finding(Check.SIGNED, door, target)

    assert (verdict, "not sent: no Secret") == (found.verdict, found.seen)
    assert ["GET made-up", "GET hook"] == door.asked


def test_a_token_beyond_ascii_is_sent_as_it_is() -> None:
    """Kubernetes takes any text."""
    door = Door()
    token = "tökén"
    probed(door, dataclasses.replace(APP, type=ReceiverType.GITLAB, token=token))

    assert token.encode() in [value for _, value in door.requests[-1].headers.raw]


@pytest.mark.parametrize("receiver_type", list(ReceiverType))
def test_a_delivery_is_sent_where_it_is_asked_for(receiver_type: ReceiverType) -> None:
    """Last, and with a body that our filter lets through."""
    door = Door()
    target = dataclasses.replace(APP, type=receiver_type, harmless=False)
    found = finding(Check.DELIVERY, door, target, deliver=True)
    bodies = [request.content for request in door.requests if request.method == "POST"]

    if target.signable:
        assert (Verdict.OK, 200) == (found.verdict, found.status)
        assert [probe.catch_up_body(receiver_type)] == bodies
    else:
        assert (Verdict.SKIPPED, []) == (found.verdict, bodies)


def test_a_delivery_to_a_filter_of_somebody_elses_may_reconcile_nothing() -> None:
    """A 200 does not tell, so it is said."""
    target = dataclasses.replace(APP, harmless=False, filtered=True)
    found = finding(Check.DELIVERY, Door(), target, deliver=True)

    assert "200; its own filter decides what is reconciled" == found.seen


# What answers mean

RESOLVING = caused(socket.gaierror(-2, "Name or service not known"))
MISMATCH = ssl.SSLCertVerificationError(1, "certificate verify failed")
MISMATCH.verify_code, MISMATCH.verify_message = 62, "Hostname mismatch, certificate is not valid"
WRONG_VERSION = ssl.SSLError(1, "wrong version number")
WRONG_VERSION.reason = "WRONG_VERSION_NUMBER"
TWO_ADDRESSES = OSError("All connection attempts failed")
TWO_ADDRESSES.__cause__ = ExceptionGroup(
    "attempts", [ConnectionRefusedError(111, "a"), OSError(101, "b")]
)


@pytest.mark.parametrize(
    ("problem", "seen", "cure"),
    [
        pytest.param(
            RESOLVING,
            "its name is not known to DNS",
            "Make a DNS record for the host",
            id="DNS",
        ),
        pytest.param(
            caused(ConnectionRefusedError(111, "Connection refused")),
            "the connection was refused",
            "Start what must listen on that port",
            id="refused",
        ),
        pytest.param(
            caused(TWO_ADDRESSES),
            "the connection was refused",
            "Start what must listen on that port",
            id="refused by one of two addresses",
        ),
        pytest.param(
            httpx.ConnectTimeout("x"),
            "no connection within 10 s",
            "Let the firewall pass",
            id="no connection",
        ),
        pytest.param(
            caused(MISMATCH),
            "its certificate is not valid (Hostname mismatch, certificate is not valid)",
            "Issue one for this host",
            id="certificate",
        ),
        pytest.param(
            caused(WRONG_VERSION),
            "what listens there speaks no TLS",
            "Serve https on that port",
            id="no TLS",
        ),
        pytest.param(
            httpx.ConnectError(f"no route for {PATH}"),
            "there is no connection (no route for /hook/***)",
            "Make a route to the host",
            id="anything else, masked",
        ),
    ],
)
def test_why_there_is_no_connection(problem: Exception, seen: str, cure: str) -> None:
    """Each has a cure of its own; nothing else is sent."""
    door = Door(control=problem)
    (found,) = probed(door)

    assert ["wrong", "skipped", "skipped", "skipped", "skipped"] == verdicts(found)
    assert seen == found.findings[0].seen
    assert found.findings[0].cure.startswith(cure)
    assert ["GET made-up"] == door.asked


@pytest.mark.parametrize(
    ("days", "verdict", "seen"),
    [
        (90.5, Verdict.OK, "valid for 90 days"),
        (14.5, Verdict.OK, "valid for 14 days"),
        (13.5, Verdict.WARNING, "valid for 13 days"),
        (0.5, Verdict.WARNING, "valid for 0 days"),
    ],
)
def test_a_certificate_that_expires_soon_is_a_warning(
    days: float, verdict: Verdict, seen: str
) -> None:
    """Under fourteen days something did not renew it; deliveries still arrive."""
    (found,) = probed(Door(days=days))

    assert (verdict, seen, int(days)) == (
        found.findings[0].verdict,
        found.findings[0].seen,
        found.findings[0].days,
    )
    assert found.as_json()["ok"]


def test_a_url_without_tls_is_a_warning() -> None:
    """It works, and everybody on the way reads the token."""
    (found,) = probed(Door(), dataclasses.replace(APP, url=f"http://{HOST}{PATH}"))

    assert ["warning", "ok", "ok", "ok", "skipped"] == verdicts(found)


OTHER = "Have the Service webhook-receiver answer there: something else does."


@pytest.mark.parametrize(
    ("answer", "verdict", "seen", "cure"),
    [
        pytest.param(404, Verdict.OK, "404", "", id="the controller"),
        pytest.param(
            page(404),
            Verdict.WARNING,
            "404 with a page of nginx",
            "The controller's 404 has no page",
            id="an ingress",
        ),
        pytest.param(
            400,
            Verdict.WRONG,
            "400",
            "Route the host to the Service webhook-receiver, not notification-controller",
            id="400",
        ),
        pytest.param(
            page(400), Verdict.WRONG, "400 with a page of nginx", OTHER, id="400 of another"
        ),
        pytest.param(
            200,
            Verdict.WRONG,
            "200",
            "Route /hook/ of the host to the Service webhook-receiver",
            id="catch-all",
        ),
        pytest.param(
            202,
            Verdict.WRONG,
            "202",
            "Route the host to the Service webhook-receiver, not notification-controller",
            id="202",
        ),
        pytest.param(
            redirect(302, f"https://login.example.com/?to=%2Fhook%2F{'0' * 64}"),
            Verdict.WRONG,
            "302, a redirect to https://login.example.com/?to=%2Fhook%2F***",
            "Let /hook/ pass without a login",
            id="login page",
        ),
        pytest.param(
            redirect(308, f"https://www.example.com/hook/{'0' * 64}"),
            Verdict.WRONG,
            "308, a redirect to https://www.example.com/hook/***",
            "Let nothing in front redirect /hook/",
            id="redirect",
        ),
        pytest.param(304, Verdict.WRONG, "304", "Let nothing in front redirect /hook/", id="304"),
        pytest.param(401, Verdict.WRONG, "401", "Let /hook/ pass without a login", id="401"),
        pytest.param(403, Verdict.WRONG, "403", "Let /hook/ pass, for the addresses", id="403"),
        pytest.param(405, Verdict.WRONG, "405", OTHER, id="405"),
        pytest.param(
            407, Verdict.WRONG, "407", "Give the proxy between here and the host", id="407"
        ),
        pytest.param(429, Verdict.WRONG, "429", "Leave /hook/ out of what limits", id="429"),
        pytest.param(500, Verdict.WRONG, "500", OTHER, id="500"),
        pytest.param(502, Verdict.WRONG, "502", "Start notification-controller, and see", id="502"),
        pytest.param(503, Verdict.WRONG, "503", "Start notification-controller, and see", id="503"),
        pytest.param(
            504, Verdict.WRONG, "504", "Let the ingress reach notification-controller", id="504"
        ),
        pytest.param(
            httpx.ReadTimeout("x"),
            Verdict.WRONG,
            "no answer within 10 s",
            "See that notification-controller runs",
            id="silence",
        ),
        pytest.param(
            httpx.LocalProtocolError(f"Illegal header value b'{TOKEN}'"),
            Verdict.WRONG,
            "the connection ended without an answer (it could not be sent)",
            "See that what listens there speaks HTTP",
            id="not sent, and not quoted",
        ),
        pytest.param(
            httpx.RemoteProtocolError("Server disconnected"),
            Verdict.WRONG,
            "the connection ended without an answer (Server disconnected)",
            "See that what listens there speaks HTTP",
            id="cut off",
        ),
    ],
)
def test_what_answers_on_a_made_up_path(
    answer: Answer, verdict: Verdict, seen: str, cure: str
) -> None:
    """Only the controller's own 404 is right; to anything else no token is shown."""
    door = Door(control=answer)
    found = finding(Check.CONTROL, door)

    assert (verdict, seen) == (found.verdict, found.seen)
    assert found.cure.startswith(cure)
    assert (verdict is not Verdict.WRONG) == ("POST hook" in door.asked)


@pytest.mark.parametrize(
    ("answer", "verdict", "cure"),
    [
        pytest.param(400, Verdict.OK, "", id="it checks"),
        pytest.param(404, Verdict.WRONG, "No Receiver has this path", id="none there"),
        pytest.param(503, Verdict.WRONG, "The Receiver is suspended or not Ready.", id="suspended"),
        pytest.param(
            page(503), Verdict.WRONG, "Start notification-controller, and see", id="no backend"
        ),
        pytest.param(200, Verdict.WRONG, "A Receiver of the type github refuses", id="taken"),
        pytest.param(
            redirect(308, "/"), Verdict.WRONG, "Let nothing in front redirect /hook/", id="redirect"
        ),
        pytest.param(403, Verdict.WRONG, "Let /hook/ pass, for the addresses", id="refused"),
        pytest.param(500, Verdict.WRONG, OTHER, id="broken"),
        pytest.param(
            httpx.ReadTimeout("x"), Verdict.WRONG, "See that notification-controller", id="silence"
        ),
    ],
)
def test_what_a_get_without_a_signature_says(answer: Answer, verdict: Verdict, cure: str) -> None:
    """400 is the good news: the Receiver is there, Ready, and checks."""
    door = Door(unsigned=answer)
    found = finding(Check.UNSIGNED, door)

    assert verdict is found.verdict
    assert found.cure.startswith(cure)
    assert (verdict is Verdict.OK) == ("POST hook" in door.asked)


def test_a_page_in_place_of_errors_does_not_hide_a_receiver() -> None:
    """Its 400 proves it, whatever stands in front; a page there too proves nothing routes to it."""
    (found,) = probed(Door(control=page(404), unsigned=page(400)))
    assert ["ok", "warning", "ok", "ok", "skipped"] == verdicts(found)

    gone = finding(Check.UNSIGNED, Door(control=page(404), unsigned=page(404)))
    assert gone.cure.startswith("Nothing routes /hook/ of the host to the Service webhook-receiver")


def test_a_path_that_is_about_to_change_is_a_warning() -> None:
    """Whoever rotates in place is refused at once, and finds no path a while later."""
    target = dataclasses.replace(APP, stale=True)
    found = finding(Check.UNSIGNED, Door(), target)

    assert (Verdict.WARNING, "400, on an old path") == (found.verdict, found.seen)
    assert found.cure.startswith("The token in its Secret was changed: with its next reconcile")


def test_what_the_cluster_knows_of_it_is_said_with_the_answer() -> None:
    """A 503 is a suspension or a failure; the Receiver itself says which."""
    target = dataclasses.replace(APP, trouble="it is suspended")
    found = finding(Check.UNSIGNED, Door(unsigned=503), target)

    assert (
        "The Receiver is suspended or not Ready. The cluster says of it: it is suspended."
    ) == found.cure


@pytest.mark.parametrize("check", [Check.SIGNED, Check.DELIVERY])
@pytest.mark.parametrize(
    ("answer", "cure"),
    [
        pytest.param(
            400,
            "It refused the signature or the event, without saying which: is the token the one in "
            "the Receiver's Secret, and 'push' among its spec.events?",
            id="refused",
        ),
        pytest.param(500, "A target could not be reconciled", id="target"),
        pytest.param(202, OTHER, id="another Service"),
        pytest.param(404, "No Receiver has this path", id="gone meanwhile"),
        pytest.param(413, "Let larger bodies pass", id="size"),
        pytest.param(redirect(301, "/"), "Let nothing in front redirect /hook/", id="redirect"),
        pytest.param(502, "Start notification-controller, and see", id="backend"),
    ],
)
def test_what_an_answer_to_something_signed_says(check: Check, answer: Answer, cure: str) -> None:
    """Only 200 is right, for the probe and for a delivery."""
    target = dataclasses.replace(APP, harmless=check is Check.SIGNED)
    found = finding(check, Door(signed=answer), target, deliver=True)

    assert Verdict.WRONG is found.verdict
    assert found.cure.startswith(cure)


def test_a_registry_is_not_told_of_a_signature() -> None:
    """Its deliveries have none."""
    target = dataclasses.replace(APP, type=ReceiverType.QUAY)
    found = finding(Check.SIGNED, Door(signed=400), target)

    assert "It did not take the body for one of quay: is that its type?" == found.cure


@pytest.mark.parametrize(
    "answer", [redirect(301, f"https://{HOST}/login"), redirect(307, "https://evil.example.com/x")]
)
def test_no_redirect_is_followed(answer: httpx.Response) -> None:
    """No forge follows one, and a token must not travel on."""
    door = Door(control=404, unsigned=answer)
    probed(door)

    assert {HOST} == {request.url.host for request in door.requests}
    assert ["GET made-up", "GET hook"] == door.asked


# Many, and in time


def test_a_host_is_asked_once_for_all_that_are_on_it() -> None:
    """Connections and what is true of a host are shared."""
    door = Door()
    targets = [
        dataclasses.replace(APP, name=str(i), url=f"https://{HOST}{hook_path(TOKEN, str(i), '')}")
        for i in range(300)
    ]
    found = probed(door, *targets)

    assert [str(i) for i in range(300)] == [each.name for each in found]
    assert {("ok", "ok", "ok", "ok", "skipped")} == {tuple(verdicts(each)) for each in found}
    assert (1, 601) == (door.asked.count("GET made-up"), len(door.requests))


def test_no_more_requests_are_under_way_than_allowed() -> None:
    """Neither the ingress nor this machine is flooded."""
    under_way, most = 0, 0

    async def slow(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        under_way -= 1
        if request.url.path == UNKNOWN_PATH:
            return httpx.Response(404)
        return httpx.Response(400 if request.method == "GET" else 200)

    found = probed(slow, *([APP] * 50), at_once=4)

    assert 4 == most
    assert all(each.as_json()["ok"] for each in found)


def test_what_is_not_done_in_time_is_left_and_said() -> None:
    """What was found by then counts."""
    stuck = f"https://stuck.example.com{PATH}"

    async def silent(request: httpx.Request) -> httpx.Response:
        if request.url.host == "stuck.example.com" and request.url.path != UNKNOWN_PATH:
            await asyncio.Event().wait()
        return Door()(request)

    slow, good = probed(silent, dataclasses.replace(APP, url=stuck), APP, limit=3)

    assert ["ok", "ok", "unknown", "unknown", "skipped"] == verdicts(slow)
    assert "not done within 3 s" == slow.findings[2].seen
    assert ["ok", "ok", "ok", "ok", "skipped"] == verdicts(good)


@pytest.mark.parametrize(
    "first",
    [404, 502, 503, 504, httpx.ConnectError("refused"), httpx.ReadTimeout("x")],
    ids=str,
)
def test_what_may_settle_is_asked_again(first: Answer) -> None:
    """A Receiver that is being made, an ingress that is being told of it."""
    door = Door(unsigned=[first, first, 400])

    assert Verdict.OK is finding(Check.UNSIGNED, door, settle_for=20).verdict


@pytest.mark.parametrize(
    ("answer", "asked"),
    [
        pytest.param({"control": 404}, 1, id="the made-up path"),
        pytest.param({"control": caused(MISMATCH)}, 1, id="certificate"),
        pytest.param({"control": caused(WRONG_VERSION)}, 1, id="no TLS"),
        pytest.param({"control": 403}, 1, id="refused"),
    ],
)
def test_what_will_not_settle_is_asked_once(answer: dict[str, Any], asked: int) -> None:
    """Waiting mends none of them."""
    door = Door(**answer)
    probed(door, settle_for=20)

    assert asked == door.asked.count("GET made-up")


def test_an_error_of_our_own_is_not_taken_for_the_hosts() -> None:
    """It is raised, not told as a finding."""

    def broken(request: httpx.Request) -> httpx.Response:
        raise LookupError("a mistake")

    with pytest.raises(LookupError, match="a mistake"):
        probed(broken)


def test_nothing_to_probe_is_no_error() -> None:
    """An empty list has no findings."""
    assert [] == asyncio.run(examine([], Settings()))


def test_no_log_line_holds_the_path_or_the_token(caplog: pytest.LogCaptureFixture) -> None:
    """httpx logs each URL; its lines are masked for whoever turns logging on."""
    caplog.set_level(logging.DEBUG)
    probed(Door(unsigned=redirect(302, PATH)))

    assert f"https://{HOST}/hook/***" in caplog.text
    assert PATH not in caplog.text + repr(APP)
    assert TOKEN not in caplog.text + repr(APP)


# On the network


class Listener:
    """A server on localhost that answers like the controller, with a certificate or none."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> "Listener":
        self._thread.start()
        starting = asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=self._context)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        async def close() -> None:
            self._server.close()
            await self._server.wait_closed()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            # All of a request comes at once, and so does a first message of TLS.
            head = await reader.read(4096)
            status = b"404 Not Found" if UNKNOWN_PATH.encode() in head else b"400 Bad Request"
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n")
            writer.write(b"Connection: close\r\n\r\n")
            await writer.drain()
        writer.close()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority."""
    return trustme.CA()


def _served(authority: trustme.CA, *names: str, days: int = 40) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days, hours=1)
    authority.issue_cert(*names, not_after=until).configure_cert(context)
    return context


def _over_the_network(port: int, *trusted: trustme.CA, scheme: str = "https") -> Probed:
    context = ssl.create_default_context()
    for each in trusted:
        each.configure_trust(context)
    target = dataclasses.replace(APP, url=f"{scheme}://localhost:{port}{PATH}", harmless=False)
    (found,) = asyncio.run(examine([target], Settings(settle_for=0), certificates=context))
    return found


def test_a_certificate_is_read_from_the_connection(authority: trustme.CA) -> None:
    """Its days are those of the very certificate that was shown, and connecting is timed."""
    with Listener(_served(authority, "localhost")) as listener:
        found = _over_the_network(listener.port, authority)

    assert ["ok", "ok", "ok", "skipped", "skipped"] == verdicts(found)
    assert 40 == found.findings[0].days
    assert (found.findings[0].milliseconds or 0) > 0


@pytest.mark.parametrize(
    ("names", "days", "trust", "code"),
    [
        pytest.param(("other.example.com",), 40, True, "Issue one for this host", id="other name"),
        pytest.param(("localhost",), -1, True, "Renew it", id="expired"),
        pytest.param(("localhost",), 40, False, "Have it signed by an authority", id="unknown"),
    ],
)
def test_what_is_wrong_with_a_certificate(
    authority: trustme.CA, names: tuple[str, ...], days: int, trust: bool, code: str
) -> None:
    """OpenSSL tells them apart, and each has its own cure."""
    with Listener(_served(authority, *names, days=days)) as listener:
        found = _over_the_network(listener.port, *([authority] if trust else []))

    assert found.findings[0].seen.startswith("its certificate is not valid (")
    assert found.findings[0].cure.startswith(code)


def test_a_port_without_tls_and_one_where_nobody_is(authority: trustme.CA) -> None:
    """They are told apart, from each other and from a slow one."""
    with Listener(None) as listener:
        found = _over_the_network(listener.port, authority)
        plain = _over_the_network(listener.port, authority, scheme="http")
    nobody = _over_the_network(listener.port, authority)

    assert "what listens there speaks no TLS" == found.findings[0].seen
    assert ["warning", "ok", "ok", "skipped", "skipped"] == verdicts(plain)
    assert "the connection was refused" == nobody.findings[0].seen


# Targets

STATE = parse((Path(__file__).parent.parent / "golden" / "interrupted-stack.json").read_text())


def test_a_stacks_generations_are_targets_retained_ones_too() -> None:
    """With all that a signed probe needs, and the knowledge that it is harmless."""
    found = of_stack(STATE.receivers.values())

    assert ["app 3 retained", "app 2 live", "web 2 live", "web 1 retained"] == [
        target.name for target in found
    ]
    assert [("github", "push", True, [], "")] * 4 == [
        (str(t.type), t.event, t.harmless, withheld(t), t.no_url) for t in found
    ]
    for target in found:
        name, number, _ = target.name.split()
        generation = STATE.receivers[name].generations[int(number)]
        assert (generation.token, True) == (target.token, target.url.endswith(generation.path))
    live = STATE.receivers["web"].finished_url
    assert [live] == [target.url for target in found if target.name == "web 2 live"]


def _declared(*generations: DeclaredGeneration, **changes: Any) -> DeclaredReceiver:
    return DeclaredReceiver(
        name="app",
        urn="urn",
        live=1,
        finished_url=f"https://{HOST}{PATH}",
        generations={generation.number: generation for generation in generations},
        **changes,
    )


@pytest.mark.parametrize(
    ("receiver", "why"),
    [
        pytest.param(
            _declared(DeclaredGeneration(number=1)),
            "the stack's state has no Receiver for it; pulumi up --refresh makes one",
            id="no Receiver",
        ),
        pytest.param(
            dataclasses.replace(
                _declared(DeclaredGeneration(number=1, receiver="app-g1", path=PATH)),
                finished_url="",
                live=None,
            ),
            "its first update was not finished; pulumi up finishes it",
            id="not finished",
        ),
    ],
)
def test_a_generation_without_a_url_is_wrong_and_not_asked(
    receiver: DeclaredReceiver, why: str
) -> None:
    """The state says what to do."""
    (target,) = of_stack([receiver])
    door = Door()
    (found,) = probed(door, target)

    assert ["skipped", "skipped", "wrong", "skipped", "skipped"] == verdicts(found)
    assert why == found.findings[2].cure
    assert [] == door.requests


def test_a_path_the_state_does_not_have_is_computed() -> None:
    """A run that was stopped may have left it out."""
    generation = DeclaredGeneration(
        number=1, namespace="flux-system", receiver="app-g1", token=TOKEN
    )
    (target,) = of_stack([_declared(generation)])

    assert f"https://{HOST}{PATH}" == target.url


class Cluster:
    """A cluster with Receivers, and Secrets by name: a token, none, or an error."""

    def __init__(
        self, *receivers: ServedReceiver, tokens: dict[str, str | Exception | None] | None = None
    ) -> None:
        self._receivers = receivers
        self._tokens = tokens or {}

    def served(self, namespace: str) -> list[ServedReceiver]:
        return [r for r in self._receivers if namespace in ("*", r.namespace)]

    def token(self, namespace: str, secret: str) -> str | None:
        found = self._tokens[secret]
        if isinstance(found, Exception):
            raise found
        return found


def _of_cluster(
    *receivers: ServedReceiver, namespace: str = "*", **tokens: Any
) -> tuple[list[Target], list[str]]:
    cluster: Any = Cluster(*receivers, tokens=tokens)
    return of_cluster(cluster, HOST, namespace=namespace)


def _receiver(name: str = "app", **changes: Any) -> ServedReceiver:
    given = {"namespace": "ns", "type": "github", "path": PATH, "secret": "s", **changes}
    return ServedReceiver(name=name, **given)


def test_a_clusters_receivers_are_targets_by_whomever_made() -> None:
    """Whether a probe is harmless is read from their filter."""
    found, unseen = _of_cluster(
        _receiver("b", resource_filter=with_probe(None), events=("ping", "push", "package")),
        _receiver("a", resource_filter="req.ref == 'x'", events=("ping",)),
        _receiver("c", type="generic-oidc", secret=""),
        s=TOKEN,
    )

    assert [] == unseen
    assert [
        ("ns/a", "ping", False, True, TOKEN),
        ("ns/b", "push", True, False, TOKEN),
        ("ns/c", "", False, False, ""),
    ] == [(t.name, t.event, t.harmless, t.filtered, t.token) for t in found]
    assert {f"https://{HOST}{PATH}"} == {t.url for t in found}


def test_what_cannot_be_seen_of_a_cluster_is_told() -> None:
    """One Secret, or one type, does not keep the others from being probed."""
    found, unseen = _of_cluster(
        _receiver("a", secret="hidden"),
        _receiver("b", secret="gone"),
        _receiver("c", type="telepathy"),
        _receiver("d", path="", trouble="TokenNotFound: no Secret"),
        hidden=ObservationError("the cluster refused Secret ns/hidden: 403 Forbidden"),
        gone=None,
        s=TOKEN,
    )

    assert ["Receiver ns/c has the type 'telepathy', which this version does not know"] == unseen
    assert [
        (None, "the cluster refused Secret ns/hidden: 403 Forbidden", False, ""),
        (None, "there is no Secret ns/gone with a token", True, ""),
        (
            TOKEN,
            "there is no Secret ns/s with a token",
            False,
            "it has no path: TokenNotFound: no Secret",
        ),
    ] == [(t.token, t.no_token, t.token_is_gone, t.no_url) for t in found]


def test_a_token_that_was_changed_in_place_is_seen() -> None:
    """The path in the status was made of the one before."""
    found, _ = _of_cluster(
        _receiver("changed"),
        _receiver("kept", path=hook_path(TOKEN, "kept", "ns")),
        _receiver("none", type="generic-oidc", secret=""),
        s=TOKEN,
    )

    assert [True, False, False] == [target.stale for target in found]


def test_a_namespace_bounds_what_is_probed() -> None:
    """Only its Receivers are asked for."""
    found, _ = _of_cluster(
        _receiver("a"), _receiver("b", namespace="other"), namespace="other", s="t"
    )

    assert ["other/b"] == [target.name for target in found]


def test_of_a_bare_url_nothing_is_assumed() -> None:
    """A probe may reconcile until somebody says that the filter is there."""
    url = f"https://{HOST}{PATH}"
    unknown = of_url(url, receiver_type=ReceiverType.GITLAB, token=TOKEN)
    known = of_url(url, receiver_type=ReceiverType.GITLAB, token=TOKEN, harmless=True, event="x")

    assert (HOST, "Push Hook", False) == (unknown.name, unknown.event, unknown.harmless)
    assert ("x", True) == (known.event, known.harmless)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of this machine's is none of a test's."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
