"""Deliveries: sent and recorded as GitLab does it."""

from __future__ import annotations

import ssl
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from sandbox.forges.attempt import Attempt
from sandbox.forges.encoding import JsonObject, timestamp
from sandbox.forges.gitlab.events import FLAGS, TRIGGERS
from sandbox.forges.gitlab.hooks import Hook
from sandbox.forges.gitlab.namespaces import VERSION, Site
from sandbox.forges.post import NothingReturnedError, Poster

INTERNAL_ERROR = "internal error"
REDACTED = "[REDACTED]"

_KEPT_BODY = 8 * 1024
_KEPT_HEADERS = 50


@dataclass(frozen=True)
class Event:
    """Something that happened, to be told to webhooks; `body` is its payload as JSON text.

    `guid` is the same for all webhooks that are told of it, `idempotency_key` for one webhook also
    when it is told again.
    """

    name: str
    guid: str
    body: bytes = field(repr=False)
    idempotency_key: str


@dataclass(frozen=True, kw_only=True)
class Delivery(Attempt):
    """One attempt to tell one webhook of one event; `hook` is as it was when this was sent.

    `event` is the name in `X-Gitlab-Event`, `guid` the one in `X-Gitlab-Event-UUID`. Without an
    answer `status_code` is 0 and `error` says why.
    """

    hook: Hook
    idempotency_key: str
    error: str | None

    @property
    def answered(self) -> bool:
        """Whether there was an answer at all."""
        return self.error is None

    @property
    def counts_as_failure(self) -> bool:
        """Whether it brings the webhook nearer to being disabled: all but 2xx and 3xx."""
        return not 200 <= self.status_code <= 399


async def deliver(
    site: Site,
    hook: Hook,
    event: Event,
    *,
    queued_at: float,
    ids: Iterator[int],
    poster: Poster,
) -> Delivery:
    """Send `event` to `hook` and return what came of it; `ids` numbers it when it is over."""
    started = time.monotonic()
    headers = _headers(site, hook, event)
    status, error, response_headers, body = 0, None, {}, ""
    try:
        response = await poster.post(hook.url, headers, event.body, verify=hook.verify)
    except TimeoutError:
        error = "Net::ReadTimeout"
    except NothingReturnedError:
        error = "end of file reached"
    except ssl.SSLCertVerificationError as refused:
        error = (
            "SSL_connect returned=1 errno=0 state=error: certificate verify failed "
            f"({refused.verify_message})"
        )
    except (OSError, UnicodeError):
        error = "Failed to open TCP connection"
    else:
        status = response.status
        response_headers = dict(list(response.headers.items())[:_KEPT_HEADERS])
        body = response.body[:_KEPT_BODY].decode(errors="replace")
    return Delivery(
        id=next(ids),
        hook=hook,
        event=event.name,
        guid=event.guid,
        idempotency_key=event.idempotency_key,
        queued_at=queued_at,
        delivered_at=time.time(),
        duration=time.monotonic() - started,
        status_code=status,
        error=error,
        request_headers=headers,
        request_body=event.body,
        response_headers=response_headers,
        response_body=body,
    )


def show(delivery: Delivery) -> JsonObject:
    """The delivery as it stands in the log: why there was no answer is not told."""
    headers = dict(delivery.request_headers)
    if "X-Gitlab-Token" in headers:
        headers["X-Gitlab-Token"] = REDACTED
    return {
        "id": delivery.id,
        "url": delivery.hook.url,
        "trigger": TRIGGERS[FLAGS[delivery.event]],
        "request_headers": headers,
        "request_data": delivery.payload,
        "response_headers": dict(delivery.response_headers),
        "response_body": delivery.response_body,
        "execution_duration": delivery.duration,
        "response_status": str(delivery.status_code) if delivery.answered else INTERNAL_ERROR,
        "created_at": timestamp(delivery.delivered_at, to="milliseconds"),
    }


def _headers(site: Site, hook: Hook, event: Event) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"GitLab/{VERSION}",
        "Idempotency-Key": event.idempotency_key,
        "X-Gitlab-Event": event.name,
        "X-Gitlab-Webhook-UUID": str(uuid.uuid4()),
        "X-Gitlab-Instance": site.root,
        "X-Gitlab-Event-UUID": event.guid,
    }
    if hook.secret is not None:
        headers["X-Gitlab-Token"] = hook.secret
    return headers
