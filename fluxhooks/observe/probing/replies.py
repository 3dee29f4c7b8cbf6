"""One request and what came back: an answer, or why there was none, and how long it took."""

import asyncio
import contextlib
import datetime
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from fluxhooks.masking import mask

if TYPE_CHECKING:
    import httpx

# As forges wait: a Receiver that needs longer loses deliveries.
ATTEMPT_SECONDS: Final = 10.0

# As much of a page is read, so that its connection can be used again.
_PAGE_BYTES: Final = 64 * 1024

# ``NotFound`` of Go's ``net/http``.
_NOTHING_THERE: Final = b"404 page not found\n"


_HEADERS: Final = ((b"Accept-Encoding", b"identity"), (b"User-Agent", b"fluxhooks"))


class Failure(Enum):
    """Why no answer came."""

    NAME = "its name is not known to DNS"
    REFUSED = "the connection was refused"
    NO_CONNECTION = f"no connection within {ATTEMPT_SECONDS:.0f} s"
    UNREACHABLE = "there is no connection"
    CERTIFICATE = "its certificate is not valid"
    NO_TLS = "what listens there speaks no TLS"
    NO_ANSWER = f"no answer within {ATTEMPT_SECONDS:.0f} s"
    CUT_OFF = "the connection ended without an answer"

    @property
    def final(self) -> bool:
        """Whether asking again is of no use."""
        return self in (Failure.CERTIFICATE, Failure.NO_TLS)

    @property
    def connected(self) -> bool:
        """Whether TLS was agreed on before."""
        return self in (Failure.NO_ANSWER, Failure.CUT_OFF)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back.

    Attributes:
        status: the HTTP status; None where no answer came, for the reason `failure`.
        location: where a redirect points, masked; "" elsewhere.
        page: whether there was a body; the controller's answers to Receivers have none.
        not_under_hook: whether it is what Go's servers, the controller's too, answer to a path
            that they have nothing for at all.
        server: the header of that name, masked.
        milliseconds: from the request to the answer, without connecting.
        connecting: milliseconds of connecting, TLS included; None where there was no need.
        failure: why no answer came; None where one did.
        detail: more of it, masked.
        verify_code: OpenSSL's number for what is wrong with the certificate; 0 elsewhere.
        expires: when the certificate does; None without TLS, and where it is not known.
    """

    status: int | None = None
    location: str = ""
    page: bool = False
    not_under_hook: bool = False
    server: str = ""
    milliseconds: float = 0.0
    connecting: float | None = None
    failure: Failure | None = None
    detail: str = ""
    verify_code: int = 0
    expires: datetime.datetime | None = None

    def __str__(self) -> str:
        if self.status is None:
            told = self.failure.value if self.failure else "no answer"
            return f"{told} ({self.detail})" if self.detail else told
        if self.location:
            return f"{self.status}, a redirect to {self.location}"
        if not self.page:
            return str(self.status)
        return f"{self.status} with a page" + (f" of {self.server}" if self.server else "")


async def ask(
    client: "httpx.AsyncClient",
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Reply:
    """Send one request, follow no redirect, and return what came back; raises nothing."""
    import httpx

    clock = _Clock()
    encoded = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    try:
        async with (
            asyncio.timeout(ATTEMPT_SECONDS),
            client.stream(
                method,
                url,
                headers=[*_HEADERS, *encoded],
                content=body,
                follow_redirects=False,
                extensions={"trace": clock.see},
            ) as response,
        ):
            milliseconds = clock.answered()
            expires = _expires(response)
            body = await _read(response)
    except (TimeoutError, httpx.TimeoutException) as error:
        slow = clock.connecting or isinstance(error, httpx.ConnectTimeout)
        if not slow:
            return _failed(clock, Failure.NO_ANSWER)
        accepted = clock.connected_in is not None
        detail = "it was accepted, and TLS is not answered" if accepted else ""
        return _failed(clock, Failure.NO_CONNECTION, detail=detail)
    except httpx.HTTPError as error:
        return _explained(clock, error)
    return Reply(
        status=response.status_code,
        location=mask(response.headers.get("location", "")) if response.is_redirect else "",
        page=bool(body),
        not_under_hook=body == _NOTHING_THERE,
        server=mask(response.headers.get("server", ""))[:40],
        milliseconds=milliseconds,
        connecting=clock.connected_in,
        expires=expires,
    )


class _Clock:
    """Tells the time of connecting from that of the request."""

    def __init__(self) -> None:
        self.connecting = False
        self.connected_in: float | None = None
        self._started = self._connect_started = time.perf_counter()

    async def see(self, event: str, _: Mapping[str, Any]) -> None:
        """Take note of what the transport says it does."""
        # "connection.start_tls.complete", then "http11.send_request_headers.started".
        if not event.startswith("connection."):
            self.connecting = False
        elif event == "connection.connect_tcp.started":
            self.connecting, self._connect_started = True, time.perf_counter()
        elif event.endswith(".complete"):
            self.connected_in = (time.perf_counter() - self._connect_started) * 1000

    def answered(self) -> float:
        """Return the milliseconds since the request, without those of connecting."""
        return (time.perf_counter() - self._started) * 1000 - (self.connected_in or 0.0)


async def _read(response: "httpx.Response") -> bytes:
    """Return how the body begins."""
    import httpx

    size, begin = 0, b""
    # What goes wrong behind the answer is no matter of the answer's.
    with contextlib.suppress(httpx.HTTPError):
        async for chunk in response.aiter_bytes():
            size += len(chunk)
            begin = (begin + chunk)[: len(_NOTHING_THERE) + 1]
            if size > _PAGE_BYTES:
                break
    return begin


def _expires(response: "httpx.Response") -> datetime.datetime | None:
    stream = response.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream else None
    until = (tls.getpeercert() or {}).get("notAfter") if tls else None
    if until is None:
        return None
    return datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(until), datetime.UTC)


def _failed(clock: _Clock, failure: Failure, **more: Any) -> Reply:
    return Reply(
        failure=failure, milliseconds=clock.answered(), connecting=clock.connected_in, **more
    )


def _explained(clock: _Clock, error: Exception) -> Reply:
    import httpx

    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _failed(
                clock,
                Failure.CERTIFICATE,
                detail=mask(cause.verify_message or "").rstrip("."),
                verify_code=cause.verify_code,
            )
        if isinstance(cause, ssl.SSLError):
            spoken = cause.reason in _NOT_TLS
            return _failed(
                clock,
                Failure.NO_TLS if spoken else Failure.UNREACHABLE,
                detail="" if spoken else f"TLS: {cause.reason or 'the handshake failed'}",
            )
        if isinstance(cause, socket.gaierror):
            return _failed(clock, Failure.NAME)
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return _failed(clock, Failure.REFUSED)
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return _failed(clock, Failure.UNREACHABLE, detail=mask(str(error)))
    if isinstance(error, httpx.LocalProtocolError):
        # It quotes the header it would not send.
        return _failed(clock, Failure.CUT_OFF, detail="it could not be sent")
    return _failed(clock, Failure.CUT_OFF, detail=mask(str(error)) or type(error).__name__)


# What OpenSSL calls an answer in clear to its first message.
_NOT_TLS: Final = frozenset(
    {"HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "WRONG_VERSION_NUMBER"}
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    if isinstance(error, BaseExceptionGroup):
        # One for each address of a name.
        for each in error.exceptions:
            yield from _causes(each)
    below = error.__cause__ or error.__context__
    if below is not None:
        yield from _causes(below)
