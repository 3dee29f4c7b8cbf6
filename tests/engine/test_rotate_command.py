"""`fluxhooks rotate`, `status` and `prune` on the real engine and the real controllers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret

from fluxhooks.flux.labels import object_labels
from sandbox.cluster.ports import free_ports
from sandbox.forges.github import Hook
from sandbox.sandbox import Sandbox
from tests.app import App, Receiver, eventually
from tests.command import Command, Done, HeldLock
from tests.engine.test_incomplete import PROGRAM as IMPATIENT
from tests.faults.table import Row, Section

Made = tuple[App, Command]


def make(make_app: Callable[..., App], directory: Path, name: str, *, up: bool = True) -> Made:
    """Return an app of the program in ``stacks/``, provisioned, and the command for it."""
    app = make_app(name, program=None)
    app.stack.set_all(
        {
            "drain": "2s",
            "host": app.sandbox.ingress.host,
            f"receivers.{name}.repository": name,
            f"receivers.{name}.sources[0].name": name,
        }
    )
    if up:
        app.up()
    return app, Command(app, directory)


def settings(app: App) -> str:
    """Return the stack's configuration file."""
    return (app.stack.directory / "stacks" / f"Pulumi.{app.name}.yaml").read_text()


def seen(done: Done) -> dict[str, Any]:
    """Return what was verified, by what was looked at."""
    return {check["what"]: check["seen"] for check in done.result["checks"]}


@dataclass(frozen=True)
class Story:
    """Shown, rotated, rotated with overlap, back again, and cut off."""

    app: App
    first: Hook
    first_status: Done
    dry: Done
    changed_by_dry: bool
    rotated: Done
    writes: list[str]
    rotated_to: Hook
    first_answers: int
    overlap: Done
    overlap_status: Done
    back: Done
    back_to: Hook
    back_receivers: list[str]
    revoked: Done
    last_status: Done
    other_cluster: Done


@pytest.fixture(scope="class")
def story(make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory) -> Story:
    app, fluxhooks = make(make_app, tmp_path_factory.mktemp("story"), "command")
    first, first_status = app.hook(), fluxhooks("status", "--json")

    before, written = settings(app), len(app.writes())
    dry = fluxhooks("rotate", "--dry-run", "--json")
    changed_by_dry = (before, written, first) != (settings(app), len(app.writes()), app.hook())

    rotated = fluxhooks("rotate", "--yes", "--json")
    rotated_to, writes, first_answers = app.hook(), app.writes()[written:], app.get(first)

    overlap = fluxhooks("rotate", app.name, "--retain", "--yes", "--json")
    overlap_status = fluxhooks("status", "--json")
    back = fluxhooks("rotate", "--back", "--yes", "--json")
    back_to, back_receivers = app.hook(), app.receivers()
    revoked = fluxhooks("rotate", "--revoke", "--yes", "--json")
    last_status = fluxhooks("status", "--json")

    app.stack.set_all({"fluxhooks:cluster": "another", "fluxhooks:rotate_every": "90d"})
    other_cluster = fluxhooks("rotate", "--yes")
    return Story(
        app,
        first,
        first_status,
        dry,
        changed_by_dry,
        rotated,
        writes,
        rotated_to,
        first_answers,
        overlap,
        overlap_status,
        back,
        back_to,
        back_receivers,
        revoked,
        last_status,
        other_cluster,
    )


