"""Gets programs from their publishers, and gives up at once where these cannot be reached."""

import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from sandbox.toolchain.cache import OFFICIAL, Cache
from sandbox.toolchain.programs import Official, Origin, Pinned, Program
from sandbox.toolchain.progress import Phase, Progress, Report

PUBLISHER = "https://get.pulumi.com/"
"""Where Pulumi's installer, and the releases that it fetches, lie."""

PATIENCE = 3.0
"""Seconds the publisher has to answer at all."""

FORGET_AFTER = 24 * 3600.0
"""Seconds until a download that failed is tried again."""

LONGEST = 300.0
"""Seconds a download may take that has begun."""


def download(
    row: Pinned,
    cache: Cache,
    *,
    report: Report,
    pulumi: Program | None = None,
    reachable: Callable[[str], str | None] | None = None,
) -> Program | None:
    """Downloads a program into the cache, or tells why not and returns None.

    Args:
        row: what is wanted.
        cache: receives the program, and remembers for a day that a download failed.
        report: told what happens.
        pulumi: the CLI that installs plugins; without it no plugin can be had.
        reachable: answers why an address cannot be reached; asks it by default.
    """
    if row.official is None or os.environ.get("FLUXHOOKS_OFFLINE"):
        return None
    if row.official is Official.PLUGIN and pulumi is None:
        return None
    with FileLock(cache.lock(f"download-{row.name}")):
        if path := cache.get(row, OFFICIAL):
            return Program(row.name, row.version, path, Origin.DOWNLOAD)
        start = time.monotonic()

        def tell(phase: Phase, text: str) -> None:
            report(Progress(row.name, phase, time.monotonic() - start, text))

        if _failed_lately(cache, PUBLISHER) or _failed_lately(cache, row.name):
            return None
        if reason := (reachable or unreachable)(PUBLISHER):
            cache.remember("failed downloads", PUBLISHER, time.time())
            tell(Phase.NOTE, f"no official download of {row.name}: {reason}")
            return None
        tell(Phase.DOWNLOAD, f"downloading {row.name} {row.version} ({row.official})")
        workshop = cache.workshop(f"download-{row.name}")
        try:
            binary = _install(row, workshop, pulumi)
        except (OSError, subprocess.SubprocessError) as error:
            cache.remember("failed downloads", row.name, time.time())
            tell(Phase.NOTE, f"no official download of {row.name}: {_reason(error)}")
            return None
        others = {path.name: path for path in binary.parent.iterdir() if path != binary}
        path = cache.put(row, OFFICIAL, binary=binary, beside=others)
        tell(Phase.READY, f"{row.name} {row.version} downloaded")
        return Program(row.name, row.version, path, Origin.DOWNLOAD)


def unreachable(url: str) -> str | None:
    """Why an address does not answer within `PATIENCE`, or None if it does."""
    outcome: list[str | None] = [f"{url} did not answer within {PATIENCE:g} s"]

    def ask() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")  # noqa: S310  # see PUBLISHER
            with urllib.request.urlopen(request, timeout=PATIENCE):  # noqa: S310
                outcome[0] = None
        except urllib.error.HTTPError:
            outcome[0] = None
        except OSError as error:
            outcome[0] = f"{url} cannot be reached ({getattr(error, 'reason', error)})"

    # The time-out of a request does not cover the look-up of its host.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return outcome[0]


def _failed_lately(cache: Cache, key: str) -> bool:
    failed = cache.recall("failed downloads", key)
    return isinstance(failed, float) and 0 <= time.time() - failed < FORGET_AFTER


def _install(row: Pinned, workshop: Path, pulumi: Program | None) -> Path:
    if pulumi is not None and row.plugin:
        command = [str(pulumi.path), "plugin", "install", "resource", row.plugin, row.version]
        _run(command, home=workshop)
        return workshop / "plugins" / f"resource-{row.plugin}-v{row.version}" / row.name
    program = (
        "import sys; from semver import VersionInfo; from pulumi.automation import PulumiCommand; "
        "PulumiCommand.install(root=sys.argv[1], version=VersionInfo.parse(sys.argv[2]))"
    )
    _run([sys.executable, "-c", program, str(workshop), row.version], home=workshop)
    return workshop / "bin" / row.name


def _run(command: list[str], *, home: Path) -> None:
    environment = {**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=LONGEST, env=environment
    )


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"not done after {LONGEST:g} s"
    if isinstance(error, subprocess.CalledProcessError):
        lines = [line for line in (error.stderr or error.stdout or "").splitlines() if line]
        return lines[-1] if lines else f"the installer ended with code {error.returncode}"
    return str(error)
