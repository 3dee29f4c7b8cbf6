"""What the cluster has: Receivers and Secrets of ours, all sources, and which cluster it is.

lightkube is imported where a cluster is asked: whoever asks none never loads it.
"""

import base64
import contextlib
import dataclasses
import datetime
import functools
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fluxhooks.errors import ObservationError
from fluxhooks.flux.labels import COMPONENT, GENERATION, MANAGED_BY, STACK
from fluxhooks.flux.targets import KINDS, SOURCES
from fluxhooks.masking import mask
from fluxhooks.observe import listing
from fluxhooks.observe.state import ProviderSettings

if TYPE_CHECKING:
    import lightkube


@dataclass(frozen=True, kw_only=True)
class ClusterObject:
    """A Receiver, a Secret, an Alert or a Provider.

    Attributes:
        stack, component, generation: its labels; "" where it has none.
        path: the path a Receiver's status says it serves; "" where none.
        not_ready: why a Receiver is not Ready, in the controller's words, without its path; ""
            where it is.
    """

    kind: str
    namespace: str
    name: str
    stack: str = ""
    component: str = ""
    generation: str = ""
    created_at: datetime.datetime | None = None
    path: str = field(default="", repr=False)
    not_ready: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Kind, namespace and name."""
        return (self.kind, self.namespace, self.name)


@dataclass(frozen=True, kw_only=True)
class ServedReceiver:
    """A Receiver, whoever made it, with what a sender must know of it.

    Attributes:
        type: ``spec.type``.
        path: the path its status says it serves; "" where none.
        secret: the name of the Secret with its token; "" where it has none.
        events: those it accepts; empty where all.
        resource_filter: ``spec.resourceFilter``; "" where none.
        trouble: why it cannot answer, as the cluster has it; "" where it should.
    """

    namespace: str
    name: str
    type: str
    path: str = field(default="", repr=False)
    secret: str = ""
    events: tuple[str, ...] = ()
    resource_filter: str = ""
    trouble: str = ""


class ClusterView:
    """A cluster, seen through a client that may read Receivers and Secrets."""

    def __init__(self, client: "lightkube.Client") -> None:
        self.client = client

    def uid(self) -> str:
        """Return the UID of the namespace kube-system, by which clusters are told apart."""
        from lightkube.resources.core_v1 import Namespace

        with _explained("the namespace kube-system"):
            metadata = self.client.get(Namespace, "kube-system").metadata
        return (metadata.uid if metadata else None) or ""

    def receivers(self, namespaces: Iterable[str] = ("*",)) -> list[ClusterObject]:
        """Return all Receivers of namespaces, those of the whole cluster when absent."""
        return [found for namespace in namespaces for found in self._list("Receiver", namespace)]

    def secrets(self, stack_label: str, namespaces: Iterable[str]) -> list[ClusterObject]:
        """Return the Secrets of namespaces that carry our labels and the stack's.

        Not of the whole cluster: nobody should need the right to read all its Secrets.
        """
        labels = {MANAGED_BY: "fluxhooks", STACK: stack_label}
        return [
            found for namespace in namespaces for found in self._list("Secret", namespace, labels)
        ]

    def alerting(self, stack_label: str) -> list[ClusterObject]:
        """Return the Alerts and Providers of the cluster that carry our labels and the stack's.

        None where they may not be listed: who declares none need not have the right to.
        """
        labels = {MANAGED_BY: "fluxhooks", STACK: stack_label}
        return [
            _object(kind, item)
            for kind in ("Alert", "Provider")
            for item in self.all_of(kind, labels=labels)[1]
        ]

    def sources_and_receivers(self) -> listing.Listing:
        """Return all sources and Receivers; kinds that are not there or not allowed are told.

        Raises:
            ObservationError: the cluster could not be asked.
        """
        found: dict[str, list[Any]] = {}
        not_served, unseen = set(), {}
        for kind in ("Receiver", *SOURCES):
            status, items = self.all_of(kind)
            if status == 404:
                not_served.add(kind)
            elif status == 403:
                unseen[kind] = f"the cluster refused the {kind} objects: 403 Forbidden"
            else:
                found[kind] = items
        return listing.Listing(
            sources=tuple(
                listing.source(kind, item) for kind in SOURCES for item in found.get(kind, ())
            ),
            receivers=tuple(
                listing.receiver(item, _not_ready(item.get("status") or {}))
                for item in found.get("Receiver", ())
            ),
            not_served=frozenset(not_served),
            unseen=unseen,
        )

    def with_secrets(
        self, receivers: Iterable[listing.Receiver]
    ) -> tuple[tuple[listing.Receiver, ...], tuple[str, ...]]:
        """Return Receivers with the age of their Secrets, and which Secrets could not be read.

        Of each Secret only its metadata is kept.
        """
        with ThreadPoolExecutor(8) as threads:
            asked = list(threads.map(self._with_secret, receivers))
        return tuple(one for one, _ in asked), tuple(why for _, why in asked if why)

    def _with_secret(self, receiver: listing.Receiver) -> tuple[listing.Receiver, str]:
        import lightkube.core.exceptions

        if not receiver.secret:
            return receiver, ""
        what = f"the Secret {receiver.namespace}/{receiver.secret}"
        with _explained(what):
            try:
                secret = self.client.get(
                    resource("Secret"), receiver.secret, namespace=receiver.namespace
                )
            except lightkube.core.exceptions.ApiError as error:
                # One that is missing is why its Receiver is not Ready.
                if error.status.code not in (403, 404):
                    raise
                refused = error.status.code == 403
                return receiver, f"the cluster refused {what}: 403 Forbidden" if refused else ""
        made = _created_at(secret.metadata)
        return dataclasses.replace(receiver, secret_created_at=made), ""

    def all_of(
        self, kind: str, namespace: str = "*", *, labels: Mapping[str, str] | None = None
    ) -> tuple[int, list[Any]]:
        """Return what a kind's list was answered with, and its objects.

        The status is 200; 403 where they may not be listed; 404 where the cluster does not have
        the kind.

        Raises:
            ObservationError: the cluster could not be asked.
        """
        import httpx2

        with _explained(f"the {kind} objects"):
            try:
                listed = self.client.list(
                    resource(kind), namespace=namespace, labels=dict(labels or {}), chunk_size=500
                )
                return 200, list(listed)
            except httpx2.HTTPStatusError as error:
                # Of a group that is not there the API server says so in plain text, which is
                # no error of lightkube's.
                if error.response.status_code not in (403, 404):
                    raise
                return error.response.status_code, []

    def failed_dispatches(self, namespace: str = "*") -> tuple[int, dict[str, float]]:
        """Return what the list of events was answered with, and when each Alert last failed.

        By namespace and name; in seconds since 1970. Kubernetes keeps events for an hour. What
        they say is not kept, as Flux writes addresses into it.

        Raises:
            ObservationError: the cluster could not be asked.
        """
        import lightkube.core.exceptions
        from lightkube.resources.core_v1 import Event

        fields: dict[str, Any] = {
            "reason": "NotificationDispatchFailed",
            "involvedObject.kind": "Alert",
        }
        failed: dict[str, float] = {}
        with _explained("the events"):
            try:
                events = list(self.client.list(Event, namespace=namespace, fields=fields))
            except lightkube.core.exceptions.ApiError as error:
                if error.status.code != 403:
                    raise
                return 403, {}
        for event in events:
            told = event.involvedObject
            name = f"{told.namespace}/{told.name}"
            at = event.lastTimestamp or event.eventTime or event.metadata.creationTimestamp
            if at is not None:
                failed[name] = max(at.timestamp(), failed.get(name, 0.0))
        return 200, failed

    def secret(self, namespace: str, name: str) -> tuple[int, Mapping[str, bytes]]:
        """Return what the GET of a Secret was answered with, and its data.

        The status is 200; 403 where it may not be read; 404 where there is none.

        Raises:
            ObservationError: the cluster could not be asked.
        """
        import lightkube.core.exceptions

        with _explained(f"Secret {namespace}/{name}"):
            try:
                found = self.client.get(resource("Secret"), name, namespace=namespace)
            except lightkube.core.exceptions.ApiError as error:
                if error.status.code not in (403, 404):
                    raise
                return error.status.code or 0, {}
        data = found.data or {}
        return 200, {key: base64.b64decode(value) for key, value in data.items()}

    def served(self, namespace: str = "*") -> list[ServedReceiver]:
        """Return the Receivers of a namespace, those of the whole cluster when absent.

        Raises:
            ObservationError: they could not be listed.
        """
        with _explained("the Receivers"):
            found = self.client.list(resource("Receiver"), namespace=namespace)
            return [_served(item) for item in found]

    def token(self, namespace: str, secret: str) -> str | None:
        """Return the token in a Secret; None where there is no such Secret, or no token in it.

        Raises:
            ObservationError: the Secret could not be read, or its token is no text.
        """
        import lightkube.core.exceptions

        with _explained(f"Secret {namespace}/{secret}"):
            try:
                found = self.client.get(resource("Secret"), secret, namespace=namespace)
            except lightkube.core.exceptions.ApiError as error:
                if error.status.code != 404:
                    raise
                return None
        data = found.data or {}
        try:
            return base64.b64decode(data["token"]).decode() if "token" in data else None
        except ValueError:
            raise ObservationError(f"the token in Secret {namespace}/{secret} is no text") from None

    def delete(self, found: ClusterObject) -> None:
        """Delete an object; one that is gone already is no error."""
        import lightkube.core.exceptions

        with _explained(f"{found.kind} {found.namespace}/{found.name}"):
            try:
                self.client.delete(resource(found.kind), found.name, namespace=found.namespace)
            except lightkube.core.exceptions.ApiError as error:
                if error.status.code != 404:
                    raise

    def _list(
        self, kind: str, namespace: str, labels: Mapping[str, str] | None = None
    ) -> list[ClusterObject]:
        with _explained(f"the {kind}s"):
            found = self.client.list(resource(kind), namespace=namespace, labels=dict(labels or {}))
            return [_object(kind, item) for item in found]


def connect(providers: ProviderSettings) -> ClusterView:
    """Return the cluster the stack's Kubernetes provider uses.

    The provider's own kubeconfig comes first, as it does for the provider; then ``KUBECONFIG``,
    ``~/.kube/config``, and a Pod's own service account.

    Raises:
        ObservationError: there is no kubeconfig that can be read.
    """
    import lightkube
    import yaml

    try:
        config = _kubeconfig(providers)
        return ClusterView(lightkube.Client(config=config, namespace="default"))
    except (*_NO_KUBECONFIG, yaml.YAMLError, lightkube.ConfigError) as error:
        raise ObservationError(
            f"no cluster to ask ({type(error).__name__}): set KUBECONFIG to the kubeconfig of "
            "the cluster the stack is for"
        ) from None


# What lightkube raises on a text that is no kubeconfig, besides its own.
_NO_KUBECONFIG = (AttributeError, KeyError, OSError, TypeError, ValueError)


@functools.cache
def resource(kind: str) -> Any:
    """Return lightkube's class for Secrets, Receivers, what these may name, and alerting."""
    from lightkube.generic_resource import create_namespaced_resource
    from lightkube.resources.core_v1 import Secret

    if kind == "Secret":
        return Secret
    if kind in KINDS:
        group, version = KINDS[kind].split("/")
        plural = kind.lower().removesuffix("y") + ("ies" if kind.endswith("y") else "s")
        return create_namespaced_resource(group, version, kind, plural)
    version = "v1beta3" if kind in ("Alert", "Provider") else "v1"
    plural = f"{kind.lower()}s"
    return create_namespaced_resource("notification.toolkit.fluxcd.io", version, kind, plural)


