"""Deliveries: signed, queued, sent and recorded as GitHub does it.

A delivery keeps the URL and the secret its webhook had when it was *queued*. GitHub promises
neither this nor the contrary; it is the worst case for whoever changes a webhook.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sandbox.forges.github.encoding import JsonObject, parse, timestamp
from sandbox.forges.github.hooks import Hook, LastResponse
from sandbox.forges.github.post import NothingReturnedError, post

TIMEOUT = 10.0

Delay = float | Callable[[], float]


@dataclass(frozen=True)
class Event:
    """Something that happened, to be told to webhooks; `body` is its payload as JSON text."""

    name: str
    guid: str
    body: bytes = field(repr=False)
    action: str | None
    repository_id: int | None


@dataclass(frozen=True)
class Delivery:
    """One attempt to tell one webhook of one event. Times are epoch seconds, `duration` seconds."""

    id: int
    hook: Hook
    event: str
    guid: str
    action: str | None
    repository_id: int | None
    redelivery: bool
    queued_at: float
    delivered_at: float
    duration: float
    status: str
    status_code: int
    request_headers: Mapping[str, str] = field(repr=False)
    request_body: bytes = field(repr=False)
    response_headers: Mapping[str, str] = field(repr=False)
    response_body: str = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the receiver took it: an answer of 200 to 299."""
        return 200 <= self.status_code <= 299

    @property
    def answered(self) -> bool:
        """Whether there was an answer at all; without one `status_code` is 502 or 504."""
        return bool(self.response_headers)

    @property
    def payload(self) -> Any:
        return parse(self.request_body)


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
        "throttled_at": None,
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


class Queue:
    """Sends what is queued, up to `concurrency` at a time; lives on one event loop.

    `record` is called with each finished delivery. `delay` is how long a delivery stays queued, in
    seconds, or a function that is asked for each.
    """

    def __init__(
        self,
        record: Callable[[Delivery], None],
        *,
        ca_file: Path | None = None,
        concurrency: int = 32,
        timeout: float = TIMEOUT,
    ) -> None:
        self.delay: Delay = 0.0
        self.timeout = timeout
        self._record = record
        self._ca_file = ca_file
        self._slots = asyncio.Semaphore(concurrency)
        self._running = asyncio.Event()
        self._running.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ids = count(24_000_000_001)
        self._contexts: dict[bool, ssl.SSLContext] = {}

    @property
    def pending(self) -> int:
        """How many deliveries are queued or under way."""
        return len(self._tasks)

    def put(self, hook: Hook, event: Event, *, redelivery: bool = False) -> None:
        """Queue a delivery of `event` to `hook` as it is now."""
        delay = self.delay() if callable(self.delay) else self.delay
        task = asyncio.create_task(self._deliver(hook, event, redelivery, time.time(), delay))
        self._idle.clear()
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def pause(self) -> None:
        self._running.clear()

    def resume(self) -> None:
        self._running.set()

    async def wait_idle(self) -> None:
        await self._idle.wait()

    async def close(self) -> None:
        """Forget what is queued, break off what is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._tasks:
            self._idle.set()
        if not task.cancelled() and (error := task.exception()):
            raise error

    async def _deliver(
        self, hook: Hook, event: Event, redelivery: bool, queued_at: float, delay: float
    ) -> None:
        if delay > 0:
            await asyncio.sleep(delay)
        await self._running.wait()
        async with self._slots:
            started = time.monotonic()
            headers, body = _request(hook, event)
            answer = await self._post(hook, headers, body)
            self._record(
                Delivery(
                    id=next(self._ids),
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
                    status_code=answer.code,
                    request_headers=headers,
                    request_body=event.body,
                    response_headers=answer.headers,
                    response_body=answer.body,
                )
            )

    async def _post(self, hook: Hook, headers: Mapping[str, str], body: bytes) -> _Answer:
        try:
            async with asyncio.timeout(self.timeout):
                response = await post(hook.url, headers, body, tls=self._tls(hook.insecure_ssl))
        except TimeoutError:
            return _Answer("timed out", 504)
        except NothingReturnedError:
            return _Answer("Server returned nothing (no headers, no data)", 502)
        except ssl.SSLCertVerificationError:
            return _Answer(
                "Peer certificate cannot be authenticated with given CA certificates", 502
            )
        except (OSError, UnicodeError):
            return _Answer("failed to connect to host", 502)
        return _Answer(
            _status(response.status),
            response.status,
            response.headers,
            response.body.decode(errors="replace"),
        )

    def _tls(self, insecure: bool) -> ssl.SSLContext:
        if insecure not in self._contexts:
            context = ssl.create_default_context(cafile=self._ca_file)
            if insecure:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._contexts[insecure] = context
        return self._contexts[insecure]


@dataclass(frozen=True)
class _Answer:
    status: str
    code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


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
