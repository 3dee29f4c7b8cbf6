"""A TLS-terminating proxy on localhost, and the ways it can fail."""

import asyncio
import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import trustme

_CHUNK = 64 * 1024
# What an ingress answers when nothing listens behind it.
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Ingress:
    """https on `localhost:<free port>` in front of http on `127.0.0.1:<target_port>`.

    Bytes are passed on unchanged in both directions, so connections are reused as the two ends
    agree. When nothing listens on `target_port` the answer is 502.

    `ca`: who issues the certificate; by default a new authority. Its certificate is in `ca_file`.
    `directory`: where `ca_file` is written; by default a new one, removed at the end.
    """

    def __init__(
        self, target_port: int, *, ca: trustme.CA | None = None, directory: Path | None = None
    ) -> None:
        self._target_port = target_port
        self._given_directory = directory
        self._ca = ca or trustme.CA(organization_name="fluxhooks sandbox ingress")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ingress", daemon=True)
        self._connections: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._ca.issue_cert("localhost", "127.0.0.1").configure_cert(self._tls)
        if self._given_directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="fluxhooks-ingress-"))
        else:
            self._directory = self._given_directory
            self._directory.mkdir(parents=True, exist_ok=True)
        self._ca.cert_pem.write_to_path(str(self.ca_file))
        self._socket = _bound(0)
        self._port = int(self._socket.getsockname()[1])
        self._thread.start()
        self.resume()
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._refuse())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._socket.close()
        if self._given_directory is None:
            shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def host(self) -> str:
        """`localhost:<port>`, what stands after `https://`."""
        return f"localhost:{self._port}"

    @property
    def ca_file(self) -> Path:
        """The authority's certificate as PEM, for `SSL_CERT_FILE` of clients."""
        return self._directory / "ingress-ca.pem"

    @property
    def target_port(self) -> int:
        """Where requests go; changing it ends the connections there are."""
        return self._target_port

    @target_port.setter
    def target_port(self, port: int) -> None:
        self._target_port = port
        self._call(self._drop())

    def pause(self) -> None:
        """Accept connections and requests, and answer none until `resume`."""
        self._call(self._pause())

    def refuse(self) -> None:
        """End all connections and refuse new ones until `resume`; the port stays reserved."""
        self._call(self._refuse())

    def resume(self) -> None:
        """Work again; what came in while paused is passed on now."""
        self._call(self._resume())

    def _call(self, action: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(action, self._loop).result()

    async def _pause(self) -> None:
        self._flowing.clear()

    async def _resume(self) -> None:
        self._flowing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=self._socket)

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            # Bound and not listening: connections are refused, and nobody else gets the port.
            self._socket = _bound(self._port)
        await self._drop()

    async def _drop(self) -> None:
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(OSError):
                # Not left to `start_server`, so that a connection which never completes its
                # handshake is one of those that can be dropped.
                await writer.start_tls(self._tls)
                await self._proxy(reader, writer)
        finally:
            writer.transport.abort()
            self._connections.discard(task)

    async def _proxy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(_CHUNK)
        await self._flowing.wait()
        try:
            answers, requests = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.write(_BAD_GATEWAY)
        else:
            try:
                requests.write(first)
                await self._pipe_both(reader, requests, answers, writer)
            finally:
                requests.transport.abort()
        writer.close()
        await writer.wait_closed()

    async def _pipe_both(
        self,
        reader: asyncio.StreamReader,
        requests: asyncio.StreamWriter,
        answers: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        directions = [
            asyncio.create_task(self._pipe(reader, requests)),
            asyncio.create_task(self._pipe(answers, writer)),
        ]
        try:
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            await self._flowing.wait()
            writer.write(chunk)
            await writer.drain()


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound
