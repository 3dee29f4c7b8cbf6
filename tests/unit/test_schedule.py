"""The number that is due follows the calendar, and nothing else."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhooks import ArgumentError, generation_for
from fluxhooks.flux.schedule import as_text, due_after, period, schedule

_DAYS = st.dates(datetime.date(2020, 1, 1), datetime.date(2090, 1, 1))
_PERIODS = st.integers(1, 400)


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        pytest.param("2025-12-31", 1, id="before the first period"),
        pytest.param("2026-01-01", 1, id="on its first day"),
        pytest.param("2026-03-31", 1, id="on its last day"),
        pytest.param("2026-04-01", 2, id="on the second's first day"),
        pytest.param("2026-12-31", 5, id="a year later"),
    ],
)
def test_a_new_period_brings_the_next_generation(today: str, expected: int) -> None:
    """Ninety days are a period, unless another is given."""
    day = datetime.date.fromisoformat(today)

    assert expected == generation_for(since="2026-01-01", today=day)


def test_weeks_are_seven_days() -> None:
    """Both units name whole days."""
    assert datetime.timedelta(days=84) == period("every", "12w") == period("every", "84d")


@given(since=_DAYS, days=_PERIODS, today=_DAYS, extra=st.integers(0, 9))
def test_the_number_never_falls(
    since: datetime.date, days: int, today: datetime.date, extra: int
) -> None:
    """From one day to the next it stays or is one more: a rotation never goes back."""
    every, tomorrow = f"{days}d", today + datetime.timedelta(days=1)
    now = generation_for(every, since=since, extra=extra, today=today)

    assert generation_for(every, since=since, extra=extra, today=tomorrow) - now in (0, 1)
    assert now >= 1


@given(since=_DAYS, days=_PERIODS, periods=st.integers(0, 50))
def test_each_period_is_as_long_as_it_says(since: datetime.date, days: int, periods: int) -> None:
    """The number rises on the first day of a period, and not on the day before."""
    first = since + datetime.timedelta(days=days * periods)

    assert periods + 1 == generation_for(f"{days}d", since=since, today=first)
    assert max(1, periods) == generation_for(
        f"{days}d", since=since, today=first - datetime.timedelta(days=1)
    )


@given(since=_DAYS, days=_PERIODS, today=_DAYS)
def test_the_next_one_is_due_on_the_day_on_which_the_number_rises(
    since: datetime.date, days: int, today: datetime.date
) -> None:
    """And not on the day before; it is never today."""
    asked = schedule(f"{days}d", since)
    due = asked.due(today)

    assert due > today
    assert asked.generation(today) == asked.generation(due - datetime.timedelta(days=1))
    assert asked.generation(today) + 1 == asked.generation(due)


def test_a_rotation_out_of_turn_is_one_more() -> None:
    """The emergency bump stays in the number, so that it never falls."""
    day = datetime.date(2026, 5, 1)

    assert 3 == generation_for(since="2026-01-01", extra=1, today=day)


def test_times_are_written_in_utc() -> None:
    """A day begins at midnight there."""
    east = datetime.timezone(datetime.timedelta(hours=2))

    assert "2026-01-31T00:00:00Z" == as_text(datetime.date(2026, 1, 31))
    assert "2026-01-30T22:30:00Z" == as_text(datetime.datetime(2026, 1, 31, 0, 30, tzinfo=east))


@pytest.mark.parametrize(
    ("created_at", "every", "expected"),
    [
        ("2026-01-31T12:00:00Z", datetime.timedelta(days=90), "2026-05-01T12:00:00Z"),
        ("2026-01-31T12:00:00Z", None, ""),
        ("", datetime.timedelta(days=90), ""),
    ],
)
def test_a_secret_is_due_when_it_is_old_enough(
    created_at: str, every: datetime.timedelta | None, expected: str
) -> None:
    """Where its age or the period is not known, nothing is due."""
    assert expected == due_after(created_at, every)


def test_a_time_of_day_does_not_matter() -> None:
    """A datetime is taken for its day."""
    noon = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)

    assert 1 == generation_for("1d", since=noon, today=datetime.date(2026, 1, 1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            {"every": "3m", "since": "2026-01-01"},
            "every: '3m' is not a period; use days or weeks, as in '90d' or '12w'",
            id="unit",
        ),
        pytest.param(
            {"every": "0d", "since": "2026-01-01"},
            "every: '0d' is not a period; use days or weeks, as in '90d' or '12w'",
            id="zero",
        ),
        pytest.param(
            {"since": "yesterday"},
            "since: 'yesterday' is not a day such as '2026-01-31'",
            id="day",
        ),
        pytest.param(
            {"since": "2026-01-01", "extra": -1},
            "extra: -1 is not a number of rotations; use 0 or more",
            id="extra",
        ),
    ],
)
def test_what_cannot_work_is_said(arguments: dict[str, object], message: str) -> None:
    """The argument, its value, and the cure."""
    with pytest.raises(ArgumentError) as error:
        generation_for(**arguments)  # type: ignore[arg-type]

    assert message == str(error.value)
