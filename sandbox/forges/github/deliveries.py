"""Deliveries: signed, sent and recorded as GitHub does it.

A delivery keeps the URL and the secret its webhook had when it was *queued*. GitHub promises
neither this nor the contrary; it is the worst case for whoever changes a webhook.
"""

from __future__ import annotations

import hashlib
import hmac
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from sandbox.forges.attempt import Attempt
from sandbox.forges.encoding import JsonObject, timestamp
from sandbox.forges.github.hooks import Hook, LastResponse
from sandbox.forges.post import NothingReturnedError, Poster


@dataclass(frozen=True)
class Event:
    """Something that happened, to be told to webhooks; `body` is its payload as JSON text."""

    name: str
    guid: str
    body: bytes = field(repr=False)
    action: str | None
    repository_id: int | None


@dataclass(frozen=True, kw_only=True)
class Delivery(Attempt):
    """One attempt to tell one webhook of one event; `hook` is as it was when this was queued."""

    hook: Hook
    action: str | None
    repository_id: int | None
    redelivery: bool
    status: str
    throttled_at: float | None

    @property
    def answered(self) -> bool:
        """Whether there was an answer at all; without one `status_code` is 502 or 504."""
        return bool(self.response_headers)


def sign(body: bytes, secret: str) -> dict[str, str]:
    """The two signature headers of a body."""
    key = secret.encode()
    return {
        "X-Hub-Signature": f"sha1={hmac.new(key, body, hashlib.sha1).hexdigest()}",
        "X-Hub-Signature-256": f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}",
    }


def show_item(delivery: Delivery) -> JsonObject:
    """The delivery as it stands in a list."""
    return {
        "id": delivery.id,
        "guid": delivery.guid,
        "delivered_at": timestamp(delivery.delivered_at),
        "redelivery": delivery.redelivery,
        "duration": round(delivery.duration, 2),
        "status": delivery.status,
        "status_code": delivery.status_code,
        "event": delivery.event,
        "action": delivery.action,
        "installation_id": None,
        "repository_id": delivery.repository_id,
        "throttled_at": None if delivery.throttled_at is None else timestamp(delivery.throttled_at),
    }


def show(delivery: Delivery) -> JsonObject:
    """The delivery with what was sent and what was answered."""
    return {
        **show_item(delivery),
        "url": delivery.hook.url,
        "request": {"headers": dict(delivery.request_headers), "payload": delivery.payload},
        "response": {
            "headers": dict(delivery.response_headers),
            "payload": delivery.response_body,
        },
    }


def last_response(delivery: Delivery) -> LastResponse:
    """What a webhook says of its newest delivery: not the receiver's own status when it failed."""
    if delivery.ok:
        return LastResponse(delivery.status_code, "active", "OK")
    if delivery.answered:
        return LastResponse(422, "misconfigured", delivery.status)
    return LastResponse(delivery.status_code, "timeout", delivery.status)


async def deliver(
    hook: Hook,
    event: Event,
    *,
    redelivery: bool,
    queued_at: float,
    ids: Iterator[int],
    poster: Poster,
    throttled: bool = False,
) -> Delivery:
    """Send `event` to `hook` and return what came of it; `ids` numbers it when it is over."""
    started = time.monotonic()
    headers, body = _request(hook, event)
    answer = await _post(poster, hook, headers, body)
    return Delivery(
        id=next(ids),
        hook=hook,
        event=event.name,
        guid=event.guid,
        action=event.action,
        repository_id=event.repository_id,
        redelivery=redelivery,
        queued_at=queued_at,
        delivered_at=time.time(),
        duration=time.monotonic() - started,
        status=answer.status,
        throttled_at=queued_at if throttled else None,
        status_code=answer.code,
        request_headers=headers,
        request_body=event.body,
        response_headers=answer.headers,
        response_body=answer.body,
    )


@dataclass(frozen=True)
class _Answer:
    status: str
    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


async def _post(poster: Poster, hook: Hook, headers: Mapping[str, str], body: bytes) -> _Answer:
    try:
        response = await poster.post(hook.url, headers, body, verify=not hook.insecure_ssl)
    except TimeoutError:
        return _Answer("timed out", 504)
    except NothingReturnedError:
        return _Answer("Server returned nothing (no headers, no data)", 502)
    except ssl.SSLCertVerificationError:
        return _Answer("Peer certificate cannot be authenticated with given CA certificates", 502)
    except (OSError, UnicodeError):
        return _Answer("failed to connect to host", 502)
    return _Answer(
        _status(response.status),
        response.status,
        response.headers,
        response.body.decode(errors="replace"),
    )


def _request(hook: Hook, event: Event) -> tuple[dict[str, str], bytes]:
    form = hook.content_type == "form"
    body = urlencode({"payload": event.body}).encode() if form else event.body
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
        "User-Agent": "GitHub-Hookshot/f1acc01",
        "X-GitHub-Delivery": event.guid,
        "X-GitHub-Event": event.name,
        "X-GitHub-Hook-ID": str(hook.id),
        "X-GitHub-Hook-Installation-Target-ID": str(hook.target.id),
        "X-GitHub-Hook-Installation-Target-Type": (
            "organization" if hook.target.organization else "repository"
        ),
    }
    if hook.secret is not None:
        headers |= sign(body, hook.secret)
    return headers, body


def _status(code: int) -> str:
    return "OK" if 200 <= code <= 299 else f"Invalid HTTP Response: {code}"
