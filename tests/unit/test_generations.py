"""Generations are numbers from 1, each declared once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxhooks.flux.generations import declared, generation_name


def test_names_hold_the_number_and_nothing_else() -> None:
    """The number is the only thing of a program that a rotation changes."""
    assert "app-g7" == generation_name("app", 7)


@given(st.sets(st.integers(min_value=1), min_size=1), st.data())
def test_all_generations_are_declared_ascending(numbers: set[int], data: st.DataObject) -> None:
    """Which of them is live changes nothing of what exists."""
    live = data.draw(st.sampled_from(sorted(numbers)))
    retained = data.draw(st.permutations(sorted(numbers - {live})))

    assert sorted(numbers) == declared(live, retained)


@pytest.mark.parametrize(
    ("live", "retained", "message"),
    [
        pytest.param(0, [], "0 is not a generation: they count from 1", id="zero"),
        pytest.param(-3, [], "-3 is not a generation: they count from 1", id="negative"),
        pytest.param(2, [0], "0 is not a generation: they count from 1", id="retained zero"),
        pytest.param(
            2, [2], "2 is the live generation; name only older ones to retain", id="live retained"
        ),
        pytest.param(3, [1, 1], "[1, 1] names a generation twice", id="twice"),
    ],
)
def test_impossible_generations(live: int, retained: list[int], message: str) -> None:
    """The message names the number and what is wrong with it."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        declared(live, retained)

    assert message == str(caught.value)


def test_a_newer_generation_may_be_retained() -> None:
    """Going back to an older generation leaves the newer one declared."""
    assert [1, 2] == declared(1, [2])
