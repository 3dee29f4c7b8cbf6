"""Older generations that are kept, gone back to, and retired, in the program of ``stacks/``."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from sandbox.forges.github import Hook
from sandbox.load import Load, Tally
from sandbox.stack import Run
from tests.app import App, changes


@dataclass(frozen=True)
class Retained:
    """Forward with overlap, back again, and the other one retired."""

    app: App
    first: Hook
    second: Hook
    forward: Run
    reconciled: list[str]
    first_answers: int | None
    back: Run
    back_to: Hook
    tally: Tally
    retire: Run
    retire_writes: list[str]


@pytest.fixture(scope="class")
def retained(make_app: Callable[..., App]) -> Retained:
    app = make_app("retained", program=None)
    app.stack.set_all(
        {
            "drain": "2s",
            "host": app.sandbox.ingress.host,
            "receivers.retained.repository": "retained",
            "receivers.retained.sources[0].name": "retained",
        }
    )
    app.up()
    first = app.hook()

    app.stack.set_all({"generations.retained.live": "2", "generations.retained.retained[0]": "1"})
    with app.watched() as reconciled:
        forward = app.up()
    second = app.hook()
    first_answers = app.probe(first)

    app.stack.set_all({"generations.retained.live": "1", "generations.retained.retained[0]": "2"})
    with Load(app.sandbox.github, app.name, rate=20, queued=1.0) as load:
        back = app.up()
    back_to, writes = app.hook(), len(app.writes())

    app.stack.run("config", "rm", "--path", "generations.retained.retained")
    retire = app.up()
    return Retained(
        app,
        first,
        second,
        forward,
        reconciled,
        first_answers,
        back,
        back_to,
        load.tally,
        retire,
        app.writes()[writes:],
    )


class TestRetainedGenerations:
    def test_a_retained_generation_is_not_deleted_and_answers(self, retained: Retained) -> None:
        """Overlap for as long as wanted: whoever still has the old secret is served."""
        assert [
            "create RandomPassword retained-g2-token",
            "create Secret retained-g2-token",
            "create Receiver retained-g2",
            "update RepositoryWebhook retained-webhook",
        ] == changes(retained.forward)
        assert 200 == retained.first_answers

    def test_a_rotation_reconciles_the_targets_once(self, retained: Retained) -> None:
        """The catch-up delivery makes up for whatever was queued; the probe touches nothing."""
        assert 1 == len(retained.reconciled)

    def test_going_back_is_one_patch_to_what_was_there(self, retained: Retained) -> None:
        """The generation that is gone back to is not made anew."""
        assert ["update RepositoryWebhook retained-webhook"] == changes(retained.back)
        assert retained.first.url != retained.second.url
        assert (retained.first.url, retained.first.secret) == (
            retained.back_to.url,
            retained.back_to.secret,
        )

    def test_going_back_loses_nothing(self, retained: Retained) -> None:
        """It is a rotation like any other."""
        assert (0, True) == (retained.tally.lost, retained.tally.sent > 20), str(retained.tally)

    def test_retiring_is_three_deletes_without_a_word_to_the_forge(
        self, retained: Retained
    ) -> None:
        """Nothing is repointed, so nothing is proved or drained."""
        assert [
            "delete Receiver retained-g2",
            "delete Secret retained-g2-token",
            "delete RandomPassword retained-g2-token",
        ] == changes(retained.retire)
        assert ([], []) == (retained.retire_writes, retained.retire.diagnostics)
        assert ["retained-g1"] == retained.app.receivers()
