"""What the toolchain tells while it works."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Phase(StrEnum):
    """What is being done for a program."""

    NOTE = "note"
    """Nothing: something worth knowing, such as why a program on PATH is passed over."""
    WAIT = "wait"
    """Another process is building the same; its result will be used."""
    DOWNLOAD = "download"
    MODULES = "modules"
    """Go is fetching the source."""
    COMPILE = "compile"
    LINK = "link"
    READY = "ready"


@dataclass(frozen=True)
class Progress:
    """One thing that happened to a program."""

    program: str
    """One name, or several joined by a comma where one step serves them all."""
    phase: Phase
    seconds: float
    """Spent on it so far; with `Phase.READY`, what it took in all."""
    text: str
    done: int = 0
    total: int = 0
    """How many packages are, and have to be, compiled; 0 where there is nothing to count."""
    expected: float = 0.0
    """How many seconds the whole step takes, going by the last one on this machine; 0: unknown."""


Report: TypeAlias = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """A report for nobody."""
