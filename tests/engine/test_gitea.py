"""The same promises at a real Gitea, which really delivers; each generation has its own webhook.

Gitea, the engine, the API server and the controllers are real. Where there is no C compiler, and
so no Gitea, the run says that none of this was run.
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import ClassVar, Self

import pytest

from sandbox.forges.gitea import Delivery, Gitea, Hook
from sandbox.ingress import Ingress
from sandbox.sandbox import Sandbox
from sandbox.stack import Run
from tests.app import App, changes, eventually
from tests.breadth.table import Breadth
from tests.command import Command
from tests.engine.test_adopt import Adopted, Story, story_of

pytestmark = pytest.mark.usefixtures("gitea")

DRAIN = 4.0
SETTLED = 1.0
"""Seconds."""

NOWHERE = "127.0.0.1:1"
"""A host on which nothing listens."""


def hooks(app: App) -> list[Hook]:
    """The app's webhooks, oldest first."""
    found: list[Hook] = app.forge.hooks(app.path)
    return found


def told(app: App, commit: str) -> bool:
    """Whether a webhook of the app's has told of a commit, within some time."""

    def tells() -> bool:
        return any(each.commit == commit and each.delivered for each in app.deliveries("push"))

    return bool(eventually(tells))


class Pushes:
    """Pushes one commit after the other, from entering the context to leaving it.

    What became of each is told by Gitea's own table of deliveries, which is read all the while: it
    forgets them with their webhook.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._stop = threading.Event()
        self._seen: dict[int, Delivery] = {}
        self.pushed: list[str] = []
        self._threads = [threading.Thread(target=work) for work in (self._push, self._watch)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        eventually(self._all_told)

    @property
    def untold(self) -> list[str]:
        """The commits of which no webhook told a Receiver that took it."""
        taken = {each.commit for each in self._seen.values() if each.status == 200}
        return [commit for commit in self.pushed if commit not in taken]

    def _all_told(self) -> bool:
        self._note()
        return not self.untold

    @property
    def answers(self) -> set[int | None]:
        """With what deliveries were answered."""
        return {each.status for each in self._seen.values() if each.delivered}

    def _push(self) -> None:
        while not self._stop.wait(0.1):
            self.pushed.append(self._app.forge.commit(self._app.name))

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self._note()

    def _note(self) -> None:
        self._seen |= {each.id: each for each in self._app.forge.deliveries(self._app.path)}


def steps(app: str, old: int, new: int) -> list[str]:
    """What a rotation does, and nothing else."""
    return [
        f"create RandomPassword {app}-g{new}-token",
        f"create Secret {app}-g{new}-token",
        f"create Receiver {app}-g{new}",
        f"create Webhook {app}-g{new}-webhook",
        f"delete Webhook {app}-g{old}-webhook",
        f"delete Receiver {app}-g{old}",
        f"delete Secret {app}-g{old}-token",
        f"delete RandomPassword {app}-g{old}-token",
    ]


@dataclass(frozen=True)
class Rotated:
    """Provisioned, pushed to, rotated while pushes went on, looked at."""

    app: App
    first: Run
    pushed: str
    fetched: str
    preview: Run
    run: Run
    pushes: Pushes
    writes: list[str]
    before: Hook
    after: Hook
    unchanged: Run
    state: str


@pytest.fixture(scope="class")
def rotated(gitea: Gitea, make_app: Callable[..., App]) -> Rotated:
    app = make_app("gt-rotated", sender="gitea", suspend=False)
    app.leaks.know_token(gitea.token)
    first = app.up(drain=f"{DRAIN:g}s")
    # It was fetched when it was made; what comes now is told.
    assert eventually(app.revision)
    pushed = app.repository.commit({"told.txt": "of"}, message="A push that Gitea tells of")
    eventually(lambda: app.revision() == pushed)
    fetched = app.revision()
    before, writes = app.hook(), len(app.writes())
    preview = app.preview("--diff", generation=2)
    with Pushes(app) as pushes:
        time.sleep(SETTLED)
        run = app.up("--diff", generation=2)
        time.sleep(SETTLED)
    app.forge.wait_idle(app.path)
    return Rotated(
        app,
        first,
        pushed,
        fetched,
        preview,
        run,
        pushes,
        app.writes()[writes:],
        before,
        app.hook(),
        app.up(),
        app.stack.run("stack", "export", "--stack", app.name, "--show-secrets").output,
    )


class TestARotationAtGitea:
    def test_a_push_reconciles_the_source_to_its_commit(self, rotated: Rotated) -> None:
        """From the first `up` on; of itself the source asks every half an hour."""
        assert [
            "create RandomPassword gt-rotated-g1-token",
            "create Secret gt-rotated-g1-token",
            "create Receiver gt-rotated-g1",
            "create Webhook gt-rotated-g1-webhook",
        ] == changes(rotated.first)
        assert [] == rotated.first.diagnostics
        assert rotated.pushed == rotated.fetched
        assert (frozenset({"push"}), True, True, "") == (
            rotated.before.events,
            rotated.before.json,
            rotated.before.active,
            rotated.before.branch_filter,
        )

    def test_it_loses_nothing(self, rotated: Rotated, breadth: Breadth) -> None:
        """Every commit was told to a webhook whose Receiver took it, and none was refused."""
        pushes = rotated.pushes
        assert ([], {200}, True) == (pushes.untold, pushes.answers, len(pushes.pushed) > 10)
        breadth(
            type=rotated.app.receiver_type,
            forge="Gitea repository",
            secret="generated",
            against="a rotation under pushes, a real Gitea",
        )

    def test_it_creates_before_it_deletes(self, rotated: Rotated) -> None:
        """The new webhook is there before the old one goes, and that one before its Receiver."""
        assert steps("gt-rotated", 1, 2) == changes(rotated.run)
        assert steps("gt-rotated", 1, 2) == changes(rotated.preview)
        assert ["POST", "DELETE"] == rotated.writes

    def test_the_webhook_is_another_one(self, rotated: Rotated) -> None:
        """Gitea's API gives none another secret."""
        before, after = rotated.before, rotated.after

        assert before.id != after.id
        assert (before.url, before.secret) != (after.url, after.secret)
        assert replace(before, id=0, url="", secret="") == replace(after, id=0, url="", secret="")

    def test_nothing_is_deleted_before_the_drain_is_over(self, rotated: Rotated) -> None:
        """Both are called meanwhile."""
        at = {str(step): step.at for step in rotated.run.steps}
        waited = (
            at["delete Webhook gt-rotated-g1-webhook"] - at["create Webhook gt-rotated-g2-webhook"]
        )
        assert waited >= DRAIN - 1, f"waited only {waited:.1f} s"

    def test_afterwards_only_the_new_generation_is_there(self, rotated: Rotated) -> None:
        """What was rotated out is worth nothing to whoever holds it."""
        app, forged = rotated.app, replace(rotated.after, secret="another")

        assert 404 == app.deliver(rotated.before, {})
        assert ["gt-rotated-g2"] == app.receivers()
        assert (200, 400) == (app.probe(rotated.after), app.probe(forged))

    def test_the_next_up_does_nothing(self, rotated: Rotated) -> None:
        """The code that made the webhook is no difference, and no drain is waited for."""
        assert [] == rotated.unchanged.changes
        assert [] == rotated.unchanged.diagnostics

    def test_the_state_has_no_credential_of_gitea(self, gitea: Gitea, rotated: Rotated) -> None:
        """Not even in clear: it is read where the code runs. URL and token are secrets there."""
        assert rotated.after.secret in rotated.state
        assert gitea.token not in rotated.state


