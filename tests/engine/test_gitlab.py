"""The same promises at GitLab, where each generation has a webhook of its own.

GitLab and its plugin are stand-ins here, as both can be had nowhere else; the engine, the API
server and the controllers are real.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from sandbox.forges.gitlab import GitLab, Hook
from sandbox.ingress import Ingress
from sandbox.load import Load, Tally
from sandbox.sandbox import Sandbox
from sandbox.stack import Run
from tests.app import App, Receiver, changes, errors
from tests.breadth.table import Breadth
from tests.command import Command, Done

RATE = 20.0
"""Deliveries a second."""

DRAIN = 8.0
QUEUED = 2.0
"""Seconds; what is queued when its webhook goes is sent nowhere, so there is time to spare."""

SETTLED = 1.0

NOWHERE = "127.0.0.1:1"
"""A host on which nothing listens."""


PROTECTED = """\
import json
from pathlib import Path

import pulumi

from fluxhooks import WebhookReceiver

name, args = json.loads(Path("args.json").read_text())
opts = pulumi.ResourceOptions(protect=True, retain_on_delete=True)
WebhookReceiver(name, args, opts)
"""


def steps(app: str, old: int, new: int) -> list[str]:
    """What a rotation does, and nothing else."""
    return [
        f"create RandomPassword {app}-g{new}-token",
        f"create Secret {app}-g{new}-token",
        f"create Receiver {app}-g{new}",
        f"create ProjectHook {app}-g{new}-webhook",
        f"delete ProjectHook {app}-g{old}-webhook",
        f"delete Receiver {app}-g{old}",
        f"delete Secret {app}-g{old}-token",
        f"delete RandomPassword {app}-g{old}-token",
    ]


def hooks(app: App) -> list[Hook]:
    """The app's webhooks, oldest first."""
    assert isinstance(app.forge, GitLab)
    return app.forge.hooks(app.path)


@dataclass(frozen=True)
class Rotated:
    """One rotation: what was shown, what was done, what became of the deliveries meanwhile."""

    app: App
    first: Run
    preview: Run
    run: Run
    tally: Tally
    writes: list[str]
    before: Hook
    after: Hook
    unchanged: Run


@pytest.fixture(scope="class")
def rotated(make_app: Callable[..., App]) -> Rotated:
    """Generation 1 to 2, with every second delivery queued for seconds."""
    app = make_app("gl-rotated", sender="gitlab")
    first = app.up(drain=f"{DRAIN:g}s")
    before, writes = app.hook(), len(app.writes())
    preview = app.preview("--diff", generation=2)
    with Load(app.forge, app.path, rate=RATE, queued=QUEUED) as load:
        time.sleep(SETTLED)
        run = app.up("--diff", generation=2)
        time.sleep(SETTLED)
    return Rotated(
        app,
        first,
        preview,
        run,
        load.tally,
        app.writes()[writes:],
        before,
        app.hook(),
        app.up(),
    )


class TestARotationAtGitLab:
    def test_a_push_reconciles_from_the_first_up_on(self, rotated: Rotated) -> None:
        """Token, Secret, Receiver, and a webhook that asks for pushes and tags, nothing else."""
        assert [
            "create RandomPassword gl-rotated-g1-token",
            "create Secret gl-rotated-g1-token",
            "create Receiver gl-rotated-g1",
            "create ProjectHook gl-rotated-g1-webhook",
        ] == changes(rotated.first)
        assert {"Push Hook", "Tag Push Hook"} == set(rotated.before.events)
        assert rotated.before.verify
        assert rotated.before.secret

    def test_it_loses_nothing(self, rotated: Rotated, breadth: Breadth) -> None:
        """Every push was told to a webhook whose Receiver took it."""
        assert (0, True) == (rotated.tally.lost, rotated.tally.sent > 100), str(rotated.tally)
        breadth(
            type="gitlab",
            forge="GitLab project",
            secret="generated",
            against="a rotation under load, GitLab and its plugin are stand-ins",
        )

    def test_it_creates_before_it_deletes(self, rotated: Rotated) -> None:
        """The new webhook is there before the old one goes, and that one before its Receiver."""
        assert steps("gl-rotated", 1, 2) == changes(rotated.run)
        assert steps("gl-rotated", 1, 2) == changes(rotated.preview)
        assert ["POST", "DELETE"] == rotated.writes

    def test_the_webhook_is_another_one(self, rotated: Rotated) -> None:
        """With another ID and an empty log: GitLab forgets a token when a URL is changed."""
        before, after = rotated.before, rotated.after

        assert before.id != after.id
        assert (before.url, before.secret) != (after.url, after.secret)
        assert replace(before, id=0, url="", secret="", name="", created_at=0) == replace(
            after, id=0, url="", secret="", name="", created_at=0
        )

    def test_nothing_is_deleted_before_the_drain_is_over(self, rotated: Rotated) -> None:
        """Both are called meanwhile."""
        at = {str(step): step.at for step in rotated.run.steps}
        waited = (
            at["delete ProjectHook gl-rotated-g1-webhook"]
            - at["create ProjectHook gl-rotated-g2-webhook"]
        )
        assert waited >= DRAIN - 1, f"waited only {waited:.1f} s"

    def test_afterwards_only_the_new_generation_is_there(self, rotated: Rotated) -> None:
        """What was rotated out is worth nothing to whoever holds it."""
        app, forged = rotated.app, replace(rotated.after, secret="another")

        assert 404 == app.deliver(rotated.before, {})
        assert ["gl-rotated-g2"] == app.receivers()
        assert (200, 400) == (app.probe(rotated.after), app.probe(forged))

    def test_the_next_up_does_nothing(self, rotated: Rotated) -> None:
        """The plugin shows no difference, and no drain is waited for."""
        assert [] == rotated.unchanged.changes
        assert [] == rotated.unchanged.diagnostics