def _kubeconfig(providers: ProviderSettings) -> Any:
    import lightkube
    import yaml

    if providers.kubeconfig:
        given = providers.kubeconfig
        if "\n" not in given and Path(given).expanduser().is_file():
            config = lightkube.KubeConfig.from_file(Path(given).expanduser())
        else:
            config = lightkube.KubeConfig.from_dict(yaml.safe_load(given))
    else:
        # Several files, as kubectl merges them, are rare; the first that exists decides.
        for name in os.environ.get("KUBECONFIG", "").split(os.pathsep):
            if name and Path(name).is_file():
                config = lightkube.KubeConfig.from_file(name)
                break
        else:
            config = lightkube.KubeConfig.from_env()
    return config.get(context_name=providers.context) if providers.context else config


def _object(kind: str, item: Any) -> ClusterObject:
    metadata = item.metadata
    labels = metadata.labels or {}
    status = (item.status or {}) if kind == "Receiver" else {}
    return ClusterObject(
        kind=kind,
        namespace=metadata.namespace or "",
        name=metadata.name or "",
        stack=labels.get(STACK, ""),
        component=labels.get(COMPONENT, ""),
        generation=labels.get(GENERATION, ""),
        created_at=_created_at(metadata),
        path=status.get("webhookPath", ""),
        not_ready=_not_ready(status) if kind == "Receiver" else "",
    )