ORGANIZATION = "gt-org"

GIVEN = """\
import json
from pathlib import Path

import pulumi

from fluxhooks import WebhookReceiver

name, args = json.loads(Path("args.json").read_text())
WebhookReceiver(name, {**args, "token": pulumi.Config().require_secret("token")})
"""


class TestOtherWaysAtGitea:
    def test_an_organisation_tells_of_all_its_repositories(
        self, gitea: Gitea, make_app: Callable[..., App], breadth: Breadth
    ) -> None:
        """One webhook for many; a target's filter says which one reconciles it."""
        app = make_app(ORGANIZATION, sender="gitea organization")
        gitea.create_repository(f"{ORGANIZATION}-other")
        filter_ = f"req.repository.full_name == '{gitea.owner}/{ORGANIZATION}'"
        target = {"kind": "GitRepository", "name": ORGANIZATION, "filter": filter_}
        app.up(resources=[target])
        made = app.hook()
        before = app.requested_at()
        assert told(app, gitea.commit(f"{ORGANIZATION}-other"))
        other = app.requested_at()
        assert told(app, gitea.commit(ORGANIZATION))
        asked = app.requested_at()
        answers = {each.status for each in app.deliveries("push")}
        run = app.up(generation=2)
        rotated = app.hook()
        app.stack.destroy()

        assert (before, True) == (other, asked != before)
        assert [
            f"create Webhook {ORGANIZATION}-g2-webhook",
            f"delete Webhook {ORGANIZATION}-g1-webhook",
        ] == [step for step in changes(run) if "Webhook" in step]
        assert made.url != rotated.url
        assert {200} == answers
        assert [] == hooks(app)
        breadth(
            type=app.receiver_type,
            forge="Gitea organisation",
            secret="generated",
            against="a rotation, a filter for each target, a real Gitea",
        )

    @pytest.mark.parametrize("at", ["repository", "organization"])
    def test_a_given_token_rotates_with_its_number(
        self, gitea: Gitea, make_app: Callable[..., App], breadth: Breadth, at: str
    ) -> None:
        """Gitea gets it with the new webhook, as no edit takes one."""
        sender = "gitea" if at == "repository" else "gitea organization"
        app = make_app(f"gt-given-{at}", sender=sender, program=GIVEN)
        tokens = [secrets.token_hex(16) for _ in range(2)]
        made = []
        for generation, token in enumerate(tokens, start=1):
            app.leaks.know_token(token)
            app.stack.run("config", "set", "--secret", "token", token, "--stack", app.name)
            run = app.up(generation=generation)
            made.append((app.hook().secret, app.probe(app.hook())))
        assert told(app, gitea.commit(app.name))
        answers = {each.status for each in app.deliveries("push")}
        app.stack.destroy()

        assert [(token, 200) for token in tokens] == made
        assert [
            f"create Webhook {app.name}-g2-webhook",
            f"delete Webhook {app.name}-g1-webhook",
        ] == [step for step in changes(run) if "Webhook" in step]
        assert {200} == answers
        breadth(
            type=app.receiver_type,
            forge=f"Gitea {'repository' if at == 'repository' else 'organisation'}",
            secret="given",
            against="a rotation, a real Gitea",
        )

    def test_another_host_is_an_edit_and_loses_nothing(
        self, gitea: Gitea, sandbox: Sandbox, make_app: Callable[..., App]
    ) -> None:
        """Gitea keeps a webhook's secret under another URL."""
        app = make_app("gt-moved", sender="gitea")
        app.up()
        before, writes = app.hook(), len(app.writes())
        with (
            Ingress(sandbox.cluster.receiver_port, ca=sandbox.ingress.ca) as other,
            Pushes(app) as pushes,
        ):
            run = app.up(host=other.host)
            after = app.hook()

        assert ["PATCH"] == app.writes()[writes:]
        assert [] == [step for step in changes(run) if "Receiver" in step]
        assert (before.id, before.secret) == (after.id, after.secret)
        assert other.host in after.url
        assert ([], True) == (pushes.untold, len(pushes.pushed) > 5)


class Counted(Pushes):
    """The same, as an adoption is told under."""

    @property
    def sent(self) -> int:
        """How many commits were pushed."""
        return len(self.pushed)

    @property
    def lost(self) -> int:
        """Of how many nobody was told."""
        return len(self.untold)


class TestAnAdoptionAtGitea(Adopted):
    row: ClassVar[dict[str, str]] = {
        "type": "github",
        "forge": "Gitea repository",
        "secret": "generated",
        "against": "a hand-made webhook adopted while pushes went on, at a real Gitea",
    }

    @pytest.fixture(scope="class")
    @classmethod
    def story(cls, make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory) -> Story:
        """Killed when ours was made, beside the hand-made one."""
        app = make_app("tea-adopted", sender="gitea")
        command = Command(app, tmp_path_factory.mktemp("tea-adopted"))
        return story_of(app, command, "create Webhook", Counted(app))

    def test_another_webhook_takes_its_place(self, story: Story) -> None:
        """Gitea's API gives no webhook another secret."""
        (hook,) = story.after
        assert story.before.id != hook.id
