"""A rotation under load loses nothing; the same in place, as it is done today, does."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from sandbox import in_place
from sandbox.forges.github import Hook
from sandbox.load import Load, Tally
from sandbox.sandbox import Sandbox
from sandbox.stack import Run
from tests.app import App, changes
from tests.breadth.table import Breadth

RATE = 20.0
"""Deliveries a second."""

DRAIN = 5.0
QUEUED = 3.0
"""Seconds; what is queued when the webhook is repointed still goes to the old URL."""

# Between two PATCHes of GitHub's the plugin waits a second; nothing else is slower when idle.
SETTLED = 1.0


@dataclass(frozen=True)
class Rotated:
    """One rotation: what was shown, what was done, what became of the deliveries meanwhile."""

    app: App
    preview: Run
    run: Run
    tally: Tally
    writes: list[str]
    before: Hook
    after: Hook
    unchanged: Run


def steps(app: str, old: int, new: int) -> list[str]:
    """What a rotation does, and nothing else."""
    return [
        f"create RandomPassword {app}-g{new}-token",
        f"create Secret {app}-g{new}-token",
        f"create Receiver {app}-g{new}",
        f"update RepositoryWebhook {app}-webhook",
        f"delete Receiver {app}-g{old}",
        f"delete Secret {app}-g{old}-token",
        f"delete RandomPassword {app}-g{old}-token",
    ]


@pytest.fixture(scope="class")
def rotated(make_app: Callable[..., App]) -> Rotated:
    """Generation 1 to 2, with every second delivery queued for seconds."""
    app = make_app("rotated")
    app.up(drain=f"{DRAIN:g}s")
    before, writes = app.hook(), len(app.writes())
    preview = app.preview("--diff", generation=2)
    with Load(app.sandbox.github, app.name, rate=RATE, queued=QUEUED) as load:
        time.sleep(SETTLED)
        run = app.up("--diff", generation=2)
        time.sleep(SETTLED)
    return Rotated(
        app, preview, run, load.tally, app.writes()[writes:], before, app.hook(), app.up()
    )


class TestARotationUnderLoad:
    def test_it_loses_nothing(self, rotated: Rotated, breadth: Breadth) -> None:
        """Not even what the forge held back for seconds and then sent to the old URL."""
        assert (0, True) == (rotated.tally.lost, rotated.tally.sent > 100), str(rotated.tally)
        breadth(
            type="github",
            forge="GitHub repository",
            secret="generated",
            against="a rotation under load, GitHub is a stand-in",
        )

    def test_it_creates_then_repoints_then_deletes(self, rotated: Rotated) -> None:
        """Three creates, one update, three deletes, in this order."""
        assert steps("rotated", 1, 2) == changes(rotated.run)

    def test_the_preview_showed_just_that(self, rotated: Rotated) -> None:
        """Who reads the preview knows what will happen."""
        assert steps("rotated", 1, 2) == changes(rotated.preview)

    def test_the_forge_saw_one_patch_of_url_and_secret_together(self, rotated: Rotated) -> None:
        """Between two requests every delivery would be refused."""
        assert ["PATCH"] == rotated.writes
        assert rotated.before.id == rotated.after.id
        assert (rotated.before.url, rotated.before.secret) != (
            rotated.after.url,
            rotated.after.secret,
        )
        mixed = {
            (delivery.hook.url, delivery.hook.secret)
            for delivery in rotated.app.sandbox.github.deliveries("rotated")
        } - {(hook.url, hook.secret) for hook in (rotated.before, rotated.after)}
        assert set() == mixed

    def test_nothing_is_deleted_before_the_drain_is_over(self, rotated: Rotated) -> None:
        """The old path answers for as long as the forge may hold a delivery back."""
        at = {str(step): step.at for step in rotated.run.steps}
        waited = at["delete Receiver rotated-g1"] - at["update RepositoryWebhook rotated-webhook"]
        assert waited >= DRAIN - 1, f"waited only {waited:.1f} s"

    def test_afterwards_the_old_path_is_gone_and_only_the_new_generation_is_there(
        self, rotated: Rotated
    ) -> None:
        """What was rotated out is worth nothing to whoever holds it."""
        assert 404 == rotated.app.deliver(rotated.before, {})
        assert ["rotated-g2"] == rotated.app.receivers()

    def test_the_new_path_answers_the_signed_probe_and_reconciles_nothing(
        self, rotated: Rotated
    ) -> None:
        """A wrong secret is told apart from a right one without touching the source."""
        app, forged = rotated.app, replace(rotated.after, secret="another")
        requested_at = app.requested_at()
        assert (200, 400) == (app.probe(rotated.after), app.probe(forged))
        assert requested_at == app.requested_at()

    def test_the_next_up_does_nothing_and_does_not_drain(self, rotated: Rotated) -> None:
        """A drain is waited for once."""
        assert [] == rotated.unchanged.changes
        assert [] == rotated.unchanged.diagnostics


def test_the_same_in_place_loses_deliveries(sandbox: Sandbox, make_app: Callable[..., App]) -> None:
    """The contrast: the controller serves the old path until it reads the Secret again."""
    app = make_app("in-place", program=in_place.PROGRAM)
    app.stack.set_all(
        {
            "host": sandbox.ingress.host,
            "name": app.name,
            "repository": app.name,
            "source": app.name,
        }
    )
    app.stack.up()
    with Load(sandbox.github, app.name, rate=RATE, queued=0.0) as load:
        app.stack.up("--config", f"project-{app.name}:rotation=2")
        time.sleep(SETTLED)
    assert load.tally.lost > 0, str(load.tally)
    # Such programs leave the path in the state, in clear: it stands in the Receiver's status.
    assert "a hook path" in " ".join(app.scan())
    app.leaks.forget()
