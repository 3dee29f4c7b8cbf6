"""Where each WebhookReceiver of a stack stands, from state, configuration, cluster and forge."""

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fluxhooks.errors import ObservationError
from fluxhooks.flux.labels import stack_label
from fluxhooks.observe.cluster import ClusterObject, ClusterView
from fluxhooks.observe.configuration import Configuration
from fluxhooks.observe.forges import Delivery, Forges, SeenWebhook, github
from fluxhooks.observe.limits import near
from fluxhooks.observe.orphans import Orphan, orphans
from fluxhooks.observe.state import DeclaredReceiver, DeclaredWebhook, Scope, StackState


@dataclass(frozen=True, kw_only=True)
class Row:
    """One WebhookReceiver.

    Attributes:
        live: None where it was never finished.
        wanted: the generation the configuration names; None where program or schedule do.
        retained: what else the state has.
        due: when the next rotation is, by its schedule, else by ``fluxhooks:rotate_every``.
        delivery: the newest in the forge's log.
        problems: what is not as declared.
    """

    name: str
    authority: str
    live: int | None
    wanted: int | None
    retained: tuple[int, ...]
    created_at: datetime.datetime | None
    due: datetime.datetime | None
    delivery: Delivery | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Status:
    """A stack.

    Attributes:
        limits: which scopes take few more webhooks, or none.
        unseen: what could not be asked, and why.
    """

    stack: str
    rows: tuple[Row, ...]
    orphans: tuple[Orphan, ...] = ()
    limits: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    def as_json(self, now: datetime.datetime) -> dict[str, Any]:
        """Return it for machines; holds no secret."""
        return {
            "stack": self.stack,
            "receivers": [
                {
                    "name": row.name,
                    "authority": row.authority,
                    "live": row.live,
                    "wanted": row.wanted,
                    "retained": list(row.retained),
                    "created_at": _text(row.created_at),
                    "age_days": (now - row.created_at).days if row.created_at else None,
                    "due": _text(row.due),
                    "last_delivery": {
                        "at": _text(row.delivery.at),
                        "event": row.delivery.event,
                        "status": row.delivery.status,
                    }
                    if row.delivery
                    else None,
                    "problems": list(row.problems),
                }
                for row in self.rows
            ],
            "orphans": [as_json(orphan) for orphan in self.orphans],
            "limits": list(self.limits),
            "unseen": list(self.unseen),
        }


@dataclass
class Seen:
    """What cluster and forges have for a stack, gathered with one request for each kind.

    Attributes:
        objects: Secrets, Receivers, Alerts and Providers with the stack's labels.
        receivers: all of the cluster.
        webhooks: all of the stack's repositories, projects and groups.
        deliveries: the newest, by WebhookReceiver.
        unseen: what could not be asked, and why.
    """

    cluster: str = ""
    objects: list[ClusterObject] = field(default_factory=list)
    receivers: list[ClusterObject] = field(default_factory=list)
    webhooks: list[SeenWebhook] = field(default_factory=list)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    unseen: list[str] = field(default_factory=list)

    def look_at_cluster(self, state: StackState, cluster: ClusterView) -> None:
        """Gather what the cluster has.

        Raises:
            ObservationError: it could not be asked.
        """
        self.cluster = cluster.uid()
        self.receivers = cluster.receivers()
        label = stack_label(state.project, state.stack)
        ours = [found for found in self.receivers if found.stack == label]
        ours += cluster.alerting(label)
        namespaces = {found.namespace for found in ours} | state.namespaces
        self.objects = [*ours, *cluster.secrets(label, sorted(namespaces))]

    def look_at_forges(self, webhooks: Iterable[DeclaredWebhook], forges: Forges) -> None:
        """Gather all webhooks of the scopes that have, or may have, one of `webhooks`.

        Raises:
            ObservationError: a forge could not be asked.
        """
        scopes: dict[Scope, DeclaredWebhook] = {}
        for webhook in webhooks:
            if webhook.scope.name:
                # The first ones are those of which the state knows more.
                scopes.setdefault(webhook.scope, webhook)
        # A project has a path and an ID, and may be asked by both.
        known = {seen.key for seen in self.webhooks}
        for webhook in scopes.values():
            found = forges.of(webhook).webhooks(webhook)
            self.webhooks += [seen for seen in found if seen.key not in known]
            known |= {seen.key for seen in found}

    def look_at_deliveries(self, state: StackState, forges: Forges) -> None:
        """Gather the newest delivery of each declared webhook.

        Raises:
            ObservationError: a forge could not be asked.
        """
        present = {seen.key for seen in self.webhooks}
        for name, receiver in state.receivers.items():
            webhook = receiver.webhook
            if webhook and webhook.key in present:
                delivery = forges.of(webhook).last_delivery(webhook)
                if delivery is not None:
                    self.deliveries[name] = delivery

    def orphans(self, state: StackState) -> list[Orphan]:
        """Return what of it belongs to no declared generation."""
        return orphans(
            state, objects=self.objects, receivers=self.receivers, webhooks=self.webhooks
        )


