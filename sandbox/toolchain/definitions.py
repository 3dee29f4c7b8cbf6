"""The definitions of Flux's objects, and of others', from the Go modules that carry them."""

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from sandbox.toolchain import golang
from sandbox.toolchain.cache import Cache
from sandbox.toolchain.programs import (
    CRD_MODULES,
    EXTERNAL_SECRETS,
    GATEWAY_API,
    GO,
    PROMETHEUS_OPERATOR,
    pinned,
)


def crds(
    controllers: Iterable[str] = tuple(CRD_MODULES), *, cache: Cache | None = None
) -> list[Path]:
    """The CustomResourceDefinition files of pinned controllers, sorted by controller and name.

    They are copied from Go's module cache into the toolchain's once for each version.

    Args:
        controllers: whose; by default those of all controllers.
        cache: where they are kept; `default_root` by default.

    Raises:
        ToolchainError: they are not in the cache, and Go is missing or cannot fetch the module.
    """
    cache = cache if cache is not None else Cache()
    files: list[Path] = []
    for name in sorted(controllers):
        module, row = CRD_MODULES[name], pinned(name)
        folder = cache.root / "crds" / f"{name}-{row.version}"
        if not folder.exists():
            source = golang.module_folder(f"{module}@v{row.version}", within=GO / row.module)
            _copy(source / "config/crd/bases", folder)
        files += sorted(folder.glob("*.yaml"))
    return files


def external_secrets(*, cache: Cache | None = None) -> list[Path]:
    """The CustomResourceDefinition files of the External Secrets Operator, sorted by name.

    Args:
        cache: as for `crds`.

    Raises:
        ToolchainError: as for `crds`.
    """
    # Beside them lies a kustomization.
    return sorted(_folder(EXTERNAL_SECRETS, "config/crds/bases", cache).glob("*_*.yaml"))


def gateway_api(*, cache: Cache | None = None) -> list[Path]:
    """The CustomResourceDefinition files of Gateways and HTTPRoutes, of the standard channel.

    Args:
        cache: as for `crds`.

    Raises:
        ToolchainError: as for `crds`.
    """
    folder = _folder(GATEWAY_API, "config/crd/standard", cache)
    return [
        folder / f"gateway.networking.k8s.io_{plural}.yaml"
        for plural in ("gatewayclasses", "gateways", "httproutes")
    ]


def prometheus_operator(*, cache: Cache | None = None) -> list[Path]:
    """The CustomResourceDefinition files of what the Prometheus operator is told of.

    Args:
        cache: as for `crds`.

    Raises:
        ToolchainError: as for `crds`.
    """
    folder = _folder(PROMETHEUS_OPERATOR, "example/prometheus-operator-crd", cache)
    return [
        folder / f"monitoring.coreos.com_{plural}.yaml"
        for plural in ("podmonitors", "probes", "prometheusrules")
    ]


def flux_services() -> Path:
    """Flux's manifest of the Services of notification-controller.

    Raises:
        ToolchainError: as for `crds`.
    """
    name = "notification-controller"
    row = pinned(name)
    module = f"{CRD_MODULES[name]}@v{row.version}"
    folder = golang.module_folder(module, within=GO / row.module)
    return folder / "config/manager/service.yaml"


def _folder(module: str, inside: str, cache: Cache | None) -> Path:
    cache = cache if cache is not None else Cache()
    path, _, version = module.partition("@v")
    folder = cache.root / "crds" / f"{path.rpartition('/')[2]}-{version}"
    if not folder.exists():
        _copy(golang.module_folder(module) / inside, folder)
    return folder


def _copy(source: Path, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as temporary:
        copy = Path(temporary) / folder.name
        copy.mkdir()
        for file in source.glob("*.yaml"):
            shutil.copyfile(file, copy / file.name)
        try:
            copy.rename(folder)
        except OSError:
            # Another process was first; what it copied is the same.
            if not folder.exists():
                raise
