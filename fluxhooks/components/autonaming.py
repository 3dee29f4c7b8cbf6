"""Whether the stack's ``pulumi:autonaming`` leaves Kubernetes objects without names."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fluxhooks.errors import SettingError

_TYPES: Final = (
    "kubernetes:core/v1:Secret",
    "kubernetes:notification.toolkit.fluxcd.io/v1:Receiver",
)


def check_autonaming(
    configured: Mapping[str, Any] | None, *, types: Sequence[str] = _TYPES
) -> None:
    """Refuse a configuration under which Secret and Receiver get no names.

    Args:
        configured: the stack's ``pulumi:autonaming``, if there is one; the narrowest of its
            settings that concerns a type counts, as the engine has it.
        types: those of the objects that need one.

    Raises:
        SettingError: it is disabled for one of them.
    """
    for type_ in types:
        if configured and _mode(configured, type_) == "disabled":
            raise SettingError(
                "pulumi:autonaming is disabled, and a name of its own is what keeps each "
                "generation, and what a killed run left, out of the others' way; enable it for "
                "Kubernetes: pulumi config set --path "
                "'pulumi:autonaming.providers.kubernetes.mode' default"
            )


def _mode(configured: Mapping[str, Any], type_: str) -> object:
    kubernetes = (configured.get("providers") or {}).get("kubernetes") or {}
    narrowest_first = ((kubernetes.get("resources") or {}).get(type_), kubernetes, configured)
    for setting in narrowest_first:
        if setting and ("mode" in setting or "pattern" in setting):
            return setting.get("mode")
    return None
