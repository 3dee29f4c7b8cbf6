"""What conditions and annotations say, and how they are quoted."""

import datetime

import pytest

from fluxhooks.observe.doctor.conditions import lasting, one_line, quoted, time
from tests.unit.flux_evidence import NOW, PATH, condition, receiver

AT = datetime.datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("2026-11-22T12:00:00.123456789Z", AT, id="as the flux command"),
        pytest.param("2026-11-22 12:00:00.123456 +0000 UTC m=+99.1", AT, id="as a Receiver"),
        pytest.param("2026-11-22 13:00:00.123456789 +0100 CET", AT, id="in another zone"),
        pytest.param("2026-11-22T12:00:00Z", NOW, id="as a condition"),
        pytest.param("2026-11-22T13:00:00+01:00", NOW, id="with a zone"),
        pytest.param("now", None, id="by hand"),
        pytest.param(None, None, id="not at all"),
    ],
)
def test_times_as_they_are_written(written: str | None, expected: datetime.datetime | None) -> None:
    """Whoever asks for a reconcile writes the time in a form of its own."""
    assert expected == time(written)


def test_messages_are_quoted_on_one_line() -> None:
    """Without paths and credentials; beginning and end are kept, as the cause comes last."""
    path_too = condition("True", "Succeeded", f"Receiver initialized\nfor path: {PATH}")
    long = one_line(
        f"failed to clone 'https://me:pw@forge.example.com/x': {'x' * 400} no such host"
    )

    assert "Ready is True, Succeeded: Receiver initialized for path: /hook/***" == quoted(
        receiver(path_too)
    )
    assert "pw" not in long
    assert len(long) <= 201
    assert long.startswith("failed to clone 'https://***@forge.example.com/x': x")
    assert long.endswith("x no such host")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-5, "0 s"), (90, "90 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (3e5, "3 days")],
)
def test_spans_for_people(seconds: float, expected: str) -> None:
    """In the largest unit of which there are two."""
    assert expected == lasting(datetime.timedelta(seconds=seconds))