class TestRotate:
    def test_a_dry_run_changes_nothing(self, story: Story) -> None:
        """Neither configuration nor forge; and it says what would be."""
        assert 0 == story.dry.returncode, story.dry.said
        assert not story.changed_by_dry
        assert not story.dry.result["done"]
        assert [("rotate", 1, 2, [1])] == moves(story.dry)
        assert 1 == story.dry.starts

    def test_one_command_rotates_and_verifies(self, story: Story) -> None:
        """Forge, cluster and the old URL are asked at the end."""
        assert 0 == story.rotated.returncode, story.rotated.said
        assert story.rotated.result["verified"]
        assert {
            "live generation": "2",
            "Receiver of generation 2": "Ready, with its path",
            "webhook": "calls the live path, active, JSON",
            "delivery": "ping 200",
            "old path of generation 1": "404",
        } == seen(story.rotated)
        assert 404 == story.first_answers
        assert story.first.id == story.rotated_to.id
        assert story.first.url != story.rotated_to.url

    def test_pulumi_is_started_four_times(self, story: Story) -> None:
        """Export, set the configuration, update, export."""
        assert 4 == story.rotated.starts

    def test_the_forge_is_written_to_twice(self, story: Story) -> None:
        """URL and secret in one request, and the ping that proves them."""
        assert ["PATCH", "POST"] == story.writes

    def test_the_cluster_is_recorded(self, story: Story) -> None:
        """The next rotation compares it."""
        uid = story.app.sandbox.cluster.uid
        assert f"the cluster {uid} is recorded as this stack's" in story.rotated.result["notes"]

    def test_the_next_call_is_the_next_rotation(self, story: Story) -> None:
        """The one before was finished."""
        assert 0 == story.overlap.returncode, story.overlap.said
        assert [("rotate", 2, 3, [])] == moves(story.overlap)
        assert [2] == story.overlap.result["moves"][0]["retained"]

    def test_back_returns_to_what_was_retained(self, story: Story) -> None:
        """The webhook is where it was, and the other generation still answers."""
        assert 0 == story.back.returncode, story.back.said
        assert [("back", 3, 2, [])] == moves(story.back)
        assert story.rotated_to.url == story.back_to.url
        assert ["command-g2", "command-g3"] == story.back_receivers

    def test_revoke_cuts_all_older_ones_off_at_once(self, story: Story) -> None:
        """Nothing is retained, and nothing is waited for."""
        assert 0 == story.revoked.returncode, story.revoked.said
        assert [("rotate", 2, 4, [2, 3])] == moves(story.revoked)
        assert "404" == seen(story.revoked)["old path of generation 2"]
        assert "404" == seen(story.revoked)["old path of generation 3"]
        assert "older ones answer for 0 s more" in story.revoked.said

    def test_status_shows_where_it_stands(self, story: Story) -> None:
        """Before, with an overlap, and at the end; without a problem each time."""
        statuses = (story.first_status, story.overlap_status, story.last_status)
        (first,), (overlap,), (last,) = (done.result["receivers"] for done in statuses)

        assert [0, 0, 0] == [done.returncode for done in statuses]
        assert [(1, []), (3, [2]), (4, [])] == [
            (row["live"], row["retained"]) for row in (first, overlap, last)
        ]
        assert [[], [], []] == [row["problems"] for row in (first, overlap, last)]
        assert 200 == last["last_delivery"]["status"]
        assert [1, 1, 1] == [done.starts for done in statuses]

    def test_another_cluster_is_refused(self, story: Story) -> None:
        """Nothing is changed there, and the exit code says that it was refused."""
        assert 3 == story.other_cluster.returncode
        assert "error: this is another cluster" in story.other_cluster.said
        assert "live: 4" in settings(story.app)


@dataclass(frozen=True)
class Interrupted:
    """Killed, refused by the forge, lied to by it, locked out, and finished each time."""

    app: App
    held: Done
    after_kill: Done
    after_kill_receivers: list[str]
    pointed_at: tuple[str, str]
    refused: Done
    after_refused: Done
    lied_to: Done
    after_lie: Done
    given_up: Done
    waited_for: Done
    deleted: Hook
    restored: Done
    restored_hook: Hook


