"""What forges have: the webhooks of each scope, and what became of their deliveries.

As few requests as there can be: a list for each repository, project or group, one page of the log
for each webhook that is somebody's, one for each branch that a source of the cluster follows, and
single deliveries only where one failed, or a user's filter is to be tried on one.
"""

import dataclasses
import datetime
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from fluxhooks.errors import ObservationError
from fluxhooks.flux.resource_filter import with_probe
from fluxhooks.observe.doctor import calling, conditions, deliveries, followed
from fluxhooks.observe.doctor.evidence import ClusterEvidence, FluxObject, ForgeEvidence
from fluxhooks.observe.doctor.settings import Settings
from fluxhooks.observe.doctor.subjects import Subject
from fluxhooks.observe.forges import Delivery, Forge, Forges, Head, SeenWebhook
from fluxhooks.observe.state import DeclaredWebhook, Scope

_AT_ONCE: Final = 8

# GitHub takes 900 requests a minute: "Rate limits for the REST API", secondary limits. Those of
# less than half a minute need no pace.
_UNPACED: Final = 400
_PACE_SECONDS: Final = 60 / 900

# The log and the branch are asked one after the other, and GitHub tells whole seconds.
_SLACK: Final = datetime.timedelta(seconds=5)

# So many pushes are looked at for the one that told of a branch's newest commit.
_LOOKED_AT: Final = 3

_T = TypeVar("_T")


def gather(
    subjects: Sequence[Subject],
    forges: Forges,
    *,
    cluster: ClusterEvidence | None,
    settings: Settings,
) -> Mapping[str, ForgeEvidence]:
    """Return what the forge has for each subject that has a scope, by the subject's name.

    A forge that has an outage, or is asked too often, is left in peace after its first refusal.
    """
    asked = [subject for subject in subjects if subject.scope is not None]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        looking = _Looking(asked, forges, cluster, threads)
        looking.at_webhooks()
        looking.choose()
        looking.at_deliveries()
        return {subject.name: looking.evidence(subject) for subject in asked}


