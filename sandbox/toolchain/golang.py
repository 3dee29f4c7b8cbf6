"""Runs the go command."""

import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

from sandbox.toolchain.errors import ToolchainError

HEARTBEAT = 1.0
"""Seconds of silence after which a caller gets a word, if only an empty one."""

TAIL = 15
"""How many of Go's last complaints an error shows."""

OLDEST = "1.26"
"""The Go that the modules ask for; since 1.21 Go fetches a newer one by itself."""


class GoError(RuntimeError):
    """The go command failed; the message is the end of what it complained about."""


def command() -> str:
    """The go command on PATH.

    Raises:
        ToolchainError: there is none.
    """
    if go := shutil.which("go"):
        return go
    raise ToolchainError(f"Go is not on PATH, install Go >= {OLDEST} from https://go.dev/dl/")


def c_compiler() -> str | None:
    """The C compiler that Go would use, or None where there is none."""
    named = os.environ.get("CC", "").split()[:1] or ["gcc", "clang"]
    return next((found for name in named if (found := shutil.which(name))), None)


def environment() -> dict[str, str]:
    """The process's environment, without the settings of Go that would change what is built."""
    settings = {**os.environ, "GOWORK": "off", "GOFLAGS": ""}
    if os.environ.get("FLUXHOOKS_OFFLINE"):
        settings["GOPROXY"] = "off"
    return settings


def module_folder(module: str, *, within: Path | None = None) -> Path:
    """The folder of ``path@version`` in the module cache; fetches it where it is not there yet.

    Args:
        within: the folder of a Go module that requires it: its go.sum has the checksum, which not
            every database of checksums knows.

    Raises:
        ToolchainError: Go is missing, or the module cannot be fetched.
    """
    answer = subprocess.run(
        [command(), "mod", "download", "-json", module],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=within,
    )
    described = json.loads(answer.stdout or "{}")
    if "Dir" not in described:
        reason = described.get("Error") or answer.stderr.strip()
        raise ToolchainError(f"cannot fetch the Go module {module}: {reason}")
    return Path(described["Dir"])


def is_progress(line: str) -> bool:
    """Whether a line of Go's error output tells what it does, instead of what is wrong.

    With ``-v`` it names each package as it comes to it, alone on a line.
    """
    return len(line.split()) == 1 or line.startswith("go: downloading ")


def run(
    arguments: Sequence[str],
    *,
    folder: Path,
    settings: Mapping[str, str],
    output: IO[str] | None = None,
) -> Iterator[str]:
    """Runs go in a folder; yields the lines of its error output as they come.

    Args:
        arguments: what follows ``go``.
        folder: where to run it.
        settings: environment variables beside those of `environment`.
        output: receives the standard output; absent, nobody does.

    Yields:
        A line, or an empty string after each second without one.

    Raises:
        GoError: go ended with another code than 0.
    """
    # A session of its own: an interrupt from the keyboard is for this process, which then ends Go
    # together with the compilers that it started.
    process = subprocess.Popen(
        [command(), *arguments],
        cwd=folder,
        env={**environment(), **settings},
        text=True,
        stdout=output or subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process.stderr, lines), daemon=True).start()
    tail: deque[str] = deque(maxlen=TAIL)
    try:
        while True:
            try:
                line = lines.get(timeout=HEARTBEAT)
            except queue.Empty:
                yield ""
                continue
            if line is None:
                break
            if not is_progress(line):
                tail.append(line)
            yield line
        if code := process.wait():
            raise GoError("\n".join(tail) or f"go {arguments[0]} ended with code {code}")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _read(stream: IO[str], lines: "queue.SimpleQueue[str | None]") -> None:
    with stream:
        for line in stream:
            lines.put(line.rstrip("\n"))
    lines.put(None)
