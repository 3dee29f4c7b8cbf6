"""What somebody changes by hand at the forge or in the cluster is found and restored."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from lightkube.resources.core_v1 import Secret

from sandbox.stack import Run
from tests.app import App, Receiver, changes, eventually
from tests.engine.test_rotate_command import delete_hook, hook_ids, make, moves
from tests.faults.killing import Update
from tests.faults.rotation import next_generation
from tests.faults.table import Row, Section, told


class TestTheWebhook:
    NAME = "edited"

    def test_that_was_deleted_is_made_anew(self, app: App, row: Row) -> None:
        """An update alone does not look; the webhook of a rotation would not be found either."""
        delete_hook(app, app.hook().id)
        plain = app.up()
        restored = app.up("--refresh")

        assert [] == changes(plain)
        assert [f"create RepositoryWebhook {app.name}-webhook"] == changes(restored)
        whole(app)
        row(
            Section.HAND,
            "the webhook is deleted at the forge",
            f"`up` alone: {told(plain)}",
            f"`up --refresh`: {told(restored)}",
        )

    @pytest.mark.parametrize(
        ("what", "edit"),
        [
            pytest.param("events are edited", {"events": ["issues"]}, id="events"),
            pytest.param("delivery is switched off", {"active": False}, id="inactive"),
        ],
    )
    def test_that_was_edited_is_restored(
        self, app: App, what: str, edit: dict[str, Any], row: Row
    ) -> None:
        """GitHub shows what it has, so a refresh finds it."""
        patch_hook(app, edit)
        plain = app.up()
        restored = app.up("--refresh")

        assert [] == changes(plain)
        assert [f"update RepositoryWebhook {app.name}-webhook"] == changes(restored)
        assert (("push",), True) == (app.hook().events, app.hook().active)
        whole(app)
        row(
            Section.HAND,
            f"the webhook's {what} at the forge",
            f"`up` alone: {told(plain)}",
            f"`up --refresh`: {told(restored)}",
        )

    def test_whose_url_was_edited_is_restored(self, app: App, row: Row) -> None:
        """The secret goes with it."""
        hook = app.hook()
        patch_hook(app, {"config": {"url": "https://example.invalid/", "content_type": "json"}})
        restored = app.up("--refresh")

        assert [f"update RepositoryWebhook {app.name}-webhook"] == changes(restored)
        assert (hook.url, hook.secret) == (app.hook().url, app.hook().secret)
        whole(app)
        row(
            Section.HAND,
            "the webhook's URL is edited at the forge, and its secret dropped with it",
            "deliveries go elsewhere",
            f"`up --refresh`: {told(restored)}",
        )

    def test_whose_secret_was_edited_is_seen_by_its_deliveries_and_restored_by_a_rotation(
        self, app: App, row: Row
    ) -> None:
        """GitHub shows no secret, so no refresh can find it; the Receiver answers 400."""
        hook = app.hook()
        config = {"url": hook.url, "content_type": "json", "secret": "edited by hand"}
        patch_hook(app, {"config": config})
        refused = app.probe(app.hook())
        refreshed = app.up("--refresh")
        rotated = app.up(generation=next_generation(app))

        assert (400, []) == (refused, changes(refreshed))
        whole(app)
        row(
            Section.HAND,
            "the webhook's secret is edited at the forge",
            f"deliveries are answered {refused}; `up --refresh`: {told(refreshed)} (GitHub shows "
            "no secret)",
            f"a rotation: {told(rotated)}",
        )


class TestTheCluster:
    NAME = "deleted"

    @pytest.mark.parametrize("kind", [Secret, Receiver], ids=["Secret", "Receiver"])
    def test_an_object_that_was_deleted_is_made_anew(self, app: App, kind: Any, row: Row) -> None:
        """With another path, so that the webhook is repointed, caught up for and drained."""
        (found,) = app.client.list(kind, labels={"fluxhooks/component": app.name})
        app.client.delete(kind, found.metadata.name)
        refused = eventually(lambda: app.probe(app.hook()) != 200)
        plain = app.up()
        restored = app.up("--refresh")

        assert (True, []) == (refused, changes(plain))
        assert f"update RepositoryWebhook {app.name}-webhook" in changes(restored)
        assert drained(restored)
        whole(app)
        row(
            Section.HAND,
            f"the {kind.__name__} is deleted in the cluster",
            f"deliveries are refused; `up` alone: {told(plain)}",
            f"`up --refresh`: {told(restored)}",
        )


class TestTheCommand:
    def test_rotate_makes_a_deleted_webhook_anew_and_says_so(
        self, make_app: Callable[..., App], tmp_path: Path, row: Row
    ) -> None:
        """It looks before it begins."""
        app, fluxhooks = make(make_app, tmp_path, "unhooked")
        delete_hook(app, app.hook().id)
        done = fluxhooks("rotate", "--yes", "--json")

        said = "the webhook was deleted at the forge"
        assert (0, True) == (done.returncode, said in done.said), done.said
        assert 1 == len(hook_ids(app))
        row(
            Section.HAND,
            "the webhook is deleted at the forge, and `fluxhooks rotate` is run",
            f"it said: “{said}; the state is refreshed and it is made anew”",
            f"`fluxhooks rotate` rotated from {moves(done)[0][1]} to {moves(done)[0][2]}, and "
            "verified it",
        )

    def test_a_webhook_of_a_killed_first_creation_is_found_and_taken_away(
        self, make_app: Callable[..., App], tmp_path: Path, row: Row
    ) -> None:
        """The forge made it, and the engine was killed before it heard of it."""
        app, fluxhooks = make(make_app, tmp_path, "unborn", up=False)
        hooks, faults = f"/{app.name}/hooks$", app.sandbox.github.faults
        faults.hang(5, method="POST", path=hooks, after=True)
        with Update(app, 1) as update:
            update.until(lambda: hook_ids(app))
            update.kill()
        faults.clear()
        (unknown,) = hook_ids(app)
        refused = fluxhooks("rotate", "--yes")
        pruned = fluxhooks("prune", "--yes", "--min-age", "0s", "--json")
        done = fluxhooks("rotate", "--yes", "--json")

        assert (True, 1) == (update.killed, refused.returncode), refused.said
        assert "fluxhooks prune --min-age 0s lists it" in refused.said
        assert f"{app.name}/{unknown}" in {found["name"] for found in pruned.result["orphans"]}
        assert (0, True) == (done.returncode, unknown not in hook_ids(app)), done.said
        assert 200 == app.probe(app.hook())
        row(
            Section.KILL,
            "`kill -9` when the forge has made the first webhook, and not said so",
            "the webhook is unknown to the state, and GitHub refuses an equal second one; "
            "`fluxhooks rotate` names `fluxhooks prune`",
            "`fluxhooks prune --yes` took it away; `fluxhooks rotate` finished generation 1",
        )


def whole(app: App) -> None:
    """Assert that the one webhook's deliveries arrive, and that nothing is left to do."""
    assert 200 == app.probe(app.hook())
    assert [] == app.up("--refresh").changes


def patch_hook(app: App, edit: dict[str, Any]) -> None:
    """Edit the app's webhook by hand."""
    github = app.sandbox.github
    httpx.patch(
        f"{github.base_url}api/v3/repos/{github.owner}/{app.name}/hooks/{app.hook().id}",
        headers={"Authorization": f"Bearer {github.token}"},
        json=edit,
        trust_env=False,
    ).raise_for_status()


def drained(run: Run) -> bool:
    """Whether a run said that it waited for a drain."""
    return any("older ones answer for" in text for _, text in run.diagnostics)
