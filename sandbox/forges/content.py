"""What a repository may hold that Flux applies: manifests, a folder of them, a Helm chart."""

from collections.abc import Mapping
from typing import Any

import yaml

_TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data: {{ .Values | toYaml | nindent 2 }}
"""


def manifest(
    kind: str, name: str, *, api_version: str = "v1", namespace: str = "", **fields: Any
) -> str:
    """An object as YAML; `fields` are those beside its metadata."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    described = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}
    return str(yaml.safe_dump(described, sort_keys=False))


def folder(path: str, **manifests: str) -> dict[str, str]:
    """A folder that kustomize builds: its `kustomization.yaml` lists the manifests, by name."""
    files = {f"{name.replace('_', '-')}.yaml": text for name, text in manifests.items()}
    listed = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(files),
    }
    files["kustomization.yaml"] = yaml.safe_dump(listed, sort_keys=False)
    return {f"{path}/{name}": text for name, text in files.items()}


def chart(
    path: str,
    *,
    version: str = "0.1.0",
    values: Mapping[str, str] | None = None,
    templates: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """A Helm chart, called as the last part of its path.

    Args:
        path: its folder.
        version: its version.
        values: its default values.
        templates: texts by name, such as `job.yaml`; by default one for a ConfigMap, called as the
            release, of all values.
    """
    described = {"apiVersion": "v2", "name": path.rpartition("/")[2], "version": version}
    texts = templates if templates is not None else {"config-map.yaml": _TEMPLATE}
    return {
        f"{path}/Chart.yaml": yaml.safe_dump(described, sort_keys=False),
        f"{path}/values.yaml": yaml.safe_dump(dict(values or {"key": "value"})),
        **{f"{path}/templates/{name}": text for name, text in texts.items()},
    }
