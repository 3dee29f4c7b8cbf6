"""JSON as forges write it: compact, UTF-8, times in UTC."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Literal

JsonObject = dict[str, Any]


def dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def parse(text: bytes) -> Any:
    return json.loads(text)


def timestamp(at: float, *, to: Literal["seconds", "milliseconds"] = "seconds") -> str:
    """Epoch seconds as `2026-01-31T12:00:00Z` or `2026-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec=to).replace("+00:00", "Z")
