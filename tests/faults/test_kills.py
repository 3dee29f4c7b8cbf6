"""`kill -9` of the engine at every boundary and at random moments, under continuous deliveries.

A mock would not write its state as the real engine does, and none knows what stays in the cluster
and at the forge when a plugin goes on for a moment after its engine has gone.
"""

import functools
import itertools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lightkube.resources.core_v1 import Secret

from sandbox.load import Load, Tally
from sandbox.stack import Run
from tests.app import App, Receiver, changes
from tests.command import Command, Done
from tests.faults.killing import Update, repair, state_file
from tests.faults.strike import read
from tests.faults.table import Row, Section, told

RANDOM_KILLS = 20

DRAIN = 1.5
QUEUED = 0.4
"""Seconds; every second delivery is held back so long by the forge."""

STEPS = (
    "create RandomPassword",
    "create Secret",
    "create Receiver",
    "update RepositoryWebhook",
    "delete Receiver",
    "delete Secret",
    "delete RandomPassword",
)
OUTPUTS = "after the component's outputs"
WRITTEN = (
    *(f"{when} {step}" for step in STEPS[:4] for when in ("before", "after")),
    OUTPUTS,
    *(f"{when} {step}" for step in STEPS[4:] for when in ("before", "after")),
)
"""What the engine writes into its state in one rotation, in this order."""

# Some boundaries last a few milliseconds; what strikes the next one instead is a kill as good.
ATTEMPTS = 5


@dataclass(frozen=True)
class Kill:
    """One kill and its repair.

    Attributes:
        at: where the state stood.
        called: the generation the webhook called just then.
        live: whether the new generation answers, and its Receiver is there, after the repair.
        webhooks: how many the forge has then.
    """

    generation: int
    at: str
    called: int
    run: Run
    live: bool
    webhooks: int


@dataclass
class Series:
    """Kills of one app, one after the other, and the deliveries of the whole time.

    Attributes:
        kills: by the boundary each struck.
        others: those at a boundary that was struck before, and those at random moments.
        leftovers: the kinds and names of objects that no state knows, before `prune`.
        left: those after it.
    """

    app: App
    kills: dict[str, Kill] = field(default_factory=dict)
    others: list[Kill] = field(default_factory=list)
    tally: Tally = field(init=False)
    unchanged: Run = field(init=False)
    leftovers: set[tuple[str, str]] = field(init=False)
    pruned: Done = field(init=False)
    again: Done = field(init=False)
    left: set[tuple[str, str]] = field(init=False)

    @property
    def every(self) -> list[Kill]:
        return [*self.kills.values(), *self.others]


def _killed(app: App, generation: int, strike: Callable[[Update], None]) -> Kill | None:
    """Rotate to `generation`, strike, and repair; None where the update was over before."""
    old = app.hook().url
    with Update(app, generation) as update:
        try:
            strike(update)
            update.kill()
        finally:
            app.sandbox.ingress.resume()
            app.sandbox.github.faults.clear()
        at, called = update.boundary, app.hook().url
    if not update.killed:
        return None
    run = repair(app)
    return Kill(
        generation,
        at,
        generation - (called == old),
        run,
        200 == app.probe(app.hook()) and f"{app.name}-g{generation}" in app.receivers(),
        len(app.sandbox.github.hooks(app.name)),
    )


@contextmanager
def _series(app: App, directory: Path) -> Iterator[Series]:
    """Send deliveries meanwhile; at the end, have `prune` find and remove what was left over."""
    app.up(drain=f"{DRAIN:g}s")
    series = Series(app)
    with Load(app.sandbox.github, app.name, rate=10, queued=QUEUED) as load:
        yield series
    series.tally = load.tally
    known = {
        (resource["type"].rpartition(":")[2], resource["outputs"]["metadata"]["name"])
        for resource in read(state_file(app))["resources"]
        if resource["type"].startswith("kubernetes:")
    }
    series.leftovers = _objects(app) - known
    fluxhooks = Command(app, directory)
    series.pruned = fluxhooks("prune", "--yes", "--min-age", "0s", "--json")
    series.again = fluxhooks("prune", "--yes", "--min-age", "0s", "--json")
    series.left = _objects(app) - known
    flags = ("--yes", "--skip-preview", "--clear-pending-creates", "--stack", app.name)
    app.stack.run("refresh", *flags)
    series.unchanged = app.up()


