"""A status says what is, what is not as declared, and what could not be seen."""

import dataclasses
import datetime
from pathlib import Path
from typing import Any

from fluxhooks import ObservationError
from fluxhooks.observe.cluster import ClusterObject
from fluxhooks.observe.configuration import Begun, Configuration, Entry
from fluxhooks.observe.forges import Delivery, Forges, SeenWebhook
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings, Scope, StackState, parse
from fluxhooks.observe.status import Seen, Status, status, where

STATE = parse((Path(__file__).parent.parent / "golden" / "interrupted-stack.json").read_text())
CONFIGURED = Configuration(generations={"app": Entry(3), "web": Entry(2, (1,))}, cluster="uid")
DELIVERY = Delivery(id="1", event="push", at=datetime.datetime(2026, 11, 22, 14), status=200)


class Cluster:
    """A cluster that has what the state declares, but for what is taken from it."""

    def __init__(self, *, uid: str = "uid", without: str = "") -> None:
        self._uid = uid
        self._objects = [
            ClusterObject(kind=kind, namespace=namespace, name=name, stack="fluxhooks.dev")
            for kind, namespace, name in sorted(STATE.objects)
            if not without or not name.startswith(without)
        ]

    def uid(self) -> str:
        return self._uid

    def receivers(self) -> list[ClusterObject]:
        return [found for found in self._objects if found.kind == "Receiver"]

    def alerting(self, stack_label: str) -> list[ClusterObject]:
        assert "fluxhooks.dev" == stack_label
        return []

    def secrets(self, stack_label: str, namespaces: list[str]) -> list[ClusterObject]:
        assert ("fluxhooks.dev", ["flux-system"]) == (stack_label, namespaces)
        return [found for found in self._objects if found.kind == "Secret"]


class Forge:
    """A forge that has what the state declares, with changes to each webhook."""

    def __init__(self, **changes: Any) -> None:
        self._changes = changes

    def webhooks(self, declared: DeclaredWebhook) -> list[SeenWebhook]:
        seen = SeenWebhook(scope=declared.scope, id=declared.id, url=declared.url)
        return [dataclasses.replace(seen, **self._changes)]

    def last_delivery(self, declared: DeclaredWebhook) -> Delivery:
        return DELIVERY


class OneForge(Forges):
    """The same forge for every webhook, or none at all."""

    def __init__(self, forge: Forge | None) -> None:
        super().__init__(ProviderSettings())
        self._forge = forge

    def of(self, declared: DeclaredWebhook) -> Any:
        if self._forge is None:
            raise ObservationError("no token for GitHub")
        return self._forge


def of(
    *,
    cluster: Cluster | None = None,
    forge: Forge | None = None,
    configuration: Configuration = CONFIGURED,
    state: StackState = STATE,
) -> Status:
    """Return the status where cluster and forge are these; absent, they cannot be asked."""

    def connect() -> Any:
        if cluster is None:
            raise ObservationError("no cluster to ask")
        return cluster

    return status(state, configuration, connect=connect, forges=OneForge(forge))


def problems(found: Status) -> dict[str, list[str]]:
    """Return the problems of each WebhookReceiver."""
    return {row.name: list(row.problems) for row in found.rows}


BEGUN = ["the configuration names generation 3", "a repointing was not finished"]


def test_what_is_as_declared_has_no_problem() -> None:
    """And what was begun is told."""
    found = of(cluster=Cluster(), forge=Forge())

    assert {"app": BEGUN, "web": []} == problems(found)
    assert [(2, (3,)), (2, (1,))] == [(row.live, row.retained) for row in found.rows]
    assert ((), ()) == (found.orphans, found.unseen)
    assert [DELIVERY, DELIVERY] == [row.delivery for row in found.rows]


def test_the_next_rotation_is_due_when_the_configuration_says_so() -> None:
    """Counted from when the live secret was made."""
    every = dataclasses.replace(CONFIGURED, rotate_every=datetime.timedelta(days=90))
    found = of(cluster=Cluster(), forge=Forge(), configuration=every)

    assert ["2027-02-20", "2027-02-20"] == [f"{row.due:%Y-%m-%d}" for row in found.rows]
    assert [None, None] == [row.due for row in of(cluster=Cluster(), forge=Forge()).rows]


def test_an_adoption_that_was_begun_is_a_problem() -> None:
    """The hand-made webhook may send beside the stack's own until it is finished."""
    adopting = {"web": Begun(webhook="7", receiver="flux-system/github")}
    begun = dataclasses.replace(CONFIGURED, adopting=adopting)
    found = of(cluster=Cluster(), forge=Forge(), configuration=begun)

    assert ["an adoption was not finished; fluxhooks adopt finishes it"] == problems(found)["web"]


def test_what_was_changed_at_the_forge_is_a_problem() -> None:
    """By hand, or by somebody else's program."""
    url = "https://flux.example.com/elsewhere"
    assert ["the webhook calls another URL"] == problems(
        of(cluster=Cluster(), forge=Forge(url=url))
    )["web"]
    assert ["the webhook is not active", "the webhook does not send JSON"] == problems(
        of(cluster=Cluster(), forge=Forge(active=False, json=False))
    )["web"]
    assert ["the forge has no such webhook"] == problems(
        of(cluster=Cluster(), forge=Forge(id="7"))
    )["web"]


def test_what_is_gone_from_the_cluster_is_a_problem() -> None:
    """Retained generations too."""
    found = of(cluster=Cluster(without="web-g1"), forge=Forge())

    assert [
        "the Receiver of generation 1 is not in the cluster",
        "the Secret of generation 1 is not in the cluster",
    ] == problems(found)["web"]


