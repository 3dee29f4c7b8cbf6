"""Requests to a Receiver's public URL: what is sent, what is repeated, what is told of it."""

import asyncio
import json
import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from fluxhooks.flux.hook_path import hook_path
from fluxhooks.flux.receiver_types import RECEIVER_TYPES, ReceiverType
from fluxhooks.flux.signature import sign
from fluxhooks.observe import probe
from fluxhooks.observe.probe import Answer
from tests.unit.host import Host

_TOKEN = "a-token-nobody-may-see"
_PATH = hook_path(_TOKEN, "app-g1", "flux-system")
_URL = f"https://flux.example.com{_PATH}"


def _deliver(host: Callable[[httpx.Request], httpx.Response], **given: Any) -> Answer:
    arguments: dict[str, Any] = {
        "receiver_type": ReceiverType.GITHUB,
        "token": _TOKEN,
        "event": "push",
        "body": b"{}",
        "settle_for": 0,
        "transport": httpx.MockTransport(host),
        **given,
    }
    return asyncio.run(probe.deliver(_URL, **arguments))


def test_a_delivery_is_sent_as_the_forge_would() -> None:
    """Signature, event and content type are what the controller checks."""
    host = Host(200)

    answer = _deliver(host, body=b'{"a":1}')

    (request,) = host.requests
    assert Answer(status=200) == answer
    assert ("POST", _URL, b'{"a":1}') == (request.method, str(request.url), request.content)
    assert {
        "content-type": "application/json",
        "user-agent": "fluxhooks",
        "x-github-event": "push",
        "x-hub-signature-256": sign(ReceiverType.GITHUB, _TOKEN, b'{"a":1}')["X-Hub-Signature-256"],
    } == {
        name: value
        for name, value in request.headers.items()
        if name in {"content-type", "user-agent"} or name.startswith("x-")
    }


@pytest.mark.parametrize("receiver_type", list(ReceiverType))
def test_the_event_travels_in_the_types_own_header(receiver_type: ReceiverType) -> None:
    """Types without an event filter are sent no event at all."""
    host = Host(200)

    _deliver(host, receiver_type=receiver_type, event="the-event")

    (request,) = host.requests
    named = [name for name, value in request.headers.items() if value == "the-event"]
    header = RECEIVER_TYPES[receiver_type].event_header
    assert ([header.lower()] if header else []) == named


@pytest.mark.parametrize("status", [404, 502, 503, 504])
def test_an_answer_that_may_settle_is_asked_for_again(status: int) -> None:
    """A path that is not served yet, and an ingress whose backend is not there yet."""
    host = Host(status, status, 200)

    assert Answer(status=200) == _deliver(host, settle_for=20)
    assert 3 == len(host.requests)


def test_no_connection_may_settle_too() -> None:
    """A name or a listener may be there in a moment."""
    host = Host(httpx.ConnectError("refused"), httpx.ReadTimeout(""), 200)

    assert Answer(status=200) == _deliver(host, settle_for=20)


@pytest.mark.parametrize("status", [200, 202, 301, 400, 401, 403, 413, 500])
def test_an_answer_that_will_not_settle_is_final(status: int) -> None:
    """A refused signature or a missing target is told at once."""
    host = Host(status)

    assert Answer(status=status) == _deliver(host, settle_for=20)
    assert 1 == len(host.requests)


def test_the_last_answer_counts_when_time_is_up() -> None:
    """Repeating ends, and what was answered last is returned rather than raised."""
    host = Host(502, 404)

    assert Answer(status=404) == _deliver(host, settle_for=0.3)
    assert len(host.requests) >= 2