class _Looking:
    """What was seen so far, and what could not be."""

    def __init__(
        self,
        subjects: Sequence[Subject],
        forges: Forges,
        cluster: ClusterEvidence | None,
        threads: ThreadPoolExecutor,
    ) -> None:
        self._subjects = subjects
        self._cluster = cluster
        self._threads = threads
        self._addresses: dict[Scope, DeclaredWebhook] = {}
        for subject in subjects:
            declared = subject.declared.webhook if subject.declared else None
            scope = _scope(subject)
            # The first ones are those of which the state knows more.
            if scope not in self._addresses or (declared and declared.api_url):
                self._addresses[scope] = declared or DeclaredWebhook(scope=scope, id="")
        self._asking = _Asking(forges, self._addresses.values(), requests=3 * len(subjects))
        self._webhooks: dict[Scope, list[SeenWebhook]] = {}
        self._unseen: dict[Scope, str] = {}
        self._hidden: dict[Scope, list[str]] = {}
        self._chosen: dict[str, SeenWebhook] = {}
        self._strays: dict[str, list[SeenWebhook]] = {}
        self._logs: dict[tuple[str, str], list[Delivery]] = {}
        self._unseen_logs: dict[tuple[str, str], str] = {}
        self._heads: dict[tuple[Scope, str], Head] = {}
        self._pathless: list[tuple[FluxObject, list[FluxObject]]] | None = None

    # Webhooks

    def at_webhooks(self) -> None:
        """List those of each scope."""
        self._list(self._addresses)

    def _list(self, scopes: Iterable[Scope]) -> None:
        names = [s for s in scopes if s not in self._webhooks and s not in self._unseen]
        for scope, (found, why) in zip(names, self._threads.map(self._listed, names), strict=True):
            if why:
                self._unseen[scope] = why
            else:
                self._webhooks[scope] = found or []

    def _listed(self, scope: Scope) -> tuple[list[SeenWebhook] | None, str]:
        address = self._addresses.get(scope, DeclaredWebhook(scope=scope, id=""))
        return self._asking.ask(address, lambda forge: forge.webhooks(address))

    # Whose they are

    def choose(self) -> None:
        """Tell which webhook is whose: also those of what is above a repository or project."""
        for subject in self._subjects:
            self._choose(subject, self._webhooks.get(_scope(subject), []))
        without = [
            subject
            for subject in self._subjects
            if subject.name not in self._chosen and _scope(subject) in self._webhooks
        ]
        above = {subject.name: _above(self._address(subject)) for subject in without}
        self._list(dict.fromkeys(scope for scopes in above.values() for scope in scopes))
        for subject in without:
            for scope in above[subject.name]:
                if scope in self._unseen:
                    self._hidden.setdefault(_scope(subject), []).append(scope.name)
                elif subject.name not in self._chosen:
                    self._choose(subject, self._webhooks[scope])
        self._choose_stale([s for s in without if s.name not in self._chosen])

    def _choose(self, subject: Subject, webhooks: Sequence[SeenWebhook]) -> None:
        declared = subject.declared.webhook if subject.declared else None
        found = calling.chosen(
            webhooks,
            live=calling.live_paths(subject.receiver, subject.declared, self._cluster),
            others=calling.other_paths(
                subject.receiver, subject.older, subject.declared, self._cluster
            ),
            declared_id=declared.id if declared else "",
        )
        if found is not None:
            self._chosen[subject.name] = found

    def _choose_stale(self, subjects: Iterable[Subject]) -> None:
        """Give Receivers that nothing calls what calls their host on paths that none serves."""
        served = calling.served(self._cluster)
        if served is None:
            return
        theirs = {webhook.key for webhook in self._chosen.values()}
        everywhere = [webhook for found in self._webhooks.values() for webhook in found]
        known = {calling.host(w) for w in everywhere if calling.exactly(w, served)}
        known |= {calling.same_host(subject.host) for subject in self._subjects} - {""}
        anywhere = not known
        loose: dict[Scope, list[SeenWebhook]] = {}
        for scope, found in self._webhooks.items():
            loose[scope] = [
                webhook
                for webhook in found
                if webhook.key not in theirs
                and (anywhere or calling.host(webhook) in known)
                and calling.like_flux(webhook)
                and not calling.nearly(webhook, served)
            ]
        for subject in subjects:
            mine = [
                webhook
                for webhook in loose.get(_scope(subject), ())
                if not subject.host or calling.host(webhook) == calling.same_host(subject.host)
            ]
            if self._without_path(_scope(subject)) - {subject.receiver}:
                # It may be theirs, to be called again when they have a path.
                continue
            # Where nobody says which host is ours, one alone is likely to be meant for us.
            if subject.managed and (len(mine) == 1 or (mine and not anywhere)):
                self._chosen[subject.name] = mine[0]
                loose[_scope(subject)].remove(mine[0])
        for subject in self._subjects if not anywhere else ():
            # Each is told once, at the first chain of its scope that has a webhook.
            if subject.name in self._chosen and not self._without_path(_scope(subject)):
                of_chain = loose.get(self._chosen[subject.name].scope, [])
                self._strays[subject.name] = [webhook for webhook in of_chain if webhook.active]
                of_chain.clear()

    def _without_path(self, scope: Scope) -> set[tuple[str, str]]:
        """Return the Receivers of a scope's sources that serve no path now."""
        cluster = self._cluster
        if cluster is None:
            return set()
        if self._pathless is None:
            self._pathless = [
                (receiver, followed.repositories(receiver, cluster))
                for receiver in cluster.of("Receiver")
                if not receiver.status.get("webhookPath")
            ]
        return {
            (receiver.namespace, receiver.name)
            for receiver, sources in self._pathless
            if any(followed.is_in(source, scope) for source in sources)
        }

    # Deliveries

    def at_deliveries(self) -> None:
        """Gather the logs, the branches, and the deliveries that are needed in full."""
        chosen = list({webhook.key: webhook for webhook in self._chosen.values()}.values())
        branches = dict(self._followed())
        logs = self._threads.map(self._log, chosen)
        heads = self._threads.map(lambda item: self._head(*item), branches.items())
        for webhook, (log, why) in zip(chosen, logs, strict=True):
            self._logs[webhook.key] = log or []
            if why:
                self._unseen_logs[webhook.key] = why
        for place, head in zip(branches, heads, strict=True):
            if head is not None:
                self._heads[place] = head
        wanted = [
            (webhook, delivery)
            for webhook in chosen
            for delivery in self._needed(webhook, self._logs[webhook.key])
        ]
        full = self._threads.map(lambda item: self._in_full(*item), wanted)
        known = {
            (webhook.key, found.id): found
            for (webhook, _), found in zip(wanted, full, strict=True)
            if found is not None
        }
        for key, log in self._logs.items():
            self._logs[key] = [known.get((key, each.id)) or _lean(each) for each in log]

    def _log(self, webhook: SeenWebhook) -> tuple[list[Delivery] | None, str]:
        at = self._at(webhook)
        return self._asking.ask(at, lambda forge: forge.deliveries(at))

    def _in_full(self, webhook: SeenWebhook, delivery: Delivery) -> Delivery | None:
        at = self._at(webhook)
        return self._asking.ask(at, lambda forge: forge.delivery(at, delivery))[0]

    def _head(self, place: tuple[Scope, str], known: str) -> Head | None:
        scope, branch = place
        at = self._addresses[scope]
        return self._asking.ask(at, lambda forge: forge.head(at, branch, known=known))[0]

    def _followed(self) -> Iterable[tuple[tuple[Scope, str], str]]:
        """Return the branches that sources follow, and the commit each has of it."""
        for subject in self._subjects:
            if subject.name in self._chosen:
                for source in self._sources(subject):
                    branch, commit = followed.branch(source), followed.commit(source)
                    if branch and commit and _scope(subject).kind in ("project", "repository"):
                        yield (_scope(subject), branch), commit

    def _needed(self, webhook: SeenWebhook, log: Sequence[Delivery]) -> list[Delivery]:
        """Return the deliveries of which it matters what was sent."""
        needed: dict[str, Delivery] = {}
        for subject in self._subjects:
            if self._chosen.get(subject.name) != webhook:
                continue
            receiver = self._receiver(subject)
            events = receiver.spec.get("events") if receiver else None
            taken = deliveries.taken(log, events or ())
            if taken and not taken[0].ok:
                needed[taken[0].id] = taken[0]
            if receiver is not None and _filters(receiver):
                needed |= {each.id: each for each in taken if each.ok and len(needed) < _LOOKED_AT}
            for source in self._sources(subject):
                # Pushes that brought it nothing: to which branch?
                past = [each for each in taken if each.ok and _is_newer(each, source)]
                needed |= {each.id: each for each in past[:_LOOKED_AT] if len(past) > 1}
                head = self._heads.get((_scope(subject), followed.branch(source)))
                if head and head.pushed_at and head.commit != followed.commit(source):
                    since = [
                        each
                        for each in log
                        if each.event in _PUSHES and each.at >= head.pushed_at - _SLACK
                    ]
                    # The oldest is the likeliest.
                    needed |= {each.id: each for each in since[-_LOOKED_AT:]}
        return list(needed.values())

    # What came of it

    def evidence(self, subject: Subject) -> ForgeEvidence:
        """Return what was seen of a subject."""
        scope = _scope(subject)
        webhook = self._chosen.get(subject.name)
        key = webhook.key if webhook else ("", "")
        heads = {branch: head for (place, branch), head in self._heads.items() if place == scope}
        return ForgeEvidence(
            scope=scope,
            webhook=webhook,
            webhooks=tuple(self._webhooks.get(webhook.scope if webhook else scope, ())),
            strays=tuple(self._strays.get(subject.name, ())),
            hidden=tuple(self._hidden.get(scope, ())),
            deliveries=tuple(self._logs.get(key, ())),
            heads={branch: head.commit for branch, head in heads.items()},
            pushed={branch: head for branch, head in heads.items() if head.pushed_at},
            unseen=self._unseen.get(scope, ""),
            unseen_log=self._unseen_logs.get(key, ""),
        )

    def _address(self, subject: Subject) -> DeclaredWebhook:
        return self._addresses[_scope(subject)]

    def _at(self, webhook: SeenWebhook) -> DeclaredWebhook:
        place = self._addresses.get(webhook.scope, DeclaredWebhook(scope=webhook.scope, id=""))
        return dataclasses.replace(place, id=webhook.id)

    def _receiver(self, subject: Subject) -> FluxObject | None:
        if self._cluster is None:
            return None
        return self._cluster.objects.get(("Receiver", *subject.receiver))

    def _sources(self, subject: Subject) -> list[FluxObject]:
        receiver = self._receiver(subject)
        if receiver is None or self._cluster is None:
            return []
        return followed.in_scope(followed.repositories(receiver, self._cluster), _scope(subject))


