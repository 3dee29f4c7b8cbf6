"""The generation that is due on a day, so that a scheduled `pulumi up` rotates by itself."""

import datetime
import re

from fluxhooks.errors import ArgumentError

_PERIOD = re.compile(r"([0-9]+)([dw])")
_DAYS = {"d": 1, "w": 7}


def generation_for(
    every: str = "90d",
    *,
    since: datetime.date | str,
    extra: int = 0,
    today: datetime.date | None = None,
) -> int:
    """Return the generation that is live on a day when one is due every so often.

    It is 1 before and on `since` and one more after each period, so it never falls as time
    passes. Give it as `generation`: the first `pulumi up` of a new period rotates.

    Args:
        every: the period, in days or weeks: "90d", "12w".
        since: the day the first period begins, as a date or as in "2026-01-31".
        extra: rotations out of turn; raising it by one rotates at once, as after a leak.
        today: the day that is asked about; the current one, in UTC, when absent.

    Raises:
        ArgumentError: an argument cannot work.
    """
    if isinstance(extra, bool) or not isinstance(extra, int) or extra < 0:
        raise ArgumentError("extra", f"{extra!r} is not a number of rotations; use 0 or more")
    passed = ((today or _today()) - _day("since", since)).days
    return 1 + max(0, passed // period("every", every).days) + extra


def period(argument: str, value: str) -> datetime.timedelta:
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


def _day(argument: str, value: datetime.date | str) -> datetime.date:
    # A datetime is a date too, and does not compare with one.
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ArgumentError(argument, f"{value!r} is not a day such as '2026-01-31'") from None


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()
