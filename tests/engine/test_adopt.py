"""`fluxhooks adopt`: from a webhook, a Receiver and a Secret made by hand to a component.

The engine, the API server and the controllers are real: a mock would take whatever is imported,
and would not know which paths are served.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest

from sandbox.load import Load
from tests.app import App
from tests.breadth.table import Breadth
from tests.command import Command, Done
from tests.hand_made import HandMade, make_by_hand

RATE = 10.0
"""Deliveries a second."""

QUEUED = 1.5
DRAIN = 4.0
SETTLED = 1.0
"""Seconds."""

FROM_GIT = {
    "kustomize.toolkit.fluxcd.io/name": "apps",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
}


class Deliveries(AbstractContextManager[Any], Protocol):
    """They go on from entering the context to leaving it."""

    @property
    def sent(self) -> int:
        """How many there were."""
        ...

    @property
    def lost(self) -> int:
        """How many of them no Receiver took."""
        ...


@dataclass(frozen=True)
class Story:
    """Shown, killed on the way, finished by the same command, under deliveries all the while."""

    app: App
    by_hand: HandMade
    before: Any
    elsewhere: Done
    dry: Done
    changed_by_dry: bool
    killed: str
    adopted: Done
    sent: int
    lost: int
    after: list[Any]
    again: Done
    preview: list[str]


def story_of(
    app: App, fluxhooks: Command, kill_at: str, deliveries: Deliveries, **by_hand: Any
) -> Story:
    """Adopt what was made by hand for an app, and kill the first run at a line of what it says."""
    made = make_by_hand(app, f"{app.name}-by-hand", **by_hand)
    (before,) = app.forge.hooks(app.path)
    app.preview(drain=f"{DRAIN:g}s")

    app.stack.set_all({"fluxhooks:cluster": "another"})
    elsewhere = fluxhooks("adopt", "--yes")
    app.stack.run("config", "rm", "fluxhooks:cluster", "--stack", app.stack.name)
    written = len(app.writes())
    dry = fluxhooks("adopt", app.name, "--dry-run", "--json")
    changed = bool(app.writes()[written:]) or bool(app.receivers())
    with deliveries:
        time.sleep(SETTLED)
        killed = fluxhooks.kill(kill_at, "adopt", app.name, "--yes", "--drain", f"{DRAIN:g}s")
        app.learn()
        adopted = fluxhooks("adopt", app.name, "--yes", "--json", "--drain", f"{DRAIN:g}s")
        time.sleep(SETTLED)
    return Story(
        app,
        made,
        before,
        elsewhere,
        dry,
        changed,
        killed,
        adopted,
        deliveries.sent,
        deliveries.lost,
        list(app.forge.hooks(app.path)),
        fluxhooks("adopt", app.name, "--yes"),
        [str(step) for step in app.preview().steps],
    )


class Late(Load):
    """Deliveries of an app's forge, every second one late."""

    def __init__(self, app: App) -> None:
        super().__init__(app.forge, app.path, rate=RATE, queued=QUEUED)

    @property
    def lost(self) -> int:
        """How many were not taken."""
        return self.tally.lost


def seen(done: Done) -> dict[str, str]:
    """What was verified, by what was looked at."""
    return {check["what"]: check["seen"] for check in done.result["checks"]}


class Adopted:
    """What holds at every forge; `story` and `row` are those of the class."""

    row: ClassVar[dict[str, str]]

    def test_it_loses_nothing(self, story: Story, breadth: Breadth) -> None:
        """Killed on the way and begun again, with deliveries late at every moment."""
        assert 0 == story.adopted.returncode, story.adopted.said
        assert (0, True) == (story.lost, story.sent > 50), story
        breadth(**self.row)

    def test_another_cluster_and_a_dry_run_change_nothing(self, story: Story) -> None:
        """The one is refused, the other says what would be."""
        assert 3 == story.elsewhere.returncode, story.elsewhere.said
        assert "this is another cluster" in story.elsewhere.said
        assert 0 == story.dry.returncode, story.dry.said
        assert not story.dry.result["done"]
        assert story.by_hand.webhook == story.dry.result["webhook"]["before"]
        assert not story.changed_by_dry

    def test_one_webhook_is_left_and_calls_the_new_receiver(self, story: Story) -> None:
        """With another token; forge, cluster and public URL were asked."""
        (hook,) = story.after
        assert hook.url != story.before.url
        assert story.by_hand.token != hook.secret
        assert 200 == story.app.probe(hook)
        assert [f"{story.app.name}-g1"] == story.app.receivers()
        assert story.adopted.result["verified"]
        assert {
            "live generation": "1",
            "Receiver of generation 1": "Ready, with its path",
            "webhook": "calls the live path, active, JSON",
            "webhooks that call it": f"{hook.id} alone",
        }.items() <= seen(story.adopted).items()

    def test_the_hand_made_receiver_still_answers_and_is_named(self, story: Story) -> None:
        """It is somebody's, perhaps Git's; the command that removes it is shown."""
        name = story.by_hand.name
        assert story.by_hand.receiver().status["webhookPath"] == story.by_hand.path
        assert story.by_hand.secret()
        assert f"  kubectl -n flux-system delete receiver {name}" in story.adopted.result["left"]
        assert (
            f"  kubectl -n flux-system delete secret {name}-token" in (story.adopted.result["left"])
        )

    def test_nothing_is_left_to_do(self, story: Story) -> None:
        """Neither for adopt nor for pulumi up, and the record of it is gone."""
        assert 0 == story.again.returncode, story.again.said
        assert "nothing is left to adopt" in story.again.result
        assert [] == story.preview
        settings = story.app.stack.directory / f"Pulumi.{story.app.stack.name}.yaml"
        assert "adopting" not in settings.read_text()


