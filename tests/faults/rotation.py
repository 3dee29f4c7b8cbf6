"""One rotation that something spoils, and the run after it, under continuous deliveries."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from sandbox.load import Load, Tally
from sandbox.stack import Run, Step
from tests.app import App, errors
from tests.faults.table import told

QUEUED = 0.4
"""Seconds for which the forge holds every second delivery back."""


@dataclass(frozen=True)
class Attempt:
    """A spoiled rotation and what came after.

    Attributes:
        called: "old" or "new", the generation the webhook called between the runs.
        receivers: the generations in the cluster between the runs.
        answers: what the webhook's URL answers to the signed probe in the end.
        ended: the generations in the cluster in the end.
        last_lost: when the last delivery was answered otherwise than 200, since 1970.
    """

    spoiled: Run
    called: str
    receivers: list[str]
    after: Run
    answers: int | None
    ended: list[str]
    tally: Tally
    last_lost: float

    @property
    def happened(self) -> str:
        """What became of the spoiled run, in words."""
        return (
            f"{outcome(self.spoiled)}; the webhook called the {self.called} generation; "
            f"{self.tally.lost} deliveries lost"
        )


def attempt(
    app: App,
    spoiling: AbstractContextManager[object] | None = None,
    *flags: str,
    at: tuple[str, Callable[[], object]] | None = None,
    **args: object,
) -> Attempt:
    """Rotate to the next generation, spoiled, and run `pulumi up` again, unspoiled.

    Args:
        spoiling: what is entered for the first run.
        at: the start of a step, as in "create Secret", and what is done when that is done.
    """
    old, generation = app.hook().url, next_generation(app)

    def strike(step: Step) -> None:
        if at is not None and str(step).startswith(at[0]):
            at[1]()

    with Load(app.sandbox.github, app.name, rate=10, queued=QUEUED) as load:
        with spoiling or nullcontext():
            spoiled = app.up(
                *flags, check=False, on_step=strike, **{"generation": generation, **args}
            )
        called = "old" if app.hook().url == old else "new"
        receivers = app.receivers()
        after = app.up(check=False)
    return Attempt(
        spoiled,
        called,
        receivers,
        after,
        app.probe(app.hook()),
        app.receivers(),
        load.tally,
        max((answer.at for answer in load.answers if answer.status != 200), default=0.0),
    )


def next_generation(app: App) -> int:
    """Return the number after the one an app was last given."""
    return int(app.args.get("generation", 1)) + 1


def outcome(run: Run) -> str:
    """Return what a run did, or its first error, in words that are the same each time."""
    if run.returncode == 0:
        return f"succeeded: {told(run)}"
    first = next((error for error in errors(run) if not error.startswith(_ENGINES)), "it crashed")
    return f"failed: “{plain(first)}”"


def plain(text: str) -> str:
    """Return a message without what differs from run to run, on one line."""
    for pattern, replacement in _VARYING:
        text = re.sub(pattern, replacement, text)
    return " ".join(text.split())


_ENGINES = ("update failed", "resource monitor shut down")
_VARYING = (
    (r"https?://(localhost|127\.0\.0\.1):\d+", "https://…"),
    (r"urn:pulumi:\S*::", ""),
    (r"/hooks/\d+", "/hooks/…"),
    (r"-g\d+", "-gN"),
    (r"generation \d+", "generation N"),
    (r"-[0-9a-f]{8}\b", "-…"),
    (r"sdk-v2/provider2\.go:\d+: sdk\.helper_schema: ", ""),
    (r": provider=github@[\d.]+$", ""),
)
