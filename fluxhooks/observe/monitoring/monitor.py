"""The monitor: public URLs are asked often, stack, cluster and forges seldom; all is kept."""

import contextlib
import dataclasses
import logging
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from fluxhooks.errors import FluxhooksError, ObservationError
from fluxhooks.observe.cluster import ClusterView
from fluxhooks.observe.doctor import gather_cluster, gather_public, subjects
from fluxhooks.observe.doctor.doctor import Looked, look
from fluxhooks.observe.doctor.evidence import ClusterEvidence, ForgeEvidence, PublicEvidence
from fluxhooks.observe.doctor.faults import Link
from fluxhooks.observe.doctor.settings import Settings
from fluxhooks.observe.doctor.subjects import OfCluster, OfStack, Subject
from fluxhooks.observe.doctor.walk import walk
from fluxhooks.observe.monitoring import rhythm
from fluxhooks.observe.monitoring.known import (
    Facts,
    ForgeLimits,
    Known,
    Look,
    Source,
    facts_of,
    probe_of,
    replies_of,
)
from fluxhooks.observe.monitoring.patience import Patience, PatientForges
from fluxhooks.observe.state import ProviderSettings

if TYPE_CHECKING:
    import httpx

PROBE: Final = "probe"
DOCTOR: Final = "doctor"

STACK: Final = "stack"
CLUSTER: Final = "cluster"

_AT_THE_FORGE: Final = frozenset({Link.WEBHOOK, Link.DELIVERY})

# What cannot be read anew while a URL is down is tried again after so long, then less often.
_READ_AGAIN: Final = 30.0