@pytest.fixture(scope="class")
def interrupted(
    make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory
) -> Interrupted:
    app, fluxhooks = make(make_app, tmp_path_factory.mktemp("interrupted"), "interrupted")
    faults, hooks = app.sandbox.github.faults, f"/{app.name}/hooks/"
    fluxhooks.kill("older ones answer for", "rotate", "--yes")
    held = fluxhooks("status", "--json")
    after_kill = fluxhooks("rotate", "--yes", "--json")
    after_kill_receivers = app.receivers()

    hook = app.hook()
    faults.respond(422, method="PATCH", path=hooks)
    refused = fluxhooks("rotate", "--yes")
    pointed_at = (hook.url, app.hook().url)
    after_refused = fluxhooks("rotate", "--yes", "--json")

    faults.respond(200, method="PATCH", path=hooks, body={"id": hook.id, "config": {}})
    lied_to = fluxhooks("rotate", "--yes", "--json")
    after_lie = fluxhooks("rotate", "--yes", "--json")

    with HeldLock(app):
        given_up = fluxhooks("rotate", "--yes", "--lock-timeout", "0s")
    with HeldLock(app) as lock:
        waited_for = fluxhooks(
            "rotate", "--yes", "--json", at=("another update holds the lock", lock.release)
        )
    deleted = app.hook()
    delete_hook(app, deleted.id)
    restored = fluxhooks("rotate", "--yes", "--json")
    return Interrupted(
        app,
        held,
        after_kill,
        after_kill_receivers,
        pointed_at,
        refused,
        after_refused,
        lied_to,
        after_lie,
        given_up,
        waited_for,
        deleted,
        restored,
        app.hook(),
    )


class TestInterrupted:
    def test_the_same_command_finishes_what_was_killed(
        self, interrupted: Interrupted, row: Row
    ) -> None:
        """Lock and all, and it waits for the drain again; no other rotation is started."""
        done = interrupted.after_kill

        assert [
            "the configuration names generation 2",
            "a repointing was not finished",
        ] == interrupted.held.result["receivers"][0]["problems"]
        assert 0 == done.returncode, done.said
        assert "the lock is that of an update which was killed here; removing it" in done.said
        assert [("resume", 1, 2, [1])] == moves(done)
        assert "older ones answer for 2 s more" in done.said
        assert ["interrupted-g2"] == interrupted.after_kill_receivers
        problems = interrupted.held.result["receivers"][0]["problems"]
        row(
            Section.KILL,
            "`kill -9` of `fluxhooks rotate` and its engine, the webhook just repointed",
            f"`fluxhooks status`: {'; '.join(problems)}",
            "`fluxhooks rotate` again removed the dead engine's lock, finished the rotation from "
            f"{moves(done)[0][1]} to {moves(done)[0][2]}, and verified it",
        )

    def test_it_finishes_what_the_forge_refused(self, interrupted: Interrupted) -> None:
        """The webhook stays where it was until then."""
        before, after = interrupted.pointed_at

        assert 1 == interrupted.refused.returncode
        assert "error: pulumi up failed: " in interrupted.refused.said
        assert before == after
        assert 0 == interrupted.after_refused.returncode, interrupted.after_refused.said
        assert [("resume", 2, 3, [2])] == moves(interrupted.after_refused)

    def test_a_webhook_that_was_not_repointed_is_seen(self, interrupted: Interrupted) -> None:
        """Even where the forge said that it was; nothing goes, and the same command mends it."""
        assert 1 == interrupted.lied_to.returncode, interrupted.lied_to.said
        assert "still calls another generation" in interrupted.lied_to.said
        assert not re.search(r"\d  delete ", interrupted.lied_to.said)
        assert 0 == interrupted.after_lie.returncode, interrupted.after_lie.said
        assert [("resume", 3, 4, [3])] == moves(interrupted.after_lie)

    def test_a_lock_is_waited_for_within_a_limit(self, interrupted: Interrupted, row: Row) -> None:
        """Beyond it the exit code says so; the same command finishes then, too."""
        given_up, waited_for = interrupted.given_up, interrupted.waited_for

        assert 5 == given_up.returncode
        assert "error: another update held the stack's lock for 0 s" in given_up.said
        assert 0 == waited_for.returncode, waited_for.said
        assert [("resume", 4, 5, [4])] == moves(waited_for)
        row(
            Section.OPTIONS,
            "`fluxhooks rotate` while another update holds the lock",
            f"with `--lock-timeout 0s` it gave up, exit code {given_up.returncode}",
            "without, it waited, and finished the rotation when the lock was gone",
        )

    def test_a_webhook_that_was_deleted_by_hand_is_made_anew(
        self, interrupted: Interrupted
    ) -> None:
        """And it is said."""
        restored = interrupted.restored

        assert 0 == restored.returncode, restored.said
        assert [("rotate", 5, 6, [5])] == moves(restored)
        assert "the webhook was deleted at the forge" in restored.said
        assert interrupted.deleted.id != interrupted.restored_hook.id
        assert ["interrupted-g6"] == interrupted.app.receivers()