@dataclass(frozen=True)
class Troubled:
    """What went wrong, one after the other, and what the next run did; deliveries never ceased."""

    app: App
    first: Hook
    unproved: Run
    after_unproved: list[Hook]
    refused: Run
    after_refused: list[Hook]
    forward: Run
    second: Hook
    back: Run
    after_back: Hook
    killed: list[Hook]
    repaired: Run
    pruned: Done
    after_pruned: list[Hook]
    unchanged: Run
    receivers: list[str]
    tally: Tally


@pytest.fixture(scope="class")
def troubled(make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory) -> Troubled:
    app = make_app("gl-troubled", sender="gitlab")
    app.up(drain="4s")
    first = app.hook()
    host = app.args["host"]
    with Load(app.forge, app.path, rate=10, queued=0.5) as load:
        unproved = app.up(check=False, generation=2, host=NOWHERE, verify_timeout="1s")
        after_unproved = hooks(app)
        app.forge.faults.respond(422, method="POST", path="/hooks$", body={"error": "no"})
        refused = app.up("--continue-on-error", check=False, host=host, verify_timeout="10s")
        after_refused = hooks(app)
        forward = app.up(retained=[1])
        second = app.hook()
        back = app.up(generation=1, retained=[2])
        after_back = app.hook()
        app.kill("create ProjectHook gl-troubled-g3-webhook", generation=3, retained=[])
        killed = hooks(app)
        app.stack.run("cancel", "--yes", app.name)
        repaired = app.up()
        fluxhooks = Command(app, tmp_path_factory.mktemp("troubled"))
        pruned = fluxhooks("prune", "--yes", "--min-age", "0s", "--json")
    return Troubled(
        app,
        first,
        unproved,
        after_unproved,
        refused,
        after_refused,
        forward,
        second,
        back,
        after_back,
        killed,
        repaired,
        pruned,
        hooks(app),
        app.up(),
        app.receivers(),
        load.tally,
    )


