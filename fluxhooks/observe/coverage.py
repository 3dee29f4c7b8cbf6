"""Which sources a webhook reaches, and what of Receivers and webhooks reaches nothing.

`coverage` decides from listed objects alone. A Receiver's CEL filters are not evaluated: what they
let pass depends on the delivery.
"""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final
from urllib.parse import urlsplit

from fluxhooks.errors import ObservationError
from fluxhooks.flux.hook_path import PREFIX
from fluxhooks.flux.intervals import ENOUGH, IntervalPolicy, Pace
from fluxhooks.flux.targets import APPLIERS, OTHERS
from fluxhooks.observe import reach
from fluxhooks.observe.cluster import ClusterView
from fluxhooks.observe.configuration import Configuration
from fluxhooks.observe.forges import Forges, SeenWebhook
from fluxhooks.observe.listing import Listing, Receiver, Source, Target
from fluxhooks.observe.state import StackState
from fluxhooks.observe.status import Seen, where

GAP: Final = "gap"
WARNING: Final = "warning"

_DAY: Final = 86400.0


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What is asked of sources and Receivers.

    Attributes:
        intervals: how often a source may ask, with a Receiver and without.
        older_than: the age from which a Receiver's Secret is too old; None asks for none.
        cross_namespace: whether a Receiver may reach other namespaces, which it may not where the
            controller runs with ``--no-cross-namespace-refs``.
        ignored: patterns of "Kind/namespace/name"; a source that fits one needs no webhook.
    """

    intervals: IntervalPolicy = field(default_factory=IntervalPolicy)
    older_than: datetime.timedelta | None = None
    cross_namespace: bool = True
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something to mend.

    Attributes:
        severity: "gap", or "warning" for what works and could be better.
        kind: which of the findings, for machines.
        where: the object, as in "GitRepository flux-system/app".
        text: what is the matter.
    """

    severity: str
    kind: str
    where: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A source.

    Attributes:
        state: "covered" by a Receiver that takes deliveries; "uncovered"; "apart", where no
            webhook is missing; "unknown", where something could not be seen.
        receivers: namespace and name of those that reach it and take deliveries.
        idle: of those that reach it and do not.
        why: of one that stands apart.
        rule: where Flux says so.
        requests_a_day: how often it asks the outside by its interval.
    """

    source: Source
    state: str
    receivers: tuple[str, ...] = ()
    idle: tuple[str, ...] = ()
    why: str = ""
    rule: str = ""
    requests_a_day: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What is covered, and what is not.

    Attributes:
        not_served: kinds the cluster does not have.
        unseen: what could not be asked, and why.
    """

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    not_served: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    def of(self, state: str) -> list[Row]:
        """Return the sources with a state."""
        return [row for row in self.rows if row.state == state]

    @property
    def gaps(self) -> list[Finding]:
        """The findings that are no mere warnings."""
        return [finding for finding in self.findings if finding.severity == GAP]

    def as_json(self) -> dict[str, Any]:
        """Return it for machines; holds no secret."""
        return {
            "sources": [
                {
                    "kind": row.source.kind,
                    "namespace": row.source.namespace,
                    "name": row.source.name,
                    "interval": row.source.interval or None,
                    "requests_a_day": round(row.requests_a_day, 1),
                    "state": row.state,
                    "receivers": list(row.receivers),
                    "why": row.why or None,
                    "rule": row.rule or None,
                }
                for row in self.rows
            ],
            "findings": [
                {
                    "severity": finding.severity,
                    "kind": finding.kind,
                    "where": finding.where,
                    "text": finding.text,
                }
                for finding in self.findings
            ],
            "summary": {
                **{state: len(self.of(state)) for state in _STATES},
                "uncovered_requests_a_day": round(
                    sum(row.requests_a_day for row in self.of("uncovered")), 1
                ),
            },
            "not_served": list(self.not_served),
            "unseen": list(self.unseen),
        }


_STATES: Final = ("covered", "uncovered", "apart", "unknown")


@dataclass(frozen=True, kw_only=True)
class StackWebhooks:
    """A stack, and all webhooks of the repositories, projects and groups it has some at."""

    state: StackState
    webhooks: tuple[SeenWebhook, ...]


def stack_webhooks(
    state: StackState, configuration: Configuration, *, cluster: ClusterView, forges: Forges
) -> StackWebhooks:
    """Return a stack with its forges' webhooks, to be held against `cluster`'s Receivers.

    Raises:
        ObservationError: a forge could not be asked, or the stack is another cluster's.
    """
    if configuration.cluster and (uid := cluster.uid()) != configuration.cluster:
        raise ObservationError(
            f"the cluster at hand ({uid}) is not the stack's ({configuration.cluster})"
        )
    seen = Seen()
    seen.look_at_forges(where(state, configuration), forges)
    return StackWebhooks(state=state, webhooks=tuple(seen.webhooks))


