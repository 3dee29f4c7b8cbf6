"""What a step would change, and whether it can be changed in place."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from sandbox.plugins.kubernetes import naming
from sandbox.plugins.kubernetes.objects import is_built_in, normalize, prune
from sandbox.plugins.properties import UNKNOWN

Path = tuple[str | int, ...]


class Kind(IntEnum):
    """The kinds of `pulumirpc.PropertyDiff`; an odd one replaces."""

    ADD = 0
    ADD_REPLACE = 1
    DELETE = 2
    DELETE_REPLACE = 3
    UPDATE = 4
    UPDATE_REPLACE = 5


@dataclass(frozen=True)
class Change:
    """One changed property; `in_inputs` is set when an input disappeared."""

    kind: Kind
    in_inputs: bool = False

    @property
    def replaces(self) -> bool:
        """Whether the object must be made anew."""
        return self.kind % 2 == 1


@dataclass(frozen=True)
class Difference:
    """All changes by property path, and whether the old object has to go first."""

    changes: Mapping[str, Change]
    delete_before_replace: bool

    @property
    def replaces(self) -> list[str]:
        """The paths that make the object anew, sorted."""
        return sorted(
            path
            for path, change in self.changes.items()
            if change.replaces or (path == "metadata" and change.kind is Kind.DELETE)
        )


class _Missing:
    """Marks an absent key, which is not the same as null."""


_MISSING: Final = _Missing()
# Fields that the API server does not let change, besides an object's name and namespace.
_IMMUTABLE: Final[Mapping[str, tuple[Path, ...]]] = {
    "ConfigMap": (("binaryData",), ("data",)),
    "Secret": (("type",), ("stringData",), ("data",)),
    "ClusterRoleBinding": (("roleRef",),),
    "RoleBinding": (("roleRef",),),
    "StorageClass": (("parameters",), ("provisioner",)),
    "PodDisruptionBudget": (("spec",),),
    "ResourceQuota": (("spec", "scopes"),),
}


def difference(
    *,
    old_inputs: dict[str, Any],
    old_live: dict[str, Any],
    new_inputs: dict[str, Any],
    namespaced: bool,
    ignore: Sequence[str] = (),
) -> Difference:
    """Compare the last seen object, as far as its inputs named it, with the new inputs."""
    old_inputs = normalize(old_inputs)
    new_inputs = normalize(new_inputs)
    old = prune(old_live, old_inputs)
    for obj in (old, new_inputs):
        _set_namespace(obj, namespaced=namespaced)
    for key in ("apiVersion", "kind"):
        old.setdefault(key, new_inputs.get(key))
    if isinstance(old.get("metadata"), dict):
        old["metadata"].pop("resourceVersion", None)
    if naming.name_of(new_inputs):
        old.setdefault("metadata", {})["name"] = naming.name_of(old_live)

    found: dict[Path, Change] = {}
    patch = merge_patch(old, new_inputs)
    _compare_objects(
        (), patch, old, new_inputs, old, found=found, immutable=_immutable_fields(new_inputs)
    )
    ignored = [parse_path(path) for path in ignore]
    changes = {
        format_path(path): change
        for path, change in sorted(found.items(), key=lambda item: format_path(item[0]))
        if not any(_contains(outer, path) for outer in ignored)
    }
    without_order = Difference(changes, delete_before_replace=False)
    return Difference(
        changes,
        delete_before_replace=bool(without_order.replaces)
        and naming.is_named(new_inputs)
        and not naming.is_autonamed(new_inputs)
        and naming.name_of(new_inputs) == naming.name_of(old_live)
        and naming.namespace_of(new_inputs) == naming.namespace_of(old_live),
    )


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) from `old` to `new`.

    Something unknown that was an object counts as one without any of its keys, as for the official
    plugin.
    """
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        if value is UNKNOWN and isinstance(old.get(key), dict):
            value = {}
        if key not in old:
            patch[key] = value
        elif isinstance(value, dict) and isinstance(old[key], dict):
            if inner := merge_patch(old[key], value):
                patch[key] = inner
        elif not _equal(value, old[key]):
            patch[key] = value
    return patch