class TestAtGitHub(Adopted):
    row: ClassVar[dict[str, str]] = {
        "type": "github",
        "forge": "GitHub repository",
        "secret": "generated",
        "against": "a hand-made webhook adopted under load, GitHub is a stand-in",
    }

    @pytest.fixture(scope="class")
    @classmethod
    def story(cls, make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory) -> Story:
        """Killed when the webhook was taken in, and nothing made yet."""
        app = make_app("adopted")
        command = Command(app, tmp_path_factory.mktemp("adopted"))
        return story_of(app, command, "import RepositoryWebhook", Late(app), labels=FROM_GIT)

    def test_the_webhook_keeps_its_id(self, story: Story) -> None:
        """URL and secret are changed in one request, and no webhook is made or deleted."""
        (hook,) = story.after
        assert story.before.id == hook.id
        assert ["POST", "PATCH"] == [verb for verb in story.app.writes() if verb != "PING"][:2]
        assert "DELETE" not in story.app.writes()

    def test_it_is_said_whose_the_receiver_is(self, story: Story) -> None:
        """Flux would bring back what is deleted beside Git."""
        assert (
            "Receiver flux-system/adopted-by-hand was not touched and may go now, if nobody else "
            "calls it. It belongs to Kustomization flux-system/apps, which would bring it back: "
            "remove it there, then"
        ) == story.adopted.result["left"][0]


class TestAtGitLab(Adopted):
    row: ClassVar[dict[str, str]] = {
        "type": "gitlab",
        "forge": "GitLab project",
        "secret": "generated",
        "against": "a hand-made webhook adopted under load, GitLab and its plugin are stand-ins",
    }

    @pytest.fixture(scope="class")
    @classmethod
    def story(cls, make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory) -> Story:
        """Killed when ours was made, beside the hand-made one."""
        app = make_app("gl-adopted", sender="gitlab")
        command = Command(app, tmp_path_factory.mktemp("gl-adopted"))
        return story_of(app, command, "create ProjectHook", Late(app))

    def test_another_webhook_takes_its_place(self, story: Story) -> None:
        """GitLab forgets a token when a URL is edited."""
        (hook,) = story.after
        assert story.before.id != hook.id
        assert story.by_hand.webhook == story.adopted.result["webhook"]["before"]
        assert str(hook.id) == story.adopted.result["webhook"]["now"]


def test_a_sender_that_is_told_by_hand_is_called_on_until_it_is_told(
    make_app: Callable[..., App], tmp_path: Path
) -> None:
    """Its Receiver is found by type and target, nothing is cut off, and what to do is said."""
    app = make_app("told", sender="harbor")
    made = make_by_hand(app, "told-by-hand", webhook=False)
    app.preview()
    done = Command(app, tmp_path)("adopt", "--yes", "--json")

    assert 0 == done.returncode, done.said
    assert ("by hand", None, None) == (
        done.result["way"],
        done.result["webhook"]["before"],
        done.result["webhook"]["now"],
    )
    assert [
        "told: no webhook is made here; give its sender the new URL and token: fluxhooks "
        "instructions told told --show-secrets",
        "Receiver flux-system/told-by-hand was not touched and may go when its sender calls the "
        "new URL, if nobody else calls it:",
        "  kubectl -n flux-system delete receiver told-by-hand",
        "  kubectl -n flux-system delete secret told-by-hand-token",
    ] == done.result["left"]
    assert made.receiver().status["webhookPath"] == made.path
    assert ["told-g1"] == app.receivers()
