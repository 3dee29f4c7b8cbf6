"""Durations are read as Go and the Receiver's definition write them."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhooks.flux import durations

_CRD = json.loads((Path(__file__).parents[1] / "golden/receiver-crd.json").read_text())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("30s", 30, id="seconds"),
        pytest.param("500ms", 0.5, id="milliseconds, not minutes"),
        pytest.param("10m", 600, id="minutes"),
        pytest.param("2h", 7200, id="hours"),
        pytest.param("1m30s", 90, id="two parts"),
        pytest.param("1h1m1s1ms", 3661.001, id="all parts"),
        pytest.param("1.5s", 1.5, id="a fraction"),
        pytest.param("0s", 0, id="nothing"),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    """Each unit counts, and parts add up."""
    assert pytest.approx(seconds) == durations.seconds(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "30",
        "s",
        "30 s",
        " 30s",
        "30s ",
        "-30s",
        "30S",
        "1d",
        "1m 30s",
        ".5s",
        "30s\n",
        "1,5s",
        "٣s",
    ],
)
def test_what_is_no_duration(text: str) -> None:
    """The message quotes the text and shows what would do."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        durations.seconds(text)

    assert f"{text!r} is not a duration such as '30s', '1m30s' or '2h'" == str(caught.value)


@given(st.lists(st.from_regex(r"[0-9]{1,6}(\.[0-9]{1,3})?(ms|s|m|h)", fullmatch=True), min_size=1))
def test_whatever_the_definition_allows_is_read(parts: list[str]) -> None:
    """An interval the API server takes is never refused here."""
    text = "".join(parts)

    assert re.fullmatch(_CRD["interval_pattern"], text)
    assert durations.seconds(text) >= 0


@given(st.text(alphabet="0123456789.smh -", max_size=8))
def test_whatever_is_read_the_definition_allows(text: str) -> None:
    """An interval taken here is never refused by the API server."""
    try:
        durations.seconds(text)
    except ValueError:
        return

    assert re.fullmatch(_CRD["interval_pattern"], text)
