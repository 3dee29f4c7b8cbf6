"""What an endpoint of a REST API answers with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request


@dataclass(frozen=True)
class Answer:
    """A successful answer; without `data` it has no body."""

    data: object = None
    status: int = 200
    headers: Mapping[str, str] | None = None


Endpoint = Callable[[Request], Awaitable[Answer]]
