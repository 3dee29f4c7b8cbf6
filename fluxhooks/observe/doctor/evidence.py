"""What the links are judged by: all that was seen, gathered before anything is judged.

The objects of the cluster are gathered once for all chains (a list for each kind); forge and
public URL are asked once for each chain. Whatever in it is a credential is kept out of every
`repr`, and no rule may put it into a finding.
"""

import datetime
import functools
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fluxhooks.flux.targets import APPLIERS, SOURCES
from fluxhooks.observe.doctor.faults import Link
from fluxhooks.observe.forges import Delivery, Head, SeenWebhook
from fluxhooks.observe.probing.replies import Reply
from fluxhooks.observe.state import DeclaredReceiver, Scope

Key = tuple[str, str, str]
"""Kind, namespace and name."""

LISTED: Final = ("Receiver", *SOURCES, *APPLIERS)
"""The kinds whose objects are gathered."""


@dataclass(frozen=True, kw_only=True)
class FluxObject:
    """An object of Flux's, as the API server has it.

    Attributes:
        status: holds a Receiver's path, which is a credential.
        generation: ``metadata.generation``.
        created_at: when it was made.
        changed_at: when anything but its status was last written; None where that is not known.
    """

    kind: str
    namespace: str
    name: str
    spec: Mapping[str, Any] = field(default_factory=dict, repr=False)
    status: Mapping[str, Any] = field(default_factory=dict, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict, repr=False)
    generation: int = 0
    created_at: datetime.datetime | None = None
    changed_at: datetime.datetime | None = None

    @property
    def key(self) -> Key:
        """Kind, namespace and name."""
        return (self.kind, self.namespace, self.name)

    @property
    def suspended(self) -> bool:
        """Whether it is not reconciled until it is resumed."""
        return self.spec.get("suspend") is True

    def condition(self, kind: str) -> Mapping[str, Any]:
        """Return a condition by its type; empty where it has none of that type."""
        for condition in self.status.get("conditions") or ():
            if condition.get("type") == kind:
                return dict(condition)
        return {}

    @property
    def ready(self) -> bool:
        """Whether its condition Ready is True."""
        return self.condition("Ready").get("status") == "True"

    @property
    def revision(self) -> str:
        """The revision of a source's artifact; "" where it has none."""
        return str((self.status.get("artifact") or {}).get("revision", ""))

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class SecretEvidence:
    """What a Receiver's Secret has.

    Attributes:
        found: whether there is one.
        keys: the names of what it has.
        token: None where it has no key of that name, or could not be read.
        unseen: why it could not be read; "" where it could.
    """

    found: bool = True
    keys: tuple[str, ...] = ()
    token: bytes | None = field(default=None, repr=False)
    unseen: str = ""


@dataclass(frozen=True, kw_only=True)
class ClusterEvidence:
    """The cluster's Receivers, sources and appliers, and the Secrets of its Receivers.

    Attributes:
        objects: by kind, namespace and name.
        secrets: of the Receivers that are examined, by namespace and name.
        not_served: the kinds whose CRDs the cluster does not have.
        unseen: the kinds that may not be read, and what the API server says to that.
        only: the kinds that may be read in one namespace alone, and that namespace.
    """

    objects: Mapping[Key, FluxObject] = field(default_factory=dict)
    secrets: Mapping[tuple[str, str], SecretEvidence] = field(default_factory=dict)
    not_served: frozenset[str] = frozenset()
    unseen: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, str] = field(default_factory=dict)

    def sees(self, kind: str, namespace: str) -> bool:
        """Return whether an object of a kind in a namespace would be in `objects`."""
        return (
            kind in LISTED
            and kind not in self.unseen
            and self.only.get(kind)
            in (
                None,
                namespace,
            )
        )

    @functools.cached_property
    def by_place(self) -> Mapping[tuple[str, str], tuple[FluxObject, ...]]:
        """The objects by kind and namespace."""
        places: dict[tuple[str, str], list[FluxObject]] = {}
        for found in self.objects.values():
            places.setdefault((found.kind, found.namespace), []).append(found)
        return {place: tuple(found) for place, found in places.items()}

    @functools.cached_property
    def applied(self) -> Mapping[Key, tuple[FluxObject, ...]]:
        """The Kustomizations and HelmReleases that use a source, by the source's key."""
        using: dict[Key, list[FluxObject]] = {}
        for kind in APPLIERS:
            for applier in self.of(kind):
                for key in self.origins(applier):
                    using.setdefault(key, []).append(applier)
        return {key: tuple(found) for key, found in using.items()}

    def origins(self, applier: FluxObject) -> Iterator[Key]:
        """Return the keys of what an applier takes what it applies from: chart and source."""
        ref = applier.spec.get("sourceRef") or applier.spec.get("chartRef")
        chart = (applier.spec.get("chart") or {}).get("spec") or {}
        if not ref and (ref := chart.get("sourceRef")):
            # Source: helm-controller api/v2/helmrelease_types.go, GetHelmChartName.
            namespace = str(ref.get("namespace") or applier.namespace)
            yield ("HelmChart", namespace, f"{applier.namespace}-{applier.name}")
        if not ref:
            return
        key = (
            str(ref.get("kind", "")),
            str(ref.get("namespace") or applier.namespace),
            str(ref.get("name", "")),
        )
        yield key
        behind = self.objects.get(key)
        if behind is not None and behind.kind == "HelmChart":
            origin = behind.spec.get("sourceRef") or {}
            yield (str(origin.get("kind", "")), behind.namespace, str(origin.get("name", "")))

    def of(self, kind: str, namespace: str = "") -> Iterator[FluxObject]:
        """Return the objects of a kind, in one namespace where it is given."""
        for found in self.objects.values():
            if found.kind == kind and namespace in ("", found.namespace):
                yield found