class TestTroubleAtGitLab:
    def test_a_generation_that_does_not_prove_itself_gets_no_webhook(
        self, troubled: Troubled
    ) -> None:
        """The old one is left alone."""
        (error,) = errors(troubled.unproved)

        assert "gl-troubled: generation 2 did not prove itself." in error
        assert "The webhook still points at the generation before" in error
        assert [troubled.first] == troubled.after_unproved

    def test_with_continue_on_error_nothing_is_deleted_for_a_webhook_that_is_missing(
        self, troubled: Troubled
    ) -> None:
        """The program fails, so the engine does not go on to the deletes."""
        assert 0 != troubled.refused.returncode
        assert [] == [step for step in changes(troubled.refused) if step.startswith("delete")]
        assert any("nothing of it or of older ones" in text for text in errors(troubled.refused))
        assert [troubled.first] == troubled.after_refused

    def test_a_retained_generation_keeps_its_receiver_and_loses_its_webhook(
        self, troubled: Troubled
    ) -> None:
        """Only the live one has a webhook."""
        assert [
            "create ProjectHook gl-troubled-g2-webhook",
            "delete ProjectHook gl-troubled-g1-webhook",
        ] == [step for step in changes(troubled.forward) if "Hook" in step]
        assert not [step for step in changes(troubled.forward) if step.startswith("delete Rec")]

    def test_going_back_makes_a_webhook_for_what_was_there(self, troubled: Troubled) -> None:
        """With the URL and token of before, and the other one goes."""
        assert [
            "create ProjectHook gl-troubled-g1-webhook",
            "delete ProjectHook gl-troubled-g2-webhook",
        ] == changes(troubled.back)
        assert (troubled.first.url, troubled.first.secret) == (
            troubled.after_back.url,
            troubled.after_back.secret,
        )
        assert troubled.second.url != troubled.after_back.url

    def test_a_run_that_is_killed_between_two_webhooks_is_finished_by_the_next(
        self, troubled: Troubled
    ) -> None:
        """Both were there; the old one goes when the drain was waited for again.

        Where the kill came before the state was written the new one is made twice, and prune
        takes the one away that nobody knows.
        """
        assert 2 == len(troubled.killed)
        assert "delete ProjectHook gl-troubled-g1-webhook" in changes(troubled.repaired)
        assert 0 == troubled.pruned.returncode, troubled.pruned.said
        (live,) = troubled.after_pruned
        assert 200 == troubled.app.probe(live)
        assert [] == troubled.unchanged.changes
        assert ["gl-troubled-g3"] == troubled.receivers

    def test_no_push_was_lost_all_the_while(self, troubled: Troubled) -> None:
        """Neither by a failure nor on the way back."""
        assert (0, True) == (troubled.tally.lost, troubled.tally.sent > 50), str(troubled.tally)


@dataclass(frozen=True)
class Story:
    """Shown, rotated, deleted by hand, rotated again; then what a lost answer left."""

    app: App
    status: Done
    rotated: Done
    gone: Done
    twins: list[int]
    orphaned: Done
    pruned: Done
    left: list[int]
    disabled: Done
    first: Hook
    second: Hook


@pytest.fixture(scope="class")
def story(make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory) -> Story:
    app = make_app("gl-command", program=None, sender="gitlab")
    app.stack.set_all(
        {
            "drain": "1s",
            "host": app.sandbox.ingress.host,
            "receivers.gl-command.project": app.path,
            "receivers.gl-command.sources[0].name": app.name,
        }
    )
    app.up()
    fluxhooks = Command(app, tmp_path_factory.mktemp("gitlab"))
    first = app.hook()
    app.forge.send(app.path)
    app.forge.wait_idle()
    status = fluxhooks("status", "--json")
    rotated = fluxhooks("rotate", "--yes", "--json")
    second = app.hook()

    forget(app, second.id)
    gone = fluxhooks("rotate", "--yes", "--json")

    # GitLab does the work and answers that it did not; the plugin asks again.
    app.forge.faults.respond(500, method="POST", path="/hooks$", after=True)
    fluxhooks("rotate", "--yes", "--json")
    twins = [hook.id for hook in hooks(app)]
    orphaned = fluxhooks("status", "--json")
    pruned = fluxhooks("prune", "--yes", "--min-age", "0s", "--json")
    left = [hook.id for hook in hooks(app)]

    sandbox = app.sandbox
    sandbox.cluster.stop("notification-controller")
    try:
        for _ in range(4):
            app.forge.send(app.path)
            app.forge.wait_idle()
    finally:
        sandbox.cluster.start("notification-controller")
    disabled = fluxhooks("status", "--json")
    return Story(
        app,
        status,
        rotated,
        gone,
        twins,
        orphaned,
        pruned,
        left,
        disabled,
        first,
        second,
    )


def forget(app: App, hook_id: int) -> None:
    """Delete a webhook by hand."""
    import gitlab

    client = gitlab.Gitlab(app.forge.base_url, oauth_token=app.forge.token)  # type: ignore[union-attr]
    client.projects.get(app.path, lazy=True).hooks.delete(hook_id)


