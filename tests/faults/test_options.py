"""Settings and flags of Pulumi's that could turn a rotation round, or leave half of it out."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sandbox.load import Load
from sandbox.stack import Run
from tests.app import App, Receiver, changes, errors
from tests.engine.test_rotation import steps
from tests.faults.killing import Update
from tests.faults.rotation import QUEUED, next_generation, outcome
from tests.faults.table import Row, Section, told


@contextmanager
def lossless(app: App) -> Iterator[None]:
    """Send deliveries meanwhile; at the end one generation is left, and nothing was lost."""
    with Load(app.sandbox.github, app.name, rate=10, queued=QUEUED) as load:
        yield
    assert 0 == load.tally.lost, str(load.tally)
    assert ([f"{app.name}-g{app.args['generation']}"], 200) == (
        app.receivers(),
        app.probe(app.hook()),
    )


class TestAutonaming:
    NAME = "autonamed"

    @pytest.mark.parametrize(
        ("setting", "value", "named"),
        [
            pytest.param("mode", "default", r"-g\d+-[0-9a-f]{8}$", id="default"),
            pytest.param("mode", "verbatim", r"-g\d+$", id="verbatim"),
            pytest.param("pattern", "${name}", r"-g\d+$", id="pattern"),
            pytest.param("pattern", "${name}-${hex(4)}", r"-g\d+-[0-9a-f]{4}$", id="random"),
        ],
    )
    def test_of_any_kind_creates_before_it_deletes(
        self, app: App, setting: str, value: str, named: str, row: Row
    ) -> None:
        """Plain creates and deletes are immune to it, where replacements are not."""
        generation = next_generation(app)
        app.stack.run("config", "set", "--path", f"pulumi:autonaming.{setting}", value)
        try:
            with lossless(app):
                run = app.up(generation=generation)
            (made,) = app.client.list(Receiver, labels={"fluxhooks/component": app.name})
            after = app.up()
        finally:
            app.stack.run("config", "rm", "pulumi:autonaming")

        assert re.search(named, str(made.metadata.name))
        assert steps(app.name, generation - 1, generation) == changes(run)
        row(Section.OPTIONS, f"`pulumi:autonaming` {setting} `{value}`", outcome(run), told(after))

    def test_that_is_disabled_is_refused_with_a_cure_that_works(self, app: App, row: Row) -> None:
        """Names are what keeps a killed run's leftovers out of the way."""
        live, writes = app.hook(), app.writes()
        app.stack.run("config", "set", "--path", "pulumi:autonaming.mode", "disabled")
        try:
            with lossless(app):
                refused = app.up(check=False, generation=next_generation(app))
                untouched = (live.url, writes) == (app.hook().url, app.writes())
                cure = "pulumi:autonaming.providers.kubernetes.mode"
                app.stack.run("config", "set", "--path", cure, "default")
                after = app.up()
        finally:
            app.stack.run("config", "rm", "pulumi:autonaming", check=False)

        assert untouched
        assert [] == changes(refused)
        assert f"pulumi config set --path '{cure}' default" in refused.output
        row(Section.OPTIONS, "`pulumi:autonaming` mode `disabled`", outcome(refused), told(after))


