"""A service that waits to be called, and alerts when it is not."""

import http.server
import threading
from typing import Self


class Heartbeats:
    """Answers a GET with the status that is its path's last part; runs while in the context.

    Attributes:
        url: the service's, without a path.
        called: the paths of all calls.
    """

    def __init__(self) -> None:
        self.called: list[str] = []
        called = self.called

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                called.append(self.path)
                self.send_response(int(self.path.rpartition("/")[2]))
                self.send_header("Location", "/200")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
