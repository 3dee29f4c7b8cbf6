"""Receivers that somebody made without this package, and whose they are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fluxhooks.flux.labels import MANAGED_BY, STACK
from fluxhooks.observe.declaration import placed_targets
from fluxhooks.observe.listing import Target

_FLUX: Final = {
    "Kustomization": "kustomize.toolkit.fluxcd.io",
    "HelmRelease": "helm.toolkit.fluxcd.io",
}


@dataclass(frozen=True, kw_only=True)
class HandMade:
    """A Receiver that is none of ours.

    Attributes:
        type: ``spec.type``.
        secret: its Secret's name; "" where it has none.
        secret_is_shared: whether another Receiver of the cluster reads that Secret too.
        targets: what it reconciles, each with its namespace.
        path: what its status says it serves; "" where nothing.
        owner: what applies it, as in "Kustomization flux-system/apps"; "" where nothing says.
    """

    namespace: str
    name: str
    type: str = ""
    secret: str = ""
    secret_is_shared: bool = False
    targets: tuple[Target, ...] = ()
    path: str = field(default="", repr=False)
    owner: str = ""

    @property
    def key(self) -> str:
        """Namespace and name, with a slash."""
        return f"{self.namespace}/{self.name}"

    def __str__(self) -> str:
        return f"Receiver {self.key}"


def hand_made(receivers: Iterable[Mapping[str, Any]]) -> list[HandMade]:
    """Return those of a cluster's Receivers that carry no label of ours."""
    found = list(receivers)
    reads = [_secret(item) for item in found]
    return [
        HandMade(
            namespace=_metadata(item, "namespace"),
            name=_metadata(item, "name"),
            type=str((item.get("spec") or {}).get("type", "")),
            secret=secret,
            secret_is_shared=bool(secret) and reads.count((namespace, secret)) > 1,
            targets=placed_targets(item.get("spec") or {}, namespace),
            path=str((item.get("status") or {}).get("webhookPath", "")),
            owner=_owner(item.get("metadata") or {}),
        )
        for item, (namespace, secret) in zip(found, reads, strict=True)
        if STACK not in ((item.get("metadata") or {}).get("labels") or {})
    ]


def _secret(item: Mapping[str, Any]) -> tuple[str, str]:
    reference = (item.get("spec") or {}).get("secretRef") or {}
    return _metadata(item, "namespace"), str(reference.get("name", ""))


def _metadata(item: Mapping[str, Any], key: str) -> str:
    return str((item.get("metadata") or {}).get(key, ""))


def _owner(metadata: Mapping[str, Any]) -> str:
    labels = metadata.get("labels") or {}
    for kind, group in _FLUX.items():
        if name := labels.get(f"{group}/name"):
            return f"{kind} {labels.get(f'{group}/namespace', '')}/{name}"
    for reference in metadata.get("ownerReferences") or ():
        return f"{reference.get('kind')} {metadata.get('namespace')}/{reference.get('name')}"
    return str(labels.get(MANAGED_BY) or "")
