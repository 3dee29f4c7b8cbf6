"""The ways to rotate, side by side: deliveries sent and lost, time, and calls.

Every way is a stack on the real engine, against the real API server and controllers, under the
same steady load, and is rotated again and again by `pulumi up`. Deliveries are held against the
forge's own log: what was not answered 200 is lost.

Counted are the calls of the updates alone: what GitHub was asked, and what the API server's audit
log says of the user that only this stack has. They are held against the least possible number:

- GitHub: one PATCH a rotation. URL and secret go in one request, and its answer says what is now.
- API server, replacing (ours, and naive replacement): six. Two creates, Secret and Receiver; two
  deletes; one watch, which brings the Receiver's path as soon as it is Ready; and one that tells
  when the old Receiver is gone, since its finalizer outlives the DELETE.
- API server, in place: one PATCH of the Secret.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.rotation.programs import NAIVE, OURS
from bench.rotation.source import make_source
from sandbox.cluster import ApiRequest
from sandbox.forges.github import Request
from sandbox.in_place import PROGRAM as IN_PLACE
from sandbox.load import Answer, Load, Tally
from sandbox.sandbox import Sandbox
from sandbox.stack import Run, Stack

RATE = 20.0
"""Deliveries a second; many more would starve the engine where both share two cores."""

BEFORE, AFTER = 4.0, 12.0
"""Seconds of full load before the first rotation, and after it repointed the webhook."""

SETTLED = 1.0
"""Seconds of load after the last rotation."""

_FORGE_LEAST = 1
_REPLACING_LEAST = 6
_IN_PLACE_LEAST = 1


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to rotate, and how much of it.

    Attributes:
        key: its name in the JSON object.
        title: its name for people.
        queued: seconds for which the forge holds every second delivery back.
        rotations: at least so many.
        deliveries: and until at least so many were sent.
        api_calls_least: of one rotation.
        remark: what goes on after its rotations; "" where nothing does.
        settings: what its program asks for beyond what all do.
    """

    key: str
    title: str
    program: str
    queued: float
    rotations: int
    deliveries: int = 0
    api_calls_least: int = _REPLACING_LEAST
    remark: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def ours(self) -> bool:
        """Whether it is one that must lose nothing."""
        return self.program == OURS

    @property
    def load(self) -> str:
        """What the forge does to it, in words."""
        if not self.queued:
            return "nothing queued"
        return f"every second delivery {self.queued:g} s late"


QUEUED = 4.0

WAYS = (
    Way(
        key="in_place",
        title="in place",
        program=IN_PLACE,
        queued=QUEUED,
        rotations=3,
        api_calls_least=_IN_PLACE_LEAST,
        remark="and so on, until the controller reads the Secret again: up to 10 minutes",
    ),
    Way(key="naive", title="naive replacement", program=NAIVE, queued=QUEUED, rotations=3),
    Way(
        key="ours_queued",
        title="fluxhooks",
        program=OURS,
        queued=QUEUED,
        rotations=4,
        settings={"drain": "10s"},
    ),
    Way(
        key="ours",
        title="fluxhooks",
        program=OURS,
        queued=0.0,
        rotations=50,
        deliveries=10_000,
        settings={"drain": "6s"},
    ),
)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one way.

    Attributes:
        runs: the seconds of each rotation's update, drain included.
        answers: of all deliveries, in the order in which they came.
        forge_requests, api_requests: what the updates asked, oldest first.
    """

    way: Way
    runs: list[float]
    answers: list[Answer]
    forge_requests: list[Request]
    api_requests: list[ApiRequest]

    @property
    def rotations(self) -> int:
        """How often it was rotated."""
        return len(self.runs)

    @property
    def seconds(self) -> float:
        """A rotation's middle duration."""
        return statistics.median(self.runs)

    @property
    def slowest(self) -> float:
        """The most seconds from an event to its answer: what a drain must outlast."""
        return max(answer.waited for answer in self.answers)

    @property
    def tally(self) -> Tally:
        """What became of the deliveries."""
        return Tally.of(self.answers)

    @property
    def repointed_at(self) -> list[float]:
        """When the forge was asked to change the webhook, in each rotation."""
        return _repointed_at(self.forge_requests)

    @property
    def retired_at(self) -> float | None:
        """When the first Receiver was deleted; None where none was."""
        return next((r.at for r in self.api_requests if str(r) == "delete receivers"), None)

    @property
    def forge_calls_least(self) -> int:
        """The least possible number of calls to the forge."""
        return _FORGE_LEAST * self.rotations

    @property
    def api_calls_least(self) -> int:
        """The least possible number of calls to the API server."""
        return self.way.api_calls_least * self.rotations

    def as_json(self) -> dict[str, Any]:
        """Return it for machines; `seconds` are those of all rotations."""
        return {
            "sent": self.tally.sent,
            "lost": self.tally.lost,
            "rotations": self.rotations,
            "seconds": round(sum(self.runs), 1),
            "queued_seconds": self.way.queued,
            "slowest_seconds": round(self.slowest, 1),
            "forge_calls": len(self.forge_requests),
            "forge_calls_least": self.forge_calls_least,
            "api_calls": len(self.api_requests),
            "api_calls_least": self.api_calls_least,
        }