def _created_at(metadata: Any) -> datetime.datetime | None:
    created = metadata.creationTimestamp
    if isinstance(created, datetime.datetime) or created is None:
        return created
    return datetime.datetime.fromisoformat(created)


def _served(item: Any) -> ServedReceiver:
    spec, status = item.spec or {}, item.status or {}
    return ServedReceiver(
        namespace=item.metadata.namespace or "",
        name=item.metadata.name or "",
        type=str(spec.get("type", "")),
        path=status.get("webhookPath", ""),
        secret=(spec.get("secretRef") or {}).get("name", ""),
        events=tuple(spec.get("events") or ()),
        resource_filter=spec.get("resourceFilter") or "",
        trouble="it is suspended" if spec.get("suspend") else _not_ready(status),
    )


def _not_ready(status: Mapping[str, Any]) -> str:
    for condition in status.get("conditions", ()):
        if condition.get("type") == "Ready":
            if condition.get("status") == "True":
                return ""
            reason = condition.get("reason") or "not Ready"
            return mask(": ".join(filter(None, (reason, condition.get("message")))))
    return "has no status yet"


@contextlib.contextmanager
def _explained(what: str) -> Iterator[None]:
    # What lightkube sends with, which is not what the rest of us does.
    import httpx2
    import lightkube.core.exceptions

    try:
        yield
    except lightkube.core.exceptions.ApiError as error:
        raise ObservationError(
            f"the cluster refused {what}: {error.status.code} {error.status.reason}"
        ) from None
    except httpx2.HTTPError as error:
        raise ObservationError(
            f"the cluster could not be asked for {what}: {type(error).__name__}; is KUBECONFIG "
            "that of the stack's cluster?"
        ) from None
