"""What the cluster has of ours: Receivers and Secrets by label, and which cluster it is.

lightkube is imported where a cluster is asked: whoever asks none never loads it.
"""

import contextlib
import datetime
import functools
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fluxhooks.errors import ObservationError
from fluxhooks.flux.labels import COMPONENT, GENERATION, MANAGED_BY, STACK
from fluxhooks.masking import mask
from fluxhooks.observe.state import ProviderSettings

if TYPE_CHECKING:
    import lightkube


@dataclass(frozen=True, kw_only=True)
class ClusterObject:
    """A Receiver or Secret.

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
    """Return lightkube's class for Receivers or Secrets."""
    from lightkube.generic_resource import create_namespaced_resource
    from lightkube.resources.core_v1 import Secret

    if kind == "Secret":
        return Secret
    return create_namespaced_resource(
        "notification.toolkit.fluxcd.io", "v1", "Receiver", "receivers"
    )


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
    created = metadata.creationTimestamp
    return ClusterObject(
        kind=kind,
        namespace=metadata.namespace or "",
        name=metadata.name or "",
        stack=labels.get(STACK, ""),
        component=labels.get(COMPONENT, ""),
        generation=labels.get(GENERATION, ""),
        created_at=created
        if isinstance(created, datetime.datetime) or created is None
        else datetime.datetime.fromisoformat(created),
        path=status.get("webhookPath", ""),
        not_ready=_not_ready(status) if kind == "Receiver" else "",
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
    import httpx
    import lightkube.core.exceptions

    try:
        yield
    except lightkube.core.exceptions.ApiError as error:
        raise ObservationError(
            f"the cluster refused {what}: {error.status.code} {error.status.reason}"
        ) from None
    except httpx.HTTPError as error:
        raise ObservationError(
            f"the cluster could not be asked for {what}: {type(error).__name__}; is KUBECONFIG "
            "that of the stack's cluster?"
        ) from None
