"""A receiver of webhooks that keeps what it gets and answers as it is told."""

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Received:
    """One request. `headers` may be asked in any case."""

    path: str
    headers: Message
    body: bytes


class Receiver(ThreadingHTTPServer):
    """Listens on 127.0.0.1; its attributes say how it answers, `delay` in seconds.

    `status_of` has what another status than `status` is answered to, by path.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.scheme = "http" if tls is None else "https"
        self.received: list[Received] = []
        self.status = 200
        self.status_of: dict[str, int] = {}
        self.answer_headers: Mapping[str, str] = {}
        self.answer_body = b"taken"
        self.delay = 0.0
        self.broken = False
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    def url(self, path: str = "/hook/one", *, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.server_port}{path}"

    def handle_error(self, *_: object) -> None:
        """A refused handshake or a closed connection is what some tests are about."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(Received(self.path, self.headers, body))
        time.sleep(self.server.delay)
        if self.server.broken:
            return
        self.send_response(self.server.status_of.get(self.path, self.server.status))
        self.send_header("Content-Length", str(len(self.server.answer_body)))
        for name, value in self.server.answer_headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.answer_body)

    def log_message(self, *_: object) -> None:
        pass


def eventually(condition: Callable[[], bool], *, seconds: float = 5.0) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return condition()
