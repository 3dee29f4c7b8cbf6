"""Labels by which objects are found are always labels Kubernetes takes."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from fluxhooks.flux.labels import object_labels, stack_label

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
_VALUE = re.compile(r"(?=.{0,63}\Z)([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")

# What Pulumi takes for the name of a project and of a stack.
_PROJECTS = st.from_regex(r"[A-Za-z0-9_.-]{1,100}", fullmatch=True)
_STACKS = st.from_regex(r"([A-Za-z0-9_.-]{1,40}/)?[A-Za-z0-9_.-]{1,100}", fullmatch=True)


def test_a_short_label_is_readable() -> None:
    """Project and stack, as a person writes them."""
    assert "fluxhooks.dev" == stack_label("fluxhooks", "dev")


def test_a_label_up_to_the_limit_is_kept() -> None:
    """63 characters are allowed."""
    assert "a" * 59 + ".dev" == stack_label("a" * 59, "dev")


def test_a_long_label_ends_with_a_digest() -> None:
    """It is cut to the limit."""
    label = stack_label("a" * 60, "dev")

    assert 63 == len(label)
    assert "a" * 54 + "-" == label[:55]


@given(_PROJECTS, _STACKS)
def test_every_stack_has_a_label(project: str, stack: str) -> None:
    """Whatever Pulumi allows as names."""
    assert _VALUE.fullmatch(stack_label(project, stack))


_FEW = st.from_regex(r"[a.]{1,4}", fullmatch=True)


@given(st.tuples(_FEW, _FEW), st.tuples(_FEW, _FEW))
@example(("a", "b.c"), ("a.b", "c"))
@example(("a", "b/c"), ("a", "b.c"))
def test_stacks_are_told_apart(one: tuple[str, str], other: tuple[str, str]) -> None:
    """`prune` must never take another stack's objects for its own."""
    assert (one == other) == (stack_label(*one) == stack_label(*other))


def test_the_labels_of_an_object() -> None:
    """Who made it, for which component, generation and stack."""
    assert {
        "app.kubernetes.io/managed-by": "fluxhooks",
        "fluxhooks/component": "app",
        "fluxhooks/generation": "7",
        "fluxhooks/stack": "fluxhooks.dev",
    } == object_labels("app", 7, project="fluxhooks", stack="dev")