@dataclass(frozen=True, kw_only=True)
class ForgeEvidence:
    """What the forge has for a chain.

    Attributes:
        scope: what at the forge has its webhook.
        webhook: the one that calls its Receiver, or is declared to; None where there is none. It
            may be one of an organisation or group that has the scope.
        webhooks: all of what has `webhook`, else of the scope.
        strays: those that call our host on paths that no Receiver serves; each is told at one
            chain only.
        hidden: the organisations and groups above, whose webhooks may not be seen.
        deliveries: of `webhook`, the newest first; as many as one page of the log has.
        heads: the newest commit of each branch that a source of the chain follows, where the
            forge was asked for it.
        pushed: of those, the ones of which the forge says when they came.
        unseen: why the forge could not be asked; "" where it could.
        unseen_log: why it could not be asked for the deliveries alone.
    """

    scope: Scope
    webhook: SeenWebhook | None = None
    webhooks: tuple[SeenWebhook, ...] = ()
    strays: tuple[SeenWebhook, ...] = ()
    hidden: tuple[str, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    heads: Mapping[str, str] = field(default_factory=dict)
    pushed: Mapping[str, Head] = field(default_factory=dict)
    unseen: str = ""
    unseen_log: str = ""


@dataclass(frozen=True, kw_only=True)
class PublicEvidence:
    """What the public URL answers; None where a request was not made.

    Attributes:
        url: what was asked: the Receiver's path on the host the webhook calls.
        control: to a GET of a path that no Receiver has.
        unsigned: to a GET of the Receiver's path, without a signature.
        signed: to a signed probe.
        withheld: why one of them was not sent; "" where all were.
    """

    url: str = field(default="", repr=False)
    control: Reply | None = None
    unsigned: Reply | None = None
    signed: Reply | None = None
    withheld: str = ""

    @property
    def origin(self) -> str:
        """Scheme and host, with a port where one is given, without a login."""
        parts = urllib.parse.urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def replies(self) -> Iterator[tuple[str, Reply]]:
        """What was asked, in words, and what it was answered."""
        for what, reply in (
            ("a GET of a path that no Receiver has", self.control),
            ("a GET of the Receiver's path, unsigned", self.unsigned),
            ("a signed probe", self.signed),
        ):
            if reply is not None:
                yield what, reply


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that was seen of one chain.

    Attributes:
        name: of the WebhookReceiver, else namespace and name of the Receiver.
        receiver: namespace and name of the live Receiver, whether it exists or not.
        declared: what the stack declares; None without a stack.
        managed: whether its webhook must be where we can look; else nothing is missing when
            none is found.
        host: the host it must be called at, as stack or user say; "" where nobody says.
        grace: for how long what is under way is no fault: a delivery, a reconcile.
        forge: None where no forge is known for it, or asked.
        public: None where no URL is known for it.
        cluster: None where the cluster could not be asked.
        unseen: the links that could not be looked at, and why.
    """

    name: str
    receiver: tuple[str, str]
    now: datetime.datetime
    declared: DeclaredReceiver | None = None
    managed: bool = True
    host: str = ""
    grace: datetime.timedelta = datetime.timedelta(minutes=2)
    forge: ForgeEvidence | None = None
    public: PublicEvidence | None = None
    cluster: ClusterEvidence | None = None
    unseen: Mapping[Link, str] = field(default_factory=dict)

    @property
    def receiver_object(self) -> FluxObject | None:
        """The live Receiver; None where there is none, or the cluster was not asked."""
        if self.cluster is None:
            return None
        return self.cluster.objects.get(("Receiver", *self.receiver))