def test_what_could_not_be_verified_is_verified_again_before_the_next_rotation(
    make_app: Callable[..., App], tmp_path: Path
) -> None:
    """Forge, cluster and state agree; that no delivery arrives, only a delivery tells."""
    app, fluxhooks = make(make_app, tmp_path, "unseen")
    ingress = app.sandbox.ingress

    def nothing_listens() -> None:
        ingress.target_port = free_ports(1)[0]

    try:
        failed = fluxhooks("rotate", "--yes", "--json", at=("delete Receiver", nothing_listens))
        held = fluxhooks("status", "--json")
        failed_again = fluxhooks("rotate", "--yes", "--json")
    finally:
        ingress.target_port = app.sandbox.cluster.receiver_port
    settled = fluxhooks("rotate", "--yes", "--json")
    after = settings(app)
    rotated = fluxhooks("rotate", "--yes", "--json")

    assert [4, 4, 0, 0] == [done.returncode for done in (failed, failed_again, settled, rotated)], (
        failed.said + failed_again.said + settled.said + rotated.said
    )
    assert "ping 502" == seen(failed)["delivery"] == seen(failed_again)["delivery"]
    assert "Run the same command again" in failed.said
    assert ["cluster or forge showed otherwise after its last rotation"] == (
        held.result["receivers"][0]["problems"]
    )
    assert [("rotate", 1, 2, [1])] == moves(failed)
    assert [("resume", 2, 2, [])] == moves(failed_again) == moves(settled)
    assert "unverified" not in after
    assert [("rotate", 2, 3, [2])] == moves(rotated)


def test_a_failed_update_says_why_a_receiver_is_not_ready(
    sandbox: Sandbox, make_app: Callable[..., App], tmp_path: Path
) -> None:
    """Pulumi knows no more than that time is up."""
    app = make_app("unready", program=IMPATIENT)
    app.up()
    app.stack.environment["RECEIVER_TIMEOUT"] = "4s"
    fluxhooks = Command(app, tmp_path)
    sandbox.cluster.stop("notification-controller")
    try:
        failed = fluxhooks("rotate", "--yes")
    finally:
        sandbox.cluster.start("notification-controller")
    finished = fluxhooks("rotate", "--yes", "--json")

    assert 1 == failed.returncode
    assert re.search(
        r"error: pulumi up failed: .*; Receiver flux-system/unready-g2-\w+ is not Ready: has no "
        r"status yet\n",
        failed.said,
    ), failed.said
    assert 0 == finished.returncode, finished.said
    assert [("resume", 1, 2, [1])] == moves(finished)


