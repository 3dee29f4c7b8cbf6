"""Kubernetes objects as the plugin compares and stores them."""

import base64
import binascii
import copy
from collections.abc import Mapping
from typing import Any, Final

from sandbox.plugins.properties import Secret, has_secret, has_unknown, reveal

INPUTS: Final = "__inputs"
INITIAL_API_VERSION: Final = "__initialApiVersion"
FIELD_MANAGER: Final = "__fieldManager"

# Groups that Kubernetes itself serves. A dot is no mark: custom resources also live in `*.k8s.io`.
BUILT_IN_GROUPS: Final = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "core",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)
# The top level of what a program can give, for kinds whose outputs have more or less of it.
INPUT_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "ConfigMap": ("apiVersion", "binaryData", "data", "immutable", "kind", "metadata"),
    "Namespace": ("apiVersion", "kind", "metadata", "spec"),
    "Secret": ("apiVersion", "data", "immutable", "kind", "metadata", "stringData", "type"),
}
_SERVER_METADATA: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
)


def group_of(api_version: str) -> str:
    """Return the group of an `apiVersion`, empty for the core group."""
    group, slash, _ = api_version.partition("/")
    return group if slash and group != "core" else ""


def is_built_in(obj: Mapping[str, Any]) -> bool:
    """Return whether Kubernetes itself, not a custom resource definition, defines this kind."""
    api_version = obj.get("apiVersion")
    return bool(api_version) and group_of(str(api_version)) in BUILT_IN_GROUPS


def is_secret(obj: Mapping[str, Any]) -> bool:
    """Return whether `obj` is a Secret of the core group."""
    return obj.get("kind") == "Secret" and obj.get("apiVersion") in ("v1", "core/v1")


def normalize(obj: dict[str, Any]) -> dict[str, Any]:
    """Return `obj` such that two spellings of the same thing become equal.

    What the API server alone decides is left out of the metadata. Unless something in it is still
    unknown, a Secret's `stringData` becomes `data`, and other built-in kinds lose what is empty or
    no field of theirs; custom resources are left as they are, nulls included.
    """
    obj = copy.deepcopy(obj)
    if is_built_in(obj) and not has_unknown(obj):
        obj = _normalize_secret(obj) if is_secret(obj) else _normalize_typed(obj)
    metadata = obj.get("metadata")
    if isinstance(metadata, dict):
        for key in _SERVER_METADATA:
            metadata.pop(key, None)
    return obj


def prune(live: Mapping[str, Any], shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of `live` that `shape` has too."""
    return {key: _prune_value(value, shape[key]) for key, value in live.items() if key in shape}


def mark_secrets(outputs: dict[str, Any], inputs: Mapping[str, Any]) -> None:
    """Make secret in `outputs` what is secret in `inputs`, and a Secret's data in any case.

    Objects are followed, lists are not: one secret element makes the whole list secret.
    """
    if outputs.get("kind") == "Secret":
        for key in ("data", "stringData"):
            if key in outputs and not isinstance(outputs[key], Secret):
                outputs[key] = Secret(outputs[key])
        return
    for key, value in inputs.items():
        if key not in outputs:
            continue
        if isinstance(outputs[key], dict) and isinstance(value, Mapping):
            mark_secrets(outputs[key], value)
        elif not isinstance(outputs[key], Secret) and has_secret(value):
            outputs[key] = Secret(outputs[key])


def checkpoint(
    inputs: Mapping[str, Any],
    live: Mapping[str, Any],
    *,
    secrets_of: Mapping[str, Any],
    initial_api_version: str,
    field_manager: str,
) -> dict[str, Any]:
    """Return the resource's state: the live object, and the inputs under `__inputs`."""
    state = copy.deepcopy(dict(live))
    stored_inputs = copy.deepcopy(dict(inputs))
    mark_secrets(state, secrets_of)
    mark_secrets(stored_inputs, secrets_of)
    return state | {
        INPUTS: stored_inputs,
        INITIAL_API_VERSION: initial_api_version,
        FIELD_MANAGER: field_manager,
    }


def read_checkpoint(state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return inputs and live object of a resource's state, secrets revealed."""
    live = reveal(dict(state))
    inputs = live.pop(INPUTS, None) or {}
    live.pop(INITIAL_API_VERSION, None)
    live.pop(FIELD_MANAGER, None)
    return inputs, live


def _prune_value(live: Any, shape: Any) -> Any:
    if type(live) is not type(shape):
        return live
    if isinstance(live, dict):
        return prune(live, shape)
    if isinstance(live, list):
        if not live or not shape:
            return []
        if type(live[0]) is not type(shape[0]):
            return live
        return [_prune_value(*pair) for pair in zip(live, shape, strict=False)]
    return live


def _normalize_secret(obj: dict[str, Any]) -> dict[str, Any]:
    data = obj.get("data")
    string_data = obj.get("stringData")
    if (
        isinstance(string_data, dict)
        and string_data
        and all(isinstance(value, str) for value in string_data.values())
    ):
        encoded = {
            key: base64.b64encode(value.encode()).decode() for key, value in string_data.items()
        }
        obj["data"] = (data if isinstance(data, dict) else {}) | encoded
        del obj["stringData"]
    elif isinstance(data, dict):
        obj["data"] = {key: _reencode(value) for key, value in data.items()}
    return obj


def _reencode(value: Any) -> Any:
    """The API server decodes and encodes again, which loses line breaks."""
    if not isinstance(value, str):
        return value
    try:
        decoded = base64.b64decode(value.replace("\r", "").replace("\n", ""), validate=True)
    except binascii.Error:
        return value
    return base64.b64encode(decoded).decode()


def _normalize_typed(obj: dict[str, Any]) -> dict[str, Any]:
    fields = INPUT_FIELDS.get(str(obj.get("kind")), obj.keys())
    kept: dict[str, Any] = _drop_empty({key: obj[key] for key in obj if key in fields})
    return kept


def _drop_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _drop_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, {}, [])}
    if isinstance(value, list):
        return [_drop_empty(item) for item in value]
    return value
