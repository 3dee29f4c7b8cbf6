"""What a report is made of, as data; nothing in it is secret."""

import datetime
from dataclasses import dataclass

from fluxhooks.observe.coverage import Coverage
from fluxhooks.observe.doctor.diagnosis import Diagnosis
from fluxhooks.observe.status import Status


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that was looked at.

    Attributes:
        of: what it is a report of, as in "the stack prod".
        diagnosis, coverage, status: None where that was not looked at.
        unseen: what could not be looked at, and why; each once, whoever says it.
    """

    of: str
    made_at: datetime.datetime
    diagnosis: Diagnosis | None = None
    coverage: Coverage | None = None
    status: Status | None = None
    unseen: tuple[str, ...] = ()

    @property
    def all_unseen(self) -> tuple[str, ...]:
        """What none of its parts could see, each once."""
        parts = (self.diagnosis, self.coverage, self.status)
        return tuple(
            dict.fromkeys([*self.unseen, *(text for part in parts if part for text in part.unseen)])
        )
