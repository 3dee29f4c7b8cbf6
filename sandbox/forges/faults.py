"""Misbehaviour on demand: what a stand-in does to chosen requests instead of answering them."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sandbox.forges.encoding import dump
from sandbox.forges.git import SERVICES


class Kind(StrEnum):
    RESPOND = "respond"
    HANG = "hang"
    DROP = "drop"


@dataclass
class Fault:
    """One order to misbehave. `hits` counts the requests it has met."""

    kind: Kind
    method: str | None
    path: re.Pattern[str] | None
    times: int | None
    after: bool
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    hits: int = 0

    def matches(self, method: str, path: str) -> bool:
        if self.times is not None and self.hits >= self.times:
            return False
        if self.method is not None and self.method.upper() != method:
            return False
        if self.path is None:
            return not path.endswith(("/info/refs", *SERVICES))
        return self.path.search(path) is not None


class Faults:
    """The orders in force; for each request the oldest that matches and is not used up counts.

    Common arguments: `method` (every method), `path` (a regular expression searched for in the path
    below the API's root; absent, every REST request and no Git transport), `times` (1; `None` until
    `clear`) and `after` (False; True does the work first and spoils only the answer).

    `server_error` is what the forge says of itself when it fails.
    """

    def __init__(self, *, server_error: str) -> None:
        self._server_error = server_error
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def respond(
        self,
        status: int = 500,
        *,
        method: str | None = None,
        path: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | str | dict[str, object] | None = None,
        times: int | None = 1,
        after: bool = False,
    ) -> Fault:
        """Answer with `status` and `body`: bytes or text as they are, a mapping as JSON.

        Absent, the body is a `message` of the forge's.
        """
        if body is None:
            body = {"message": self._server_error}
        content = body.encode() if isinstance(body, str) else body
        headers = dict(headers or {})
        if isinstance(content, dict):
            headers.setdefault("Content-Type", "application/json; charset=utf-8")
            content = dump(content)
        return self._add(
            Fault(
                Kind.RESPOND,
                method,
                _pattern(path),
                times,
                after,
                status=status,
                headers=headers,
                body=content,
            )
        )

    def hang(
        self,
        seconds: float,
        *,
        method: str | None = None,
        path: str | None = None,
        times: int | None = 1,
        after: bool = False,
    ) -> Fault:
        """Say nothing for `seconds`, then close the connection."""
        return self._add(Fault(Kind.HANG, method, _pattern(path), times, after, seconds=seconds))

    def drop(
        self,
        *,
        method: str | None = None,
        path: str | None = None,
        times: int | None = 1,
        after: bool = False,
    ) -> Fault:
        """Close the connection without an answer."""
        return self._add(Fault(Kind.DROP, method, _pattern(path), times, after))

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._faults.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault this request meets, counted."""
        with self._lock:
            for fault in self._faults:
                if fault.matches(method, path):
                    fault.hits += 1
                    return fault
        return None

    def _add(self, fault: Fault) -> Fault:
        with self._lock:
            self._faults.append(fault)
        return fault


def _pattern(path: str | None) -> re.Pattern[str] | None:
    return None if path is None else re.compile(path)
