"""A fault, how it is made, and what the doctor must say of it: a row of the matrix for each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from fluxhooks.observe.doctor.diagnosis import Sure
from fluxhooks.observe.doctor.faults import Fault
from tests.matrix.chain import GITHUB, GITLAB, Chain

BOTH = (GITHUB, GITLAB)

SAMPLE = "sample"
"""The marker of those that every run of the tests has."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row.

    Attributes:
        id: unique, and fit for the name of a namespace.
        injected: what is done to a chain that is whole, in words.
        cure: a regular expression for what the doctor must say mends it; ``NS`` stands for the
            namespace, and ``HOOK`` for the ID of the webhook.
        inject: does it, and returns when what shows it is there.
        chain: how the chain is made, as `Chain` is told.
        look: what else the doctor is told.
    """

    id: str
    fault: Fault
    injected: str
    forge: str
    cure: str
    sure: Sure | None
    inject: Callable[[Chain], object]
    chain: Mapping[str, Any] = field(default_factory=dict)
    look: Mapping[str, Any] = field(default_factory=dict)


class Rows:
    """Collects the rows of a file.

    Attributes:
        all: to parametrize with.
    """

    def __init__(self) -> None:
        self.all: list[Any] = []

    def __call__(
        self,
        fault: Fault,
        injected: str,
        *,
        cure: str,
        at: str | tuple[str, ...] = GITHUB,
        sure: Sure | None = None,
        sample: str = "",
        look: Mapping[str, Any] | None = None,
        **chain: Any,
    ) -> Callable[[Callable[[Chain], object]], Callable[[Chain], object]]:
        """Take the function that makes a fault; one row for each forge of `at`.

        Args:
            sample: the forge whose row every run of the tests has.
        """

        def take(inject: Callable[[Chain], object]) -> Callable[[Chain], object]:
            for forge in (at,) if isinstance(at, str) else at:
                name = f"m-{inject.__name__.replace('_', '-')}-{forge}"
                row = Row(
                    id=name,
                    fault=fault,
                    injected=injected,
                    forge=forge,
                    cure=cure,
                    sure=sure,
                    inject=inject,
                    chain={"forge": forge, **chain},
                    look=dict(look or {}),
                )
                marks = [pytest.mark.sample] if sample == forge else []
                self.all.append(pytest.param(row, id=name, marks=marks))
            return inject

        return take
