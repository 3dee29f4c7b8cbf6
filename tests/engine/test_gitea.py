"""The same promises at a real Gitea, which really delivers; each generation has its own webhook.

Gitea, the engine, the API server and the controllers are real. Where there is no C compiler, and
so no Gitea, the run says that none of this was run.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

import pytest

from sandbox.forges.gitea import Delivery, Gitea, Hook
from sandbox.ingress import Ingress
from sandbox.sandbox import Sandbox
from sandbox.stack import Run
from sandbox.toolchain import ToolchainError
from tests.app import App, Receiver, changes, errors, eventually
from tests.command import Command, Done
from tests.faults.killing import Update, repair

DRAIN = 4.0
SETTLED = 1.0
"""Seconds."""

NOWHERE = "127.0.0.1:1"
"""A host on which nothing listens."""


@pytest.fixture(scope="module", autouse=True)
def gitea(sandbox: Sandbox, ran: set[str]) -> Gitea:
    """A Gitea in the sandbox."""
    try:
        return sandbox.gitea
    except ToolchainError as error:
        ran.add(f"not run: a real Gitea: {error}")
        pytest.skip(str(error))


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
    def lost(self) -> list[str]:
        """The commits of which no webhook told a Receiver that took it."""
        taken = {each.commit for each in self._seen.values() if each.status == 200}
        return [commit for commit in self.pushed if commit not in taken]

    def _all_told(self) -> bool:
        self._note()
        return not self.lost

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

    def test_it_loses_nothing(self, rotated: Rotated) -> None:
        """Every commit was told to a webhook whose Receiver took it, and none was refused."""
        pushes = rotated.pushes
        assert ([], {200}, True) == (pushes.lost, pushes.answers, len(pushes.pushed) > 10)

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


@dataclass(frozen=True)
class Troubled:
    """What went wrong, one after the other, and what the next run did; pushes never ceased."""

    app: App
    first: Hook
    unproved: Run
    after_unproved: list[Hook]
    refused: Run
    after_refused: list[Hook]
    forward: Run
    back: Run
    after_back: Hook
    killed: bool | None
    repaired: Run
    after_killed: list[Hook]
    twins: list[int]
    swept: Run
    after_swept: Hook
    unchanged: Run
    receivers: list[str]
    pushes: Pushes


@pytest.fixture(scope="class")
def troubled(gitea: Gitea, make_app: Callable[..., App]) -> Troubled:
    app = make_app("gt-troubled", sender="gitea")
    app.leaks.know_token(gitea.token)
    app.up(drain="2s")
    first, host = app.hook(), app.args["host"]
    environment = app.stack.environment
    with Pushes(app) as pushes:
        unproved = app.up(check=False, generation=2, host=NOWHERE, verify_timeout="1s")
        after_unproved = hooks(app)
        environment["GITEA_TOKEN"] = gitea.issue_token(scopes=("read:repository",))
        refused = app.up("--continue-on-error", check=False, host=host, verify_timeout="10s")
        environment["GITEA_TOKEN"] = gitea.token
        after_refused = hooks(app)
        forward = app.up(retained=[1])
        back = app.up(generation=1, retained=[2])
        after_back = app.hook()

        app.args["retained"] = []
        with Update(app, 3) as update:
            update.until(lambda: len(hooks(app)) == 2)
            update.kill()
        repaired = repair(app)
        after_killed = hooks(app)

        # What a run leaves that is killed between Gitea's answer and the state, made by hand.
        app.kill("create Receiver gt-troubled-g4", generation=4)
        twins = [_leave(app, 4), _leave(app, 4)]
        swept = repair(app)
        after_swept = app.hook()
    return Troubled(
        app,
        first,
        unproved,
        after_unproved,
        refused,
        after_refused,
        forward,
        back,
        after_back,
        update.killed,
        repaired,
        after_killed,
        twins,
        swept,
        after_swept,
        app.up(),
        app.receivers(),
        pushes,
    )


def _leave(app: App, generation: int) -> int:
    """Make the webhook that a killed run made of a generation; return its ID."""
    labels = {
        "fluxhooks/component": app.name,
        "fluxhooks/generation": str(generation),
    }
    (receiver,) = app.client.list(Receiver, labels=labels)
    path = eventually(
        lambda: (app.client.get(Receiver, receiver.metadata.name).status or {}).get("webhookPath")
    )
    config = {
        "content_type": "json",
        "secret": "nobody knows it",
        "url": f"https://{app.args['host']}{path}",
    }
    made = app.forge.client.post(
        f"/repos/{app.path}/hooks",
        json={"type": "gitea", "active": False, "config": config, "events": ["push"]},
    )
    return int(made.raise_for_status().json()["id"])


class TestTroubleAtGitea:
    def test_a_generation_that_does_not_prove_itself_gets_no_webhook(
        self, troubled: Troubled
    ) -> None:
        """The old one is left alone."""
        (error,) = errors(troubled.unproved)

        assert "gt-troubled: generation 2 did not prove itself." in error
        assert "The webhook still points at the generation before" in error
        assert [troubled.first] == troubled.after_unproved

    def test_with_continue_on_error_nothing_is_deleted_for_a_webhook_that_is_missing(
        self, troubled: Troubled
    ) -> None:
        """The program fails, so the engine does not go on to the deletes."""
        assert 0 != troubled.refused.returncode
        assert [] == [step for step in changes(troubled.refused) if step.startswith("delete")]
        assert any("nothing of it or of older ones" in text for text in errors(troubled.refused))
        assert any("write:repository" in text for text in errors(troubled.refused))
        assert [troubled.first] == troubled.after_refused

    def test_a_retained_generation_keeps_its_receiver_and_loses_its_webhook(
        self, troubled: Troubled
    ) -> None:
        """Only the live one has a webhook."""
        assert [
            "create Webhook gt-troubled-g2-webhook",
            "delete Webhook gt-troubled-g1-webhook",
        ] == [step for step in changes(troubled.forward) if "Webhook" in step]
        assert not [step for step in changes(troubled.forward) if step.startswith("delete Rec")]

    def test_going_back_makes_a_webhook_for_what_was_there(self, troubled: Troubled) -> None:
        """With the URL and token of before, and the other one goes."""
        assert [
            "create Webhook gt-troubled-g1-webhook",
            "delete Webhook gt-troubled-g2-webhook",
        ] == changes(troubled.back)
        assert (troubled.first.url, troubled.first.secret) == (
            troubled.after_back.url,
            troubled.after_back.secret,
        )

    def test_a_run_that_is_killed_when_gitea_has_both_is_finished_by_the_next(
        self, troubled: Troubled
    ) -> None:
        """Whether the state knew of the new one or not, one is left, and it is called."""
        assert troubled.killed
        assert 0 == troubled.repaired.returncode, troubled.repaired.output
        (live,) = troubled.after_killed
        assert live.url != troubled.first.url

    def test_what_a_killed_run_left_is_taken_away(self, troubled: Troubled) -> None:
        """It has our URL, and nobody can tell that it has our secret: it is made anew."""
        assert 0 == troubled.swept.returncode, troubled.swept.output
        assert troubled.after_swept.id not in troubled.twins
        assert troubled.after_swept.active
        assert 200 == troubled.app.probe(troubled.after_swept)
        assert [] == troubled.unchanged.changes
        assert ["gt-troubled-g4"] == troubled.receivers

    def test_no_push_was_lost_all_the_while(self, troubled: Troubled) -> None:
        """Neither by a failure nor on the way back."""
        assert ([], True) == (troubled.pushes.lost, len(troubled.pushes.pushed) > 50)


@dataclass(frozen=True)
class Edited:
    """What was changed by hand or in the program, and what the next run did."""

    app: App
    gone: Run
    anew: Hook
    drifted: Run
    mended: Hook
    edited: Run
    writes: list[str]
    after: Hook
    unchanged: Run
    wrong: dict[str, list[str]]
    destroyed: list[Hook]


@pytest.fixture(scope="class")
def edited(gitea: Gitea, make_app: Callable[..., App]) -> Edited:
    app = make_app("gt-edited", sender="gitea")
    app.leaks.know_token(gitea.token)
    app.up()
    by_hand = f"/repos/{app.path}/hooks"
    gitea.client.delete(f"{by_hand}/{app.hook().id}").raise_for_status()
    gone = app.up("--refresh")
    anew = app.hook()
    change = {"active": False, "branch_filter": "release/*", "events": ["push", "create"]}
    gitea.client.patch(f"{by_hand}/{anew.id}", json=change).raise_for_status()
    drifted = app.up("--refresh")
    mended, writes = app.hook(), len(app.writes())
    edited = app.up(
        events=["pull_request_only", "push"],
        gitea={**app.args["gitea"], "branch_filter": "main"},
    )
    after, wrote = app.hook(), app.writes()[writes:]
    unchanged = app.up("--refresh")
    wrong = _wrong(app, gitea)
    app.stack.destroy()
    return Edited(
        app,
        gone,
        anew,
        drifted,
        mended,
        edited,
        wrote,
        after,
        unchanged,
        wrong,
        hooks(app),
    )


def _wrong(app: App, gitea: Gitea) -> dict[str, list[str]]:
    """The errors of previews of what cannot work."""
    at, environment = app.args["gitea"], app.stack.environment
    elsewhere = {**at, "repository": "gt-unknown"}
    wrong = {}
    for name, token, where in (
        ("no token", "", elsewhere),
        ("wrong token", "0" * 40, elsewhere),
        ("few rights", gitea.issue_token(scopes=("read:user",)), {**at, "owner": "Acme"}),
        ("a stranger", gitea.create_user("stranger"), {**at, "owner": "Acme"}),
        ("unknown repository", gitea.token, elsewhere),
    ):
        environment["GITEA_TOKEN"] = token
        wrong[name] = errors(app.preview(check=False, gitea=where))
    environment["GITEA_TOKEN"] = gitea.token
    app.args["gitea"] = at
    return wrong


class TestAWebhookThatIsEditedAtGitea:
    def test_one_that_was_deleted_by_hand_is_made_anew(self, edited: Edited) -> None:
        """By the update that looks."""
        assert ["create Webhook gt-edited-g1-webhook"] == changes(edited.gone)
        assert edited.anew.active

    def test_what_was_changed_by_hand_is_changed_back(self, edited: Edited) -> None:
        """Events, filter, and that it is off."""
        assert ["update Webhook gt-edited-g1-webhook"] == changes(edited.drifted)
        assert edited.anew == edited.mended

    def test_what_is_changed_in_the_program_is_one_request(self, edited: Edited) -> None:
        """The webhook stays, with its log; its secret too, which Gitea keeps."""
        assert ["PATCH"] == edited.writes
        assert (
            replace(edited.anew, branch_filter="main", events=frozenset({"pull_request", "push"}))
            == edited.after
        )
        assert "update Webhook gt-edited-g1-webhook" in changes(edited.edited)
        assert [] == edited.unchanged.changes

    @pytest.mark.parametrize(
        ("what", "said"),
        [
            ("no token", "no token for Gitea at {host}: set GITEA_TOKEN (or FORGEJO_TOKEN) to"),
            (
                "wrong token",
                "Gitea at {host} refused the webhooks of acme/gt-unknown: the token is not valid; "
                "set GITEA_TOKEN",
            ),
            (
                "few rights",
                "Gitea at {host} refused the webhooks of Acme/gt-edited: it answered 403, ",
            ),
            (
                "a stranger",
                "Gitea at {host} refused the webhooks of Acme/gt-edited: it answered 403, ",
            ),
            (
                "unknown repository",
                "Gitea at {host} refused the webhooks of acme/gt-unknown: it answered 404; is "
                "there acme/gt-unknown, and may the token's owner administer it?",
            ),
        ],
    )
    def test_what_cannot_work_is_one_clear_error_of_the_preview(
        self, edited: Edited, what: str, said: str
    ) -> None:
        """Before anything is made; no traceback."""
        (error,) = edited.wrong[what]
        host = edited.app.forge.base_url.removeprefix("http://").rstrip("/")

        assert said.format(host=host) in error
        assert "Traceback" not in error

    def test_with_the_stack_the_webhook_goes(self, edited: Edited) -> None:
        """And nothing is left at Gitea."""
        assert [] == edited.destroyed


NAME, ORGANIZATION = "gt-command", "gt-org"
NOT_SERVED = f"/hook/{'0' * 64}"


@dataclass(frozen=True)
class Story:
    """Looked at, rotated, deleted by hand, rotated again; then what somebody left."""

    app: App
    looked: dict[str, Done]
    rotated: Done
    writes: list[str]
    first: Hook
    second: Hook
    gone: Done
    off: Done
    stray: int
    orphaned: Done
    pruned: Done
    left: list[int]
    live: Hook


@pytest.fixture(scope="class")
def story(
    gitea: Gitea, make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory
) -> Story:
    app = make_app(NAME, program=None, sender="gitea", suspend=False)
    app.leaks.know_token(gitea.token)
    at = f"receivers.{NAME}"
    app.stack.set_all(
        {
            "drain": "1s",
            "host": app.sandbox.ingress.host,
            f"{at}.gitea.url": gitea.base_url,
            f"{at}.gitea.owner": gitea.owner,
            f"{at}.gitea.repository": NAME,
            f"{at}.gitea.branch_filter": "{main,release/*}",
            f"{at}.sources[0].name": NAME,
        }
    )
    app.up()
    pushed = app.repository.commit({"a": "b"}, message="A push")
    assert eventually(lambda: app.revision() == pushed)
    fluxhooks = Command(app, tmp_path_factory.mktemp("gitea"))
    looked = {verb: fluxhooks(verb, "--json") for verb in ("status", "doctor", "probe", "coverage")}
    first, writes = app.hook(), len(app.writes())
    rotated = fluxhooks("rotate", "--yes", "--json")
    second, wrote = app.hook(), app.writes()[writes:]

    by_hand = f"/repos/{app.path}/hooks"
    gitea.client.delete(f"{by_hand}/{second.id}").raise_for_status()
    gone = fluxhooks("rotate", "--yes", "--json")

    live = app.hook()
    change = {"active": False, "branch_filter": "{main,release/*}", "events": ["push"]}
    gitea.client.patch(f"{by_hand}/{live.id}", json=change).raise_for_status()
    off = fluxhooks("doctor", "--json")
    gitea.client.patch(f"{by_hand}/{live.id}", json=change | {"active": True}).raise_for_status()

    config = {"content_type": "json", "url": f"https://{app.sandbox.ingress.host}{NOT_SERVED}"}
    body = {"type": "gitea", "active": True, "config": config, "events": ["release"]}
    stray = gitea.client.post(by_hand, json=body).raise_for_status().json()["id"]
    orphaned = fluxhooks("status", "--json")
    pruned = fluxhooks("prune", "--yes", "--min-age", "0s", "--json")
    return Story(
        app,
        looked,
        rotated,
        wrote,
        first,
        second,
        gone,
        off,
        stray,
        orphaned,
        pruned,
        [hook.id for hook in hooks(app)],
        live,
    )


class TestTheCommandAtGitea:
    def test_what_is_well_is_found_well(self, story: Story) -> None:
        """By every verb that looks; nothing is unseen, nothing amiss."""
        status, doctor, probe, coverage = story.looked.values()
        (row,) = status.result["receivers"]

        assert ([], [], []) == (
            row["problems"],
            status.result["orphans"],
            status.result["unseen"],
        )
        assert 0 == status.returncode, status.said
        assert 0 == doctor.returncode, doctor.result
        assert 0 == probe.returncode, probe.result
        assert [] == [found for found in coverage.result["findings"] if "webhook" in found["where"]]

    def test_rotate_verifies_what_gitea_tells(self, story: Story) -> None:
        """How the webhook is set; of deliveries nothing, and that is said."""
        assert 0 == story.rotated.returncode, story.rotated.said
        checks = {check["what"]: check["seen"] for check in story.rotated.result["checks"]}
        assert {
            "live generation": "2",
            "Receiver of generation 2": "Ready, with its path",
            "webhook": "calls the live path, active, JSON",
            "delivery": "not seen: Gitea tells of deliveries on its page of the webhook, and "
            "nowhere",
            "old path of generation 1": "404",
        } == checks
        assert ["POST", "DELETE"] == story.writes
        assert story.first.id != story.second.id

    def test_a_webhook_that_was_deleted_by_hand_is_no_obstacle(self, story: Story) -> None:
        """It is seen before, and the state is refreshed."""
        assert 0 == story.gone.returncode, story.gone.said
        assert story.gone.result["verified"]
        assert "the webhook was deleted at the forge" in story.gone.said

    def test_one_that_is_off_is_found_by_the_doctor(self, story: Story) -> None:
        """With what mends it."""
        (chain,) = story.off.result["chains"]
        text = str(chain)

        assert 4 == story.off.returncode
        assert "webhook-inactive" in text
        assert "pulumi up --refresh" in text

    def test_a_stray_webhook_is_found_and_removed(self, story: Story) -> None:
        """And no other."""
        (found,) = story.orphaned.result["orphans"]

        assert ("webhook", f"{story.app.path}/{story.stray}") == (found["kind"], found["name"])
        assert ["removed"] == [orphan["fate"] for orphan in story.pruned.result["orphans"]]
        assert [story.live.id] == story.left


class TestOtherWaysAtGitea:
    def test_an_organisation_tells_of_all_its_repositories(
        self, gitea: Gitea, make_app: Callable[..., App]
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
        assert ([], True) == (pushes.lost, len(pushes.pushed) > 5)