def _objects(app: App) -> set[tuple[str, str]]:
    labels = {"fluxhooks/component": app.name}
    return {
        (kind.__name__, str(found.metadata.name))
        for kind in (Receiver, Secret)
        for found in app.client.list(kind, labels=labels)
    }


# Moments that no write of the state marks, each with the boundary at which the state stands then.


def _receiver_is_waited_for(update: Update) -> None:
    update.until(lambda: update.receiver_made)


def _proof_is_unanswered(update: Update) -> None:
    update.until_at("before create Receiver")
    update.app.sandbox.ingress.pause()
    update.until_at("after create Receiver")
    # The probe is on its way; it cannot be answered.
    time.sleep(0.5)


def _forge_has_done_it(update: Update) -> None:
    github, app = update.app.sandbox.github, update.app
    old = app.hook().url
    github.faults.hang(3, method="PATCH", path=f"/{app.name}/hooks/", after=True)
    update.until(lambda: app.hook().url != old)


def _catch_up_is_unanswered(update: Update) -> None:
    update.until_at("before update RepositoryWebhook")
    update.app.sandbox.ingress.pause()
    update.until_at("after update RepositoryWebhook")
    time.sleep(0.5)


def _drains(update: Update) -> None:
    update.until_said("older ones answer for")


MOMENTS: dict[str, tuple[str, Callable[[Update], None]]] = {
    "the Receiver is made, and waited for": ("before create Receiver", _receiver_is_waited_for),
    "the probe is not answered yet": ("after create Receiver", _proof_is_unanswered),
    "the forge has repointed, and not said so": (
        "before update RepositoryWebhook",
        _forge_has_done_it,
    ),
    "the catch-up delivery is not answered yet": (
        "after update RepositoryWebhook",
        _catch_up_is_unanswered,
    ),
    "the drain has begun": ("after update RepositoryWebhook", _drains),
}


def at_every_boundary(series: Series) -> None:
    """Kill once at each; what struck another one that was struck before is among the others."""
    app, numbers = series.app, itertools.count(2)
    for wanted in WRITTEN * ATTEMPTS:
        if wanted not in series.kills:
            kill = _killed(app, next(numbers), lambda update, w=wanted: update.kill_at(w))
            if kill is not None and kill.at in WRITTEN and kill.at not in series.kills:
                series.kills[kill.at] = kill
            elif kill is not None:
                series.others.append(kill)
    for moment in (*MOMENTS,) * ATTEMPTS:
        if moment not in series.kills:
            at, strike = MOMENTS[moment]
            kill = _killed(app, next(numbers), strike)
            if kill is not None and kill.at == at:
                series.kills[moment] = kill
            elif kill is not None:
                series.others.append(kill)


def at_random_moments(series: Series, *, seed: int) -> None:
    """Kill at moments of a rotation drawn from `seed`; after its end none is struck."""
    app, numbers, draw = series.app, itertools.count(3), random.Random(seed)
    whole = app.up(generation=2).seconds
    while len(series.others) < RANDOM_KILLS:
        moment = draw.uniform(0.0, whole)
        kill = _killed(app, next(numbers), lambda update, m=moment: update.kill_after(m))
        series.others += [kill] if kill else []


@pytest.fixture(scope="class")
def series(
    request: pytest.FixtureRequest,
    make_app: Callable[..., App],
    tmp_path_factory: pytest.TempPathFactory,
) -> Series:
    """The kills of a class."""
    app = make_app(f"killed-{request.cls.NAME}")
    with _series(app, tmp_path_factory.mktemp("kills")) as series:
        request.cls.strike(series)
    return series


BOUNDARIES = (*WRITTEN, *MOMENTS)


