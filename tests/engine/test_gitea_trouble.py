"""What goes wrong in a rotation at a real Gitea, and what people change there by hand.

The engine runs the code that makes the webhook in a process of its own: only there is seen what a
kill leaves at Gitea, and what the next run makes of it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from sandbox.forges.gitea import Gitea, Hook
from sandbox.stack import Run
from tests.app import App, changes, errors
from tests.command import Command, Done
from tests.engine.test_gitea import steps
from tests.faults.killing import Update, repair
from tests.relay import Relay


@dataclass(frozen=True)
class Struck:
    """One rotation that was struck, and the next `up`.

    Attributes:
        webhooks: how many Gitea had after it.
        answers: with what the URLs of those answered the probe.
        live: the generations in the cluster after the repair.
        left: how many webhooks there are then, and with what they answer.
    """

    run: Run | None
    webhooks: int
    answers: set[int | None]
    repaired: Run | None
    live: list[str]
    left: tuple[int, set[int | None]]


@dataclass(frozen=True)
class Troubled:
    """One app, rotated through all of it."""

    app: App
    at: str
    refused: Struck
    answered_wrongly: Struck
    down: Struck
    killed_making: Struck
    found: Done
    killed_deleting: Struck
    pruned: Done
    unchanged: Run


def answers(app: App) -> set[int | None]:
    return {app.probe(hook) for hook in app.forge.hooks(app.path)}


def struck(app: App, relay: Relay, run: Run | None, repaired: Callable[[], Run] | None) -> Struck:
    relay.mend()
    webhooks, answered = len(app.forge.hooks(app.path)), answers(app)
    after = repaired() if repaired else None
    left = (len(app.forge.hooks(app.path)), answers(app))
    return Struck(run, webhooks, answered, after, app.receivers(), left)


def kill_at(app: App, relay: Relay, method: str, generation: int) -> None:
    """Kill the engine when Gitea has done what it was asked, and nobody heard of it."""
    relay.hold(method)
    with Update(app, generation) as update:
        update.until(relay.held.is_set)
        update.kill()
    assert update.killed


@pytest.fixture(scope="class")
def troubled(
    gitea: Gitea, make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory
) -> Troubled:
    app = make_app("gt-trouble", sender="gitea")
    fluxhooks = Command(app, tmp_path_factory.mktemp("trouble"))
    prune = ("prune", "--min-age", "0s", "--json")
    with Relay(gitea.base_url) as relay:
        app.args["gitea"]["url"] = relay.url
        app.up()

        relay.fail("POST", 503)
        refused = struck(app, relay, app.up(check=False, generation=2), app.up)
        relay.fail("POST", 502, after=True)
        answered_wrongly = struck(app, relay, app.up(check=False, generation=3), None)
        relay.go_down("DELETE")
        down = struck(app, relay, app.up(check=False, generation=4), app.up)

        kill_at(app, relay, "POST", 5)
        app.stack.run("cancel", "--yes", app.name)
        found = fluxhooks(*prune)
        killed_making = struck(app, relay, None, lambda: app.up(check=False))
        kill_at(app, relay, "DELETE", 6)
        killed_deleting = struck(app, relay, None, lambda: repair(app))
        pruned = fluxhooks(*prune)
        app.stack.run(
            "refresh", "--yes", "--skip-preview", "--clear-pending-creates", "--stack", app.name
        )
        return Troubled(
            app,
            relay.url.removeprefix("http://"),
            refused,
            answered_wrongly,
            down,
            killed_making,
            found,
            killed_deleting,
            pruned,
            app.up(),
        )


class TestTrouble:
    def test_a_refused_webhook_changes_nothing_and_the_next_up_makes_it(
        self, troubled: Troubled
    ) -> None:
        """The old one still works, and nothing of the old generation was deleted."""
        struck = troubled.refused
        assert struck.run is not None
        said = "\n".join(errors(struck.run))
        where = f"Gitea at {troubled.at} refused the webhooks of {troubled.app.path}"
        assert f"{where}: it answered 503, an outage" in said
        assert [] == [step for step in changes(struck.run) if step.startswith("delete")]
        assert (1, {200}) == (struck.webhooks, struck.answers)
        assert (["gt-trouble-g2"], (1, {200})) == (struck.live, struck.left)

    def test_a_webhook_that_was_made_although_the_answer_is_lost_is_kept(
        self, troubled: Troubled
    ) -> None:
        """No second one is made, and the update goes on."""
        struck = troubled.answered_wrongly
        assert struck.run is not None
        assert 0 == struck.run.returncode, struck.run.output
        assert (["gt-trouble-g3"], (1, {200})) == (struck.live, struck.left)

    def test_a_gitea_that_goes_down_before_the_old_webhook_is_deleted_has_two_that_work(
        self, troubled: Troubled
    ) -> None:
        """The old Receiver is deleted after its webhook, and so not now."""
        struck = troubled.down
        assert struck.run is not None
        assert 0 != struck.run.returncode
        said = "\n".join(errors(struck.run))
        assert f"Gitea at {troubled.at} could not be asked for the webhooks of" in said
        assert (2, {200}) == (struck.webhooks, struck.answers)
        assert (["gt-trouble-g4"], (1, {200})) == (struck.live, struck.left)

    def test_a_webhook_of_which_a_killed_run_never_heard_is_found_and_replaced(
        self, troubled: Troubled
    ) -> None:
        """`prune` lists it; nobody has to run that, as the next update replaces it."""
        struck = troubled.killed_making
        assert (2, {200}) == (struck.webhooks, struck.answers)
        assert ["webhook"] == [each["kind"] for each in troubled.found.result["orphans"]]
        assert (["gt-trouble-g5"], (1, {200})) == (struck.live, struck.left)

    def test_a_deleted_webhook_of_which_a_killed_run_never_heard_is_no_error(
        self, troubled: Troubled
    ) -> None:
        """Gone is gone."""
        struck = troubled.killed_deleting
        assert (1, {200}) == (struck.webhooks, struck.answers)
        assert struck.repaired is not None
        assert 0 == struck.repaired.returncode, struck.repaired.output
        assert (["gt-trouble-g6"], (1, {200})) == (struck.live, struck.left)

    def test_afterwards_nothing_is_left(self, troubled: Troubled) -> None:
        """No orphan at Gitea or in the cluster, and nothing for an update to do."""
        assert [] == troubled.pruned.result["orphans"]
        assert [] == changes(troubled.unchanged)


@dataclass(frozen=True)
class ByHand:
    """The ready program's webhook, edited, deleted and doubled by hand, and what was said."""

    app: App
    first: Hook
    status: Done
    edited: tuple[Done, Done]
    refreshed: Run
    after_refresh: Hook
    deleted: tuple[Done, Done]
    rotated: Done
    after_rotation: Hook
    pruned: Done
    left: list[Hook]
    last: tuple[Done, Done]


