"""Which field manager owns what: the bookkeeping of server-side apply.

An object that was made by a plain create has its fields booked on a manager of that create; the
first update books them over to the manager that applies from then on, or else a field that the
program drops would stay.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sandbox.plugins.kubernetes.api import CREATE_MANAGER, Object

_CREATORS: Final = (CREATE_MANAGER, f"{CREATE_MANAGER}.exe", "pulumi-resource-kubernetes")
_KUBECTL: Final = {("kubectl", "Apply"), ("kubectl", "Update"), ("before-first-apply", "Update")}


def managed_fields(live: Mapping[str, Any]) -> list[Object]:
    """Return an object's `metadata.managedFields`."""
    entries: list[Object] = (live.get("metadata") or {}).get("managedFields") or []
    return entries


def is_made_by_us(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry books what the plugin created without applying."""
    return entry["operation"] == "Update" and entry["manager"] in _CREATORS


def taken_over(entries: Sequence[Object], field_manager: str) -> list[Object] | None:
    """Return the entries after `field_manager` took over from creates and kubectl, None if none."""
    mine = [e for e in entries if e["manager"] == field_manager and e["operation"] == "Apply"]
    theirs = [e for e in entries if e not in mine and _is_taken_over(e)]
    if not theirs:
        return None
    owner = copy.deepcopy((mine or theirs)[0])
    owner |= {"manager": field_manager, "operation": "Apply"}
    for entry in theirs if mine else theirs[1:]:
        owner["fieldsV1"] = _union(owner.get("fieldsV1") or {}, entry.get("fieldsV1") or {})
    return [*(e for e in entries if e not in mine and e not in theirs), owner]


def leave_ignored(
    inputs: Object, live: Mapping[str, Any], paths: Iterable[str], *, field_manager: str
) -> None:
    """Take from `inputs` what `ignore_changes` leaves to others; set the rest to what it is.

    A path is one of plain keys; with others nothing is done.
    """
    entries = managed_fields(live)
    ours = [e.get("fieldsV1") or {} for e in entries if e["manager"] == field_manager]
    theirs = [e.get("fieldsV1") or {} for e in entries if e["manager"] != field_manager]
    for path in paths:
        keys = path.split(".")
        owned_by_us = any(_has(fields, keys) for fields in ours)
        if not owned_by_us and any(_has(fields, keys) for fields in theirs):
            _remove(inputs, keys)
        else:
            _copy(inputs, live, keys)


def _is_taken_over(entry: Object) -> bool:
    by_kubectl = (entry["manager"], entry["operation"]) in _KUBECTL
    return not entry.get("subresource") and (by_kubectl or is_made_by_us(entry))


def _union(left: Object, right: Object) -> Object:
    return {key: _union(left.get(key) or {}, right.get(key) or {}) for key in {**left, **right}}


def _has(fields: Object, keys: Sequence[str]) -> bool:
    for key in keys:
        if f"f:{key}" not in fields:
            return False
        fields = fields[f"f:{key}"]
    return True


def _remove(obj: Object, keys: Sequence[str]) -> None:
    parent = _at(obj, keys[:-1])
    if isinstance(parent, dict):
        parent.pop(keys[-1], None)


def _copy(obj: Object, source: Mapping[str, Any], keys: Sequence[str]) -> None:
    there = _at(source, keys[:-1])
    if not isinstance(there, dict) or keys[-1] not in there:
        return
    for key in keys[:-1]:
        obj = obj.setdefault(key, {})
        if not isinstance(obj, dict):
            return
    obj[keys[-1]] = copy.deepcopy(there[keys[-1]])


def _at(obj: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        obj = obj.get(key) if isinstance(obj, dict) else None
    return obj