def parse_path(path: str) -> Path:
    """Return the keys and indices of a Pulumi property path, `*` for all."""
    keys: list[str | int] = []
    for index, quoted, name in re.findall(
        r'\[(\d+|\*)\]|\["((?:[^"\\]|\\.)*)"\]|([^.\[\]]+)', path
    ):
        if index:
            keys.append(index if index == "*" else int(index))
        else:
            keys.append(quoted.replace('\\"', '"') if quoted else name)
    return tuple(keys)


def format_path(path: Path) -> str:
    """Return `path` as Pulumi writes it: `spec.events[2]`, `metadata.labels["a.b"]`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif re.search(r'[."\[\]]', key):
            escaped = key.replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{key}" if text else key
    return text


def _immutable_fields(obj: Mapping[str, Any]) -> tuple[Path, ...]:
    by_kind = _IMMUTABLE.get(str(obj.get("kind")), ()) if is_built_in(obj) else ()
    return (("metadata", "name"), ("metadata", "namespace"), *by_kind)


def _set_namespace(obj: dict[str, Any], *, namespaced: bool) -> None:
    metadata = obj.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        return
    if not namespaced:
        metadata.pop("namespace", None)
    elif not metadata.get("namespace"):
        metadata["namespace"] = "default"


def _compare(
    path: Path,
    patch: Any,
    old: Any,
    new_input: Any,
    old_input: Any,
    *,
    in_list: bool,
    found: dict[Path, Change],
    immutable: Iterable[Path],
) -> None:
    if patch is UNKNOWN and isinstance(old, dict):
        patch = {}
    if new_input is _MISSING and (patch is not None or old_input is _MISSING):
        return
    in_inputs = False
    if patch is None:
        kind, in_inputs = Kind.DELETE, True
    elif old is _MISSING:
        kind = Kind.ADD
    elif isinstance(patch, dict) and isinstance(old, dict):
        _compare_objects(
            path,
            patch,
            old,
            new_input if isinstance(new_input, dict) else {},
            old_input if isinstance(old_input, dict) else {},
            in_list=in_list,
            found=found,
            immutable=immutable,
        )
        return
    elif isinstance(patch, list) and isinstance(old, list):
        _compare_lists(path, patch, old, new_input, old_input, found=found, immutable=immutable)
        return
    elif not isinstance(patch, dict | list) and _equal(patch, old):
        # A merge patch replaces lists as a whole, so it also names elements that are the same.
        return
    else:
        kind = Kind.UPDATE
    if any(_touches(path, patch, field) for field in immutable):
        kind = Kind(kind + 1)
    found[path] = Change(kind, in_inputs)


def _compare_objects(
    path: Path,
    patch: Mapping[str, Any],
    old: Mapping[str, Any],
    new_input: Mapping[str, Any],
    old_input: Mapping[str, Any],
    *,
    in_list: bool = False,
    found: dict[Path, Change],
    immutable: Iterable[Path],
) -> None:
    removed = {key: None for key in old if key not in patch} if in_list else {}
    for key, value in {**patch, **removed}.items():
        _compare(
            (*path, key),
            value,
            old.get(key, _MISSING),
            new_input.get(key, _MISSING),
            old_input.get(key, _MISSING),
            in_list=in_list,
            found=found,
            immutable=immutable,
        )


def _compare_lists(
    path: Path,
    patch: list[Any],
    old: list[Any],
    new_input: Any,
    old_input: Any,
    *,
    found: dict[Path, Change],
    immutable: Iterable[Path],
) -> None:
    def at(items: Any, index: int, absent: Any = None) -> Any:
        return items[index] if isinstance(items, list) and index < len(items) else absent

    for index in range(max(len(patch), len(old))):
        _compare(
            (*path, index),
            at(patch, index),
            at(old, index, _MISSING),
            at(new_input, index),
            at(old_input, index),
            in_list=True,
            found=found,
            immutable=immutable,
        )


def _touches(path: Path, value: Any, field: Path) -> bool:
    """Return whether a change of `path` to `value` says anything about `field`."""
    shared = min(len(path), len(field))
    if path[:shared] != field[:shared]:
        return False
    for key in field[shared:]:
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True


def _contains(outer: Path, path: Path) -> bool:
    return len(outer) <= len(path) and all(
        mine in ("*", theirs) for mine, theirs in zip(outer, path, strict=False)
    )


def _equal(left: Any, right: Any) -> bool:
    """Python takes `True` for 1, JSON does not."""
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[k], right[k]) for k in left)
    return bool(left == right)
