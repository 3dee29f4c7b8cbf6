"""API server, controller or disk fail in the middle of a rotation, and they are the real ones."""

import contextlib
import datetime
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lightkube.core.exceptions import ApiError

from tests.app import App, eventually
from tests.faults.killing import repair, state_file
from tests.faults.rotation import Attempt, attempt, next_generation
from tests.faults.table import Row, Section, told

API_SERVER, CONTROLLER = "kube-apiserver", "notification-controller"


def finished(made: Attempt) -> None:
    """Assert that in the end one generation is left, and answers."""
    assert (0, 200, 1) == (made.after.returncode, made.answers, len(made.ended)), made.after.output


class TestTheApiServer:
    NAME = "restarted"

    @pytest.mark.parametrize(
        ("step", "moment"),
        [
            pytest.param("create Secret", "while the Receiver is waited for", id="waiting"),
            pytest.param("update RepositoryWebhook", "during the drain", id="draining"),
        ],
    )
    def test_that_is_restarted_costs_no_more_than_without_a_rotation(
        self, app: App, step: str, moment: str, row: Row
    ) -> None:
        """The controller asks it for the Secret at each delivery, and refuses what it cannot."""

        def restart() -> None:
            app.sandbox.cluster.restart(API_SERVER)
            # Ready, it still answers 429 while it reads in what it stores of custom resources.
            assert eventually(lambda: served(app))

        made = attempt(app, at=(step, restart))

        finished(made)
        assert caught_up(app, made)
        row(
            Section.CLUSTER,
            f"the API server is restarted {moment}",
            "while it is away the controller cannot read the Secret and refuses deliveries, with "
            "or without a rotation",
            "one generation is left, and answers; the source was asked after the last delivery "
            "that was lost",
        )


class TestTheController:
    NAME = "away"

    def test_that_is_down_keeps_the_old_generation(self, app: App, row: Row) -> None:
        """What it does not make Ready is not called; its own deliveries are another matter."""
        app.stack.environment["RECEIVER_TIMEOUT"] = "4s"
        try:
            made = attempt(app, self._down(app))
        finally:
            del app.stack.environment["RECEIVER_TIMEOUT"]

        finished(made)
        assert "old" == made.called
        assert caught_up(app, made)
        row(
            Section.CLUSTER,
            "notification-controller is down",
            f"failed: the Receiver did not become Ready in its time; the webhook called the "
            f"{made.called} generation; nothing answers deliveries then, with or without a "
            "rotation",
            f"{told(made.after)}; the source was asked after the last delivery that was lost",
        )

    def test_that_is_slow_is_waited_for(self, app: App, row: Row) -> None:
        """Deliveries too."""
        pid = app.sandbox.cluster.pids[CONTROLLER]

        def stand_still() -> None:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(4)
            os.kill(pid, signal.SIGCONT)

        made = attempt(app, at=("create RandomPassword", stand_still))

        finished(made)
        assert 0 == made.tally.lost, str(made.tally)
        row(
            Section.CLUSTER,
            "notification-controller stands still for 4 s",
            made.happened,
            told(made.after),
        )

    def test_that_is_killed_and_started_between_proof_and_catch_up_is_caught_up_with(
        self, app: App, row: Row
    ) -> None:
        """The catch-up delivery is repeated until it is answered."""

        def restart() -> None:
            app.sandbox.cluster.restart(CONTROLLER, kill=True)

        made = attempt(app, at=("create Receiver", restart))

        finished(made)
        assert caught_up(app, made)
        assert 0 == made.spoiled.returncode, made.spoiled.output
        row(
            Section.CLUSTER,
            "notification-controller is killed and started again before the repointing",
            f"succeeded: {told(made.spoiled)}; the source was asked after the last delivery that "
            "was lost",
            told(made.after),
        )

    def test_that_refuses_the_receiver_keeps_the_old_generation(self, app: App, row: Row) -> None:
        """It fails at once, in the controller's words."""
        made = attempt(app, self._filter(app), resource_filter="req.ref.matches('(')")

        finished(made)
        assert ("old", 0) == (made.called, made.tally.lost), str(made.tally)
        assert "will never be Ready; its controller says InvalidCELEx" in made.spoiled.output
        row(
            Section.CLUSTER,
            "the new Receiver never becomes Ready: the regular expression in its filter is none",
            f"failed with the controller's reason, InvalidCELExpression; the webhook called the "
            f"{made.called} generation; {made.tally.lost} deliveries lost",
            f"with the filter mended: {told(made.after)}",
        )

    @contextlib.contextmanager
    def _down(self, app: App) -> Iterator[None]:
        app.sandbox.cluster.stop(CONTROLLER)
        try:
            yield
        finally:
            app.sandbox.cluster.start(CONTROLLER)

    @contextlib.contextmanager
    def _filter(self, app: App) -> Iterator[None]:
        yield
        del app.args["resource_filter"]


def test_a_full_disk_under_the_state_stops_before_what_it_could_not_tell(
    make_app: Callable[..., App], tmp_path: Path, row: Row
) -> None:
    """The engine writes down what it is about to do, or does not do it."""
    app = make_app("full-disk")
    app.up()
    live, generation = app.hook(), next_generation(app)
    with no_room(app, tmp_path, growth=3_000), app.start_up(generation=generation) as process:
        output, _ = process.communicate(timeout=120)
    app.leaks.read("the output of pulumi up on a full disk", output)
    called, state = app.hook().url, state_file(app)
    unreadable = repair(app)
    shutil.copy(state.with_name(f"{state.name}.bak"), state)
    after = app.up(check=False)

    assert (True, live.url) == (process.returncode != 0, called), output
    assert "file too large" in output
    assert "failed to load checkpoint" in unreadable.output
    assert 0 == after.returncode, after.output
    assert ([f"full-disk-g{generation}"], 200) == (app.receivers(), app.probe(app.hook()))
    row(
        Section.CLUSTER,
        "the disk under a local file backend is full (here: files may not grow)",
        "failed: the state could not be written, and was left cut short; the webhook called the "
        "old generation",
        f"refused: “failed to load checkpoint”; with the `.bak` beside the state copied back: "
        f"{told(after)}",
    )


@contextlib.contextmanager
def no_room(app: App, directory: Path, *, growth: int) -> Iterator[None]:
    """Let no file of Pulumi's outgrow the state there is by more than so many bytes.

    The signal that comes with the limit is blocked, so that a write fails as on a full disk.
    """
    path = app.stack.environment["PATH"]
    pulumi = shutil.which("pulumi", path=path)
    limit = state_file(app).stat().st_size + growth
    limited = directory / "pulumi"
    limited.write_text(_LIMITED.format(python=sys.executable, limit=limit, pulumi=pulumi))
    limited.chmod(0o755)
    app.stack.environment["PATH"] = f"{directory}{os.pathsep}{path}"
    yield
    app.stack.environment["PATH"] = path


_LIMITED = """\
#!{python} -IS
import os, resource, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGXFSZ}})
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
os.execv("{pulumi}", ["pulumi", *sys.argv[1:]])
"""


def served(app: App) -> bool:
    """Whether the API server serves Receivers."""
    try:
        app.receivers()
    except ApiError:
        return False
    return True


def caught_up(app: App, made: Attempt) -> bool:
    """Whether the source was asked for after the last delivery that was lost."""
    at = app.requested_at()
    # As Go prints a time: nanoseconds, zone, and the monotonic clock.
    return (
        at is not None
        and made.last_lost <= datetime.datetime.fromisoformat(f"{at[:26]}+00:00").timestamp()
    )
