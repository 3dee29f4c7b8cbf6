"""The sources and Receivers of a cluster, as far as it matters who reaches whom.

Whatever in them is a credential is left out (in URLs) or kept out of every `repr` (paths).
"""

import datetime
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fluxhooks.flux import durations

# What source-controller takes where a HelmRepository has none: ``GetRequeueAfter`` in
# ``api/v1/helmrepository_types.go``. The other kinds must have one.
_DEFAULT_INTERVAL = "1m"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source.

    Attributes:
        interval: as it is written; "" where there is none.
        url: where it is fetched from, without credentials or query; "" where another source is.
        suspended: whether nothing is fetched until it is resumed.
        pinned: what one commit or digest it is pinned to: "commit" or "digest"; "" where none.
        type: a HelmRepository's: "default" or "oci".
        provider: a Bucket's: "generic", "aws", "gcp" or "azure".
        chart_of: kind and name of the source a HelmChart is taken from.
    """

    kind: str
    namespace: str
    name: str
    interval: str = ""
    url: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    suspended: bool = False
    pinned: str = ""
    type: str = ""
    provider: str = ""
    chart_of: tuple[str, str] = ("", "")

    @property
    def key(self) -> tuple[str, str, str]:
        """Kind, namespace and name."""
        return (self.kind, self.namespace, self.name)

    @property
    def seconds(self) -> float:
        """The interval in seconds; 0 where it is not known."""
        try:
            return durations.seconds(self.interval)
        except ValueError:
            return 0.0

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Target:
    """One of a Receiver's ``spec.resources``; "" where a field is absent.

    Attributes:
        labels: its ``matchLabels``; None where it has none, which is not the same as ``{}``.
    """

    kind: str
    name: str
    namespace: str = ""
    api_version: str = ""
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """A Receiver.

    Attributes:
        not_ready: why it is not Ready, in the controller's words, without its path; "" where it
            is.
        path: what its status says it serves; "" where nothing.
        secret: its Secret's name; "" where its type has none.
        secret_created_at: when its Secret was made; None where that was not asked for.
    """

    namespace: str
    name: str
    type: str = ""
    targets: tuple[Target, ...] = ()
    suspended: bool = False
    not_ready: str = ""
    path: str = field(default="", repr=False)
    secret: str = ""
    secret_created_at: datetime.datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Namespace and name."""
        return (self.namespace, self.name)

    @property
    def serves(self) -> bool:
        """Whether it takes deliveries; others are answered 503 or 404."""
        return not self.suspended and not self.not_ready

    def __str__(self) -> str:
        return f"Receiver {self.namespace}/{self.name}"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """All sources and Receivers of a cluster.

    Attributes:
        not_served: the kinds whose CRDs the cluster does not have, so that it has no such object.
        unseen: the kinds that may not be read, and what the API server says to that.
    """

    sources: tuple[Source, ...] = ()
    receivers: tuple[Receiver, ...] = ()
    not_served: frozenset[str] = frozenset()
    unseen: Mapping[str, str] = field(default_factory=dict)


def source(kind: str, item: Mapping[str, Any]) -> Source:
    """Return a source from its object."""
    metadata, spec = item.get("metadata") or {}, item.get("spec") or {}
    origin = spec.get("sourceRef") or {}
    reference = spec.get("ref") or {}
    return Source(
        kind=kind,
        namespace=str(metadata.get("namespace", "")),
        name=str(metadata.get("name", "")),
        interval=str(
            spec.get("interval") or (_DEFAULT_INTERVAL if kind == "HelmRepository" else "")
        ),
        url=_address(kind, spec),
        labels=dict(metadata.get("labels") or {}),
        suspended=spec.get("suspend") is True,
        pinned=next((pin for pin in ("commit", "digest") if reference.get(pin)), ""),
        type=str(spec.get("type") or "default") if kind == "HelmRepository" else "",
        provider=str(spec.get("provider") or "generic") if kind == "Bucket" else "",
        chart_of=(str(origin.get("kind", "")), str(origin.get("name", ""))),
    )


def receiver(item: Mapping[str, Any], not_ready: str) -> Receiver:
    """Return a Receiver from its object and why it is not Ready."""
    metadata, spec = item.get("metadata") or {}, item.get("spec") or {}
    return Receiver(
        namespace=str(metadata.get("namespace", "")),
        name=str(metadata.get("name", "")),
        type=str(spec.get("type", "")),
        targets=targets(spec),
        suspended=spec.get("suspend") is True,
        not_ready=not_ready,
        path=str((item.get("status") or {}).get("webhookPath", "")),
        secret=str((spec.get("secretRef") or {}).get("name", "")),
    )


def targets(spec: Mapping[str, Any]) -> tuple[Target, ...]:
    """Return the targets of a Receiver from its ``spec``."""
    return tuple(
        Target(
            kind=str(target.get("kind", "")),
            name=str(target.get("name", "")),
            namespace=str(target.get("namespace") or ""),
            api_version=str(target.get("apiVersion") or ""),
            labels=target.get("matchLabels"),
        )
        for target in spec.get("resources") or ()
    )


def _address(kind: str, spec: Mapping[str, Any]) -> str:
    if kind == "ImageRepository":
        return _bare(f"oci://{spec.get('image', '')}")
    if kind == "Bucket":
        endpoint = str(spec.get("endpoint", ""))
        scheme = "" if "://" in endpoint else "https://"
        return _bare(f"{scheme}{endpoint}/{spec.get('bucketName', '')}")
    return _bare(str(spec.get("url") or ""))


def _bare(url: str) -> str:
    if "://" not in url:
        # As in git@host:path, which ssh takes.
        host, colon, path = url.rpartition("@")[2].partition(":")
        return f"ssh://{host}/{path}" if colon else url
    try:
        parts = urllib.parse.urlsplit(url)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))
