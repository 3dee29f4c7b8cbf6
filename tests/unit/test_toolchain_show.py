"""What a person sees while programs are built, with and without a terminal."""

from io import StringIO

import pytest
from rich.console import Console

from sandbox.toolchain.progress import Phase, Progress
from sandbox.toolchain.show import Show

COMPILING = Progress("etcd, pulumi", Phase.COMPILE, 5.0, "package 1 of 9", 1, 9, expected=75.0)


def shown(*events: Progress) -> list[str]:
    console = Console(file=StringIO(), width=80)
    with Show(console) as show:
        for event in events:
            show(event)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("event", "line"),
    [
        pytest.param(
            Progress("etcd", Phase.READY, 61.4, "etcd 3.6.8 built"),
            "✓ etcd 3.6.8 built in 1 min 1 s",
            id="ready",
        ),
        pytest.param(
            Progress("pulumi", Phase.NOTE, 0.0, "no download: [Errno -2] no such host"),
            "· no download: [Errno -2] no such host",
            id="brackets are text",
        ),
        pytest.param(
            COMPILING,
            "  package 1 of 9 (5.0 s of about 1 min 15 s) for etcd and 1 more",
            id="step",
        ),
        pytest.param(
            Progress("etcd", Phase.MODULES, 12.0, "fetching Go modules: 7"),
            "  fetching Go modules: 7 (12 s) for etcd",
            id="without an estimate",
        ),
    ],
)
def test_an_event_is_one_line(event: Progress, line: str) -> None:
    """What happened, how long it took, and for which program."""
    assert [line] == shown(event)


def test_a_step_is_repeated_only_now_and_then() -> None:
    """Without a terminal an event a second would be a log of thousands of lines."""
    assert len(shown(*[COMPILING] * 50)) == 1


def test_a_terminal_is_left_as_it_was() -> None:
    """Whatever follows must not be drawn over, and the cursor has to come back."""
    console = Console(file=StringIO(), width=80, force_terminal=True)
    show = Show(console)
    show(COMPILING)
    show(Progress("etcd", Phase.READY, 61.0, "etcd 3.6.8 built"))
    assert isinstance(console.file, StringIO)
    hidden, shown_again = "\x1b[?25l", "\x1b[?25h"
    text = console.file.getvalue()
    assert text.count(hidden) == text.count(shown_again) == 1
    assert text.index(shown_again) < text.index("etcd 3.6.8 built")
