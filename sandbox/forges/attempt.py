"""One attempt to tell one webhook of one event, as far as forges agree on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.forges.encoding import parse


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Times are epoch seconds, `duration` is in seconds; `event` and `guid` are as in headers."""

    id: int
    event: str
    guid: str
    queued_at: float
    delivered_at: float
    duration: float
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
    def payload(self) -> Any:
        return parse(self.request_body)
