"""What all stand-ins are: a server on a thread of its own, with a queue of deliveries."""

from __future__ import annotations

import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import uvicorn
from anyio.from_thread import start_blocking_portal
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response
from starlette.routing import Mount, Route, Router

from sandbox.forges.delivery_queue import Delay, Queue
from sandbox.forges.encoding import JsonObject, dump
from sandbox.forges.faults import Faults
from sandbox.forges.front import Connections, Front, Request, connection_keeper
from sandbox.forges.git import RefUpdate, newest_step
from sandbox.forges.post import Poster

Refuse = Callable[[StarletteRequest, Exception], Awaitable[Response]]

_ORDINARY = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


class Forge(ABC):
    """A forge on a free port of 127.0.0.1, for the length of a `with` block.

    `directory` takes the repositories and is made when absent. `ca_file` is the certificate
    authority that https receivers are verified against (absent, the machine's).
    """

    api_path: ClassVar[str]
    """Where REST begins, as in `/api/v4`."""

    faults: Faults

    def __init__(self, directory: Path, *, ca_file: Path | None) -> None:
        self.directory = directory
        self._ca_file = ca_file
        self._resources = ExitStack()
        self._requests: list[Request] = []
        self._bodies: dict[str, tuple[str, bytes]] = {}

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        with ExitStack() as resources:
            listener = resources.enter_context(socket.create_server(("127.0.0.1", 0)))
            self._root = f"http://127.0.0.1:{listener.getsockname()[1]}"
            self._portal = resources.enter_context(start_blocking_portal("asyncio"))
            application = self._portal.call(self._open)
            resources.callback(self._portal.call, self._queue.close)
            self._serve(application, listener, resources)
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._resources.close()

    @property
    def base_url(self) -> str:
        """The address with a slash at the end; REST answers below it, at `api_path`."""
        return f"{self._root}/"

    @property
    def requests(self) -> list[Request]:
        """What clients asked, Git included, oldest first."""
        return list(self._requests)

    @property
    def delivery_delay(self) -> Delay:
        """How long a delivery stays queued: seconds, or a function asked for each. 0 at the start.

        The forge's own documentation says which URL and secret it then goes out with.
        """
        return self._queue.delay

    @delivery_delay.setter
    def delivery_delay(self, delay: Delay) -> None:
        self._queue.delay = delay

    def pause_deliveries(self) -> None:
        """Keep what is queued from being sent."""
        self._portal.call(self._queue.pause)

    def resume_deliveries(self) -> None:
        """Send what was kept, and what is queued from now on."""
        self._portal.call(self._queue.resume)

    def wait_idle(self, timeout: float = 30.0) -> None:
        """Return when nothing is queued or under way.

        Raises `TimeoutError` after `timeout` seconds.
        """
        future = self._portal.start_task_soon(self._queue.wait_idle)
        try:
            future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise TimeoutError(
                f"{self._queue.pending} deliveries still queued after {timeout} s"
            ) from None

    @abstractmethod
    def _application(self) -> Starlette:
        """Make the application that is served; called on its event loop."""

    def _routed(
        self, routes: Sequence[Route], *, api: Sequence[Route], refuse: Refuse
    ) -> Starlette:
        """An application of `routes`, and of `api` below its path; `/x/` is not taken for `/x`."""
        below = Mount(self.api_path, app=Router(api, redirect_slashes=False))
        application = Starlette(
            routes=[*routes, below], exception_handlers={404: refuse, 405: refuse}
        )
        application.router.redirect_slashes = False
        return application

    def _newest_push(
        self, path: Path, branch: str, payload: Callable[[RefUpdate], JsonObject]
    ) -> bytes:
        """The body for a synthetic push, made once per commit: load is sent by the thousand."""
        tip = (path / "refs/heads" / branch).read_text()
        known, body = self._bodies.get(str(path), ("", b""))
        if known != tip:
            step = newest_step(path, branch)
            assert step is not None
            body = dump(payload(step))
            self._bodies[str(path)] = (tip, body)
        return body

    async def _open(self) -> Starlette:
        self._queue = Queue()
        self._poster = Poster(self._ca_file)
        return self._application()

    def _serve(self, application: Starlette, listener: socket.socket, resources: ExitStack) -> None:
        connections: Connections = {}
        front = Front(
            application,
            api_path=self.api_path,
            requests=self._requests,
            faults=self.faults,
            connections=connections,
        )
        server = uvicorn.Server(
            uvicorn.Config(
                front,
                http=connection_keeper(connections),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        serving = self._portal.start_task_soon(server.serve, [listener])

        def stop() -> None:
            self._portal.call(front.stop)
            server.should_exit = True
            serving.result()

        resources.callback(stop)
        while not server.started:
            if serving.done():
                serving.result()
            time.sleep(0.005)


def check_name(argument: str, name: str) -> None:
    """Raise `ValueError` for a name that no forge would allow."""
    if not name or name.startswith(".") or not set(name) <= _ORDINARY:
        raise ValueError(
            f"{argument} {name!r} is not allowed, use letters, digits, '-', '_' and '.'"
        )
