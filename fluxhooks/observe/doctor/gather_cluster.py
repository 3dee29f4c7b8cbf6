"""Asks the cluster for all that the links are judged by: a list for each kind, and some Secrets."""

import datetime
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from fluxhooks.observe.cluster import ClusterView
from fluxhooks.observe.doctor.evidence import (
    LISTED,
    ClusterEvidence,
    FluxObject,
    Key,
    SecretEvidence,
)

_AT_ONCE: Final = 16


def gather(
    view: ClusterView,
    *,
    namespace: str = "*",
    receivers: Collection[tuple[str, str]] | None = None,
) -> ClusterEvidence:
    """Return the cluster's Receivers, sources and appliers, and the Secrets of some Receivers.

    Objects of all namespaces are listed: targets and appliers may be in others. A kind that may
    not be listed everywhere is listed in `namespace`.

    Args:
        namespace: whose Receivers are examined.
        receivers: namespace and name of those whose Secrets are read; all of `namespace` when
            absent.

    Raises:
        ObservationError: the cluster could not be asked.
    """
    objects: dict[Key, FluxObject] = {}
    not_served, unseen, only = set(), {}, {}
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        lists = threads.map(lambda kind: _listed(view, kind, namespace), LISTED)
        for kind, (status, within, items) in zip(LISTED, lists, strict=True):
            if status == 404:
                not_served.add(kind)
            elif status == 403:
                unseen[kind] = f"the cluster refused the {kind} objects: 403 Forbidden"
            elif within != "*":
                only[kind] = within
            for item in items:
                found = flux_object(kind, item)
                objects[found.key] = found
        wanted = {
            (found.namespace, name)
            for found in objects.values()
            if found.kind == "Receiver"
            and (
                namespace in ("*", found.namespace)
                if receivers is None
                else (found.namespace, found.name) in receivers
            )
            and (name := secret_name(found))
        }
        names = sorted(wanted)
        secrets = dict(
            zip(names, threads.map(lambda name: _secret(view, *name), names), strict=True)
        )
    return ClusterEvidence(
        objects=objects,
        secrets=secrets,
        not_served=frozenset(not_served),
        unseen=unseen,
        only=only,
    )


def secret_name(receiver: FluxObject) -> str:
    """Return the name of a Receiver's Secret; "" where it has none."""
    return str((receiver.spec.get("secretRef") or {}).get("name", ""))


def flux_object(kind: str, item: Mapping[str, Any]) -> FluxObject:
    """Return an object as the API server lists it."""
    metadata = item.get("metadata") or {}
    created = _time(metadata.get("creationTimestamp"))
    written = [
        time
        for entry in metadata.get("managedFields") or ()
        if entry.get("subresource") != "status" and (time := _time(entry.get("time")))
    ]
    return FluxObject(
        kind=kind,
        namespace=str(metadata.get("namespace", "")),
        name=str(metadata.get("name", "")),
        spec=item.get("spec") or {},
        status=item.get("status") or {},
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        generation=int(metadata.get("generation") or 0),
        created_at=created,
        changed_at=max(written, default=created),
    )


def _listed(
    view: ClusterView, kind: str, namespace: str
) -> tuple[int, str, list[Mapping[str, Any]]]:
    status, items = view.all_of(kind)
    if status != 403 or namespace == "*":
        return status, "*", items
    status, items = view.all_of(kind, namespace)
    return status, namespace, items


def _secret(view: ClusterView, namespace: str, name: str) -> SecretEvidence:
    status, data = view.secret(namespace, name)
    if status == 403:
        return SecretEvidence(
            unseen=f"the cluster refused Secret {namespace}/{name}: 403 Forbidden"
        )
    return SecretEvidence(found=status == 200, keys=tuple(sorted(data)), token=data.get("token"))


def _time(value: Any) -> datetime.datetime | None:
    if not value or isinstance(value, datetime.datetime):
        return value or None
    return datetime.datetime.fromisoformat(value)