@pytest.fixture(scope="class")
def by_hand(
    gitea: Gitea, make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory
) -> ByHand:
    name = "gt-hand"
    app = make_app(name, program=None, sender="gitea")
    app.stack.set_all(
        {
            "drain": "1s",
            "host": app.sandbox.ingress.host,
            f"receivers.{name}.gitea.url": gitea.base_url,
            f"receivers.{name}.gitea.owner": gitea.owner,
            f"receivers.{name}.gitea.repository": name,
            f"receivers.{name}.sources[0].name": name,
        }
    )
    fluxhooks = Command(app, tmp_path_factory.mktemp("by-hand"))
    hooks = f"/repos/{app.path}/hooks"

    def look() -> tuple[Done, Done]:
        return fluxhooks("status", "--json"), fluxhooks("doctor", "--json")

    app.up()
    first, status = app.hook(), fluxhooks("status", "--json")
    change = {"active": False, "events": ["create"]}
    gitea.client.patch(f"{hooks}/{first.id}", json=change).raise_for_status()
    edited, refreshed, after_refresh = look(), app.up("--refresh"), app.hook()

    gitea.client.delete(f"{hooks}/{first.id}").raise_for_status()
    deleted, rotated, after_rotation = look(), fluxhooks("rotate", "--yes", "--json"), app.hook()

    url = f"https://{app.sandbox.ingress.host}/hook/{'a' * 64}"
    config = {"url": url, "content_type": "json", "secret": "x"}
    body = {"type": "gitea", "config": config, "events": ["push"], "active": True}
    gitea.client.post(hooks, json=body).raise_for_status()
    pruned = fluxhooks("prune", "--yes", "--min-age", "0s", "--json")
    return ByHand(
        app,
        first,
        status,
        edited,
        refreshed,
        after_refresh,
        deleted,
        rotated,
        after_rotation,
        pruned,
        app.forge.hooks(app.path),
        look(),
    )


