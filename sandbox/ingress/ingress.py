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

from sandbox.ingress import certificates
from sandbox.ingress.rules import END_OF_HEAD, Answer, Request, Rule

_CHUNK = 64 * 1024
# What an ingress answers when nothing listens behind it.
_BAD_GATEWAY = Answer(502)
# The first byte of whoever speaks TLS to a port that does not.
_TLS_HANDSHAKE = b"\x16"


class Ingress:
    """https on `localhost:<free port>` in front of http on `127.0.0.1:<target_port>`.

    Bytes are passed on unchanged in both directions, so connections are reused as the two ends
    agree. When nothing listens on `target_port` the answer is 502.

    How it behaves can be changed while it runs, by the properties of the same names; that ends the
    connections there are.

    `ca`: who issues the certificate; by default a new authority. Its certificate is in `ca_file`.
    `directory`: where `ca_file` is written; by default a new one, removed at the end.
    `certificate`: what it presents; by default a good one of `ca`. See `certificates` for others.
    `tls`: whether it speaks TLS at all.
    `rule`: what it does with each request, see `rules`; by default it reads none.
    """

    def __init__(
        self,
        target_port: int,
        *,
        ca: trustme.CA | None = None,
        directory: Path | None = None,
        certificate: trustme.LeafCert | None = None,
        tls: bool = True,
        rule: Rule | None = None,
    ) -> None:
        self._target_port = target_port
        self._given_directory = directory
        self._ca = ca or trustme.CA(organization_name="fluxhooks sandbox ingress")
        self._certificate = certificate or certificates.good(self._ca)
        self._context = _context(self._certificate)
        self._tls = tls
        self._rule = rule
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ingress", daemon=True)
        self._connections: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._filler: socket.socket | None = None

    def __enter__(self) -> Self:
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
    def url(self) -> str:
        """`https://localhost:<port>`, without TLS `http://localhost:<port>`."""
        return f"{'https' if self._tls else 'http'}://{self.host}"

    @property
    def ca(self) -> trustme.CA:
        """The authority that its clients trust."""
        return self._ca

    @property
    def ca_file(self) -> Path:
        """The authority's certificate as PEM, for `SSL_CERT_FILE` of clients."""
        return self._directory / "ingress-ca.pem"

    @property
    def target_port(self) -> int:
        """Where requests go."""
        return self._target_port

    @target_port.setter
    def target_port(self, port: int) -> None:
        self._target_port = port
        self._call(self._drop())

    @property
    def certificate(self) -> trustme.LeafCert:
        """What it presents; setting `certificates.good(ingress.ca)` mends it."""
        return self._certificate

    @certificate.setter
    def certificate(self, certificate: trustme.LeafCert) -> None:
        self._certificate = certificate
        self._context = _context(certificate)
        self._call(self._drop())

    @property
    def tls(self) -> bool:
        """Whether it speaks TLS; if not, clients that do get an answer that makes no sense."""
        return self._tls

    @tls.setter
    def tls(self, tls: bool) -> None:
        self._tls = tls
        self._call(self._drop())

    @property
    def rule(self) -> Rule | None:
        """What it does with each request; with None they pass unread."""
        return self._rule

    @rule.setter
    def rule(self, rule: Rule | None) -> None:
        self._rule = rule
        self._call(self._drop())

    def pause(self) -> None:
        """Accept connections and requests, and answer none until `resume`."""
        self._call(self._pause())

    def refuse(self) -> None:
        """End all connections and refuse new ones until `resume`; the port stays reserved."""
        self._call(self._refuse())

    def ignore(self) -> None:
        """End all connections and let attempts at new ones go unanswered until `resume`.

        As behind a firewall that drops packets. Works on Linux.
        """
        self._call(self._ignore())

    def resume(self) -> None:
        """Work again; what came in while paused is passed on now."""
        self._call(self._resume())

    def _call(self, action: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(action, self._loop).result()

    async def _pause(self) -> None:
        self._flowing.clear()

    async def _resume(self) -> None:
        self._flowing.set()
        self._empty()
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=self._socket)

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        # Bound and not listening: connections are refused, and nobody else gets the port.
        self._socket.close()
        self._empty()
        self._socket = _bound(self._port)
        await self._drop()

    async def _ignore(self) -> None:
        await self._refuse()
        # A queue for one connection, and that one in it: the kernel drops who comes next.
        self._socket.listen(0)
        self._filler = socket.create_connection(self._socket.getsockname())

    def _empty(self) -> None:
        if self._filler is not None:
            self._filler.close()
            self._filler = None

    async def _drop(self) -> None:
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(OSError, EOFError):
                # Not left to `start_server`, so that a connection which never completes its
                # handshake is one of those that can be dropped.
                if self._tls:
                    await writer.start_tls(self._context)
                await self._proxy(reader, writer)
        finally:
            writer.transport.abort()
            self._connections.discard(task)

    async def _proxy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rule, port = self._rule, self._target_port
        if rule is None:
            passed_on, answer = await reader.read(_CHUNK), b""
        else:
            outcome, answer = await _judged(reader, rule)
            passed_on = b"" if outcome is None else outcome.encode()
            port = port if outcome is None or outcome.port is None else outcome.port
        await self._flowing.wait()
        if answer:
            writer.write(answer)
        else:
            await self._pass_on(passed_on, reader, writer, port=port)
        writer.close()
        await writer.wait_closed()

    async def _pass_on(
        self,
        first: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        port: int,
    ) -> None:
        try:
            answers, requests = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.write(_BAD_GATEWAY.encode())
            return
        try:
            requests.write(first)
            await self._pipe_both(reader, requests, answers, writer)
        finally:
            requests.transport.abort()

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


async def _judged(reader: asyncio.StreamReader, rule: Rule) -> tuple[Request | None, bytes]:
    """What is passed on in a request's place, or else the answer to it."""
    first = await reader.readexactly(1)
    if first == _TLS_HANDSHAKE:
        # Without an end of a head to wait for; every web server answers this.
        return None, Answer(400, "Client sent an HTTPS request to an HTTP server.").encode()
    request = Request.parse(first + await reader.readuntil(END_OF_HEAD))
    outcome = rule(request)
    if isinstance(outcome, Request):
        return outcome, b""
    # A connection that is closed with a body unread may be reset before its answer is read.
    await reader.readexactly(request.length)
    return None, outcome.encode(body=request.method != "HEAD")


def _context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound
