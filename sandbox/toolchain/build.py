"""Builds pinned programs from their Go modules."""

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from sandbox.toolchain import golang
from sandbox.toolchain.cache import Cache, recipe
from sandbox.toolchain.errors import ToolchainError
from sandbox.toolchain.programs import GO, Origin, Pinned, Program
from sandbox.toolchain.progress import Phase, Progress, Report

SECONDS_PER_PACKAGE = 0.15
"""On 2 cores; the estimate until this machine has compiled something itself."""

SECONDS_PER_PROGRAM = 10.0
"""To link it, on 2 cores."""

ENOUGH_TO_LEARN_FROM = 200
"""Packages a build must have compiled for its speed to be worth remembering."""


def build(
    rows: Iterable[Pinned], cache: Cache, *, report: Report, go: Path = GO
) -> dict[str, Program]:
    """Builds programs into the cache, unless another process has just done so.

    What comes from one Go module is built by one ``go build``, which compiles what the programs
    share once; each is in the cache as soon as it is linked.

    Args:
        rows: what to build.
        cache: where to.
        report: told what happens.
        go: the folder of the Go modules.

    Raises:
        ToolchainError: Go is missing, or a build failed.
    """
    programs: dict[str, Program] = {}
    groups: dict[object, list[Pinned]] = {}
    for row in rows:
        groups.setdefault((row.module, row.cgo, row.tags), []).append(row)
    for wanted in groups.values():
        with _locked(wanted, cache, report) as waited:
            keys = {row.name: recipe(row, go=go) for row in wanted}
            missing = [row for row in wanted if cache.get(row, keys[row.name]) is None]
            if waited:
                for row in wanted:
                    if row not in missing:
                        text = f"{row.name} {row.version} built by another process"
                        report(Progress(row.name, Phase.READY, waited, text))
            if missing:
                _Build(missing, keys, cache, report=report, folder=go / wanted[0].module).run()
        for row in wanted:
            path = cache.path(row, keys[row.name])
            programs[row.name] = Program(row.name, row.version, path, Origin.BUILT)
    return programs


@contextmanager
def _locked(rows: list[Pinned], cache: Cache, report: Report) -> Iterator[float]:
    names = _names(rows)
    lock = FileLock(cache.lock(rows[0].module))
    start = time.monotonic()
    waited = 0.0
    patience = 0.0
    while True:
        try:
            lock.acquire(timeout=patience)
            break
        except Timeout:
            waited = time.monotonic() - start
            text = f"another process is building {names}"
            report(Progress(names, Phase.WAIT, waited, text))
            patience = golang.HEARTBEAT
    try:
        yield waited
    finally:
        lock.release()