def faults(doctor: Done) -> list[tuple[str, str]]:
    """What the doctor found at the webhook, and what it says mends it."""
    (chain,) = doctor.result["chains"]
    (link,) = [link for link in chain["links"] if link["link"] == "webhook"]
    return [(finding["fault"], finding["cure"]) for finding in link["findings"]]


def problems(status: Done) -> list[str]:
    (receiver,) = status.result["receivers"]
    found: list[str] = receiver["problems"]
    return found


class TestByHand:
    def test_what_was_edited_is_told_with_what_mends_it(self, by_hand: ByHand) -> None:
        """Before, there was nothing to say."""
        status, doctor = by_hand.edited

        assert [] == problems(by_hand.status)
        assert ["the webhook is not active"] == problems(status)
        assert [
            ("webhook-inactive", "switch it on: `pulumi up --refresh`"),
            ("webhook-events-missing", "have it send that too: `pulumi up --refresh`"),
        ] == faults(doctor)
        assert (0, 4) == (status.returncode, doctor.returncode)

    def test_a_refresh_edits_it_back(self, by_hand: ByHand) -> None:
        """It stays the same webhook."""
        assert ["update Webhook gt-hand-g1-webhook"] == changes(by_hand.refreshed)
        assert by_hand.first == by_hand.after_refresh

    def test_what_was_deleted_is_told_of(self, by_hand: ByHand) -> None:
        """By its absence: nobody else would notice that no more pushes arrive."""
        status, doctor = by_hand.deleted

        assert ["the forge has no such webhook"] == problems(status)
        assert [("webhook-missing", "`pulumi up --refresh` makes it anew")] == faults(doctor)

    def test_a_rotation_makes_the_deleted_one_anew_and_says_so(self, by_hand: ByHand) -> None:
        """It deletes nothing at Gitea, where nothing is left of the old generation."""
        rotated = by_hand.rotated

        assert 0 == rotated.returncode, rotated.said
        assert (
            "gt-hand: the webhook was deleted at the forge; the state is refreshed and it is made "
            "anew"
        ) in rotated.result["notes"]
        assert [
            step for step in steps("gt-hand", 1, 2) if step != "delete Webhook gt-hand-g1-webhook"
        ] == rotated.result["steps"]
        assert (True, True) == (rotated.result["done"], rotated.result["verified"])
        assert by_hand.first.url != by_hand.after_rotation.url

    def test_a_webhook_that_calls_a_path_of_nobody_is_pruned(self, by_hand: ByHand) -> None:
        """And the live one is not."""
        name = f"{by_hand.app.path}/{by_hand.after_rotation.id + 1}"

        assert [("webhook", name, "removed")] == [
            (each["kind"], each["name"], each["fate"]) for each in by_hand.pruned.result["orphans"]
        ]
        assert [by_hand.after_rotation] == by_hand.left

    def test_afterwards_all_is_as_declared(self, by_hand: ByHand) -> None:
        """The webhook of the second generation is looked at, and has nothing wrong."""
        status, doctor = by_hand.last

        assert ([], []) == (problems(status), faults(doctor))
        assert [2] == [receiver["live"] for receiver in status.result["receivers"]]