class TestTheCommandAtGitLab:
    def test_status_shows_the_last_delivery(self, story: Story) -> None:
        """From GitLab's log; nothing is amiss."""
        (row,) = story.status.result["receivers"]

        assert ("Push Hook", 200) == (
            row["last_delivery"]["event"],
            row["last_delivery"]["status"],
        )
        assert ([], []) == (row["problems"], story.status.result["orphans"])

    def test_rotate_verifies_at_gitlab(self, story: Story) -> None:
        """No push came since, so GitLab sent its test: the new token is what it really has."""
        assert 0 == story.rotated.returncode, story.rotated.said
        checks = {check["what"]: check["seen"] for check in story.rotated.result["checks"]}
        assert {
            "live generation": "2",
            "Receiver of generation 2": "Ready, with its path",
            "webhook": "calls the live path, active, JSON",
            "delivery": "Push Hook 200",
            "old path of generation 1": "404",
        } == checks
        assert story.first.id != story.second.id

    def test_a_webhook_that_was_deleted_by_hand_is_no_obstacle(self, story: Story) -> None:
        """It is seen before, and the state is refreshed."""
        assert 0 == story.gone.returncode, story.gone.said
        assert story.gone.result["verified"]
        assert "the webhook was deleted at the forge" in story.gone.said

    def test_a_webhook_that_only_gitlab_knows_is_found_and_taken_away(self, story: Story) -> None:
        """An answer was lost, the plugin asked again, and one of two is the stack's."""
        (live,) = story.left
        (twin,) = set(story.twins) - {live}
        name = f"{story.app.path}/{twin}"

        assert [("webhook", name)] == [
            (found["kind"], found["name"]) for found in story.orphaned.result["orphans"]
        ]
        assert [("webhook", name, "removed")] == [
            (found["kind"], found["name"], found["fate"])
            for found in story.pruned.result["orphans"]
        ]

    def test_a_webhook_that_gitlab_disabled_is_told_of(self, story: Story) -> None:
        """Four deliveries failed in a row."""
        (row,) = story.disabled.result["receivers"]

        (problem,) = [text for text in row["problems"] if "webhook" in text]
        assert problem.startswith(
            "the webhook is not active: GitLab disabled it after failed deliveries, until "
        )


@dataclass(frozen=True)
class OfTheInstance:
    """A webhook of the instance: called for several things, rotated under load, gone."""

    app: App
    hook: Hook
    answers: dict[str, tuple[str, int]]
    reconciled: dict[str, int]
    wrong: int | None
    rotated: Done
    doctor: Done
    after: list[Hook]
    tally: Tally
    left: list[Hook]


@pytest.fixture(scope="class")
def of_the_instance(
    make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory
) -> OfTheInstance:
    """Two projects, and a filter that lets one of them reach the target."""
    app = make_app("gl-system", sender="gitlab instance")
    forge, project = app.forge, "acme/gl-system"
    forge.create_project("acme/gl-other")
    target = {"kind": "GitRepository", "name": "gl-system"}
    only = f"req.project.path_with_namespace == '{project}'"
    app.up(resources=[{**target, "filter": only}], drain=f"{DRAIN:g}s")
    (hook,) = forge.hooks("")

    answers, reconciled = {}, {}
    for what, happens in (
        ("a push", lambda: forge.send(project)),
        ("another project's push", lambda: forge.send("acme/gl-other")),
        ("a new project", lambda: forge.create_project("acme/gl-new")),
    ):
        with app.watched() as seen:
            happens()
            forge.wait_idle()
        answers[what] = (forge.deliveries("")[-1].event, forge.deliveries("")[-1].status_code)
        reconciled[what] = len(seen)
    wrong = app.deliver(replace(hook, secret="not-it"), {"event_name": "push"})

    fluxhooks = Command(app, tmp_path_factory.mktemp("gl-system"))
    with Load(forge, project, rate=RATE, queued=QUEUED, organization=True) as load:
        time.sleep(SETTLED)
        rotated = fluxhooks("rotate", "--yes", "--json")
        time.sleep(SETTLED)
    doctor, after = fluxhooks("doctor", "--json"), forge.hooks("")
    # Whoever comes next would be told of, too.
    app.stack.destroy()
    return OfTheInstance(
        app,
        hook,
        answers,
        reconciled,
        wrong,
        rotated,
        doctor,
        after,
        load.tally,
        forge.hooks(""),
    )


