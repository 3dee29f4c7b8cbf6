"""Names that Pulumi gives to what a program does not name: what the engine asks for."""

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum

from pulumi.runtime.proto import provider_pb2


class Mode(StrEnum):
    """What the project's `pulumi:autonaming` asks for."""

    PROPOSE = "propose"
    ENFORCE = "enforce"
    DISABLE = "disable"


@dataclass(frozen=True)
class Autonaming:
    """The engine's own idea of a name."""

    mode: Mode
    proposed: str


def requested(request: provider_pb2.CheckRequest) -> Autonaming | None:
    """What a request to check a resource says of names, None when it says nothing."""
    if not request.HasField("autonaming"):
        return None
    options = provider_pb2.CheckRequest.AutonamingOptions
    modes = {
        options.PROPOSE: Mode.PROPOSE,
        options.ENFORCE: Mode.ENFORCE,
        options.DISABLE: Mode.DISABLE,
    }
    return Autonaming(modes[request.autonaming.mode], request.autonaming.proposed_name)


def random_suffix(seed: bytes = b"", *, length: int) -> str:
    """Return hexadecimal digits, the same ones for the same `seed`."""
    if not seed:
        return secrets.token_hex(length)[:length]
    return hashlib.sha256(seed).hexdigest()[:length]


def logical_name(urn: str) -> str:
    """Return the name that the program gave to the resource."""
    return urn.split("::", 3)[3]
