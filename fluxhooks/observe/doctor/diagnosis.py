"""What a diagnosis says, as data; nothing in it is secret."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fluxhooks.observe.doctor.faults import Fault, Link


class Sure(StrEnum):
    """How sure a finding is: what was seen proves it, or is best explained by it."""

    PROVED = "proved"
    LIKELY = "likely"


class State(StrEnum):
    """What became of a link.

    `SYMPTOM`: it fails because of a link behind it. `UNSEEN`: it could not be looked at.
    `ABSENT`: there is nothing to look at. `NOT_REACHED`: a link before it is broken.
    """

    OK = "ok"
    WARNING = "warning"
    SYMPTOM = "symptom"
    BROKEN = "broken"
    ABSENT = "absent"
    UNSEEN = "unseen"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A fault that was found.

    Attributes:
        where: what has it, as in "GitRepository flux-system/app" or "webhook acme/app 42".
        wrong: what is wrong, in one sentence with the values that matter.
        evidence: what shows it: status codes, conditions, IDs of deliveries, ages.
        cure: the command or edit that mends it; commands stand in backticks.
    """

    fault: Fault
    where: str
    wrong: str
    evidence: tuple[str, ...]
    cure: str
    sure: Sure = Sure.PROVED

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "fault": self.fault.label,
            "link": str(self.fault.link),
            "breaks": self.fault.breaks,
            "where": self.where,
            "wrong": self.wrong,
            "evidence": list(self.evidence),
            "sure": str(self.sure),
            "cure": self.cure,
        }


@dataclass(frozen=True, kw_only=True)
class Examined:
    """One link.

    Attributes:
        seen: what was seen where nothing is wrong, or why nothing was.
    """

    link: Link
    state: State
    seen: str = ""
    findings: tuple[Finding, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "link": str(self.link),
            "state": str(self.state),
            "seen": self.seen,
            "findings": [finding.as_json() for finding in self.findings],
        }


@dataclass(frozen=True, kw_only=True)
class Chain:
    """One Receiver's way from the webhook to the cluster, a link for each of `Link`."""

    name: str
    links: tuple[Examined, ...]

    @property
    def findings(self) -> Iterator[Finding]:
        """All findings, the first link's first."""
        for examined in self.links:
            yield from examined.findings

    @property
    def first(self) -> Finding | None:
        """The first that stops deliveries; None where none does."""
        return next((finding for finding in self.findings if finding.fault.breaks), None)

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "name": self.name,
            "ok": self.first is None,
            "first": self.first.as_json() if self.first else None,
            "links": [examined.as_json() for examined in self.links],
        }


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """All chains that were looked at.

    Attributes:
        unseen: what could not be asked, and why.
    """

    chains: tuple[Chain, ...]
    unseen: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "ok": not self.unseen and all(chain.first is None for chain in self.chains),
            "chains": [chain.as_json() for chain in self.chains],
            "unseen": list(self.unseen),
        }
