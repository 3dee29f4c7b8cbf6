"""The ingress: https on localhost in front of a plain port, and the failures it can play."""

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
import trustme

from sandbox.ingress import Ingress


class Upstream(ThreadingHTTPServer):
    """Answers with its own name and the request's body, and counts connections."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.connections = 0
        super().__init__(("127.0.0.1", 0), Echo)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def process_request(self, *args: object) -> None:
        self.connections += 1
        super().process_request(*args)  # type: ignore[arg-type]

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Upstream

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.server.name.encode() + b":" + body
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream("one")
    yield server
    server.close()


@pytest.fixture
def ingress(upstream: Upstream) -> Iterator[Ingress]:
    with Ingress(target_port=upstream.server_port) as ingress:
        yield ingress


@pytest.fixture
def client(ingress: Ingress) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=f"https://{ingress.host}",
        verify=ssl.create_default_context(cafile=ingress.ca_file),
        timeout=5,
        trust_env=False,
    ) as client:
        yield client


def test_a_client_that_trusts_the_authority_reaches_the_target(client: httpx.Client) -> None:
    """The certificate is valid for localhost, and bytes arrive unchanged in both directions."""
    answer = client.post("/", content=b"x" * 300_000)

    assert b"one:" + b"x" * 300_000 == answer.content


def test_a_client_that_does_not_trust_the_authority_is_told_so(ingress: Ingress) -> None:
    """TLS is real: without the authority's certificate there is no connection."""
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.post(f"https://{ingress.host}/", content=b"", trust_env=False)


def test_a_given_authority_issues_the_certificate(upstream: Upstream) -> None:
    """Several servers can share one authority, so that clients need one file."""
    authority = trustme.CA()

    with Ingress(target_port=upstream.server_port, ca=authority) as ingress:
        assert authority.cert_pem.bytes() == ingress.ca_file.read_bytes()


def test_the_authoritys_file_can_be_put_where_somebody_else_removes_it(
    upstream: Upstream, tmp_path: Path
) -> None:
    """A directory that goes with its owner goes also when no handler runs."""
    with Ingress(target_port=upstream.server_port, directory=tmp_path / "own") as ingress:
        assert tmp_path / "own" == ingress.ca_file.parent

    assert ingress.ca_file.is_file()


def test_a_connection_is_reused(client: httpx.Client, upstream: Upstream) -> None:
    """Keep-alive between client and target works through the proxy."""
    for _ in range(5):
        client.post("/", content=b"")

    assert 1 == upstream.connections


def test_many_connections_at_once_are_served(client: httpx.Client) -> None:
    """Requests in parallel do not wait for each other or mix."""
    with ThreadPoolExecutor(8) as threads:
        bodies = [str(n).encode() for n in range(200)]
        answers = threads.map(lambda body: client.post("/", content=body).content, bodies)

        assert [b"one:" + body for body in bodies] == list(answers)


def test_the_target_can_be_changed_while_running(ingress: Ingress, client: httpx.Client) -> None:
    """A kept-alive connection does not keep talking to the old target."""
    other = Upstream("two")
    client.post("/", content=b"")

    ingress.target_port = other.server_port
    answer = client.post("/", content=b"")
    other.close()

    assert b"two:" == answer.content


def test_a_target_that_is_gone_is_a_bad_gateway(ingress: Ingress, client: httpx.Client) -> None:
    """As an HTTP ingress answers for a Service without endpoints."""
    unused = socket.socket()
    unused.bind(("127.0.0.1", 0))
    ingress.target_port = unused.getsockname()[1]

    answer = client.post("/", content=b"")
    unused.close()

    assert 502 == answer.status_code


def test_a_paused_ingress_accepts_and_answers_after_resume(
    ingress: Ingress, client: httpx.Client
) -> None:
    """Requests neither fail nor finish while paused, on new and on kept-alive connections."""
    client.post("/", content=b"")
    ingress.pause()
    with ThreadPoolExecutor() as threads:
        waiting = [threads.submit(client.post, "/", content=b"late") for _ in range(2)]
        with pytest.raises(TimeoutError):
            waiting[0].result(timeout=0.2)
        with pytest.raises(TimeoutError):
            waiting[1].result(timeout=0.2)

        ingress.resume()

        assert [b"one:late"] * 2 == [answer.result().content for answer in waiting]


def test_a_refusing_ingress_refuses_until_resume(ingress: Ingress, client: httpx.Client) -> None:
    """Connections there were end, new ones are refused, and the same port works again later."""
    client.post("/", content=b"")
    ingress.refuse()
    with pytest.raises(httpx.ConnectError):
        client.post("/", content=b"")

    ingress.resume()

    assert b"one:back" == client.post("/", content=b"back").content


def test_nothing_is_left_after_the_end(upstream: Upstream) -> None:
    """The port is free, the thread is gone and the file is removed, also with clients connected."""
    with Ingress(target_port=upstream.server_port) as ingress:
        port = int(ingress.host.split(":")[1])
        half_open = socket.create_connection(("127.0.0.1", port))
        paused = httpx.Client(
            base_url=f"https://{ingress.host}",
            verify=ssl.create_default_context(cafile=ingress.ca_file),
            trust_env=False,
        )
        paused.post("/", content=b"")
    paused.close()
    half_open.close()

    assert not ingress.ca_file.exists()
    assert "ingress" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
