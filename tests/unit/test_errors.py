"""The tree of errors is the one drawn at the top of its module."""

import inspect
import pickle
import re
from typing import Any

import pulumi
import pytest

import fluxhooks
from fluxhooks import errors

_CLASSES: dict[str, Any] = {
    name: value
    for name, value in inspect.getmembers(errors, inspect.isclass)
    if value.__module__ == errors.__name__
}


def test_the_tree_is_drawn_as_it_is() -> None:
    """A reader of the first lines knows every class and its base."""
    drawn = re.findall(r"^[├└]── (\w+)", errors.__doc__ or "", re.MULTILINE)
    children = [
        name for name, value in _CLASSES.items() if errors.FluxhooksError in value.__bases__
    ]

    assert sorted(children) == sorted(drawn)
    assert {*drawn, "FluxhooksError"} == set(_CLASSES)


def test_every_error_is_public() -> None:
    """Whoever catches one imports it from fluxhooks."""
    assert set() == set(_CLASSES) - set(fluxhooks.__all__)


@pytest.mark.parametrize("name", sorted(_CLASSES))
def test_every_error_ends_a_program_with_one_line(name: str) -> None:
    """Pulumi prints a RunError without a traceback."""
    assert issubclass(_CLASSES[name], pulumi.RunError)


@pytest.mark.parametrize("name", sorted(_CLASSES))
def test_every_error_says_when_it_happens(name: str) -> None:
    """One sentence of its own, not its base's."""
    assert re.match(r"[A-Z].*\.$", (_CLASSES[name].__dict__["__doc__"] or "").splitlines()[0])


def test_an_argument_error_is_told_to_other_languages_by_property() -> None:
    """A component host sends property path and reason apart."""
    error = errors.ArgumentError("resources[0].kind", "'X' is not a kind")

    assert isinstance(error, pulumi.InputPropertyError)
    assert ("resources[0].kind", "'X' is not a kind") == (error.property_path, error.reason)
    assert "resources[0].kind: 'X' is not a kind" == str(error)


def test_an_argument_error_prints_its_whole_text_everywhere() -> None:
    """Its arguments hold the text that is printed, for whoever formats those."""
    error = errors.ArgumentError("host", "is missing")

    assert ("host: is missing",) == error.args
    assert "ArgumentError('host: is missing')" == repr(error)


@pytest.mark.parametrize("name", sorted(set(_CLASSES) - {"ArgumentError"}))
def test_other_errors_are_their_message(name: str) -> None:
    """They travel between processes as any exception does."""
    error = pickle.loads(pickle.dumps(_CLASSES[name]("what, value, cure")))

    assert "what, value, cure" == str(error)
