"""How often a source should ask by itself, beside a webhook that tells it of changes or without.

With one, asking is there for what a webhook misses: every 30 minutes does. Asking more often costs
and buys nothing; asking ever more seldom hides that the webhook fails, and is as late as that when
it does. Without one, the interval is how late every change is.
The rule is of the talk behind this project ("Let's talk GitOps reliability", GitOpsCon EU 2025);
`fluxhooks coverage`, `fluxhooks doctor` and whoever else judges intervals take it from here.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fluxhooks.flux import durations

ENOUGH: Final = "30m"
"""What is advised beside a webhook."""

SHORTEST_BESIDE: Final = "5m"
"""Beside a webhook, a source that asks more often than this gains nothing."""

LONGEST_BESIDE: Final = "3000m"
"""Beside a webhook, one that asks less often than this makes up too late for one that fails."""

LONGEST_ALONE: Final = "24h"
"""Without a webhook, one that asks less often than this is late."""


class Pace(StrEnum):
    """What a source's interval comes to."""

    FITS = "fits"
    TOO_OFTEN = "too often"
    TOO_SELDOM = "too seldom"


@dataclass(frozen=True, kw_only=True)
class IntervalPolicy:
    """Between which intervals a source is left in peace.

    Attributes:
        shortest_beside: seconds, as `SHORTEST_BESIDE` is.
        longest_beside: seconds, as `LONGEST_BESIDE` is.
        longest_alone: seconds, as `LONGEST_ALONE` is.
    """

    shortest_beside: float = durations.seconds(SHORTEST_BESIDE)
    longest_beside: float = durations.seconds(LONGEST_BESIDE)
    longest_alone: float = durations.seconds(LONGEST_ALONE)

    def pace(self, seconds: float, *, beside: bool) -> Pace:
        """Return whether a source that asks every so many seconds should ask otherwise.

        Args:
            seconds: its interval; 0 where that is not known, which fits.
            beside: whether a webhook tells it of changes.
        """
        if seconds and beside and seconds < self.shortest_beside:
            return Pace.TOO_OFTEN
        if seconds > (self.longest_beside if beside else self.longest_alone):
            return Pace.TOO_SELDOM
        return Pace.FITS