# Every request ends by itself long before that.
_STUCK: Final = 1800.0

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is monitored.

    Attributes:
        due: when a WebhookReceiver's next rotation is, in seconds since 1970, by its name.
    """

    chains: OfStack | OfCluster
    due: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Targets:
    """What public URLs are made of, as it was last seen."""

    subjects: tuple[Subject, ...] = ()
    cluster: ClusterEvidence | None = None
    forge: Mapping[str, ForgeEvidence] = field(default_factory=dict)


class Monitor:
    """Looks, and keeps what it saw; `known` may be asked from any thread.

    Args:
        wanted: what is monitored.
        read: reads that anew, before each of the doctor's looks but the first.
        connect: connects to the cluster, anew for each look: credentials change.
        forges: None where no forge is to be asked.
        settings: how it is looked; whatever is under way is left after ``settings.limit``.
        certificates: the authorities to trust at public URLs; those of ``SSL_CERT_FILE``, else
            Mozilla's, when absent.
        transport: what carries the requests to public URLs; the network when absent.
        version: the program's.
        say: is told what cannot be seen, once, and when it can again.
    """

    def __init__(
        self,
        wanted: Wanted,
        *,
        read: Callable[[], Wanted],
        connect: Callable[[], ClusterView],
        forges: PatientForges | None,
        settings: Settings | None = None,
        certificates: ssl.SSLContext | None = None,
        transport: "httpx.AsyncBaseTransport | None" = None,
        version: str = "",
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._wanted = wanted
        self._read = read
        self._was_read = True
        self._connect = connect
        self._forges = forges
        self._settings = settings or Settings()
        self._certificates = certificates
        self._transport = transport
        self._say = say
        self._lock = threading.Lock()
        self._targets: _Targets | None = None
        self._known = Known(version=version)
        self._note_stack()
        self._answers: Counter[tuple[str, int]] = Counter()
        self._looks: Counter[tuple[str, str]] = Counter()
        self._problems: dict[str, tuple[str, ...]] = {}
        self._under_way: dict[str, float] = {}
        self._believed: set[str] = set()
        self._reading = Patience(_READ_AGAIN, longest=_READ_AGAIN * 10)

    # What it knows

    def known(self) -> Known:
        """Return all that is known now."""
        guards = self._forges.guards() if self._forges else {}
        with self._lock:
            return dataclasses.replace(
                self._known,
                answers=dict(self._answers),
                looks=dict(self._looks),
                sources={
                    **self._known.sources,
                    **{
                        name: Source(up=guard.up, seen_at=guard.answered_at)
                        for name, guard in guards.items()
                    },
                },
                forges={
                    name: ForgeLimits(
                        requests_left=guard.requests_left, left_alone_until=guard.left_alone_until
                    )
                    for name, guard in guards.items()
                },
            )

    @property
    def ready(self) -> bool:
        """Whether a look of each kind has ended and saw something."""
        with self._lock:
            return {PROBE, DOCTOR} <= {name for name, outcome in self._looks if outcome != "failed"}

    @property
    def alive(self) -> bool:
        """Whether no look has been under way for so long that it will not end."""
        now = time.monotonic()
        return all(now - began < _STUCK for began in list(self._under_way.values()))

    # What it does

    def run(self, stop: threading.Event, *, every: float, doctor_every: float) -> None:
        """Look in both rhythms until `stop` is set; what is under way then is left.

        Args:
            every: seconds between two looks at public URLs.
            doctor_every: seconds between two of the doctor's.
        """
        for look_, seconds in ((self.diagnose, doctor_every), (self.probe, every)):
            threading.Thread(target=rhythm.repeat, args=(look_, seconds, stop), daemon=True).start()
        stop.wait()

    def probe(self) -> None:
        """Ask all public URLs once."""
        with self._looking(PROBE) as problems:
            targets = self._targets or self._targets_again()
            found, unseen = self._ask(targets, targets.subjects)
            if doubted := self._doubted(found):
                # A rotation leads elsewhere; what is asked for must be what there is now.
                with contextlib.suppress(FluxhooksError):
                    targets = self._targets_again()
                    changed = [each for each in targets.subjects if each.name in doubted]
                    more, still_unseen = self._ask(targets, changed)
                    found, unseen = found | more, unseen | still_unseen
                    self._believed |= doubted & _down(more)
            problems += [f"{name}: {why}" for name, why in unseen.items()]
            self._keep_probes(targets.subjects, found)

    def diagnose(self) -> None:
        """Look at all chains from the webhook to the cluster once."""
        with self._looking(DOCTOR) as problems:
            wanted = self._wanted if self._was_read else self._read_wanted(problems)
            self._was_read = False
            try:
                with self._connecting() as connect:
                    looked = look(
                        wanted.chains,
                        cluster=connect,
                        forges=self._forges,
                        settings=self._settings,
                        certificates=self._certificates,
                        transport=self._transport,
                    )
                    if any(each.cluster for each in looked.evidence):
                        problems += self._look_at_alerts(connect(), wanted.chains)
            except ObservationError:
                self._note_source(CLUSTER, up=False)
                raise
            problems += looked.unseen
            if looked.evidence:
                self._note_source(CLUSTER, up=looked.evidence[0].cluster is not None)
            self._keep(looked, wanted)

    def _look_at_alerts(self, view: ClusterView, chains: OfStack | OfCluster) -> list[str]:
        """Keep which Alerts could not be sent, and return why that is not seen."""
        namespace = chains.namespace if isinstance(chains, OfCluster) else "*"
        status, failed = view.failed_dispatches(namespace)
        with self._lock:
            self._known = dataclasses.replace(self._known, undelivered=failed)
        return ["the cluster refused the events: 403 Forbidden"] if status == 403 else []

    @contextlib.contextmanager
    def _looking(self, name: str) -> Iterator[list[str]]:
        """Keep how a look went; what went wrong in it ends it, and nothing else."""
        self._under_way[name] = began = time.monotonic()
        problems: list[str] = []
        outcome = "failed"
        try:
            yield problems
            outcome = "partial" if problems else "ok"
        except FluxhooksError as error:
            problems.append(str(error))
        except Exception as error:
            _LOG.exception("a look failed")
            problems.append(f"it failed: {type(error).__name__}")
        del self._under_way[name]
        took = time.monotonic() - began
        with self._lock:
            self._looks[name, outcome] += 1
            ended = Look(at=time.time(), seconds=took, ok=outcome == "ok")
            self._known = dataclasses.replace(self._known, last={**self._known.last, name: ended})
        self._tell(name, tuple(problems))

    def _tell(self, name: str, problems: tuple[str, ...]) -> None:
        before = self._problems.get(name, ())
        self._problems[name] = problems
        for problem in problems:
            if problem not in before:
                self._say(f"{name}: {problem}")
        if before and not problems:
            self._say(f"{name}: all is seen again")

    # What is looked at

    def _read_wanted(self, problems: list[str]) -> Wanted:
        try:
            self._read_anew()
        except FluxhooksError as error:
            problems.append(str(error))
        return self._wanted

    def _read_anew(self) -> None:
        try:
            self._wanted = self._read()
        except FluxhooksError:
            self._note_source(STACK, up=False)
            raise
        self._note_stack()

    def _note_stack(self) -> None:
        if isinstance(self._wanted.chains, OfStack):
            self._note_source(STACK, up=True)

    def _targets_again(self) -> _Targets:
        """Read anew what public URLs are made of, less often the longer that fails.

        Raises:
            FluxhooksError: it cannot be read, or could not a moment ago.
        """
        began = time.time()
        if began < self._reading.until:
            raise ObservationError("stack or cluster could not be read, and are tried again later")
        try:
            self._targets = self._read_targets(self._targets)
        except FluxhooksError:
            self._reading.failed(time.time(), began=began)
            raise
        self._reading.worked(began=began)
        return self._targets

    def _read_targets(self, before: _Targets | None) -> _Targets:
        """Read it without asking a forge."""
        if before is not None:
            # At the start it was just read.
            self._read_anew()
        before = before or _Targets()
        chains = self._wanted.chains
        if isinstance(chains, OfStack):
            return dataclasses.replace(before, subjects=tuple(subjects.of_stack(chains)))
        try:
            with self._connecting() as connect:
                cluster = gather_cluster.gather(connect(), namespace=chains.namespace)
        except ObservationError:
            self._note_source(CLUSTER, up=False)
            raise
        self._note_source(CLUSTER, up=True)
        providers = self._forges.providers if self._forges else ProviderSettings()
        known = {each.name for each in before.subjects}
        found = _one_each(subjects.of_cluster(chains, cluster, providers), known)
        return dataclasses.replace(before, subjects=found, cluster=cluster)

    @contextlib.contextmanager
    def _connecting(self) -> Iterator[Callable[[], ClusterView]]:
        views: list[ClusterView] = []

        def connect() -> ClusterView:
            views.append(self._connect())
            return views[-1]

        try:
            yield connect
        finally:
            for view in views:
                view.client.close()

    def _ask(
        self, targets: _Targets, asked: Iterable[Subject]
    ) -> tuple[dict[str, PublicEvidence], dict[str, str]]:
        found, unseen = gather_public.gather(
            tuple(asked),
            cluster=targets.cluster,
            forge=targets.forge,
            settings=self._settings,
            certificates=self._certificates,
            transport=self._transport,
        )
        self._count(found.values())
        return found, unseen

    # What is kept

    def _doubted(self, found: Mapping[str, PublicEvidence]) -> set[str]:
        """Return what is down by what was read before it fell."""
        down = _down(found)
        self._believed &= down
        return down - self._believed

    def _keep_probes(self, asked: Iterable[Subject], found: Mapping[str, PublicEvidence]) -> None:
        now = time.time()
        probes = {each.name: probe_of(found.get(each.name), at=now) for each in asked}
        with self._lock:
            self._known = dataclasses.replace(self._known, probes=probes)

    def _count(self, found: Iterable[PublicEvidence]) -> None:
        # The answer of a host is that of all its chains.
        answers = {
            id(reply): (request, reply.status or 0)
            for public in found
            for request, reply in replies_of(public).items()
        }
        with self._lock:
            self._answers.update(answers.values())

    def _keep(self, looked: Looked, wanted: Wanted) -> None:
        chosen = frozenset() if self._forges else _AT_THE_FORGE
        before = self._known.chains
        facts: dict[str, Facts] = {}
        known = self._targets or _Targets()
        forge = dict[str, ForgeEvidence]()
        for evidence in looked.evidence:
            name = evidence.name
            seen = facts_of(evidence, walk(evidence), due_at=wanted.due.get(name))
            facts[name] = seen.after(before.get(name), chosen=chosen)
            if evidence.forge and not evidence.forge.unseen:
                forge[name] = evidence.forge
            elif name in known.forge:
                forge[name] = known.forge[name]
        cluster = next((each.cluster for each in looked.evidence if each.cluster), None)
        self._targets = _Targets(
            subjects=looked.subjects, cluster=cluster or known.cluster, forge=forge
        )
        self._count(each.public for each in looked.evidence if each.public)
        with self._lock:
            self._known = dataclasses.replace(self._known, chains=facts)

    def _note_source(self, name: str, *, up: bool) -> None:
        with self._lock:
            before = self._known.sources.get(name)
            seen_at = time.time() if up else before.seen_at if before else None
            self._known = dataclasses.replace(
                self._known,
                sources={**self._known.sources, name: Source(up=up, seen_at=seen_at)},
            )


def _down(found: Mapping[str, PublicEvidence]) -> set[str]:
    return {name for name, public in found.items() if probe_of(public, at=0).up is False}


def _one_each(found: Iterable[Subject], known: set[str]) -> tuple[Subject, ...]:
    """Return one subject for each Receiver, of several that which is known."""
    by_receiver: dict[tuple[str, str], Subject] = {}
    for subject in found:
        if subject.name in known or subject.receiver not in by_receiver:
            by_receiver[subject.receiver] = subject
    return tuple(by_receiver.values())
