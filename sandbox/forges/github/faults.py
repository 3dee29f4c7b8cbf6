"""Misbehaviour on demand, as GitHub misbehaves."""

from __future__ import annotations

from sandbox.forges import faults
from sandbox.forges.faults import Fault
from sandbox.forges.github import errors


class Faults(faults.Faults):
    """What GitHub adds: its secondary rate limit."""

    def __init__(self) -> None:
        super().__init__(server_error="Server Error")

    def rate_limit(
        self,
        *,
        retry_after: int = 60,
        status: int = 403,
        method: str | None = None,
        path: str | None = None,
        times: int | None = 1,
    ) -> Fault:
        """Refuse as the secondary rate limit does: 403 or 429 with `Retry-After` in seconds."""
        refusal = errors.secondary_limit(status, retry_after)
        return self.respond(
            status,
            method=method,
            path=path,
            headers=refusal.headers,
            body=refusal.body,
            times=times,
        )