OnRotation = Callable[[int, int], None]
"""Told after each rotation: how many there were, how many deliveries were sent."""


def measure(
    sandbox: Sandbox,
    way: Way,
    *,
    rate: float = RATE,
    before: float = BEFORE,
    after: float = AFTER,
    on_rotation: OnRotation | None = None,
) -> Result:
    """Provision a stack of this way and rotate it under load.

    Args:
        rate: deliveries a second.
        before, after: seconds of full load before the first rotation, and after it repointed the
            webhook.
    """
    subject = _Subject(sandbox, way)
    runs: list[float] = []
    with Load(sandbox.github, subject.name, rate=rate, queued=way.queued) as load:
        time.sleep(way.queued + before)
        while len(runs) < way.rotations or load.sent < way.deliveries:
            runs.append(subject.rotate().seconds)
            if on_rotation is not None:
                on_rotation(len(runs), load.sent)
            if len(runs) == 1:
                (repointed_at,) = _repointed_at(subject.forge_requests())
                time.sleep(max(0.0, repointed_at + after - time.time()))
        time.sleep(SETTLED)
    return Result(
        way=way,
        runs=runs,
        answers=load.answers,
        forge_requests=subject.forge_requests(),
        api_requests=subject.api_requests(),
    )


class _Subject:
    """A stack of one way, provisioned, with a repository and a user of its own."""

    def __init__(self, sandbox: Sandbox, way: Way) -> None:
        self.name = f"bench-{way.key.replace('_', '-')}"
        self._sandbox = sandbox
        self._way = way
        repository = sandbox.github.create_repository(self.name)
        make_source(sandbox, self.name, repository.clone_url)
        self._stack = self._make_stack()
        self._stack.up()
        self._forge_requests_before = len(sandbox.github.requests)
        self._api_requests_before = len(sandbox.cluster.requests_of(self.name))
        self._rotation = 1

    def rotate(self) -> Run:
        """Rotate once."""
        self._rotation += 1
        return self._stack.up("--config", f"rotation={self._rotation}")

    def forge_requests(self) -> list[Request]:
        """What the rotations asked the forge."""
        return self._sandbox.github.requests[self._forge_requests_before :]

    def api_requests(self) -> list[ApiRequest]:
        """What the rotations asked the API server."""
        return self._sandbox.cluster.requests_of(self.name)[self._api_requests_before :]

    def _make_stack(self) -> Stack:
        everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
        kubeconfig = self._sandbox.cluster.kubeconfig_for(self.name, [everything])
        made = self._sandbox.stack(self.name, program=self._way.program, project="bench")
        environment = {**made.environment, "KUBECONFIG": str(kubeconfig)}
        stack = Stack(made.directory, made.name, environment=environment)
        stack.set_all(
            {
                "host": self._sandbox.ingress.host,
                "name": self.name,
                "repository": self.name,
                "source": self.name,
                **self._way.settings,
            }
        )
        return stack


def _repointed_at(requests: list[Request]) -> list[float]:
    return [request.at for request in requests if request.method == "PATCH"]