@pytest.fixture(scope="class")
def pruned(make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(make_app, tmp_path_factory.mktemp("prune"), "prune")


class TestPrune:
    def test_only_what_is_left_over_goes_and_only_when_asked(self, pruned: Made) -> None:
        """Another stack's objects and the webhook of its Receiver stay."""
        app, fluxhooks = pruned
        own = app.hook().id
        ours, others = leave(app, "left", stack=app.name), leave(app, "others", stack="another")
        orphans = {
            ("Receiver", "flux-system/left"),
            ("Secret", "flux-system/left"),
            ("webhook", f"prune/{ours}"),
        }

        status = fluxhooks("status", "--json")
        listed = fluxhooks("prune", "--min-age", "0s", "--json")
        young = fluxhooks("prune", "--yes", "--json")
        before = hook_ids(app)
        removed = fluxhooks("prune", "--yes", "--min-age", "0s", "--json")
        again = fluxhooks("prune", "--yes", "--min-age", "0s", "--json")

        assert orphans == {(found["kind"], found["name"]) for found in status.result["orphans"]}
        assert dict.fromkeys(orphans, "left") == fates(listed)
        assert dict.fromkeys(orphans, "too young to remove") == fates(young)
        assert {own, ours, others} == before
        assert dict.fromkeys(orphans, "removed") == fates(removed)
        assert {} == fates(again)
        assert {own, others} == hook_ids(app)
        assert ["prune-g1", "prune-g2"] == app.receivers()
        assert app.client.get(Receiver, "others").metadata
        assert app.client.get(Secret, "others").metadata

    def test_a_webhook_that_only_the_forge_knows_is_taken_away(
        self, make_app: Callable[..., App], tmp_path: Path
    ) -> None:
        """GitHub made it, the answer was lost, and it refuses an equal second one ever after."""
        app, fluxhooks = make(make_app, tmp_path, "twin", up=False)
        app.sandbox.github.faults.respond(500, method="POST", path="/twin/hooks$", after=True)
        lost = app.up(check=False)
        (twin,) = hook_ids(app)
        refused = fluxhooks("rotate", "--yes")
        pruned = fluxhooks("prune", "--yes", "--min-age", "0s", "--json")
        done = fluxhooks("rotate", "--yes", "--json")

        assert 0 != lost.returncode
        assert 1 == refused.returncode
        assert "fluxhooks prune --min-age 0s lists it" in refused.said
        assert {("webhook", f"twin/{twin}"): "removed"} == fates(pruned)
        assert 0 == done.returncode, done.said
        assert [("resume", None, 1, [])] == moves(done)
        assert twin not in hook_ids(app)


def leave(app: App, name: str, *, stack: str) -> int:
    """Make by hand what a killed run of a stack leaves; return the webhook's ID."""
    labels = object_labels(app.name, 2, project="fluxhooks", stack=stack)
    metadata = ObjectMeta(name=name, labels=labels)
    app.client.create(Secret(metadata=metadata, stringData={"token": f"token-of-{name}"}))
    app.client.create(
        Receiver(
            metadata=metadata,
            spec={
                "type": "github",
                "resources": [{"kind": "GitRepository", "name": app.name}],
                "secretRef": {"name": name},
            },
        )
    )

    def path() -> str:
        return str((app.client.get(Receiver, name).status or {}).get("webhookPath", ""))

    github = app.sandbox.github
    answer = httpx.post(
        f"{github.base_url}api/v3/repos/{github.owner}/{app.name}/hooks",
        headers={"Authorization": f"Bearer {github.token}"},
        json={
            "config": {
                "url": f"https://{app.sandbox.ingress.host}{eventually(path)}",
                "content_type": "json",
                "secret": f"token-of-{name}",
            }
        },
        trust_env=False,
    ).raise_for_status()
    return int(answer.json()["id"])


def delete_hook(app: App, hook_id: int) -> None:
    """Delete a webhook by hand."""
    github = app.sandbox.github
    httpx.delete(
        f"{github.base_url}api/v3/repos/{github.owner}/{app.name}/hooks/{hook_id}",
        headers={"Authorization": f"Bearer {github.token}"},
        trust_env=False,
    ).raise_for_status()


def hook_ids(app: App) -> set[int]:
    """Return the IDs of all webhooks of the app's repository."""
    return {hook.id for hook in app.sandbox.github.hooks(app.name)}


def fates(done: Done) -> dict[tuple[str, str], str]:
    """Return what became of each orphan."""
    return {(found["kind"], found["name"]): found["fate"] for found in done.result["orphans"]}


def moves(done: Done) -> list[tuple[str, int, int, list[int]]]:
    """Return what was planned: action, from, to, retired."""
    return [
        (move["action"], move["from"], move["to"], move["retired"]) for move in done.result["moves"]
    ]
