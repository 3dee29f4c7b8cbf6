"""The definitions of Flux's objects, from the same Go modules as its controllers."""

import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from sandbox.toolchain import golang
from sandbox.toolchain.cache import Cache
from sandbox.toolchain.programs import CRD_MODULES, EXTERNAL_SECRETS, GO, pinned


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
    cache = cache if cache is not None else Cache()
    folder = cache.root / "crds" / f"external-secrets-{EXTERNAL_SECRETS.rpartition('@v')[2]}"
    if not folder.exists():
        _copy(golang.module_folder(EXTERNAL_SECRETS) / "config/crds/bases", folder)
    # Beside them lies a kustomization.
    return sorted(folder.glob("*_*.yaml"))


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