class _Asking:
    """Asks forges, at a pace they take, and none again that would not answer now."""

    def __init__(
        self, forges: Forges, addresses: Iterable[DeclaredWebhook], *, requests: int
    ) -> None:
        self._forges: dict[str, Forge] = {}
        self._refused: dict[str, str] = {}
        self._paced = requests > _UNPACED
        self._turn = threading.Lock()
        self._next = 0.0
        # One after the other: what connects is not made for threads.
        for address in {each.scope.site: each for each in addresses}.values():
            try:
                self._forges[address.scope.site] = forges.of(address)
            except ObservationError as error:
                self._refused[address.scope.site] = str(error)

    def ask(self, at: DeclaredWebhook, question: Callable[[Forge], _T]) -> tuple[_T | None, str]:
        """Return the answer, or None and why there is none."""
        name = at.scope.site
        if name in self._refused:
            return None, self._refused[name]
        forge = self._forges[name]
        # A server of one's own that sets no limit says nothing of one.
        if self._paced and name == "github" and forge.requests_left is not None:
            self._wait()
        try:
            return question(forge), ""
        except ObservationError as error:
            if error.passing:
                self._refused.setdefault(name, str(error))
            return None, str(error)

    def _wait(self) -> None:
        with self._turn:
            now = time.monotonic()
            self._next = max(now, self._next + _PACE_SECONDS)
            pause = self._next - now
        time.sleep(pause)