class TestTheInstancesWebhookAtGitLab:
    def test_it_asks_for_what_its_target_needs(self, of_the_instance: OfTheInstance) -> None:
        """Pushes and tags; its certificate is verified, and its token is ours."""
        hook = of_the_instance.hook
        assert ({"push_events", "tag_push_events"}, True, True) == (
            hook.flags,
            hook.verify,
            bool(hook.secret),
        )

    def test_a_push_reconciles_and_nothing_else_does(self, of_the_instance: OfTheInstance) -> None:
        """An instance tells of projects that come, whatever is asked for: answered 200, left."""
        story = of_the_instance
        assert {("System Hook", 200)} == set(story.answers.values())
        assert {"a push": 1, "another project's push": 0, "a new project": 0} == story.reconciled
        assert 400 == story.wrong

    def test_a_rotation_loses_nothing(
        self, of_the_instance: OfTheInstance, breadth: Breadth
    ) -> None:
        """One webhook takes the place of the other, as a project's does."""
        story = of_the_instance
        assert 0 == story.rotated.returncode, story.rotated.said
        assert (0, True) == (story.tally.lost, story.tally.sent > 50), str(story.tally)
        (hook,) = story.after
        assert (True, True) == (hook.url != story.hook.url, hook.id != story.hook.id)
        assert {"webhook": "calls the live path, active, JSON"}.items() <= {
            check["what"]: check["seen"] for check in story.rotated.result["checks"]
        }.items()
        breadth(
            type="gitlab",
            forge="GitLab instance (system hook)",
            secret="generated",
            against="a rotation under load, GitLab and its plugin are stand-ins",
        )

    def test_its_chain_is_whole_but_for_its_log(self, of_the_instance: OfTheInstance) -> None:
        """Nothing before the source, which is suspended here, and no API tells of deliveries."""
        (chain,) = of_the_instance.doctor.result["chains"]
        assert "source-suspended" == chain["first"]["fault"]
        links = {each["link"]: each["seen"] for each in chain["links"]}
        assert ("GitLab tells of an instance's deliveries at Admin, System hooks alone") == links[
            "delivery"
        ]

    def test_it_goes_with_its_stack(self, of_the_instance: OfTheInstance) -> None:
        """Nothing is left at the instance."""
        assert [] == of_the_instance.left


class TestOtherWaysAtGitLab:
    def test_a_group_tells_of_all_its_projects(
        self, make_app: Callable[..., App], breadth: Breadth
    ) -> None:
        """One webhook for many; it rotates as a project's does."""
        app = make_app("gl-group", sender="gitlab")
        forge = app.forge
        assert isinstance(forge, GitLab)
        forge.create_group("gl-group")
        forge.create_project("gl-group/app")
        app.up(gitlab={"group": "gl-group"})
        (first,) = forge.hooks("gl-group")
        forge.send("gl-group/app")
        run = app.up(generation=2)
        (second,) = forge.hooks("gl-group")
        forge.send("gl-group/app")
        forge.wait_idle()
        answers = [d.status_code for d in forge.deliveries("gl-group")]

        assert [
            "create GroupHook gl-group-g2-webhook",
            "delete GroupHook gl-group-g1-webhook",
        ] == [step for step in changes(run) if "Hook" in step]
        assert first.url != second.url
        assert [200, 200] == answers
        breadth(
            type="gitlab",
            forge="GitLab group",
            secret="generated",
            against="a rotation, GitLab and its plugin are stand-ins",
        )

    def test_another_host_replaces_the_webhook_and_keeps_its_generation(
        self, sandbox: Sandbox, make_app: Callable[..., App]
    ) -> None:
        """The new one is there before the old one goes, though its name is the same."""
        app = make_app("gl-moved", sender="gitlab")
        app.up(drain="4s")
        (before,) = hooks(app)
        with (
            Ingress(sandbox.cluster.receiver_port, ca=sandbox.ingress.ca) as other,
            Load(app.forge, app.path, rate=10, queued=0.5) as load,
        ):
            run = app.up(host=other.host)
            (after,) = hooks(app)

        assert ["POST", "DELETE"] == app.writes()[1:]
        assert [] == [step for step in changes(run) if "Receiver" in step]
        assert before.secret == after.secret
        assert other.host in after.url
        assert (0, True) == (load.tally.lost, load.tally.sent > 10), str(load.tally)

    def test_what_protects_the_component_does_not_hold_a_rotation_up(
        self, make_app: Callable[..., App]
    ) -> None:
        """Nor does a name that is not random: no webhook is replaced, and none is protected."""
        app = make_app("gl-kept", sender="gitlab", program=PROTECTED)
        app.stack.set_all({"pulumi:autonaming.mode": "verbatim"})
        app.up()
        run = app.up(generation=2)

        assert steps("gl-kept", 1, 2) == changes(run)
        assert 200 == app.probe(app.hook())
        labels = {"fluxhooks/component": app.name}
        assert ["gl-kept-g2"] == [
            found.metadata.name for found in app.client.list(Receiver, labels=labels)
        ]
