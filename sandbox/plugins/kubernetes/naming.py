"""Names that Pulumi gives to objects whose program does not name them."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.plugins.autonaming import Autonaming, Mode, random_suffix
from sandbox.plugins.errors import PluginError
from sandbox.plugins.properties import UNKNOWN

AUTONAMED: Final = "pulumi.com/autonamed"
SUFFIX_LENGTH: Final = 8


def assign_name(
    inputs: dict[str, Any], logical_name: str, *, seed: bytes, autonaming: Autonaming | None
) -> None:
    """Give `inputs` a name, and the mark that it was given, unless it has one.

    Raises:
        PluginError: The project disables auto-naming.
    """
    if is_named(inputs) or generates_name(inputs):
        return
    name = f"{logical_name}-{random_suffix(seed, length=SUFFIX_LENGTH)}"
    if autonaming is not None:
        if autonaming.mode is Mode.DISABLE:
            raise PluginError(
                "autonaming is disabled, resource requires the .metadata.name field to be set"
            )
        name = autonaming.proposed
    _set_autoname(inputs, name)


def adopt_name(inputs: dict[str, Any], old_inputs: Mapping[str, Any]) -> None:
    """Keep the name that an earlier `assign_name` gave, unless `inputs` now have one."""
    if not is_named(inputs) and is_autonamed(old_inputs):
        _set_autoname(inputs, name_of(old_inputs))


def is_named(inputs: Mapping[str, Any]) -> bool:
    """Return whether the program gives a name, if only one that is not known yet."""
    name = _metadata(inputs).get("name")
    return name is UNKNOWN or bool(name)


def is_autonamed(inputs: Mapping[str, Any]) -> bool:
    """Return whether Pulumi gave the name."""
    return annotations_of(inputs).get(AUTONAMED) == "true"


def generates_name(inputs: Mapping[str, Any]) -> bool:
    """Return whether the API server is asked to make the name."""
    return not is_named(inputs) and bool(_metadata(inputs).get("generateName"))


def name_of(obj: Mapping[str, Any]) -> str:
    """Return `metadata.name`, empty if there is none or if it is unknown."""
    name = _metadata(obj).get("name")
    return name if isinstance(name, str) else ""


def namespace_of(obj: Mapping[str, Any]) -> str:
    """Return `metadata.namespace`, empty if there is none or if it is unknown."""
    namespace = _metadata(obj).get("namespace")
    return namespace if isinstance(namespace, str) else ""


def annotations_of(obj: Mapping[str, Any]) -> Mapping[str, str]:
    """Return `metadata.annotations`, empty if there are none, or if one of them is no text.

    One unknown annotation hides all, as it does from the official plugin.
    """
    annotations = _metadata(obj).get("annotations")
    if not isinstance(annotations, Mapping):
        return {}
    return annotations if all(isinstance(text, str) for text in annotations.values()) else {}


def qualified_name(obj: Mapping[str, Any]) -> str:
    """Return the resource ID of an object: `namespace/name`, or `name`."""
    namespace = namespace_of(obj)
    return f"{namespace}/{name_of(obj)}" if namespace else name_of(obj)


def split_id(resource_id: str) -> tuple[str, str]:
    """Return namespace and name of a resource ID."""
    namespace, slash, name = resource_id.partition("/")
    return (namespace, name.partition("/")[0]) if slash else ("", namespace)


def _metadata(obj: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = obj.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _set_autoname(inputs: dict[str, Any], name: str) -> None:
    metadata = inputs.setdefault("metadata", {})
    if not isinstance(metadata, dict):
        return
    metadata["name"] = name
    annotations = metadata.setdefault("annotations", {})
    if isinstance(annotations, dict):
        annotations[AUTONAMED] = "true"