class _Build:
    """One ``go build``, for several programs of one module."""

    def __init__(
        self,
        rows: list[Pinned],
        keys: Mapping[str, str],
        cache: Cache,
        *,
        report: Report,
        folder: Path,
    ) -> None:
        self._rows = rows
        # Made before the build, so that a source edited meanwhile is not taken for what was built.
        self._keys = keys
        self._cache = cache
        self._report = report
        self._folder = folder
        self._pending = list(rows)
        self._start = self._last_ready = time.monotonic()
        self._told: tuple[Phase, float] = (Phase.NOTE, 0.0)
        self._done = self._total = 0

    def run(self) -> None:
        workshop = self._cache.workshop(self._rows[0].module)
        try:
            self._check_compiler()
            self._total = self._count(workshop)
            self._compile(workshop)
        except golang.GoError as error:
            raise ToolchainError(
                f"cannot build {_names(self._pending)} in {self._folder}:\n{error}\n{self._cures()}"
            ) from None
        except ToolchainError as error:
            raise ToolchainError(f"cannot build {_names(self._pending)}: {error}") from None
        finally:
            shutil.rmtree(workshop, ignore_errors=True)

    def _check_compiler(self) -> None:
        # Go itself complains of it in the middle, package by package.
        if self._rows[0].cgo and golang.c_compiler() is None:
            cures = "; ".join(row.instead for row in self._rows)
            raise ToolchainError(f"no C compiler on PATH; install gcc, or {cures}")

    def _count(self, workshop: Path) -> int:
        """Fetches the modules, and counts the packages that are not compiled yet."""
        fetched = 0
        self._tell(Phase.MODULES, "fetching Go modules")
        stale = workshop / "stale"
        with stale.open("w") as output:
            arguments = ["list", "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}"]
            for line in self._run(arguments, workshop, output):
                fetched += line.startswith("go: downloading ")
                self._tell(Phase.MODULES, f"fetching Go modules: {fetched}")
        # Go calls a program stale as long as it is not installed, compiled or not.
        return max(0, len(stale.read_text().split()) - len(self._rows))

    def _compile(self, workshop: Path) -> None:
        programs = workshop / "programs"
        programs.mkdir()
        # Into a folder with the set-group-ID bit Go copies, instead of renaming what is whole.
        programs.chmod(0o755)
        for line in self._run(["build", "-v", "-o", f"{programs}{os.sep}"], workshop):
            self._done += golang.is_progress(line)
            self._collect(programs)
            if self._done < self._total:
                self._tell(Phase.COMPILE, f"package {self._done} of {self._total}")
            elif self._pending:
                self._tell(Phase.LINK, "linking")
        self._collect(programs)
        if self._pending:
            raise golang.GoError("go build was content, but made no such program")
        if self._total >= ENOUGH_TO_LEARN_FROM:
            compiling = time.monotonic() - self._start - SECONDS_PER_PROGRAM * len(self._rows)
            self._cache.remember("seconds", "package", compiling / self._total)
            text = "`go clean -cache -modcache` frees what Go keeps of the build; the programs stay"
            self._report(Progress(_names(self._rows), Phase.NOTE, 0.0, text))

    def _collect(self, programs: Path) -> None:
        for row in [row for row in self._pending if (programs / row.binary).exists()]:
            files = {name: _in_module_cache(place) for name, place in row.files.items()}
            binary = programs / row.binary
            self._cache.put(row, self._keys[row.name], binary=binary, beside=files)
            self._pending.remove(row)
            now = time.monotonic()
            took, self._last_ready = now - self._last_ready, now
            self._report(Progress(row.name, Phase.READY, took, f"{row.name} {row.version} built"))

    def _run(
        self, arguments: list[str], workshop: Path, output: IO[str] | None = None
    ) -> Iterator[str]:
        first = self._rows[0]
        temporary = workshop / "tmp"
        temporary.mkdir(exist_ok=True)
        variables = [
            f"-X {name}={value}" for row in self._rows for name, value in row.variables.items()
        ]
        return golang.run(
            [
                *arguments,
                "-mod=readonly",
                "-trimpath",
                "-buildvcs=false",
                f"-tags={','.join(first.tags)}",
                f"-ldflags={' '.join(['-s -w', *variables])}",
                *(row.package for row in self._rows),
            ],
            folder=self._folder,
            # On the file system of the cache, so that a finished binary is renamed and not copied.
            settings={"CGO_ENABLED": str(int(first.cgo)), "GOTMPDIR": str(temporary)},
            output=output,
        )

    def _tell(self, phase: Phase, text: str) -> None:
        now = time.monotonic()
        if self._told[0] is phase and now - self._told[1] < golang.HEARTBEAT:
            return
        self._told = (phase, now)
        rate = self._cache.recall("seconds", "package") or SECONDS_PER_PACKAGE
        self._report(
            Progress(
                _names(self._pending),
                phase,
                now - self._start,
                text,
                done=self._done,
                total=self._total,
                expected=rate * self._total + SECONDS_PER_PROGRAM * len(self._rows),
            )
        )

    def _cures(self) -> str:
        cures = dict.fromkeys(row.instead for row in self._pending)
        return "\n".join(f"or: {cure}" for cure in cures)


def _names(rows: Iterable[Pinned]) -> str:
    return ", ".join(row.name for row in rows)


def _in_module_cache(place: str) -> Path:
    module, _, rest = place.partition("@")
    version, _, path = rest.partition("/")
    return golang.module_folder(f"{module}@{version}") / path
