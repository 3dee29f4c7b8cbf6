"""Looks for programs that the machine already has."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.toolchain.cache import Cache
from sandbox.toolchain.programs import TABLE, Origin, Pinned, Program

UNKNOWN = "unknown"
ENVTEST_DEFAULT = Path("/usr/local/kubebuilder/bin")


@dataclass(frozen=True)
class Found:
    """The outcome of a search: the program, if there is one that will do, and what will not do."""

    program: Program | None = None
    passed_over: list[str] = field(default_factory=list)
    """One line for each candidate that was not taken, with the reason."""


def ask(path: Path, arguments: tuple[str, ...]) -> str:
    """What a program prints, or nothing where it cannot be run or takes longer than 10 s."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run(
            [path, *arguments], capture_output=True, text=True, timeout=10, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout or answer.stderr


def find(
    row: Pinned,
    cache: Cache,
    *,
    environment: Mapping[str, str] = os.environ,
    ask: Callable[[Path, tuple[str, ...]], str] = ask,
) -> Found:
    """The first suitable program among envtest's assets, PATH and Pulumi's installed plugins.

    Args:
        row: what is wanted.
        cache: remembers the versions of what was found, so that nothing is asked twice; programs
            inside it are not candidates, even where its folders are on PATH.
        environment: PATH, KUBEBUILDER_ASSETS, PULUMI_HOME and HOME are read.
        ask: runs a program and answers what it prints.
    """
    passed_over = []
    assets = environment.get("KUBEBUILDER_ASSETS")
    if row.envtest and assets and not os.access(Path(assets) / row.name, os.X_OK):
        passed_over.append(f"KUBEBUILDER_ASSETS={assets} has no {row.name}")
    for path, origin in _candidates(row, environment):
        if path.is_relative_to(cache.root):
            continue
        if missing := [name for name in companions(row) if beside(path, name) is None]:
            passed_over.append(f"{path} has no {' and no '.join(missing)} beside it")
            continue
        version = _version(row, path, cache, ask)
        if version == UNKNOWN and row.ask:
            passed_over.append(f"{path} {' '.join(row.ask)} prints no version")
        elif version == UNKNOWN or suits(version, row.at_least):
            return Found(Program(row.name, version, path, origin), passed_over)
        elif origin is not Origin.DOWNLOAD:
            # Pulumi keeps old plugins for old programs; nobody expects those to be used here.
            passed_over.append(f"{path} is {version}, but {row.name} >= {row.at_least} is needed")
    return Found(None, passed_over)


def companions(row: Pinned) -> tuple[str, ...]:
    """The programs and files without which a program found on the machine is of no use."""
    return tuple(
        name
        for companion in TABLE
        if companion.leader == row.name
        for name in (companion.name, *companion.files)
    )


def beside(path: Path, name: str) -> Path | None:
    """A program in the same folder, also where ``path`` is a link to another."""
    for folder in (path.parent, path.resolve().parent):
        if os.access(folder / name, os.X_OK):
            return folder / name
    return None


def suits(version: str, at_least: str) -> bool:
    """Whether a version has the same major as ``at_least`` and is not older."""
    found, needed = _numbers(version), _numbers(at_least)
    return found[:1] == needed[:1] and found >= needed


def _candidates(row: Pinned, environment: Mapping[str, str]) -> Iterator[tuple[Path, Origin]]:
    if row.envtest:
        assets = Path(environment.get("KUBEBUILDER_ASSETS") or ENVTEST_DEFAULT)
        if os.access(assets / row.name, os.X_OK):
            yield assets / row.name, Origin.KUBEBUILDER_ASSETS
    if on_path := shutil.which(row.name, path=environment.get("PATH", "")):
        yield Path(on_path).absolute(), Origin.PATH
    if row.plugin:
        home = environment.get("PULUMI_HOME") or Path(environment.get("HOME", "~")) / ".pulumi"
        plugins = Path(home).expanduser() / "plugins"
        installed = plugins.glob(f"resource-{row.plugin}-v*/{row.name}")
        for path in sorted(installed, key=lambda path: _numbers(path.parent.name), reverse=True):
            # A sandbox's own PULUMI_HOME has stand-ins under official names; those are scripts.
            with path.open("rb") as file:
                if file.read(2) != b"#!":
                    yield path, Origin.DOWNLOAD


def _version(
    row: Pinned, path: Path, cache: Cache, ask: Callable[[Path, tuple[str, ...]], str]
) -> str:
    if row.plugin and (installed := re.search(r"-v([0-9.]+)$", path.parent.name)):
        return installed.group(1)
    status = path.stat()
    fingerprint = f"{path} {status.st_size} {status.st_mtime_ns}"
    known = cache.recall("versions", fingerprint)
    if known is None:
        text = ask(path, row.ask) if row.ask else _build_information(path, row.package)
        match = re.search(r"\d+\.\d+(\.\d+)?", text)
        if match is None:
            return UNKNOWN
        known = match.group()
        cache.remember("versions", fingerprint, known)
    return str(known)


def _build_information(path: Path, package: str) -> str:
    # Flux's controllers have no option that prints a version, but every Go program carries the
    # versions of its modules; one that was built in a checkout says "(devel)" of its own.
    for module, version in re.findall(rb"mod\t(\S+)\tv([0-9.]+)", path.read_bytes()):
        if f"{package}/".startswith(f"{module.decode()}/"):
            return str(version.decode())
    return ""


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))
