"""Misbehaviour on demand, as GitLab misbehaves."""

from __future__ import annotations

import time
from email.utils import formatdate

from sandbox.forges import faults
from sandbox.forges.faults import Fault


class Faults(faults.Faults):
    """What GitLab adds: its rate limit."""

    def __init__(self) -> None:
        super().__init__(server_error="500 Internal Server Error")

    def rate_limit(
        self,
        *,
        retry_after: int = 60,
        method: str | None = None,
        path: str | None = None,
        times: int | None = 1,
    ) -> Fault:
        """Refuse as the rate limit does: 429 with `Retry-After` in seconds, and its headers."""
        reset = int(time.time()) + retry_after
        return self.respond(
            429,
            method=method,
            path=path,
            headers={
                "Content-Type": "text/plain",
                "RateLimit-Limit": "60",
                "RateLimit-Name": "throttle_authenticated_api",
                "RateLimit-Observed": "61",
                "RateLimit-Remaining": "0",
                "RateLimit-Reset": str(reset),
                "RateLimit-ResetTime": formatdate(reset, usegmt=True),
                "Retry-After": str(retry_after),
            },
            body="Retry later\n",
            times=times,
        )
