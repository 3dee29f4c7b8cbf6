"""One webhook of an organisation for two repositories, on the real engine and controllers."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
from lightkube.types import PatchType

from sandbox.forges.github import Hook, Repository
from sandbox.load import Load, Tally
from sandbox.stack import Run
from tests.app import App, GitRepository, changes, errors, eventually
from tests.breadth.table import Breadth
from tests.command import Command, Done

RATE = 5.0
"""Deliveries a second, of the two repositories in turn: a rotation by the command takes a while."""

DRAIN = 10.0
QUEUED = 2.0
"""Seconds; what is queued when the webhook is repointed still goes to the old URL."""

SETTLED = 1.0

NAME, OTHER, THIRD = "org-app", "org-web", "org-unknown"
NOT_SERVED = f"/hook/{'0' * 64}"

STEPS = [
    f"create RandomPassword {NAME}-g2-token",
    f"create Secret {NAME}-g2-token",
    f"create Receiver {NAME}-g2",
    f"update OrganizationWebhook {NAME}-webhook",
    f"delete Receiver {NAME}-g1",
    f"delete Secret {NAME}-g1-token",
    f"delete RandomPassword {NAME}-g1-token",
]


@dataclass(frozen=True)
class Story:
    """Provisioned, pushed to, rotated under load, looked at, pruned."""

    app: App
    made: Hook
    unchanged: Run
    asked: dict[str, list[str]]
    statuses: list[int]
    revisions: dict[str, tuple[str, str]]
    preview: Run
    rotated: Done
    tally: Tally
    lost: list[str]
    writes: list[str]
    after: Hook
    again: Run
    looked: dict[str, Done]
    stray: int
    listed: Done
    pruned: Done
    left: list[int]


FULL = "org-full"
"""A repository of which GitHub takes no more webhooks."""


def _asked(app: App, push: Callable[[], object]) -> list[str]:
    """The sources of which a push had a reconcile asked for."""
    before = {name: app.requested_at(name) for name in (NAME, OTHER)}
    push()
    app.forge.wait_idle()
    return [name for name, at in before.items() if app.requested_at(name) != at]


def _suspend(app: App, *, suspend: bool) -> None:
    """A suspended source shows what a delivery asks for, and costs no fetch for each."""
    for name in (NAME, OTHER):
        change = {"spec": {"suspend": suspend}}
        app.client.patch(GitRepository, name, change, patch_type=PatchType.MERGE)


def _revision(app: App, name: str) -> str:
    status = app.client.get(GitRepository, name).status or {}
    return str(status.get("artifact", {}).get("revision", "")).rpartition(":")[2]


def _target(app: App, name: str) -> dict[str, str]:
    owner = app.sandbox.github.owner
    return {
        "kind": "GitRepository",
        "name": name,
        "filter": f"req.repository.full_name == '{owner}/{name}'",
    }


def _stray(app: App) -> int:
    """A webhook as a run that was killed leaves it: it calls our host where nobody listens."""
    github = app.sandbox.github
    made = httpx.post(
        f"{github.base_url}api/v3/orgs/{github.owner}/hooks",
        headers={"Authorization": f"Bearer {github.token}"},
        json={
            "name": "web",
            "config": {
                "url": f"https://{app.sandbox.ingress.host}{NOT_SERVED}",
                "secret": "left-by-a-killed-run",
            },
            "events": ["release"],
        },
    )
    return int(made.raise_for_status().json()["id"])


@pytest.fixture(scope="class")
def story(
    make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    app = make_app(NAME, sender="organization", suspend=False)
    github = app.sandbox.github
    other, third = github.create_repository(OTHER), github.create_repository(THIRD)
    spec = {"interval": "30m", "ref": {"branch": "main"}, "url": other.clone_url}
    app.client.create(GitRepository(metadata={"name": OTHER}, spec=spec))
    fluxhooks = Command(app, tmp_path_factory.mktemp(NAME))
    app.up(resources=[_target(app, NAME), _target(app, OTHER)])
    made = app.hook()
    preview = app.preview(generation=2)
    # The configuration names the generation, so that the command can raise it.
    del app.args["generation"]
    unchanged = app.up(drain=f"{DRAIN:g}s")
    commits: dict[str, str] = {}

    def push(name: str, repository: Repository) -> None:
        commits[name] = repository.commit({"a": name}, message="A change")

    asked = {
        name: _asked(app, lambda name=name, at=at: push(name, at))  # type: ignore[misc]
        for name, at in ((NAME, app.repository), (OTHER, other), (THIRD, third))
    }
    statuses = [delivery.status_code for delivery in app.deliveries("push")]
    for name in (NAME, OTHER):
        eventually(lambda name=name: _revision(app, name) == commits[name])  # type: ignore[misc]
    revisions = {name: (commits[name], _revision(app, name)) for name in (NAME, OTHER)}
    _suspend(app, suspend=True)
    writes = len(app.writes())
    with Load(github, NAME, others=[OTHER], rate=RATE, queued=QUEUED, organization=True) as load:
        time.sleep(SETTLED)
        rotated = fluxhooks("rotate", NAME, "--yes", "--json")
        time.sleep(SETTLED)
    made_writes, after, again = app.writes()[writes:], app.hook(), app.up()
    _suspend(app, suspend=False)
    # The newest delivery is then one of the live generation.
    push(NAME, app.repository)
    eventually(lambda: _revision(app, NAME) == commits[NAME])
    looked = {verb: fluxhooks(verb, "--json") for verb in ("status", "doctor", "coverage")}
    stray = _stray(app)
    listed = fluxhooks("prune", "--min-age", "0s", "--json")
    pruned = fluxhooks("prune", "--yes", "--min-age", "0s", "--json")
    left = [hook.id for hook in github.hooks()]
    yield Story(
        app,
        made,
        unchanged,
        asked,
        statuses,
        revisions,
        preview,
        rotated,
        load.tally,
        [f"{a.status} after {a.waited:.1f} s" for a in load.answers if a.status != 200],
        made_writes,
        after,
        again,
        looked,
        stray,
        listed,
        pruned,
        left,
    )
    # It hears of every push to every repository.
    app.stack.run("destroy", "--yes", "--skip-preview", "--stack", app.stack.name)
    assert [] == github.hooks()


class TestAnOrganisationsWebhook:
    def test_it_is_made_once(self, story: Story) -> None:
        """One for all repositories, and another update has nothing to do."""
        assert story.made.target.organization
        assert ("push",) == story.made.events
        assert ([], []) == (story.unchanged.changes, story.unchanged.diagnostics)

    def test_a_push_reconciles_the_sources_of_its_repository_alone(self, story: Story) -> None:
        """By each target's filter; what no target follows is taken and reconciles nothing."""
        assert {NAME: [NAME], OTHER: [OTHER], THIRD: []} == story.asked
        assert [200, 200, 200] == story.statuses

    def test_the_pushed_commits_are_in_the_cluster(self, story: Story) -> None:
        """Fetched because of the push: they would be asked for every 30 minutes otherwise."""
        assert {} == {name: pair for name, pair in story.revisions.items() if pair[0] != pair[1]}

    def test_a_rotation_under_load_loses_nothing(self, story: Story, breadth: Breadth) -> None:
        """Of neither repository, and with it one PATCH and no other change of the webhook."""
        assert 0 == story.rotated.returncode, story.rotated.said
        assert ([], True) == (story.lost, story.tally.sent > 50), str(story.tally)
        assert STEPS == changes(story.preview)
        assert ["PATCH"] == [method for method in story.writes if method != "POST"]
        assert story.made.id == story.after.id
        assert story.made.url != story.after.url
        assert story.made.secret != story.after.secret
        breadth(
            type="github",
            forge="GitHub organisation",
            secret="generated",
            against="a rotation under load, a filter for each target, GitHub is a stand-in",
        )

    def test_the_rotation_is_verified_at_the_organisation(self, story: Story) -> None:
        """Its webhook and log are asked; a push or a ping came through."""
        checks = {check["what"]: check for check in story.rotated.result["checks"]}

        assert {True} == {check["ok"] for check in checks.values()}
        assert "calls the live path, active, JSON" == checks["webhook"]["seen"]
        assert checks["delivery"]["seen"] in ("push 200", "ping 200")

    def test_the_next_up_does_nothing(self, story: Story) -> None:
        """The state knows the webhook as it is."""
        assert ([], []) == (story.again.changes, story.again.diagnostics)

    def test_status_doctor_and_coverage_know_it(self, story: Story) -> None:
        """Where it stands, that its chain is whole, and that it is nobody's gap."""
        status, doctor, coverage = (story.looked[v] for v in ("status", "doctor", "coverage"))
        (row,) = status.result["receivers"]
        assert (NAME, 2, "push", 200, []) == (
            row["name"],
            row["live"],
            row["last_delivery"]["event"],
            row["last_delivery"]["status"],
            row["problems"],
        )
        assert ([], []) == (status.result["orphans"], status.result["unseen"])
        assert 0 == doctor.returncode, doctor.result
        assert coverage.returncode in (0, 4), coverage.said
        assert [] == [found for found in coverage.result["findings"] if "webhook" in found["where"]]

    def test_a_stray_webhook_is_found_and_removed(self, story: Story) -> None:
        """And no other."""
        owner = story.app.sandbox.github.owner
        (found,) = story.listed.result["orphans"]
        assert ("webhook", f"{owner}/{story.stray}", "left") == (
            found["kind"],
            found["name"],
            found["fate"],
        )
        assert ["removed"] == [orphan["fate"] for orphan in story.pruned.result["orphans"]]
        assert [story.after.id] == story.left


def test_a_webhook_too_many_is_refused_in_githubs_words(make_app: Callable[..., App]) -> None:
    """The update ends with them; where one of the others goes, the same update is finished."""
    app = make_app(FULL)
    github = app.sandbox.github
    where = f"{github.base_url}api/v3/repos/{github.owner}/{FULL}/hooks"
    with httpx.Client(headers={"Authorization": f"Bearer {github.token}"}) as client:
        for number in range(1, 21):
            url = f"https://{app.sandbox.ingress.host}/hook/{number:064}"
            config = {"url": url, "content_type": "json", "secret": "of-another-cluster"}
            client.post(where, json={"config": config}).raise_for_status()

        refused = app.up(check=False)
        others = github.hooks(FULL)
        client.delete(f"{where}/{others[0].id}").raise_for_status()
        finished = app.up()

    said = " ".join(errors(refused))
    assert 20 == len(others)
    assert 'The "push" event cannot have more than 20 hooks' in said, said
    assert [f"create RepositoryWebhook {FULL}-webhook"] == changes(finished)
    assert ([], []) == (app.up().changes, app.up().diagnostics)
