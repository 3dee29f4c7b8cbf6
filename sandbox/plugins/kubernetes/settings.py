"""What a program and the environment set on the provider."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sandbox.plugins.errors import UnsupportedError

_REFUSED: Final = {
    "alwaysRender": "",
    "deleteUnreachable": "PULUMI_K8S_DELETE_UNREACHABLE",
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    "rejectUnknownResources": "",
    "skipUpdateUnreachable": "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
    "strictMode": "",
}


@dataclass(frozen=True)
class Settings:
    """The provider's configuration, as far as the stand-in follows it."""

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""
    namespace: str = ""
    upsert_existing_objects: bool = False
    patch_force: bool = False


def read_settings(
    inputs: Mapping[str, Any], environment: Mapping[str, str] = os.environ
) -> Settings:
    """Return the settings; an input wins over its environment variable.

    Raises:
        UnsupportedError: Something is set that only the official plugin can do.
    """
    values = {key: _text(value) for key, value in inputs.items() if value is not None}

    def enabled(key: str, variable: str, default: str = "false") -> bool:
        return values.get(key, environment.get(variable, default)) == "true"

    for key, variable in _REFUSED.items():
        if enabled(key, variable):
            raise UnsupportedError(f"the provider argument '{key}'")
    if values.get("renderYamlToDirectory"):
        raise UnsupportedError("the provider argument 'renderYamlToDirectory'")
    if not enabled("enableServerSideApply", "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY", "true"):
        raise UnsupportedError("the provider argument 'enableServerSideApply: false'")
    if environment.get("PULUMI_K8S_AWAIT_ALL") == "true":
        raise UnsupportedError("the environment variable PULUMI_K8S_AWAIT_ALL")
    return Settings(
        kubeconfig=values.get("kubeconfig", ""),
        context=values.get("context", ""),
        cluster=values.get("cluster", ""),
        namespace=values.get("namespace", ""),
        upsert_existing_objects=enabled(
            "upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"
        ),
        patch_force=enabled("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
    )


def _text(value: Any) -> str:
    """SDKs send everything but strings as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
