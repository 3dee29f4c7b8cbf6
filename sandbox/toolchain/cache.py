"""Where finished programs are kept between runs, outside the checkout."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sandbox.toolchain.programs import GO, Pinned

OFFICIAL = "official"
"""The key of what was downloaded: its publisher already says what is in a version."""


def default_root() -> Path:
    """``$FLUXHOOKS_CACHE``, else ``$XDG_CACHE_HOME/fluxhooks``, else ``~/.cache/fluxhooks``."""
    if chosen := os.environ.get("FLUXHOOKS_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "fluxhooks"


def recipe(row: Pinned, *, go: Path = GO) -> str:
    """The key of what is built: a digest of everything in this checkout that decides the binary.

    A program of ours also depends on its source, one that comes from elsewhere only on go.mod.
    """
    folder = go / row.module
    ours = row.package.startswith(".")
    sources = sorted(folder.rglob("*.go")) + sorted(folder.rglob("*/go.mod")) if ours else []
    digest = hashlib.sha256()
    for path in (folder / "go.mod", folder / "go.sum", *sources):
        digest.update(f"{path.relative_to(folder)}\0".encode())
        digest.update(path.read_bytes())
    settings = (row.package, sorted(row.variables.items()), row.tags, row.cgo)
    digest.update(repr((settings, sorted(row.files.items()))).encode())
    return digest.hexdigest()[:12]


class Cache:
    """Finished programs at ``<root>/<program>/<version>-<key>/<program>``.

    A program is put there by one rename, so what is there is whole, whoever was interrupted.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root if root is not None else default_root()

    def path(self, row: Pinned, key: str) -> Path:
        """Where a program is, or would be."""
        return self.root / row.name / f"{row.version}-{key}" / row.name

    def get(self, row: Pinned, key: str) -> Path | None:
        """A finished program, or None."""
        path = self.path(row, key)
        return path if os.access(path, os.X_OK) else None

    def put(self, row: Pinned, key: str, *, binary: Path, beside: Mapping[str, Path]) -> Path:
        """Moves a finished binary in, and copies what has to lie beside it."""
        path = self.path(row, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        for name, source in beside.items():
            _copy(source, path.parent / name)
        # The binary comes last: whoever sees it may rely on the rest.
        binary.chmod(0o755)
        binary.replace(path)
        return path

    def workshop(self, name: str) -> Path:
        """A new empty folder on the cache's file system, for one build under the lock ``name``.

        What an interrupted build left there is removed: its lock is gone, and so is its process.
        """
        parent = self.root / "building" / name
        shutil.rmtree(parent, ignore_errors=True)
        parent.mkdir(parents=True)
        return Path(tempfile.mkdtemp(dir=parent))

    def lock(self, name: str) -> Path:
        """The file to lock for whatever must not be done twice at once."""
        (self.root / "locks").mkdir(parents=True, exist_ok=True)
        return self.root / "locks" / f"{name}.lock"

    def recall(self, kind: str, key: str) -> Any:
        """A fact that was remembered, or None."""
        return self._memory().get(kind, {}).get(key)

    def remember(self, kind: str, key: str, fact: Any) -> None:
        """Keeps a small fact, such as how long a build took.

        Of two processes at once one may lose its fact; it will find it out again.
        """
        memory = self._memory()
        memory.setdefault(kind, {})[key] = fact
        self.root.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self.root, delete=False) as file:
            json.dump(memory, file, indent=1, sort_keys=True)
        Path(file.name).replace(self.root / "memory.json")

    def unused(self, rows: Iterable[Pinned]) -> list[Path]:
        """The folders of versions that this checkout has no use for."""
        wanted = {self.path(row, key).parent for row in rows for key in _keys(row)}
        programs = {folder.parent for folder in wanted}
        return sorted(
            folder
            for program in programs
            if program.is_dir()
            for folder in program.iterdir()
            if folder not in wanted
        )

    def _memory(self) -> dict[str, dict[str, Any]]:
        try:
            memory = json.loads((self.root / "memory.json").read_text())
        except (OSError, ValueError):
            return {}
        return memory if isinstance(memory, dict) else {}


def _keys(row: Pinned) -> tuple[str, ...]:
    return (OFFICIAL, recipe(row)) if row.module else (OFFICIAL,)


def _copy(source: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as temporary:
        copy = Path(temporary) / target.name
        if source.is_dir():
            shutil.copytree(source, copy)
            shutil.rmtree(target, ignore_errors=True)
        else:
            shutil.copyfile(source, copy)
            copy.chmod(0o755)
        copy.replace(target)
