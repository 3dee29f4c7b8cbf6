"""The forge misbehaves in the middle of a rotation; GitHub's plugin is the real one.

Which answers the plugin tries again, waits for, or gives up on, only it knows.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sandbox.forges.github import Fault
from tests.app import App
from tests.faults.rotation import Attempt, attempt
from tests.faults.table import Row, Section, told


@contextmanager
def spoiled(
    app: App, order: Callable[..., Fault], *args: object, **kwargs: object
) -> Iterator[None]:
    """Have the forge misbehave to what changes the app's webhook."""
    kwargs = {"method": "PATCH", "times": None, **kwargs}
    order(*args, path=f"/{app.name}/hooks", **kwargs)
    try:
        yield
    finally:
        app.sandbox.github.faults.clear()


def finished(made: Attempt) -> None:
    """Assert that the second run left one generation, which answers, and that nothing was lost."""
    assert (0, 200, 1) == (made.after.returncode, made.answers, len(made.ended)), made.after.output
    assert 0 == made.tally.lost, str(made.tally)


class TestAForgeThat:
    NAME = "forge-faults"

    @pytest.mark.parametrize("status", [500, 502])
    def test_answers_with_an_error_once_is_asked_again(
        self, app: App, status: int, row: Row
    ) -> None:
        """By the plugin."""
        faults = app.sandbox.github.faults
        made = attempt(app, spoiled(app, faults.respond, status, times=1))
        finished(made)
        row(Section.FORGE, f"the PATCH is answered {status} once", made.happened, told(made.after))

    def test_goes_on_answering_with_an_error_keeps_the_old_generation(
        self, app: App, row: Row
    ) -> None:
        """The run fails; nothing is deleted; the next one goes on from there."""
        faults = app.sandbox.github.faults
        made = attempt(app, spoiled(app, faults.respond, 502))
        finished(made)
        row(Section.FORGE, "every PATCH is answered 502", made.happened, told(made.after))

    def test_limits_the_rate_is_waited_for(self, app: App, row: Row) -> None:
        """As long as it asks."""
        faults = app.sandbox.github.faults
        made = attempt(app, spoiled(app, faults.rate_limit, status=429, retry_after=2, times=1))
        finished(made)
        row(
            Section.FORGE,
            "the PATCH is answered 429 with `Retry-After: 2` once",
            made.happened,
            told(made.after),
        )

    def test_does_the_work_and_never_answers_is_asked_again(self, app: App, row: Row) -> None:
        """The same PATCH again changes nothing."""
        faults = app.sandbox.github.faults
        made = attempt(app, spoiled(app, faults.hang, 2, after=True, times=1))
        finished(made)
        row(
            Section.FORGE,
            "the PATCH is done, the connection closed without an answer",
            made.happened,
            told(made.after),
        )

    def test_refuses_the_url_keeps_the_old_generation(self, app: App, row: Row) -> None:
        """The webhook stays where it was."""
        faults = app.sandbox.github.faults
        made = attempt(app, spoiled(app, faults.respond, 422))
        finished(made)
        row(Section.FORGE, "the new URL is refused (422)", made.happened, told(made.after))
