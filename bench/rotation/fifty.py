"""Many webhooks rotated in one update, beside the time the forge's own write limit asks for.

GitHub's provider writes once a second, which is GitHub's advice; so `count` webhooks cannot be
repointed in less than `count` seconds. What an update takes beyond that is ours, and the engine's.
"""

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench.rotation.screen import Screen
from bench.rotation.source import make_source
from sandbox.sandbox import Sandbox
from sandbox.stack import OnStep, Stack

# GitHub's advice, and its provider's default.
_SECONDS_A_WRITE = 1.0

SIZES = (20, 50, 100, 200)
STACKS = 4

# The state is written once, at the end: a measure of what the writes in between cost. A run that
# is killed then leaves a state that knows nothing of what it did.
_NO_CHECKPOINTS = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}

_PROGRAM = """\
import json
from pathlib import Path

from fluxhooks import WebhookReceiver

settings = json.loads(Path("settings.json").read_text())
for number in range(settings["count"]):
    name = f"{settings['name']}-{number:03}"
    WebhookReceiver(
        name,
        {
            "host": settings["host"],
            "github": {"repository": name},
            "resources": [{"kind": "GitRepository", "name": "apps"}],
            "generation": settings["generation"],
            "drain": "0s",
            "verify_timeout": "60s",
        },
    )
"""


@dataclass(frozen=True)
class Rotation:
    """One rotation of `count` webhooks, and where its time went.

    Attributes:
        seconds: the whole update, from the command's start to its end; there is no drain.
        start: until the engine began its first step.
        receivers: from there until the forge saw its first write.
        writes: from the forge's first write to its last one.
        finish: from there to the first delete: catching up, and the components' outputs.
        deletes: from there to the end.
    """

    count: int
    seconds: float
    start: float
    receivers: float
    writes: float
    finish: float
    deletes: float

    @property
    def write_limit_seconds(self) -> float:
        """The least time in which the forge takes that many writes."""
        return self.count * _SECONDS_A_WRITE

    @property
    def ratio(self) -> float:
        """The whole update's time over the least."""
        return self.seconds / self.write_limit_seconds

    def __str__(self) -> str:
        return (
            f"{self.seconds:.0f} s, {self.ratio:.2f} × the forge's write limit of "
            f"{self.write_limit_seconds:.0f} s ({self.start + self.receivers:.0f} s to the first "
            f"write, {self.writes:.0f} s writes, {self.deletes:.0f} s deletes)"
        )

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        parts = ("start", "receivers", "writes", "finish", "deletes")
        return {
            "count": self.count,
            "seconds": round(self.seconds, 1),
            "write_limit_seconds": self.write_limit_seconds,
            "ratio": round(self.ratio, 2),
            "parts": {part: round(getattr(self, part), 1) for part in parts},
        }


@dataclass(frozen=True)
class Fifty:
    """The same rotation twice, with the state's writes and without them.

    Attributes:
        whole: with a state that is written before and after every step.
        bare: with one that is written once.
    """

    whole: Rotation
    bare: Rotation

    def as_json(self) -> dict[str, Any]:
        """Return it for machines; `state` is the seconds its writes took."""
        figures = self.whole.as_json()
        figures["parts"]["state"] = round(self.whole.seconds - self.bare.seconds, 1)
        return {**figures, "without_state_writes": self.bare.as_json()}


@dataclass(frozen=True)
class Growth:
    """How the time of a rotation grows with a stack, and what splitting the stack saves.

    Attributes:
        stacks: one stack of growing size.
        split: as many webhooks as the last of them, over stacks rotated side by side, which
            share the forge's write limit.
        split_seconds: from the start of the first of them to the end of the last.
    """

    stacks: Sequence[Rotation]
    split: Sequence[Rotation]
    split_seconds: float

    @property
    def split_ratio(self) -> float:
        """The time of all split stacks together over the forge's write limit."""
        return self.split_seconds / sum(rotation.count for rotation in self.split)

    def as_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "one_stack": [rotation.as_json() for rotation in self.stacks],
            "split": {
                "stacks": len(self.split),
                "count": sum(rotation.count for rotation in self.split),
                "seconds": round(self.split_seconds, 1),
                "ratio": round(self.split_ratio, 2),
            },
        }


