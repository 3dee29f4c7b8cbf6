"""How often a source should ask is one policy, wherever it is judged."""

import inspect

import pytest

from fluxhooks.cli.coverage import coverage
from fluxhooks.flux import durations, intervals
from fluxhooks.flux.intervals import IntervalPolicy, Pace

_CASES = [
    pytest.param("10s", True, Pace.TOO_OFTEN, id="10s beside a webhook"),
    pytest.param("4m59s", True, Pace.TOO_OFTEN, id="almost 5m beside one"),
    pytest.param("5m", True, Pace.FITS, id="5m beside one"),
    pytest.param("30m", True, Pace.FITS, id="30m beside one"),
    pytest.param("3000m", True, Pace.FITS, id="3000m beside one"),
    pytest.param("3001m", True, Pace.TOO_SELDOM, id="more than 3000m beside one"),
    pytest.param("0s", True, Pace.FITS, id="nothing is known"),
    pytest.param("10s", False, Pace.FITS, id="10s without one"),
    pytest.param("24h", False, Pace.FITS, id="a day without one"),
    pytest.param("3000m", False, Pace.TOO_SELDOM, id="3000m without one"),
]


@pytest.mark.parametrize(("interval", "beside", "pace"), _CASES)
def test_intervals(interval: str, beside: bool, pace: Pace) -> None:
    """With a webhook a source may ask every 30m; 10s buys nothing, and days hide what fails."""
    assert pace is IntervalPolicy().pace(durations.seconds(interval), beside=beside)


def test_what_is_advised_fits() -> None:
    """Whoever follows the advice is told nothing more."""
    assert Pace.FITS is IntervalPolicy().pace(durations.seconds(intervals.ENOUGH), beside=True)


def test_the_command_asks_for_the_policy() -> None:
    """Its options change it, and without them it is as it is."""
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(coverage).parameters.items()
    }

    assert IntervalPolicy() == IntervalPolicy(
        shortest_beside=durations.seconds(defaults["min_beside"]),
        longest_beside=durations.seconds(defaults["max_beside"]),
        longest_alone=durations.seconds(defaults["max_alone"]),
    )