_PUSHES: Final = ("push", "Push Hook")


def _scope(subject: Subject) -> Scope:
    assert subject.scope is not None  # noqa: S101
    return subject.scope


def _above(at: DeclaredWebhook) -> list[Scope]:
    """Return what has webhooks for a repository or project besides itself, the nearest first."""
    parts = at.scope.name.split("/")[:-1]
    if at.scope.kind == "repository":
        forge, server = at.scope.forge, at.scope.server
        return [Scope(forge, "organization", parts[0], server)] if parts else []
    if at.scope.kind == "project":
        return [Scope("gitlab", "group", "/".join(parts[:n])) for n in range(len(parts), 0, -1)]
    return []


def _is_newer(delivery: Delivery, source: FluxObject) -> bool:
    """Return whether a push was told after a source last had something new."""
    updated = conditions.time((source.status.get("artifact") or {}).get("lastUpdateTime"))
    return delivery.event in _PUSHES and updated is not None and delivery.at > updated


def _filters(receiver: FluxObject) -> bool:
    """Return whether a user's own filter decides what a delivery reaches."""
    targets = receiver.spec.get("resources") or ()
    if any(target.get("filter") for target in targets):
        return True
    return (receiver.spec.get("resourceFilter") or with_probe(None)) != with_probe(None)


def _lean(delivery: Delivery) -> Delivery:
    """Return a delivery without what is only large."""
    return dataclasses.replace(delivery, payload=None, headers={})
