"""Pulumi's property values as Python values, with secrets and unknowns kept apart.

A protobuf `Struct` marks a secret as an object with a signature, an unknown as a magic string. Here
the first is a `Secret`, the second is `UNKNOWN`; everything else is plain JSON, numbers without a
fraction being `int` as they were before the protobuf made doubles of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

from sandbox.plugins.errors import UnsupportedError

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105
# One for each type of the value that is not known: bool, number, string, array, asset, archive,
# object.
UNKNOWNS: Final = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Unknown:
    """The type of `UNKNOWN`, a value that only the real update will have."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, _: object) -> "Unknown":
        return self


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts; it does not show in a `repr`."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(…)"


def read_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return `struct` as Python values.

    Raises:
        UnsupportedError: It holds an asset, an archive, a resource reference or an output value.
    """
    return {key: _read(value) for key, value in struct.fields.items()}


def write_struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """Return `properties` as a protobuf `Struct`, secrets and unknowns marked."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        _write(struct.fields[key], value)
    return struct


def reveal(value: Any) -> Any:
    """Return a copy of `value` with the content of secrets in their place."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def has_unknown(value: Any) -> bool:
    """Return whether `value` is, or contains, something unknown."""
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if isinstance(value, dict):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN


def has_secret(value: Any) -> bool:
    """Return whether `value` is, or contains, a secret."""
    if isinstance(value, dict):
        return any(has_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(has_secret(item) for item in value)
    return isinstance(value, Secret)


def _read(value: struct_pb2.Value) -> Any:
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value in UNKNOWNS else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_read(item) for item in value.list_value.values]
        case "struct_value":
            fields = value.struct_value.fields
            if SIGNATURE not in fields:
                return {key: _read(item) for key, item in fields.items()}
            if fields[SIGNATURE].string_value != SECRET:
                raise UnsupportedError(
                    "an asset, archive, resource or output value among the inputs"
                )
            return Secret(_read(fields["value"]))
        case _:
            return None


def _write(target: struct_pb2.Value, value: Any) -> None:
    if value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif value is UNKNOWN:
        target.string_value = UNKNOWN_STRING
    elif isinstance(value, Secret):
        target.struct_value.fields[SIGNATURE].string_value = SECRET
        _write(target.struct_value.fields["value"], value.value)
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()
        for key, item in value.items():
            _write(target.struct_value.fields[key], item)
    else:
        target.list_value.SetInParent()
        for item in value:
            _write(target.list_value.values.add(), item)
