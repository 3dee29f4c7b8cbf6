"""Requests to a Receiver's public URL: the signed probe, which reconciles nothing, and its kin.

httpx and tenacity are imported where a request is made: a program that sends none never loads
them. Redirects are never followed: no forge follows them either.
"""

import functools
import json
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fluxhooks.flux.receiver_types import RECEIVER_TYPES, ReceiverType
from fluxhooks.flux.resource_filter import CATCH_UP_BODY, PROBE_BODY
from fluxhooks.flux.signature import sign
from fluxhooks.masking import MaskingFilter, mask

if TYPE_CHECKING:
    import httpx
    import tenacity

# A path that is not served yet, and an ingress whose backend is not there yet.
SETTLING: Final = frozenset({404, 502, 503, 504})

_ATTEMPT_SECONDS = 10.0

_MASKING: Final = MaskingFilter()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a URL answered.

    Attributes:
        status: the HTTP status, or None where no answer came.
        problem: why none came, without the URL; "" where one did.
        location: where a redirect points, masked; "" elsewhere.
    """

    status: int | None
    problem: str = ""
    location: str = ""

    def __str__(self) -> str:
        if self.status is None:
            return self.problem
        return f"{self.status}" + (f" (a redirect to {self.location})" if self.location else "")


def probe_body(receiver_type: ReceiverType) -> bytes:
    """Return the JSON object that a Receiver with our filter answers 200 and does not act on."""
    fields = RECEIVER_TYPES[receiver_type].probe_fields
    return json.dumps({**json.loads(PROBE_BODY), **fields}, separators=(",", ":")).encode()


def catch_up_body(receiver_type: ReceiverType) -> bytes:
    """Return the JSON object that a Receiver with our filter always acts on."""
    fields = RECEIVER_TYPES[receiver_type].probe_fields
    return json.dumps({**json.loads(CATCH_UP_BODY), **fields}, separators=(",", ":")).encode()


async def deliver(
    url: str,
    *,
    receiver_type: ReceiverType,
    token: str,
    event: str,
    body: bytes,
    settle_for: float,
    certificates: ssl.SSLContext | None = None,
    transport: "httpx.AsyncBaseTransport | None" = None,
) -> Answer:
    """POST `body` to `url` as a sender that knows `token` would, and return the answer.

    Args:
        event: the event it is said to be; one the Receiver accepts.
        settle_for: seconds for which an answer that may still settle (404, 502 to 504, no
            connection) is asked for again; 0 asks once.
        certificates: the authorities to trust; those of ``SSL_CERT_FILE``, else Mozilla's, when
            absent.
        transport: what carries the request; the network when absent.
    """
    import httpx

    # httpx logs each request's URL; adding a filter again changes nothing.
    logging.getLogger("httpx").addFilter(_MASKING)
    headers = headers_of(receiver_type, token=token, event=event, body=body)
    headers["User-Agent"] = "fluxhooks"
    async with httpx.AsyncClient(
        transport=transport, verify=certificates or _certificates(), timeout=_ATTEMPT_SECONDS
    ) as client:
        retrying = repeating(_may_settle, settle_for)
        answer: Answer = await retrying(_ask, client, url, headers, body)
    return answer


async def status(
    url: str,
    *,
    expected: int,
    settle_for: float,
    certificates: ssl.SSLContext | None = None,
    transport: "httpx.AsyncBaseTransport | None" = None,
) -> Answer:
    """GET `url` until it answers `expected` or `settle_for` seconds are over; return the answer.

    A GET without a signature reconciles nothing, but for a Receiver of the type generic.

    Args:
        certificates, transport: as for `deliver`.
    """
    import httpx

    logging.getLogger("httpx").addFilter(_MASKING)
    async with httpx.AsyncClient(
        transport=transport, verify=certificates or _certificates(), timeout=_ATTEMPT_SECONDS
    ) as client:
        retrying = repeating(lambda answer: answer.status != expected, settle_for)
        answer: Answer = await retrying(
            _ask, client, url, {"User-Agent": "fluxhooks"}, None, method="GET"
        )
    return answer


def headers_of(
    receiver_type: ReceiverType, *, token: str, event: str, body: bytes
) -> dict[str, str]:
    """Return the headers with which a sender that knows `token` posts `body` as `event`."""
    headers = {"Content-Type": "application/json"}
    header = RECEIVER_TYPES[receiver_type].event_header
    if header is not None:
        headers[header] = event
    return headers | sign(receiver_type, token, body)


def repeating(again: Callable[[Any], bool], seconds: float) -> "tenacity.AsyncRetrying":
    """Return what repeats a request while its result is to be asked for `again`.

    The last result is returned when `seconds` are over, whatever it is.
    """
    import tenacity

    return tenacity.AsyncRetrying(
        retry=tenacity.retry_if_result(again),
        stop=tenacity.stop_after_delay(seconds),
        wait=tenacity.wait_random_exponential(multiplier=0.2, max=2),
        retry_error_callback=lambda state: state.outcome and state.outcome.result(),
    )


def _may_settle(answer: Answer) -> bool:
    return answer.status is None or answer.status in SETTLING


async def _ask(
    client: "httpx.AsyncClient",
    url: str,
    headers: dict[str, str],
    body: bytes | None,
    *,
    method: str = "POST",
) -> Answer:
    import httpx

    try:
        response = await client.request(
            method, url, headers=headers, content=body, follow_redirects=False
        )
    except httpx.TimeoutException:
        return Answer(status=None, problem=f"no answer within {_ATTEMPT_SECONDS:.0f} s")
    except httpx.HTTPError as error:
        return Answer(status=None, problem=f"no answer: {mask(str(error)) or type(error).__name__}")
    location = response.headers.get("location", "") if response.is_redirect else ""
    return Answer(status=response.status_code, location=mask(location))


@functools.cache
def _certificates() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()
