"""JSON as GitHub writes it: compact, UTF-8, times in UTC to the second."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

JsonObject = dict[str, Any]


def dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def parse(text: bytes) -> Any:
    return json.loads(text)


def timestamp(at: float) -> str:
    """Epoch seconds as `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
