"""`kill -9` in the middle of a rotation: the next `up` finishes, alone, and nothing is lost."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from lightkube.resources.core_v1 import Secret

from sandbox.load import Load, Tally
from sandbox.stack import Run
from tests.app import App, changes

DRAIN = 3.0
QUEUED = 1.5

# Each kill strikes the rotation to the generation behind it.
BOUNDARIES = {
    "create Receiver killed-g2": 2,
    "update RepositoryWebhook killed-webhook": 3,
    "delete Receiver killed-g3": 4,
}


@dataclass(frozen=True)
class Repaired:
    """What the `up` after a kill did."""

    run: Run
    took: float
    declared: str
    receivers: list[str]
    webhooks: int


@dataclass(frozen=True)
class Kills:
    """All kills on one app, one after the other, and the deliveries of the whole time."""

    app: App
    repaired: dict[str, Repaired]
    tally: Tally
    unchanged: Run


@pytest.fixture(scope="class")
def kills(make_app: Callable[..., App]) -> Kills:
    app = make_app("killed")
    app.up(drain=f"{DRAIN:g}s")
    repaired = {}
    with Load(app.sandbox.github, app.name, rate=10, queued=QUEUED) as load:
        for boundary, generation in BOUNDARIES.items():
            with _held(app, generation - 1):
                app.kill(boundary, generation=generation)
            app.stack.run("cancel", "--yes", app.name)
            started = time.time()
            run = app.up()
            repaired[boundary] = Repaired(
                run,
                next((s.at for s in run.steps if s.op == "delete"), 0.0) - started,
                f"killed-g{generation}",
                app.receivers(),
                len(app.sandbox.github.hooks(app.name)),
            )
    return Kills(app, repaired, load.tally, app.up())


@contextmanager
def _held(app: App, generation: int) -> Iterator[None]:
    """Keep a generation's Secret from going, so that a kill strikes before the last delete."""
    labels = {"fluxhooks/component": app.name, "fluxhooks/generation": str(generation)}
    names = [secret.metadata.name for secret in app.client.list(Secret, labels=labels)]
    for name in names:
        app.client.patch(Secret, name, {"metadata": {"finalizers": ["fluxhooks.test/held"]}})
    yield
    for name in names:
        app.client.patch(Secret, name, {"metadata": {"finalizers": None}})


class TestAKilledRotation:
    def test_no_delivery_is_lost(self, kills: Kills) -> None:
        """Neither by the kills nor by what repairs them."""
        assert (0, True) == (kills.tally.lost, kills.tally.sent > 100), str(kills.tally)

    @pytest.mark.parametrize("boundary", BOUNDARIES)
    def test_the_next_up_finishes_it(self, kills: Kills, boundary: str) -> None:
        """A leftover that the state does not know has another name and blocks nothing."""
        repaired = kills.repaired[boundary]
        assert (0, 1) == (repaired.run.returncode, repaired.webhooks)
        assert repaired.declared in repaired.receivers

    def test_a_kill_during_the_drain_is_followed_by_a_whole_drain(self, kills: Kills) -> None:
        """The component's own outputs, written last, say that it was not over."""
        repaired = kills.repaired["update RepositoryWebhook killed-webhook"]
        assert [
            "delete Receiver killed-g2",
            "delete Secret killed-g2-token",
            "delete RandomPassword killed-g2-token",
        ] == [change for change in changes(repaired.run) if change.startswith("delete")]
        drained = "killed: the webhook points at generation 3; older ones answer for 3 s more"
        assert drained in [text for _, text in repaired.run.diagnostics]
        assert repaired.took >= DRAIN, f"the drain took only {repaired.took:.1f} s"

    def test_a_kill_among_the_deletes_is_followed_by_the_rest_of_them(self, kills: Kills) -> None:
        """No drain again: it was over before the first delete."""
        run = kills.repaired["delete Receiver killed-g3"].run
        assert [] == [change for change in changes(run) if not change.startswith("delete")]
        assert "delete RandomPassword killed-g3-token" in changes(run)
        assert "older ones answer" not in run.output

    def test_afterwards_the_stack_is_at_rest(self, kills: Kills) -> None:
        """The state agrees with forge and cluster again."""
        assert [] == kills.unchanged.changes
        assert 200 == kills.app.probe(kills.app.hook())