def status(
    state: StackState,
    configuration: Configuration,
    *,
    connect: Callable[[], ClusterView],
    forges: Forges,
) -> Status:
    """Return where `state`'s stack stands; what cannot be asked is said, and is no error."""
    seen = Seen()
    places = where(state, configuration)
    asked: tuple[tuple[str, Callable[[], None]], ...] = (
        ("cluster", lambda: seen.look_at_cluster(state, connect())),
        ("forge", lambda: seen.look_at_forges(places, forges)),
        ("deliveries", lambda: seen.look_at_deliveries(state, forges)),
    )
    unasked: set[str] = set()
    for what, look in asked:
        try:
            look()
        except ObservationError as error:
            unasked.add(what)
            if str(error) not in seen.unseen:
                seen.unseen.append(str(error))
    if not unasked and configuration.cluster not in ("", seen.cluster):
        seen.unseen.append(
            f"the cluster at hand ({seen.cluster}) is not the stack's ({configuration.cluster})"
        )
        unasked.add("cluster")
    rows = [
        _row(receiver, configuration, seen, unasked)
        for _, receiver in sorted(state.receivers.items())
    ]
    return Status(
        stack=state.stack,
        rows=tuple(rows),
        # A webhook is known to be one only where the cluster's Receivers are known.
        orphans=() if "cluster" in unasked else tuple(seen.orphans(state)),
        limits=tuple(near(seen.webhooks, _taken(places, forges))),
        unseen=tuple(seen.unseen),
    )


def where(
    state: StackState, configuration: Configuration, scopes: Iterable[Scope] = ()
) -> list[DeclaredWebhook]:
    """Return where the stack may have webhooks: as declared, as configured, and as named.

    A first creation that failed at the wrong moment leaves a webhook and no word of it.
    """
    named = dict.fromkeys([*configuration.scopes, *scopes])
    return [*state.webhooks, *(DeclaredWebhook(scope=scope, id="") for scope in named)]


def _taken(places: Iterable[DeclaredWebhook], forges: Forges) -> dict[Scope, int]:
    taken: dict[Scope, int] = {}
    for place in places:
        if place.scope.forge == "github":
            # The first ones are those of which the state knows more.
            taken.setdefault(place.scope, github.takes(place, forges.providers))
    return taken


def due(receiver: DeclaredReceiver, configuration: Configuration) -> datetime.datetime | None:
    """Return when a WebhookReceiver's next rotation is due; None where nothing says."""
    created, every = receiver.created_at, configuration.rotate_every
    if receiver.authority == "schedule" or not created or not every:
        return receiver.due_at
    # The state has it too, by a setting that may have been another one.
    return created + every


def as_json(orphan: Orphan) -> dict[str, Any]:
    """Return an orphan for machines; holds no secret."""
    return {
        "kind": orphan.kind,
        "name": orphan.name,
        "why": orphan.why,
        "since": _text(orphan.since),
    }


def _row(
    receiver: DeclaredReceiver, configuration: Configuration, seen: Seen, unasked: set[str]
) -> Row:
    entry = configuration.generations.get(receiver.name)
    configured = receiver.authority == "configuration"
    return Row(
        name=receiver.name,
        authority=receiver.authority,
        live=receiver.live,
        wanted=(entry.live if entry else 1) if configured else None,
        retained=tuple(n for n in sorted(receiver.generations) if n != receiver.live),
        created_at=receiver.created_at,
        due=due(receiver, configuration),
        delivery=seen.deliveries.get(receiver.name),
        problems=tuple(_problems(receiver, configuration, seen, unasked)),
    )


def _problems(
    receiver: DeclaredReceiver, configuration: Configuration, seen: Seen, unasked: set[str]
) -> list[str]:
    problems = []
    entry = configuration.generations.get(receiver.name)
    wanted = entry.live if entry else 1
    if receiver.name in configuration.adopting:
        problems.append("an adoption was not finished; fluxhooks adopt finishes it")
    if receiver.live is None:
        problems.append("its first update was not finished")
    elif receiver.authority == "configuration" and wanted != receiver.live:
        problems.append(f"the configuration names generation {wanted}")
    if entry is not None and entry.unverified:
        problems.append("cluster or forge showed otherwise after its last rotation")
    if receiver.repointing:
        problems.append("a repointing was not finished")
    if not receiver.managed and len(receiver.generations) > 1:
        problems.append("its sender may call an older generation; rotate --finish retires it")
    if "forge" not in unasked and receiver.webhook is not None:
        problems += _webhook_problems(receiver, seen)
    if "cluster" not in unasked:
        problems += _cluster_problems(receiver, seen)
    return problems


def _webhook_problems(receiver: DeclaredReceiver, seen: Seen) -> list[str]:
    declared = receiver.webhook
    assert declared is not None  # noqa: S101
    found: Mapping[tuple[str, str], SeenWebhook] = {
        webhook.key: webhook for webhook in seen.webhooks
    }
    webhook = found.get(declared.key)
    if webhook is None:
        return ["the forge has no such webhook"]
    return [
        text
        for holds, text in (
            (webhook.url == declared.url, "the webhook calls another URL"),
            (webhook.active, "the webhook is not active" + webhook.inactive_because),
            (webhook.json, "the webhook does not send JSON"),
        )
        if not holds
    ]


def _cluster_problems(receiver: DeclaredReceiver, seen: Seen) -> list[str]:
    present = {found.key: found for found in seen.objects}
    problems = []
    for number, generation in sorted(receiver.generations.items()):
        found = present.get(("Receiver", generation.namespace, generation.receiver))
        if found is None:
            problems.append(f"the Receiver of generation {number} is not in the cluster")
        elif found.not_ready:
            problems.append(f"the Receiver of generation {number}: {found.not_ready}")
        secret = ("Secret", generation.namespace, generation.secret)
        # One that is made elsewhere is not listed, and the Receiver without it is not Ready.
        if receiver.has_token and generation.secret_is_ours and secret not in present:
            problems.append(f"the Secret of generation {number} is not in the cluster")
    return problems


def _text(at: datetime.datetime | None) -> str | None:
    return None if at is None else at.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
