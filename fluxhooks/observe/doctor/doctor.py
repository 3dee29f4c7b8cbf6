"""The diagnosis: all that can be seen is gathered, then each chain is judged link by link."""

import dataclasses
import datetime
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fluxhooks.errors import ObservationError
from fluxhooks.observe.cluster import ClusterView
from fluxhooks.observe.doctor import gather_cluster, gather_forge, gather_public
from fluxhooks.observe.doctor.diagnosis import Diagnosis
from fluxhooks.observe.doctor.evidence import (
    ClusterEvidence,
    Evidence,
    ForgeEvidence,
    PublicEvidence,
)
from fluxhooks.observe.doctor.faults import Link
from fluxhooks.observe.doctor.settings import Settings
from fluxhooks.observe.doctor.subjects import FORGES, OfCluster, OfStack, Subject
from fluxhooks.observe.doctor.subjects import of_cluster as subjects_of_cluster
from fluxhooks.observe.doctor.subjects import of_stack as subjects_of_stack
from fluxhooks.observe.doctor.walk import walk
from fluxhooks.observe.forges import Forges
from fluxhooks.observe.state import ProviderSettings

if TYPE_CHECKING:
    import httpx

_AT_THE_FORGE: Final = (Link.WEBHOOK, Link.DELIVERY)
_IN_FRONT: Final = (Link.NETWORK, Link.INGRESS)
_IN_THE_CLUSTER: Final = (Link.RECEIVER, Link.SOURCE, Link.APPLIER, Link.CLUSTER)


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What was seen of each chain, before anything is judged.

    Attributes:
        subjects: the chains that were looked at.
        evidence: what was seen of each, in their order.
        unseen: what could not be asked, and why.
    """

    subjects: tuple[Subject, ...]
    evidence: tuple[Evidence, ...]
    unseen: tuple[str, ...] = ()


def diagnose(
    wanted: OfStack | OfCluster,
    *,
    cluster: Callable[[], ClusterView] | None,
    forges: Forges | None,
    settings: Settings | None = None,
    certificates: ssl.SSLContext | None = None,
    transport: "httpx.AsyncBaseTransport | None" = None,
    say: Callable[[str], None] = lambda _: None,
) -> Diagnosis:
    """Return where each chain is broken; nothing is changed or reconciled.

    Args and errors are those of `look`.
    """
    looked = look(
        wanted,
        cluster=cluster,
        forges=forges,
        settings=settings,
        certificates=certificates,
        transport=transport,
        say=say,
    )
    return Diagnosis(chains=tuple(map(walk, looked.evidence)), unseen=looked.unseen)


def look(
    wanted: OfStack | OfCluster,
    *,
    cluster: Callable[[], ClusterView] | None,
    forges: Forges | None,
    settings: Settings | None = None,
    certificates: ssl.SSLContext | None = None,
    transport: "httpx.AsyncBaseTransport | None" = None,
    say: Callable[[str], None] = lambda _: None,
) -> Looked:
    """Return all that can be seen of each chain; nothing is changed or reconciled.

    Args:
        cluster: connects to the cluster; None where it is not to be asked.
        forges: None where no forge is to be asked.
        certificates: the authorities to trust at public URLs; those of ``SSL_CERT_FILE``, else
            Mozilla's, when absent.
        transport: what carries the requests to public URLs; the network when absent.
        say: is told what is under way.

    Raises:
        ObservationError: the chains are those of a cluster, and it could not be asked.
    """
    looking = _Looking(settings or Settings(), say)
    of_cluster = isinstance(wanted, OfCluster)
    looking.at_cluster(wanted, cluster)
    if isinstance(wanted, OfStack):
        subjects = subjects_of_stack(wanted)
    else:
        if looking.cluster is None:
            raise ObservationError(looking.no_cluster)
        providers = forges.providers if forges else ProviderSettings()
        subjects = subjects_of_cluster(wanted, looking.cluster, providers)
        if "Receiver" in looking.cluster.not_served:
            looking.could_not("the cluster has no Receivers: is Flux installed there?")
        elif not subjects and "Receiver" not in looking.cluster.unseen:
            looking.could_not(f"no Receiver was found{wanted.where}")
    looking.at_forges(subjects, forges)
    if of_cluster:
        subjects = looking.narrowed(subjects)
    looking.at_public_urls(subjects, certificates, transport)
    return Looked(
        subjects=tuple(subjects),
        evidence=tuple(looking.evidence(subjects)),
        unseen=tuple(looking.unseen),
    )


class _Looking:
    """What was seen so far, and what could not be."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._now = datetime.datetime.now(datetime.UTC)
        self.cluster: ClusterEvidence | None = None
        self.no_cluster = "the cluster was not asked"
        self._forge: Mapping[str, ForgeEvidence] = {}
        self._no_forge = ""
        self._public: Mapping[str, PublicEvidence] = {}
        self._no_public: Mapping[str, str] = {}
        self.unseen: list[str] = []

    def at_cluster(
        self, wanted: OfStack | OfCluster, connect: Callable[[], ClusterView] | None
    ) -> None:
        """Gather Receivers, sources and appliers, and the Secrets of the Receivers."""
        if connect is None:
            return
        self._say("looking at the cluster")
        namespace, receivers = "*", None
        if isinstance(wanted, OfCluster):
            namespace = wanted.namespace
            if wanted.receiver:
                receivers = {_key(wanted.receiver)}
        else:
            receivers = {subject.receiver for subject in subjects_of_stack(wanted)}
        try:
            view = connect()
            if isinstance(wanted, OfStack) and wanted.cluster:
                uid = view.uid()
                if uid != wanted.cluster:
                    raise ObservationError(
                        f"the cluster at hand ({uid}) is not the stack's ({wanted.cluster})"
                    )
            self.cluster = gather_cluster.gather(view, namespace=namespace, receivers=receivers)
        except ObservationError as error:
            self.no_cluster = str(error)
            self.could_not(str(error))
        else:
            for why in self.cluster.unseen.values():
                self.could_not(why)

    def at_forges(self, subjects: list[Subject], forges: Forges | None) -> None:
        """Gather webhooks and what became of their deliveries."""
        if forges is None:
            self._no_forge = "no forge was asked"
            return
        asked = [subject for subject in subjects if subject.scope is not None]
        if not asked:
            return
        self._say("looking at the forge")
        self._forge = gather_forge.gather(
            asked, forges, cluster=self.cluster, settings=self._settings
        )
        for found in self._forge.values():
            self.could_not(found.unseen)
            self.could_not(found.unseen_log)

    def narrowed(self, subjects: list[Subject]) -> list[Subject]:
        """Return the subjects of a cluster, as the webhooks that were found tell them.

        Where several repositories may have a Receiver's webhook, those that have one are told.
        Where it calls an older generation's Receiver, that one is live.
        """
        by_receiver: dict[tuple[str, str], list[Subject]] = {}
        for subject in subjects:
            by_receiver.setdefault(subject.receiver, []).append(subject)
        return [
            self._as_called(subject)
            for siblings in by_receiver.values()
            for subject in self._calling(siblings) or siblings[:1]
        ]

    def at_public_urls(
        self,
        subjects: list[Subject],
        certificates: ssl.SSLContext | None,
        transport: "httpx.AsyncBaseTransport | None",
    ) -> None:
        """Gather what the public URLs answer."""
        if not self._settings.public:
            self._no_public = {subject.name: "no public URL was asked" for subject in subjects}
            return
        self._say("asking the public URLs")
        self._public, self._no_public = gather_public.gather(
            subjects,
            cluster=self.cluster,
            forge=self._forge,
            settings=self._settings,
            certificates=certificates,
            transport=transport,
        )
        for why in dict.fromkeys(self._no_public.values()):
            # One without a path is told of at its Receiver, one without a webhook at that.
            names = [
                subject.name
                for subject in subjects
                if self._no_public.get(subject.name) == why != gather_public.NO_PATH
                and not (why == gather_public.NO_HOST and self._has_no_webhook(subject))
            ]
            if names:
                more = f" and {len(names) - 1} more" if len(names) > 1 else ""
                self.could_not(f"the public URL of {names[0]}{more} was not asked: {why}")

    def evidence(self, subjects: Iterable[Subject]) -> list[Evidence]:
        """Return what was seen of each subject."""
        return [
            Evidence(
                name=subject.name,
                receiver=subject.receiver,
                now=self._now,
                grace=self._settings.grace,
                host=subject.host,
                declared=subject.declared,
                managed=subject.managed,
                forge=self._forge.get(subject.name),
                public=self._public.get(subject.name),
                cluster=self.cluster,
                unseen=self._unseen_of(subject),
            )
            for subject in subjects
        ]

    def _unseen_of(self, subject: Subject) -> dict[Link, str]:
        unseen: dict[Link, str] = {}
        if self._no_forge and subject.managed and subject.type in ("", *FORGES):
            unseen |= dict.fromkeys(_AT_THE_FORGE, self._no_forge)
        elif (forge := self._forge.get(subject.name)) and forge.unseen:
            unseen |= dict.fromkeys(_AT_THE_FORGE, forge.unseen)
        if why := self._no_public.get(subject.name):
            unseen |= dict.fromkeys(_IN_FRONT, why)
        if self.cluster is None:
            unseen |= dict.fromkeys(_IN_THE_CLUSTER, self.no_cluster)
        elif why := self.cluster.unseen.get("Receiver"):
            unseen[Link.RECEIVER] = why
        return unseen

    def _has_no_webhook(self, subject: Subject) -> bool:
        forge = self._forge.get(subject.name)
        return subject.managed and forge is not None and not forge.unseen and not forge.webhook

    def _calling(self, siblings: Iterable[Subject]) -> list[Subject]:
        """Return those that have a webhook, each webhook's first."""
        found: dict[tuple[str, str], Subject] = {}
        for subject in siblings:
            forge = self._forge.get(subject.name)
            if forge is not None and forge.webhook is not None:
                # One of an organisation is found through each of its repositories.
                found.setdefault(forge.webhook.key, subject)
        return list(found.values())

    def _as_called(self, subject: Subject) -> Subject:
        forge = self._forge.get(subject.name)
        if self.cluster is None or forge is None or forge.webhook is None:
            return subject
        for key in (subject.receiver, *subject.older):
            receiver = self.cluster.objects.get(("Receiver", *key))
            path = str(receiver.status.get("webhookPath") or "") if receiver else ""
            if path and path in forge.webhook.path:
                return dataclasses.replace(subject, receiver=key)
        return subject

    def could_not(self, why: str) -> None:
        """Remember why something could not be seen; "" is nothing."""
        if why and why not in self.unseen:
            self.unseen.append(why)


def _key(receiver: str) -> tuple[str, str]:
    namespace, _, name = receiver.rpartition("/")
    return namespace, name