class TestAnUpdateThatLeavesThingsOut:
    NAME = "left-out"

    def test_the_webhook_left_out_by_target_is_not_taken_for_repointed(
        self, app: App, row: Row
    ) -> None:
        """Or the next one would delete what it calls without proof, catch-up and drain."""
        generation = next_generation(app)
        live = app.hook()
        with lossless(app):
            left_out = app.up(*targets(app, generation), check=False, generation=generation)
            still = app.hook()
            after = app.up()

        assert live.url == still.url
        assert [
            f"create RandomPassword {app.name}-g{generation}-token",
            f"create Secret {app.name}-g{generation}-token",
            f"create Receiver {app.name}-g{generation}",
        ] == changes(left_out)
        expected = (
            f"{app.name}-webhook is left out of this update and still calls another generation; "
            "nothing was deleted, run pulumi up without --target"
        )
        assert [expected] == errors(left_out)
        assert drained(after)
        row(Section.OPTIONS, "`--target` without the webhook", outcome(left_out), told(after))

    def test_the_generation_left_out_by_target_is_not_made_live(self, app: App, row: Row) -> None:
        """What is not there cannot be called."""
        generation = next_generation(app)
        webhook = urns(app)[f"{app.name}-webhook"]
        live = app.hook()
        with lossless(app):
            left_out = app.up("--target", webhook, check=False, generation=generation)
            still = app.hook()
            after = app.up()

        assert (live.url, []) == (still.url, changes(left_out))
        expected = (
            f"the Secret of {app.name}-g{generation} is not made in this update, which leaves it "
            "out; nothing was repointed or deleted, run pulumi up without --target"
        )
        assert [expected] == errors(left_out)
        row(Section.OPTIONS, "`--target` only the webhook", outcome(left_out), told(after))

    def test_a_skipped_generation_is_never_made(self, app: App, row: Row) -> None:
        """From 1 to 3, as it were."""
        generation = next_generation(app) + 1
        with lossless(app):
            run = app.up(generation=generation)
        after = app.up()

        assert steps(app.name, generation - 2, generation) == changes(run)
        row(Section.OPTIONS, "a generation is skipped", outcome(run), told(after))

    def test_a_refresh_on_the_way_changes_nothing(self, app: App, row: Row) -> None:
        """What cluster and forge say is what the state says."""
        generation = next_generation(app)
        with lossless(app):
            run = app.up("--refresh", generation=generation)
        after = app.up("--refresh")

        assert steps(app.name, generation - 1, generation) == changes(run)
        row(Section.OPTIONS, "`--refresh` in a rotation", outcome(run), told(after))


class TestTwoAtOnce:
    NAME = "twice"

    def test_the_second_is_refused_by_the_lock_and_the_first_finishes(
        self, app: App, row: Row
    ) -> None:
        """On a file backend as on any other; `fluxhooks rotate` waits for it."""
        generation = next_generation(app)
        with lossless(app), Update(app, generation) as first:
            first.until_at("before create Receiver")
            second = app.up(check=False)
            first.wait()
            after = app.up()

        assert (False, True) == (first.killed, second.returncode != 0)
        assert "the stack is currently locked by 1 lock(s)" in second.output
        assert [] == changes(after)
        row(
            Section.OPTIONS,
            "two rotations at once",
            "the second was refused: the stack is locked; the first succeeded",
            told(after),
        )

    def test_a_destroy_after_a_kill_in_the_middle_leaves_nothing(
        self, make_app: Callable[..., App], row: Row
    ) -> None:
        """Both generations are in the state, and go with the webhook."""
        app = make_app("destroyed")
        app.up()
        with Update(app, 2) as update:
            update.kill_at("after update RepositoryWebhook")
        app.stack.run("cancel", "--yes", app.name)
        destroy = app.stack.destroy()

        assert ([], []) == (app.receivers(), app.sandbox.github.hooks(app.name))
        assert changes(destroy)[0] == "delete RepositoryWebhook destroyed-webhook"
        row(
            Section.OPTIONS,
            "`pulumi destroy` after a kill in the middle",
            "both generations were in the state",
            "`destroy` deleted the webhook first, and then the rest",
        )


def drained(run: Run) -> bool:
    """Whether a run said that it waited for a drain."""
    return any("older ones answer for" in text for _, text in run.diagnostics)


def urns(app: App) -> dict[str, str]:
    """The URNs of the app's resources by name; of two with one name the last."""
    resources = app.stack.state()["deployment"]["resources"]
    return {resource["urn"].rpartition("::")[2]: resource["urn"] for resource in resources}


def targets(app: App, generation: int) -> list[str]:
    """The flags that name the resources of a generation, and nothing else."""
    resources = app.stack.state()["deployment"]["resources"]
    live = f"{app.name}-g{generation - 1}"
    found = [r["urn"] for r in resources if r["urn"].rpartition("::")[2].startswith(live)]
    return [
        flag
        for urn in found
        for flag in ("--target", urn.replace(live, f"{app.name}-g{generation}"))
    ]