def fifty(sandbox: Sandbox, screen: Screen, *, count: int = 50) -> Fifty:
    """Rotate `count` webhooks in one update, twice."""
    make_source(sandbox, "apps", "https://localhost/apps.git")
    fleet = _Fleet(sandbox, "fifty")
    screen(f"{count} webhooks in one update: provisioning")
    fleet.grow(count)
    screen(f"{count} webhooks in one update")
    whole = fleet.rotate()
    screen(f"{count} webhooks in one update, the state written once")
    bare = fleet.rotate(_NO_CHECKPOINTS)
    screen.done(f"{count} webhooks in one update: {whole}; the state written once: {bare}")
    return Fifty(whole, bare)


def growth(
    sandbox: Sandbox, screen: Screen, *, sizes: Sequence[int] = SIZES, stacks: int = STACKS
) -> Growth:
    """Rotate a stack of each of `sizes`, and the last size split over `stacks` stacks."""
    make_source(sandbox, "apps", "https://localhost/apps.git")
    fleet = _Fleet(sandbox, "growing")
    rotations = []
    for size in sizes:
        screen(f"{size} webhooks in one stack")
        fleet.grow(size)
        rotations.append(fleet.rotate())
        screen.done(f"{size} webhooks in one stack: {rotations[-1]}")
    each = sizes[-1] // stacks
    screen(f"{stacks} stacks of {each} webhooks, side by side")
    fleets = [_Fleet(sandbox, f"split-{number}", stacks=stacks) for number in range(stacks)]
    for split in fleets:
        split.grow(each)
    began = time.time()
    with ThreadPoolExecutor(stacks) as side_by_side:
        parts = list(side_by_side.map(_Fleet.rotate, fleets))
    found = Growth(rotations, parts, time.time() - began)
    screen.done(f"{stacks} stacks of {each} webhooks: {found.split_seconds:.0f} s")
    return found


class _Fleet:
    """The webhooks of a stack, each of a repository of its own.

    Args:
        stacks: how many share the forge's write limit.
    """

    def __init__(self, sandbox: Sandbox, name: str, *, stacks: int = 1) -> None:
        self._sandbox = sandbox
        self._stack: Stack = sandbox.stack(name, program=_PROGRAM, project=f"project-{name}")
        self._name = name
        self._stacks = stacks
        self._settings: dict[str, Any] = {
            "host": sandbox.ingress.host,
            "name": name,
            "count": 0,
            "generation": 1,
        }

    def grow(self, count: int) -> None:
        """Make it `count` webhooks, as fast as the forge's stand-in takes them."""
        known = set(self._repositories)
        self._settings["count"] = count
        for name in self._repositories:
            if name not in known:
                self._sandbox.github.create_repository(name)
        # Making them is not measured, so it may be quick.
        self._pace(1)
        self._up(_NO_CHECKPOINTS)
        self._pace(round(1000 * _SECONDS_A_WRITE * self._stacks))
        # The provider's new setting is a step of its own, which belongs to no rotation.
        self._up(_NO_CHECKPOINTS)

    def rotate(self, environment: Mapping[str, str] | None = None) -> Rotation:
        """Rotate all of them in one update, at the forge's pace."""
        self._settings["generation"] += 1
        before = len(self._sandbox.github.requests)
        steps: list[tuple[str, float]] = []
        began = time.time()
        self._up(environment or {}, on_step=lambda step: steps.append((step.op, time.time())))
        ended = time.time()
        writes = [
            request.at
            for request in self._sandbox.github.requests[before:]
            if request.method == "PATCH" and request.path.split("/")[3] in self._repositories
        ]
        first_step, first_delete = (
            min(at for op, at in steps if op in wanted) for wanted in (("create",), ("delete",))
        )
        return Rotation(
            count=self._settings["count"],
            seconds=ended - began,
            start=first_step - began,
            receivers=writes[0] - first_step,
            writes=writes[-1] - writes[0],
            finish=first_delete - writes[-1],
            deletes=ended - first_delete,
        )

    @property
    def _repositories(self) -> list[str]:
        return [f"{self._name}-{number:03}" for number in range(self._settings["count"])]

    def _up(self, environment: Mapping[str, str], on_step: OnStep | None = None) -> None:
        (self._stack.directory / "settings.json").write_text(json.dumps(self._settings))
        stack = Stack(
            self._stack.directory,
            self._stack.name,
            environment={**self._stack.environment, **environment},
        )
        stack.up(on_step=on_step)

    def _pace(self, milliseconds: int) -> None:
        self._stack.set_all({"github:writeDelayMs": str(milliseconds)})
