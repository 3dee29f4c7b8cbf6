"""One POST as a webhook makes it: a connection of its own, no redirect followed, nothing added.

Not a general client: under load this costs a third of one, and leaves the receiver under test the
processor. HTTP itself is h11's.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import h11

KEPT_BYTES = 64 * 1024
TIMEOUT = 10.0


@dataclass(frozen=True)
class Response:
    """An answer; of a long body the first 64 KiB."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class NothingReturnedError(Exception):
    """The connection ended before a whole answer came."""


class Poster:
    """Posts with a limit of time, `timeout` in seconds: GitHub and GitLab both wait for ten.

    `ca_file` is the certificate authority of https receivers; absent, the machine's.
    """

    def __init__(self, ca_file: Path | None) -> None:
        self.timeout = TIMEOUT
        self._ca_file = ca_file
        self._contexts: dict[bool, ssl.SSLContext] = {}

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, *, verify: bool
    ) -> Response:
        """Send the body and return the answer, whatever its status.

        Raises `TimeoutError` when it takes too long, else what `post` raises.
        """
        async with asyncio.timeout(self.timeout):
            return await post(url, headers, body, tls=self._tls(verify))

    def _tls(self, verify: bool) -> ssl.SSLContext:
        if verify not in self._contexts:
            context = ssl.create_default_context(cafile=self._ca_file)
            if not verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._contexts[verify] = context
        return self._contexts[verify]


async def post(
    url: str, headers: Mapping[str, str], body: bytes, *, tls: ssl.SSLContext
) -> Response:
    """Send the body and return the answer, whatever its status.

    Raises `OSError` (and its `ssl.SSLError`) when there is no connection, `NothingReturnedError`
    when there is no answer on it. The time is the caller's to limit.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    secure = parts.scheme == "https"
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or (443 if secure else 80), ssl=tls if secure else None
    )
    try:
        connection = h11.Connection(h11.CLIENT)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        own = {"Host": parts.netloc.rpartition("@")[2], "Content-Length": str(len(body))}
        request = h11.Request(
            method="POST",
            target=target,
            headers=[*own.items(), *headers.items(), ("Connection", "close")],
        )
        sent = connection.send(request) or b""
        sent += connection.send(h11.Data(body)) or b""
        sent += connection.send(h11.EndOfMessage()) or b""
        writer.write(sent)
        return await _answer(connection, reader)
    except (ConnectionError, h11.RemoteProtocolError) as error:
        raise NothingReturnedError(type(error).__name__) from error
    finally:
        writer.close()


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader) -> Response:
    response: h11.Response | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(KEPT_BYTES))
        elif isinstance(event, h11.Response):
            response = event
        elif isinstance(event, h11.Data):
            body += event.data
        if response is not None and (
            isinstance(event, h11.EndOfMessage) or len(body) >= KEPT_BYTES
        ):
            headers = {
                name.decode("latin-1").title(): value.decode("latin-1")
                for name, value in response.headers
            }
            return Response(response.status_code, headers, body[:KEPT_BYTES])