def coverage(
    listing: Listing,
    policy: Policy,
    *,
    now: datetime.datetime,
    stack: StackWebhooks | None = None,
    unseen: Iterable[str] = (),
) -> Coverage:
    """Return which of a cluster's sources are reached, and what reaches nothing.

    Args:
        now: what the age of a Secret is counted to.
        stack: whose webhooks are held against the Receivers; none when absent.
        unseen: what else could not be asked.
    """
    reaches = {receiver.key: _reach(receiver, listing, policy) for receiver in listing.receivers}
    reaching: dict[tuple[str, str, str], list[Receiver]] = {}
    for found in reaches.values():
        for key in dict.fromkeys(source.key for source in found.sources):
            reaching.setdefault(key, []).append(found.receiver)
    rows = tuple(
        _row(source, listing, reaching.get(source.key, []), policy) for source in listing.sources
    )
    findings = [
        *(finding for row in rows for finding in _source_findings(row, policy)),
        *(
            finding
            for receiver in listing.receivers
            for finding in _receiver_findings(receiver, reaches[receiver.key], policy, now)
        ),
        *(_webhook_findings(listing, stack) if stack and "Receiver" not in listing.unseen else ()),
    ]
    return Coverage(
        rows=rows,
        # What is broken first; the order of the objects within.
        findings=tuple(sorted(findings, key=lambda finding: finding.severity != GAP)),
        not_served=tuple(sorted(listing.not_served)),
        unseen=(*listing.unseen.values(), *unseen),
    )


# Receivers


@dataclass
class _Reach:
    """What a Receiver's targets come to."""

    receiver: Receiver
    sources: list[Source] = field(default_factory=list)
    appliers: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unknown: bool = False


def _reach(receiver: Receiver, listing: Listing, policy: Policy) -> _Reach:
    found = _Reach(receiver)
    for target in receiver.targets:
        named = f"{target.kind} {target.namespace or receiver.namespace}/{target.name}"
        if refusal := reach.refusal(
            target, receiver.namespace, cross_namespace=policy.cross_namespace
        ):
            found.problems.append(f"{refusal.text} (deliveries are answered 500)")
        elif target.kind in APPLIERS:
            found.appliers.append(named)
        elif target.kind in OTHERS:
            found.others.append(named)
        elif target.kind in listing.unseen:
            found.unknown = True
        elif reached := reach.reached(target, receiver.namespace, listing.sources):
            found.sources += reached
        else:
            found.problems.append(_missing(target, receiver, listing))
    return found


def _missing(target: Target, receiver: Receiver, listing: Listing) -> str:
    namespace = target.namespace or receiver.namespace
    elsewhere = reach.other_namespaces(target, receiver.namespace, listing.sources)
    if target.name == "*":
        labels = ",".join(f"{key}={value}" for key, value in (target.labels or {}).items())
        hint = f"; the namespace {elsewhere[0]} has some" if elsewhere else ""
        return (
            f"no {target.kind} in {namespace} has the labels {labels}{hint} (deliveries are "
            "answered 200 all the same)"
        )
    hint = ""
    if other := reach.of_other_kind(target, receiver.namespace, listing.sources):
        hint = f"; {other} is there"
    elif elsewhere:
        hint = f"; there is one in the namespace {elsewhere[0]}"
    elif target.kind in listing.not_served:
        hint = ", nor does the cluster have that kind"
    return f"there is no {target.kind} {namespace}/{target.name}{hint} (answered 500)"


def _receiver_findings(
    receiver: Receiver, reached: _Reach, policy: Policy, now: datetime.datetime
) -> Iterator[Finding]:
    def found(kind: str, text: str, severity: str = GAP) -> Finding:
        return Finding(severity=severity, kind=kind, where=str(receiver), text=text)

    if receiver.suspended:
        yield found("suspended", "is suspended: it takes no delivery")
    elif receiver.not_ready:
        yield found("not-ready", f"takes no delivery: {receiver.not_ready}")
    useless = [*reached.appliers, *reached.others]
    if reached.problems:
        lost = (
            "reaches nothing"
            if not (reached.sources or useless or reached.unknown)
            else "misses a target"
        )
        yield found("misses-target", f"{lost}: {'; '.join(reached.problems)}")
    if useless and not (reached.sources or reached.unknown):
        yield found("applier", f"reaches no source, only {_listed(useless)}{_FOLLOWS}")
    elif useless:
        yield found("applier", f"reaches {_listed(useless)} besides{_FOLLOWS}", WARNING)
    made = receiver.secret_created_at
    if policy.older_than and made and now - made >= policy.older_than:
        yield found("old-secret", f"its Secret is {(now - made).days} days old")


_FOLLOWS: Final = ", which connects to nothing outside the cluster: name the source instead"


# Sources


def _row(source: Source, listing: Listing, reaching: list[Receiver], policy: Policy) -> Row:
    serving = tuple("/".join(r.key) for r in reaching if r.serves)
    state, (why, rule) = "covered", _apart(source, listing, policy)
    if why and (not serving or not _fetches(source)):
        state = "apart"
    elif not serving:
        # A chart is judged by its repository.
        unsure = "Receiver" in listing.unseen or source.chart_of[0] in listing.unseen
        state = "unknown" if unsure else "uncovered"
    asks = _fetches(source) and not source.suspended and not _followed(source, listing)
    return Row(
        source=source,
        state=state,
        receivers=serving,
        idle=tuple("/".join(r.key) for r in reaching if not r.serves),
        why=why if state == "apart" else "",
        rule=rule if state == "apart" else "",
        requests_a_day=_DAY / source.seconds if asks and source.seconds else 0.0,
    )


