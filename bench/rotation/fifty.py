"""Many webhooks rotated in one update, beside the time the forge's own write limit asks for.

GitHub's provider writes once a second, which is GitHub's advice; so `count` webhooks cannot be
repointed in less than `count` seconds. What an update takes beyond that is ours, and the engine's.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

from lightkube.generic_resource import create_namespaced_resource

from sandbox.sandbox import Sandbox
from sandbox.stack import OnStep, Stack

_GitRepository = create_namespaced_resource(
    "source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories"
)

# GitHub's advice, and its provider's default.
_SECONDS_A_WRITE = 1.0

_SIZES = (20, 50, 100, 200)
_SPLIT = 4

_PROGRAM = """\
import json
from pathlib import Path

from fluxhooks import WebhookReceiver

settings = json.loads(Path("settings.json").read_text())
for number in range(settings["first"], settings["first"] + settings["count"]):
    WebhookReceiver(
        f"app-{number:03}",
        {
            "host": settings["host"],
            "github": {"repository": f"app-{number:03}"},
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


class Fleet:
    """Webhooks `first` to `first + count` of a stack, each of a repository of its own."""

    def __init__(self, sandbox: Sandbox, name: str, *, first: int = 0, writers: int = 1) -> None:
        self._sandbox = sandbox
        self._stack: Stack = sandbox.stack(name, program=_PROGRAM, project=f"project-{name}")
        self._writers = writers
        self._settings: dict[str, Any] = {
            "host": sandbox.ingress.host,
            "first": first,
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
        self._pace(1)
        self._up()
        self._pace(round(1000 * _SECONDS_A_WRITE * self._writers))
        # The provider's new setting is a step of its own, which belongs to no rotation.
        self._up()

    def rotate(self, **environment: str) -> Rotation:
        """Rotate all of them in one update, at the forge's pace."""
        self._settings["generation"] += 1
        before = len(self._sandbox.github.requests)
        steps: list[tuple[str, float]] = []
        began = time.time()
        self._up(lambda step: steps.append((step.op, time.time())), **environment)
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
        first = self._settings["first"]
        return [f"app-{number:03}" for number in range(first, first + self._settings["count"])]

    def _up(self, on_step: OnStep | None = None, **environment: str) -> None:
        (self._stack.directory / "settings.json").write_text(json.dumps(self._settings))
        stack = Stack(
            self._stack.directory,
            self._stack.name,
            environment={**self._stack.environment, **environment},
        )
        stack.up(on_step=on_step)

    def _pace(self, milliseconds: int) -> None:
        self._stack.set_all({"github:writeDelayMs": str(milliseconds)})


def make_source(sandbox: Sandbox) -> None:
    """Make what all the Receivers reconcile: one source, which never fetches."""
    sandbox.cluster.client().create(
        _GitRepository(
            metadata={"name": "apps", "namespace": "flux-system"},
            spec={"interval": "30m", "suspend": True, "url": "https://localhost/apps.git"},
        )
    )
