"""What a Receiver's targets reach, and why one reaches nothing.

Source: notification-controller ``internal/server/receiver_handlers.go``, ``requestReconciliation``
and ``notifyDynamicResources``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Protocol, TypeVar

from fluxhooks.flux.targets import KINDS, SOURCES
from fluxhooks.observe.listing import Target

# Kinds whose apiVersion a Receiver may leave out: ``defaultFluxAPIVersions`` there.
_DEFAULTED: Final = {*SOURCES, "ArtifactGenerator"}


class Named(Protocol):
    """An object that a target may name, or match by its labels."""

    @property
    def kind(self) -> str:
        """Its kind."""
        ...

    @property
    def namespace(self) -> str:
        """Its namespace."""
        ...

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        ...


_Named = TypeVar("_Named", bound=Named)


class Why(Enum):
    """Why the controller refuses a target, so that deliveries are answered 500."""

    OTHER_NAMESPACE = "it is in another namespace"
    NO_API_VERSION = "its kind has no default for apiVersion"
    OTHER_API_VERSION = "its apiVersion is not its kind's"
    NO_LABELS = "it is named * and has no matchLabels"


@dataclass(frozen=True)
class Refusal:
    """Why the controller refuses a target, and what to tell people of it."""

    why: Why
    text: str


def refusal(target: Target, namespace: str, *, cross_namespace: bool = True) -> Refusal | None:
    """Return why the controller refuses a target of a Receiver in `namespace`; None if it does not.

    Args:
        cross_namespace: whether a Receiver may reach other namespaces, which it may not where the
            controller runs with ``--no-cross-namespace-refs``.
    """
    named = f"{target.kind} {target.name}"
    if not cross_namespace and target.namespace not in ("", namespace):
        return Refusal(
            Why.OTHER_NAMESPACE,
            f"{named} is in the namespace {target.namespace}, and the controller lets no "
            "Receiver reach another one",
        )
    if not target.api_version and target.kind not in _DEFAULTED:
        return Refusal(
            Why.NO_API_VERSION, f"{named} has no apiVersion, for which there is no default"
        )
    group, wanted = target.api_version.rpartition("/")[0], KINDS.get(target.kind, "")
    if target.api_version and wanted and group != wanted.rpartition("/")[0]:
        return Refusal(
            Why.OTHER_API_VERSION,
            f"{named} has the apiVersion {target.api_version}; the kind's is {wanted}",
        )
    if target.name == "*" and target.labels is None:
        return Refusal(Why.NO_LABELS, f"{named} has no matchLabels")
    return None


def reached(target: Target, namespace: str, objects: Iterable[_Named]) -> list[_Named]:
    """Return those of `objects` that a target of a Receiver in `namespace` reaches."""
    inside = target.namespace or namespace
    return [
        found
        for found in objects
        if (found.kind, found.namespace) == (target.kind, inside)
        and (
            found.name == target.name
            if target.name != "*"
            else (target.labels or {}).items() <= found.labels.items()
        )
    ]


def of_other_kind(target: Target, namespace: str, objects: Iterable[_Named]) -> _Named | None:
    """Return what has a target's name and namespace and is of another kind."""
    inside = target.namespace or namespace
    for found in objects:
        if (found.namespace, found.name) == (inside, target.name) and found.kind != target.kind:
            return found
    return None


def other_namespaces(target: Target, namespace: str, objects: Iterable[Named]) -> list[str]:
    """Return the other namespaces that have what a target names or matches, sorted."""
    return sorted(
        {
            found.namespace
            for found in objects
            if found.kind == target.kind
            and found.namespace != (target.namespace or namespace)
            and (
                found.name == target.name
                if target.name != "*"
                else (target.labels or {}).items() <= found.labels.items()
            )
        }
    )
