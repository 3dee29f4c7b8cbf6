"""What every request passes first: it is written down, and may be misbehaved to."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.forges.faults import Fault, Faults, Kind

UNKNOWN_ENDPOINT = "forge.unknown_endpoint"
"""The key in a request's scope by which an application says that it has no such endpoint."""

Connections = dict[tuple[str, int], asyncio.Transport]


@dataclass(frozen=True)
class Request:
    """One HTTP request of a client.

    `path` is below the API's root, without the query and with `%` sequences resolved; `status` is 0
    when no answer was given, `known` is False when the stand-in has no such endpoint, `at` is in
    epoch seconds.
    """

    method: str
    path: str
    status: int
    at: float
    known: bool = True


def connection_keeper(connections: Connections) -> type[asyncio.Protocol]:
    """An HTTP protocol for uvicorn that keeps its connections by the client's address.

    An ASGI application has no way to close a connection without an answer.
    """

    class Protocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            self._peer = transport.get_extra_info("peername")
            connections[self._peer] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.pop(self._peer, None)
            super().connection_lost(exc)

    return Protocol


class Front:
    """The outermost ASGI application: applies faults and records, by paths below `api_path`.

    What is behind it sees the path as it came, for a name in it may hold a `%2F`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        api_path: str,
        requests: list[Request],
        faults: Faults,
        connections: Connections,
    ) -> None:
        self._app = app
        self._api_path = api_path
        self._requests = requests
        self._faults = faults
        self._connections = connections
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Let go of every request that hangs."""
        self._stopping.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"cannot serve {scope['type']!r}, only http")
        path: str = scope["path"]
        if path.startswith(f"{self._api_path}/"):
            path = path.removeprefix(self._api_path)
        scope = {**scope, "path": scope["raw_path"].decode("latin-1")}
        started = time.time()
        fault = self._faults.take(scope["method"], path)

        def note(status: int) -> None:
            known = UNKNOWN_ENDPOINT not in scope
            self._requests.append(Request(scope["method"], path, status, started, known))

        if fault is None:

            async def observe(message: Message) -> None:
                # Before the answer leaves: whoever has it finds the request noted.
                if message["type"] == "http.response.start":
                    note(message["status"])
                await send(message)

            await self._app(scope, receive, observe)
            return
        if fault.after:
            await self._app(scope, receive, _discard)
        else:
            # Closed with a body unread, a connection is reset or ended as chance has it.
            while (await receive()).get("more_body"):
                pass
        note(fault.status if fault.kind is Kind.RESPOND else 0)
        await self._misbehave(fault, scope, receive, send)

    async def _misbehave(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind is Kind.RESPOND:
            headers = {"content-length": str(len(fault.body)), **fault.headers}
            raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
            start: dict[str, Any] = {"type": "http.response.start", "status": fault.status}
            await send(start | {"headers": raw})
            await send({"type": "http.response.body", "body": fault.body})
            return
        if fault.kind is Kind.HANG:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), fault.seconds)
        connection = self._connections.get(scope["client"])
        if connection is not None:
            connection.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


async def _discard(message: Message) -> None:
    pass