def test_a_secret_made_elsewhere_is_not_missed() -> None:
    """It has no labels of ours, by which they are listed."""
    web = STATE.receivers["web"]
    generation = dataclasses.replace(web.generations[2], secret="theirs", secret_is_ours=False)
    elsewhere = dataclasses.replace(web, generations={2: generation})
    state = dataclasses.replace(STATE, receivers={"web": elsewhere})

    found = of(cluster=Cluster(), forge=Forge(), state=state)

    assert {"web": []} == problems(found)


def test_what_cannot_be_asked_is_said_and_not_guessed() -> None:
    """Neither problems nor orphans are invented."""
    found = of()

    assert ("no cluster to ask", "no token for GitHub") == found.unseen
    assert {"app": BEGUN, "web": []} == problems(found)
    assert [None, None] == [row.delivery for row in found.rows]


def test_another_cluster_shows_nothing_of_this_stack() -> None:
    """Its objects are not missing: they were never there."""
    found = of(cluster=Cluster(uid="other", without="web"), forge=Forge())

    assert ("the cluster at hand (other) is not the stack's (uid)",) == found.unseen
    assert {"app": BEGUN, "web": []} == problems(found)


def test_the_json_holds_no_secret() -> None:
    """It goes into logs and dashboards."""
    now = datetime.datetime(2026, 12, 2, 13, 42, 30, tzinfo=datetime.UTC)
    found = of(cluster=Cluster(), forge=Forge()).as_json(now)

    assert 10 == found["receivers"][1]["age_days"]
    assert "2026-11-22T13:42:30Z" == found["receivers"][1]["created_at"]
    assert "/hook/" not in str(found)
    assert "token-of" not in str(found)


def test_without_the_cluster_no_webhook_is_called_an_orphan() -> None:
    """It may belong to a Receiver of somebody else's."""
    path = "/hook/" + "0" * 64
    forge = Forge(id="7", url=f"https://flux.example.com{path}")

    assert () == of(forge=forge).orphans
    assert ["app/7"] == [orphan.name for orphan in of(cluster=Cluster(), forge=forge).orphans]


def test_where_the_program_decides_the_configuration_does_not_count() -> None:
    """No number of its is wanted, and none is missing."""
    for authority in ("program", "schedule"):
        web = dataclasses.replace(STATE.receivers["web"], authority=authority)
        state = dataclasses.replace(STATE, receivers={"web": web})
        configuration = Configuration(cluster="uid")
        (row,) = of(cluster=Cluster(), forge=Forge(), state=state, configuration=configuration).rows

        assert (authority, None, ()) == (row.authority, row.wanted, row.problems)


def test_a_schedule_says_itself_when_the_next_rotation_is_due() -> None:
    """Whatever the configuration says of those that have none."""
    due = datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC)
    web = dataclasses.replace(STATE.receivers["web"], authority="schedule", due_at=due)
    state = dataclasses.replace(STATE, receivers={"web": web})
    configuration = Configuration(cluster="uid", rotate_every=datetime.timedelta(days=5))
    (row,) = of(cluster=Cluster(), forge=Forge(), state=state, configuration=configuration).rows

    assert due == row.due


def test_a_verification_that_failed_is_a_problem() -> None:
    """Until one succeeds."""
    entry = Entry(STATE.receivers["web"].live or 1, unverified=True)
    state = dataclasses.replace(STATE, receivers={"web": STATE.receivers["web"]})
    (row,) = of(
        cluster=Cluster(),
        forge=Forge(),
        state=state,
        configuration=Configuration(generations={"web": entry}, cluster="uid"),
    ).rows

    assert ("cluster or forge showed otherwise after its last rotation",) == row.problems


def test_a_repository_is_asked_once_by_what_is_known_best() -> None:
    """The state knows where the forge's API has it; a setting knows its name only."""
    asked: list[DeclaredWebhook] = []

    class Asked(Forge):
        def webhooks(self, declared: DeclaredWebhook) -> list[SeenWebhook]:
            asked.append(declared)
            return []

    def named(name: str) -> Scope:
        return Scope("github", "repository", name)

    configuration = Configuration(scopes=(named("web"), named("new")))
    Seen().look_at_forges(
        where(STATE, configuration, [named("new"), named("other")]), OneForge(Asked())
    )

    assert ["app", "web", "new", "other"] == [declared.scope.name for declared in asked]
    assert [True, True, False, False] == [bool(declared.api_url) for declared in asked]


def test_a_repository_with_as_many_webhooks_as_it_takes_is_told_of() -> None:
    """Also where the one that was refused is in no state, by the configuration."""

    class Full(Forge):
        def webhooks(self, declared: DeclaredWebhook) -> list[SeenWebhook]:
            others = range(20 if declared.scope.name == "new" else 3)
            return [
                SeenWebhook(
                    scope=declared.scope,
                    id=f"{declared.scope.name}-{i}",
                    events=frozenset(["push"]),
                )
                for i in others
            ]

    new = Scope("github", "repository", "new")
    configuration = dataclasses.replace(CONFIGURED, scopes=(new,))
    found = of(cluster=Cluster(), forge=Full(), configuration=configuration)

    (limit,) = found.limits
    assert limit.startswith("new has 20 of the 20 webhooks that GitHub takes of the event push")
    assert [limit] == found.as_json(datetime.datetime.now(datetime.UTC))["limits"]
