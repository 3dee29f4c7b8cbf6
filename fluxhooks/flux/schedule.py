"""The generation that is due on a day, so that a scheduled `pulumi up` rotates by itself."""

import datetime
import re
from dataclasses import dataclass

from fluxhooks.errors import ArgumentError

_PERIOD = re.compile(r"([0-9]+)([dw])")
_DAYS = {"d": 1, "w": 7}


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A rotation every so often.

    Attributes:
        every: how long a period is, in whole days.
        since: the day the first period begins.
        extra: rotations out of turn so far.
    """

    every: datetime.timedelta
    since: datetime.date
    extra: int = 0

    def generation(self, today: datetime.date | None = None) -> int:
        """Return the generation that is live on a day; the current one, in UTC, when absent."""
        return 1 + self._periods(today) + self.extra

    def due(self, today: datetime.date | None = None) -> datetime.date:
        """Return the first day after `today` on which another generation is live."""
        return self.since + (self._periods(today) + 1) * self.every

    def _periods(self, today: datetime.date | None) -> int:
        return max(0, ((today or _today()) - self.since) // self.every)


def schedule(every: object, since: object, extra: object = 0, *, argument: str = "") -> Schedule:
    """Return the schedule of three values as a program gives them.

    Args:
        every: the period, in days or weeks: "90d", "12w".
        since: the day the first period begins, as a date or as in "2026-01-31".
        extra: a whole number from 0.
        argument: what the errors name before the value's own name, as in "schedule.".

    Raises:
        ArgumentError: a value cannot work.
    """
    # A component host hands numbers over as floats.
    whole = int(extra) if isinstance(extra, float) and extra.is_integer() else extra
    if isinstance(whole, bool) or not isinstance(whole, int) or whole < 0:
        raise ArgumentError(
            f"{argument}extra", f"{extra!r} is not a number of rotations; use 0 or more"
        )
    return Schedule(
        every=period(f"{argument}every", every), since=_day(f"{argument}since", since), extra=whole
    )


def generation_for(
    every: str = "90d",
    *,
    since: datetime.date | str,
    extra: int = 0,
    today: datetime.date | None = None,
) -> int:
    """Return the generation that is live on a day when one is due every so often.

    It is 1 before and on `since` and one more after each period, so it never falls as time
    passes. Give it as `generation`: the first `pulumi up` of a new period rotates. The argument
    `schedule` does the same in every language, and tells besides when the next one is due.

    Args:
        every: the period, in days or weeks: "90d", "12w".
        since: the day the first period begins, as a date or as in "2026-01-31".
        extra: rotations out of turn; raising it by one rotates at once, as after a leak.
        today: the day that is asked about; the current one, in UTC, when absent.

    Raises:
        ArgumentError: an argument cannot work.
    """
    return schedule(every, since, extra).generation(today)


def due_after(created_at: str, every: datetime.timedelta | None) -> str:
    """Return when a secret made at `created_at` is `every` old, both times as in Kubernetes.

    "" where either is not known.
    """
    if not created_at or every is None:
        return ""
    return as_text(datetime.datetime.fromisoformat(created_at) + every)


def as_text(at: datetime.date) -> str:
    """Return a time, or the beginning of a day in UTC, as in "2026-01-31T00:00:00Z"."""
    if not isinstance(at, datetime.datetime):
        at = datetime.datetime.combine(at, datetime.time(), datetime.UTC)
    return at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def period(argument: str, value: object) -> datetime.timedelta:
    """Return a period such as "90d" or "12w"; `argument` names it in the error.

    Raises:
        ArgumentError: it is no whole number of days or weeks, from one day to ten years.
    """
    found = _PERIOD.fullmatch(value) if isinstance(value, str) else None
    days = int(found[1]) * _DAYS[found[2]] if found and len(found[1]) < 6 else 0
    if not 1 <= days <= 3660:
        raise ArgumentError(
            argument, f"{value!r} is not a period; use days or weeks, as in '90d' or '12w'"
        )
    return datetime.timedelta(days=days)


def _day(argument: str, value: object) -> datetime.date:
    # A datetime is a date too, and does not compare with one.
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ArgumentError(argument, f"{value!r} is not a day such as '2026-01-31'") from None


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()
