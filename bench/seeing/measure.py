"""Times ours and the bare requests turn by turn, so that what else a machine does meets both."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class UnlikeError(RuntimeError):
    """What was seen or answered is not what there is, so that its time says nothing.

    On a machine that is busy otherwise, an answer may come too late.
    """


@dataclass
class Measured:
    """What was timed.

    Attributes:
        requests: how many the bare ones are.
        bare, ours: seconds of each turn.
        left_out: turns in which an answer was not what it must be.
    """

    key: str
    title: str
    requests: int = 0
    bare: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    left_out: int = 0

    @property
    def bare_seconds(self) -> float:
        """The median."""
        return statistics.median(self.bare)

    @property
    def seconds(self) -> float:
        """The median of ours."""
        return statistics.median(self.ours)

    @property
    def ratio(self) -> float:
        """Ours to the bare ones."""
        return self.seconds / self.bare_seconds

    @property
    def turns(self) -> list[float]:
        """The ratio of each turn, the least first."""
        pairs = zip(self.ours, self.bare, strict=True)
        return sorted(ours / bare for ours, bare in pairs)

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "requests": self.requests,
            "bare_seconds": round(self.bare_seconds, 3),
            "seconds": round(self.seconds, 3),
            "ratio": round(self.ratio, 2),
            "left_out": self.left_out,
            "turns": [round(turn, 2) for turn in self.turns],
        }


def measure(
    key: str,
    title: str,
    *,
    bare: Callable[[], int],
    ours: Callable[[], None],
    turns: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Measured:
    """Run both once to warm up, then `turns` times each; who begins changes from turn to turn.

    A turn in which an answer was not what it must be is left out and run again, at most `turns`
    times in all.

    Args:
        bare: sends the bare requests and returns how many.
        ours: looks.

    Raises:
        UnlikeError: more turns than that were to be left out.
    """
    measured = Measured(key=key, title=title)
    runs: list[tuple[list[float], Callable[[], int | None]]] = [
        (measured.bare, bare),
        (measured.ours, ours),
    ]

    def turn() -> list[float]:
        seconds = []
        for _, run in runs:
            started = clock()
            counted = run()
            seconds.append(clock() - started)
            if counted is not None:
                measured.requests = counted
        return seconds

    def whole_turn() -> list[float]:
        while True:
            try:
                return turn()
            except UnlikeError:
                measured.left_out += 1
                if measured.left_out > turns:
                    raise

    whole_turn()
    for _ in range(turns):
        for (seconds, _), took in zip(runs, whole_turn(), strict=True):
            seconds.append(took)
        runs.reverse()
    return measured
