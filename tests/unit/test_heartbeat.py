"""What a heartbeat says of its call, which is nothing of its URL."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from fluxhooks.observe.heartbeat import beat


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The URL of a service that answers with the status in the path."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path.strip("/")))
            self.send_header("Location", "/200")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        pytest.param("/200", "", id="heard"),
        pytest.param("/204", "", id="heard without a word"),
        pytest.param("/302", "it was answered 302", id="sent elsewhere"),
        pytest.param("/404", "it was answered 404", id="not known"),
    ],
)
def test_what_was_answered_is_told(service: str, path: str, said: str) -> None:
    """A redirect leads to a page for people, and nobody is told by it."""
    assert said == beat(f"{service}{path}")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("http://127.0.0.1:1/secret", "ConnectError", id="nobody listens"),
        pytest.param("secret", "UnsupportedProtocol", id="no scheme"),
        pytest.param("http://secret:port", "InvalidURL", id="no URL"),
    ],
)
def test_what_cannot_be_called_is_told_by_kind(url: str, said: str) -> None:
    """The URL is a secret; no text of the client's is passed on."""
    assert said == beat(url)
