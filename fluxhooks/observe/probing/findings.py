"""What a probe found, as data; nothing in it is secret."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Check(StrEnum):
    """What is looked at, in this order; what comes after a wrong one is not."""

    TLS = "tls"
    CONTROL = "control"
    UNSIGNED = "unsigned"
    SIGNED = "signed"
    DELIVERY = "delivery"


class Verdict(StrEnum):
    """What a check came to.

    `SKIPPED` is by choice or because an earlier check is wrong; `UNKNOWN` is what should have
    been looked at and could not be.
    """

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check came to.

    Attributes:
        seen: what was seen, or why nothing was sent.
        cure: what mends it, as sentences; "" where nothing is to be mended.
        status: the HTTP status; None where there is none.
        milliseconds: how long it took, for requests without connecting; None where nothing was
            sent.
        days: until the certificate expires; None for other checks.
    """

    check: Check
    verdict: Verdict
    seen: str
    cure: str = ""
    status: int | None = None
    milliseconds: float | None = None
    days: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "check": str(self.check),
            "verdict": str(self.verdict),
            "status": self.status,
            "seen": self.seen,
            "cure": self.cure,
            "ms": None if self.milliseconds is None else round(self.milliseconds, 1),
            **({} if self.days is None else {"certificate_days": self.days}),
        }


@dataclass(frozen=True, kw_only=True)
class Probed:
    """One target and what was found, a finding for each check.

    Attributes:
        type: the Receiver's.
        host: the host that was called, with a port where one is given; "" where none is known.
    """

    name: str
    type: str
    host: str
    findings: tuple[Finding, ...]

    def has(self, verdict: Verdict) -> bool:
        """Whether a check came to `verdict`."""
        return any(finding.verdict is verdict for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "name": self.name,
            "type": self.type,
            "host": self.host,
            "ok": not self.has(Verdict.WRONG) and not self.has(Verdict.UNKNOWN),
            "checks": [finding.as_json() for finding in self.findings],
        }
