"""A relay before a real forge that fails where it is told to: a real one cannot be told to."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

import httpx

_KEPT = ("Accept", "Authorization", "Content-Type")
_TOLD = ("Content-Type", "Retry-After", "X-Total-Count")


@dataclass
class _Fault:
    method: str
    status: int | None
    after: bool


class Relay:
    """Passes requests on to `target`, from entering the context to leaving it.

    Attributes:
        url: where it is.
        held: set when a request was done whose answer is kept back.
    """

    def __init__(self, target: str) -> None:
        self._client = httpx.Client(base_url=target.rstrip("/"), timeout=30, trust_env=False)
        self._faults: list[_Fault] = []
        self._holds = ""
        self._down_from = ""
        self._down = False
        self._released = threading.Event()
        self.held = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.mend()
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def fail(self, method: str, status: int, *, after: bool = False) -> None:
        """Answer the next request of a method so, and with `after` only when it was done."""
        self._faults.append(_Fault(method, status, after))

    def go_down(self, method: str) -> None:
        """Close every connection without an answer, from the next request of a method on."""
        self._down_from = method

    def hold(self, method: str) -> None:
        """Have the next request of a method done, and keep the answer back."""
        self._holds = method
        self.held.clear()
        self._released.clear()

    def mend(self) -> None:
        """Be a mere relay again."""
        self._faults.clear()
        self._down, self._down_from, self._holds = False, "", ""
        self._released.set()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.close_connection = True
                self.raw_requestline = self.rfile.readline(65537)
                if self.raw_requestline and self.parse_request():
                    relay._pass_on(self)
                    self.wfile.flush()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        return Handler

    def _pass_on(self, request: BaseHTTPRequestHandler) -> None:
        method = request.command
        self._down = self._down or method == self._down_from
        if self._down:
            return
        fault = next((each for each in self._faults if each.method == method), None)
        if fault:
            self._faults.remove(fault)
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        status, content, headers = (fault and fault.status) or 0, b"", httpx.Headers()
        if fault is None or fault.after:
            answer = self._client.request(
                method,
                request.path,
                content=body,
                headers={key: request.headers[key] for key in _KEPT if key in request.headers},
            )
            if fault is None:
                status, content, headers = answer.status_code, answer.content, answer.headers
        if method == self._holds:
            self._holds = ""
            self.held.set()
            self._released.wait(120)
            return
        request.send_response_only(status)
        for key in _TOLD:
            if key in headers:
                request.send_header(key, headers[key])
        if status != 204:
            request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)