def _fetches(source: Source) -> bool:
    return not (source.kind == "HelmRepository" and source.type == "oci")


def _apart(source: Source, listing: Listing, policy: Policy) -> tuple[str, str]:
    """Return why no webhook is missing for a source, and where Flux says so; else "" twice."""
    if not _fetches(source):
        return (
            "is of the type oci: it holds an address, and nothing is fetched",
            "source-controller internal/controller/helmrepository_controller.go, migrationToStatic",
        )
    if followed := _followed(source, listing):
        return (
            f"follows {followed} inside the cluster",
            "source-controller internal/controller/helmchart_controller.go, SetupWithManager",
        )
    if source.suspended:
        return "is suspended: nothing is fetched", "source.toolkit.fluxcd.io/v1, spec.suspend"
    if source.pinned:
        return (
            f"is pinned to a {source.pinned}: nothing outside changes what it fetches",
            f"source.toolkit.fluxcd.io/v1, spec.ref.{source.pinned}",
        )
    if source.kind == "Bucket" and source.provider == "generic":
        return (
            "is known by the S3 API alone, which has no events, and no Receiver type is a bucket's",
            "source-controller api/v1/bucket_types.go, notification-controller "
            "api/v1/receiver_types.go",
        )
    if any(fnmatchcase("/".join(source.key), pattern) for pattern in policy.ignored):
        return "is ignored as asked", ""
    return "", ""


def _followed(chart: Source, listing: Listing) -> str:
    kind, name = chart.chart_of
    if chart.kind != "HelmChart":
        return ""
    if kind in listing.unseen:
        return "" if kind == "HelmRepository" else f"{kind} {chart.namespace}/{name}"
    for source in listing.sources:
        if source.key == (kind, chart.namespace, name) and not _fetches(source):
            # Nothing watches the registry for it: it asks for itself.
            return ""
    return f"{kind} {chart.namespace}/{name}"


def _source_findings(row: Row, policy: Policy) -> Iterator[Finding]:
    source = row.source
    pace = policy.intervals.pace(source.seconds, beside=row.state == "covered")

    def found(kind: str, text: str, severity: str = WARNING) -> Finding:
        return Finding(severity=severity, kind=kind, where=str(source), text=text)

    if row.state == "uncovered":
        reached = (
            f"only {_listed(row.idle)} reaches it, which takes no delivery"
            if row.idle
            else "no Receiver reaches it"
        )
        asks = f"{reached}; it asks {row.requests_a_day:,.0f} times a day"
        yield found("uncovered", asks, GAP)
        if pace is Pace.TOO_SELDOM:
            yield found(
                "interval", f"without a webhook, its interval {source.interval} is how late it is"
            )
    if row.state != "covered" or not row.requests_a_day:
        return
    if pace is Pace.TOO_OFTEN:
        yield found(
            "interval",
            f"asks every {source.interval} beside {_listed(row.receivers)}, which buys nothing; "
            f"{ENOUGH} is enough",
        )
    elif pace is Pace.TOO_SELDOM:
        yield found(
            "interval",
            f"asks every {source.interval} only: a webhook that fails is not made up for before",
        )


# Webhooks


def _webhook_findings(listing: Listing, stack: StackWebhooks) -> Iterator[Finding]:
    state = stack.state
    hosts = {_host(declared.host) for declared in state.webhooks} - {""}
    served = {receiver.path for receiver in listing.receivers if receiver.path}
    called = set()
    for webhook in stack.webhooks:
        path, where = _request(webhook.url), f"webhook {webhook.scope.name}/{webhook.id}"
        if webhook.active:
            called.add(path)
        ours = webhook.key in state.hook_keys
        if not ours and not (_host(webhook.host) in hosts and path.startswith(PREFIX)):
            continue
        if path not in served:
            text = "calls a path that no Receiver serves: it is answered 404"
            yield Finding(severity=GAP, kind="unreceived", where=where, text=text)
        elif not webhook.active:
            text = "is not active" + webhook.inactive_because
            yield Finding(severity=GAP, kind="inactive", where=where, text=text)
    receivers = {receiver.key: receiver for receiver in listing.receivers}
    for declared in state.receivers.values():
        live = declared.generations.get(declared.live or 0)
        found = receivers.get((live.namespace, live.receiver)) if live else None
        if declared.managed and found and found.path and found.path not in called:
            text = "no active webhook of the stack calls it"
            yield Finding(severity=GAP, kind="uncalled", where=str(found), text=text)


def _request(url: str) -> str:
    # What the controller compares: a query or a slash at the end misses.
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _host(host: str) -> str:
    return host.lower().removesuffix(":443")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