@pytest.mark.timeout(1800)
class _Kills:
    """What holds for every series of kills."""

    def test_no_delivery_is_lost(self, series: Series) -> None:
        """Neither by the kills nor by what repairs them."""
        tally = series.tally

        assert (0, True) == (tally.lost, tally.sent > 10 * len(series.every)), str(tally)

    def test_each_is_repaired_by_one_up(self, series: Series) -> None:
        """And leaves one webhook, which calls a Receiver that answers."""
        wrong = [
            (kill.at, kill.run.output)
            for kill in series.every
            if (0, True, 1) != (kill.run.returncode, kill.live, kill.webhooks)
        ]

        assert [] == wrong

    def test_afterwards_the_stack_is_at_rest(self, series: Series) -> None:
        """Also the engine's warnings of creations that were interrupted can be cleared."""
        assert ([], []) == (series.unchanged.changes, series.unchanged.diagnostics)
        assert 200 == series.app.probe(series.app.hook())

    def test_prune_finds_what_was_left_and_removes_just_that(self, series: Series) -> None:
        """The live objects and the webhook stay."""
        namespace, orphans = series.app.client.namespace, series.pruned.result["orphans"]

        assert 0 == series.pruned.returncode, series.pruned.said
        assert {(kind, f"{namespace}/{name}") for kind, name in series.leftovers} == {
            (orphan["kind"], orphan["name"]) for orphan in orphans
        }
        assert {"removed"} >= {orphan["fate"] for orphan in orphans}
        assert [] == series.again.result["orphans"]
        assert set() == series.left
        assert 1 == len(series.app.sandbox.github.hooks(series.app.name))


class TestAKillAtEveryBoundary(_Kills):
    NAME = "boundary"
    strike = staticmethod(at_every_boundary)

    @pytest.mark.parametrize(
        "boundary",
        [pytest.param(b, id=f"{i:02}-{b.replace(' ', '-')}") for i, b in enumerate(BOUNDARIES)],
    )
    def test_the_next_up_finishes_alone(self, series: Series, boundary: str, row: Row) -> None:
        """A leftover that the state does not know has another name and blocks nothing."""
        kill = series.kills[boundary]
        expected = boundary if boundary in WRITTEN else MOMENTS[boundary][0]

        assert expected == kill.at
        assert (0, True, 1) == (kill.run.returncode, kill.live, kill.webhooks), kill.run.output
        called = "the new" if kill.called == kill.generation else "the old"
        if boundary == "before update RepositoryWebhook":
            called = "either (the plugin outlives its engine for a moment, and may do it)"
        row(
            Section.KILL,
            f"`kill -9` {'' if boundary in WRITTEN else 'when '}{boundary}",
            f"generation called: {called}; {series.tally.lost} deliveries lost",
            told(kill.run),
        )

    def test_what_comes_after_the_drain_does_not_drain_again(self, series: Series) -> None:
        """The component's outputs, written last before the deletes, say that it is over."""
        drained = [
            boundary
            for boundary in WRITTEN
            if "older ones answer" in series.kills[boundary].run.output
        ]

        assert list(WRITTEN[: WRITTEN.index(OUTPUTS)]) == drained

    def test_a_kill_during_the_drain_is_followed_by_a_whole_drain(self, series: Series) -> None:
        """Nothing says how much of it was over."""
        kill = series.kills["the drain has begun"]
        said = (
            f"{series.app.name}: the webhook points at generation {kill.generation}; older ones "
            f"answer for {DRAIN:g} s more"
        )

        assert said in [text for _, text in kill.run.diagnostics]
        assert f"delete Receiver {series.app.name}-g{kill.generation - 1}" in changes(kill.run)


class _RandomKills(_Kills):
    """Two series: their classes run side by side."""

    SEED: int

    def test_they_are_as_many_as_meant(self, series: Series, row: Row) -> None:
        """A moment after the end of the update strikes nothing, and is drawn again."""
        assert RANDOM_KILLS == len(series.every)
        row(
            Section.KILL,
            f"`kill -9` at {RANDOM_KILLS} random moments (seed {self.SEED})",
            f"{series.tally.lost} deliveries lost",
            f"each was finished by one `up`; {len(series.left)} objects left after "
            "`fluxhooks prune --yes`",
        )


class TestKillsAtRandomMoments(_RandomKills):
    NAME, SEED = "random", 20261122
    strike = functools.partial(at_random_moments, seed=SEED)


class TestMoreKillsAtRandomMoments(_RandomKills):
    NAME, SEED = "more", 20261123
    strike = functools.partial(at_random_moments, seed=SEED)
