"""Provides programs: those the machine has, else official downloads, else builds."""

from collections.abc import Iterable

from sandbox.toolchain.build import build
from sandbox.toolchain.cache import OFFICIAL, Cache, recipe
from sandbox.toolchain.download import download
from sandbox.toolchain.errors import ToolchainError
from sandbox.toolchain.find import beside, find
from sandbox.toolchain.programs import Origin, Pinned, Program, in_table_order, pinned
from sandbox.toolchain.progress import Phase, Progress, Report, silent


def provide(
    names: Iterable[str], *, report: Report | None = None, cache: Cache | None = None
) -> dict[str, Program]:
    """Makes programs available, each from the first of these places that has it.

    1. The machine: KUBEBUILDER_ASSETS, PATH, Pulumi's installed plugins. A program that is too old
       is passed over, and so is a ``pulumi`` without its language host beside it.
    2. The cache of earlier downloads and builds.
    3. The publisher's download. One that failed is not tried again for a day.
    4. A build of the pinned version, which takes minutes once.

    Two processes that want the same program at once build it once. With ``FLUXHOOKS_OFFLINE`` set
    nothing is downloaded, and builds use what Go's module cache holds.

    Args:
        names: what is wanted; see `sandbox.toolchain.programs.TABLE`.
        report: told what happens, several times a minute while something takes long.
        cache: where finished programs are kept; `default_root` by default.

    Returns:
        The programs by name.

    Raises:
        ToolchainError: a name is unknown, or a program cannot be had.
    """
    search = _Search(cache if cache is not None else Cache(), report or silent)
    rows = in_table_order(names)
    found = {row.name: program for row in rows if (program := search.program(row))}
    missing = [row for row in rows if row.name not in found]
    for row in missing:
        if not row.module:
            raise ToolchainError(f"{row.name} {row.version} can only be downloaded: {row.instead}")
    programs = found | build(missing, search.cache, report=search.report)
    return {row.name: programs[row.name] for row in rows}


def official(
    name: str, *, report: Report | None = None, cache: Cache | None = None
) -> Program | None:
    """A program as its publisher made it: one on the machine, or a download; never one built here.

    Returns:
        The program, or None where it can be had neither way.

    Raises:
        ToolchainError: the name is unknown.
    """
    search = _Search(cache if cache is not None else Cache(), report or silent)
    program = search.program(pinned(name))
    return program if program and program.origin is not Origin.BUILT else None


class _Search:
    """One search for several programs, some of which are needed for others."""

    def __init__(self, cache: Cache, report: Report) -> None:
        self.cache = cache
        self.report = report
        self._results: dict[str, Program | None] = {}

    def program(self, row: Pinned) -> Program | None:
        """What can be had without building."""
        if row.name not in self._results:
            self._results[row.name] = self._search(row)
        return self._results[row.name]

    def _search(self, row: Pinned) -> Program | None:
        if row.leader:
            leader = self.program(pinned(row.leader))
            if leader and leader.origin is not Origin.BUILT:
                path = beside(leader.path, row.name)
                return Program(row.name, leader.version, path, leader.origin) if path else None
            return self._cached(row)
        found = find(row, self.cache)
        for reason in found.passed_over:
            self.report(Progress(row.name, Phase.NOTE, 0.0, f"not used: {reason}"))
        return found.program or self._cached(row) or self._download(row)

    def _cached(self, row: Pinned) -> Program | None:
        if path := self.cache.get(row, OFFICIAL):
            return Program(row.name, row.version, path, Origin.DOWNLOAD)
        if row.module and (path := self.cache.get(row, recipe(row))):
            return Program(row.name, row.version, path, Origin.BUILT)
        return None

    def _download(self, row: Pinned) -> Program | None:
        if row.official is None:
            return None
        pulumi = self.program(pinned("pulumi")) if row.plugin else None
        return download(row, self.cache, report=self.report, pulumi=pulumi)