def test_without_time_to_settle_it_is_asked_once() -> None:
    """A delivery that is not to be repeated is sent once."""
    host = Host(404)

    assert Answer(status=404) == _deliver(host, settle_for=0)
    assert 1 == len(host.requests)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_reported_masked_and_not_followed(status: int) -> None:
    """No forge follows them, so following would prove what does not work."""
    location = f"https://other.example.com{_PATH}?from=here"
    host = Host(httpx.Response(status, headers={"location": location}))

    answer = _deliver(host, settle_for=20)

    assert Answer(status=status, location="https://other.example.com/hook/***?from=here") == answer
    assert f"{status} (a redirect to https://other.example.com/hook/***?from=here)" == str(answer)
    assert 1 == len(host.requests)


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        pytest.param(httpx.ReadTimeout("x"), "no answer within 10 s", id="a slow answer"),
        pytest.param(httpx.ConnectTimeout("x"), "no answer within 10 s", id="no connection"),
        pytest.param(
            httpx.ConnectError("[Errno -2] Name or service not known"),
            "no answer: [Errno -2] Name or service not known",
            id="no such host",
        ),
        pytest.param(
            httpx.RemoteProtocolError(f"cut off at {_URL}"),
            "no answer: cut off at https://flux.example.com/hook/***",
            id="a text with the URL",
        ),
        pytest.param(httpx.ReadError(""), "no answer: ReadError", id="an error without a text"),
    ],
)
def test_why_there_was_no_answer(problem: Exception, told: str) -> None:
    """One phrase that fits into a sentence, without the URL."""
    answer = _deliver(Host(problem))

    assert Answer(status=None, problem=told) == answer
    assert told == str(answer)


def test_an_answer_without_more_is_its_status() -> None:
    """As it stands in a sentence."""
    assert "404" == str(Answer(status=404))


def test_no_log_line_holds_the_path_or_the_token(caplog: pytest.LogCaptureFixture) -> None:
    """httpx logs each URL; its lines are masked for whoever turns logging on."""
    caplog.set_level(logging.DEBUG)

    _deliver(Host(httpx.Response(302, headers={"location": _PATH})))

    assert "https://flux.example.com/hook/***" in caplog.text
    assert _PATH not in caplog.text
    assert _TOKEN not in caplog.text


@pytest.mark.parametrize("receiver_type", list(ReceiverType))
def test_bodies_are_objects_the_filter_knows(receiver_type: ReceiverType) -> None:
    """Each holds its own mark, and what the type needs to take it for a delivery."""
    fields = RECEIVER_TYPES[receiver_type].probe_fields

    assert {"fluxhooksProbe": True, **fields} == json.loads(probe.probe_body(receiver_type))
    assert {"fluxhooksCatchUp": True, **fields} == json.loads(probe.catch_up_body(receiver_type))


@pytest.mark.parametrize(
    ("receiver_type", "keys"),
    [
        pytest.param("acr", {"action", "target"}, id="acr"),
        pytest.param("dockerhub", {"push_data", "repository"}, id="dockerhub"),
        pytest.param("quay", {"docker_url", "updated_tags"}, id="quay"),
        pytest.param("github", set(), id="github"),
    ],
)
def test_fields_a_probe_needs_beside_its_mark(receiver_type: str, keys: set[str]) -> None:
    """The controller answers 400 to a registry's delivery without them."""
    body = json.loads(probe.probe_body(ReceiverType(receiver_type)))

    assert {"fluxhooksProbe", *keys} == set(body)


@pytest.fixture
def authority() -> trustme.CA:
    """A certificate authority nobody trusts by itself."""
    return trustme.CA()


@pytest.fixture
def fresh_certificates() -> Iterator[None]:
    """Certificates are read once; a test that changes them reads them anew."""
    probe._certificates.cache_clear()
    yield
    probe._certificates.cache_clear()


@pytest.mark.usefixtures("fresh_certificates")
def test_certificates_are_verified(authority: trustme.CA) -> None:
    """A proof over a connection that anybody could have answered is none."""
    answer = asyncio.run(_deliver_over_tls(authority))

    assert answer.status is None
    assert "CERTIFICATE_VERIFY_FAILED" in answer.problem


@pytest.mark.usefixtures("fresh_certificates")
def test_an_authority_of_ones_own_is_trusted_by_ssl_cert_file(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable every TLS client knows works here too."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    assert Answer(status=200) == asyncio.run(_deliver_over_tls(authority))


async def _deliver_over_tls(authority: trustme.CA) -> Answer:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "localhost", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        return await probe.deliver(
            f"https://localhost:{port}{_PATH}",
            receiver_type=ReceiverType.GITHUB,
            token=_TOKEN,
            event="push",
            body=b"{}",
            settle_for=0,
        )
