"""The command `fluxhooks`, run as its user runs it, in the folder of an app's stack."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.processes import end_group
from tests.app import App

_COUNTING = """\
#!/bin/sh
echo "$1 $2 $3 $4 $5" >> "{log}"
exec "{pulumi}" "$@"
"""


@dataclass(frozen=True)
class Done:
    """What a run of the command left.

    Attributes:
        result: what it printed on standard output; parsed, where it was asked for JSON.
        said: what it printed on standard error.
        starts: how often it started Pulumi.
    """

    returncode: int
    result: Any
    said: str
    starts: int


class Command:
    """`fluxhooks` for an app's stack; all it prints is scanned for the app's secrets.

    Args:
        directory: takes a `pulumi` that counts its starts.
    """

    def __init__(self, app: App, directory: Path) -> None:
        self._app = app
        self._log = directory / "starts"
        self._log.touch()
        path = app.stack.environment["PATH"]
        pulumi = next(
            found
            for folder in path.split(os.pathsep)
            if (found := Path(folder) / "pulumi").is_file()
        )
        counting = directory / "pulumi"
        counting.write_text(_COUNTING.format(log=self._log, pulumi=pulumi))
        counting.chmod(0o755)
        self._environment = {**app.stack.environment, "PATH": f"{directory}{os.pathsep}{path}"}

    def __call__(
        self,
        verb: str,
        *arguments: str,
        at: tuple[str, Callable[[], None]] | None = None,
        shows_secrets: bool = False,
    ) -> Done:
        """Run a verb on the app's stack to its end.

        Args:
            at: a line of what it says, and what is done then.
            shows_secrets: whether it was asked to, so that what it prints is not scanned for them.
        """
        before, said = self._starts(), ""
        process = self._start(verb, *arguments)
        try:
            if at is not None:
                said = self._until(at[0], process)
                at[1]()
            result, rest = process.communicate(timeout=240)
            said += rest
        finally:
            end_group(process)
        self._read(verb, said if shows_secrets else result + said)
        return Done(
            process.returncode,
            json.loads(result) if "--json" in arguments and result else result,
            said,
            self._starts() - before,
        )

    def kill(self, line: str, verb: str, *arguments: str) -> str:
        """Kill the command, Pulumi and all plugins when it has said `line`; return what it said."""
        with self._start(verb, *arguments) as process:
            said = self._until(line, process)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        self._read(verb, said)
        return said

    def _until(self, line: str, process: "subprocess.Popen[str]") -> str:
        said = ""
        assert process.stderr is not None
        timer = threading.Timer(120, process.kill)
        timer.start()
        try:
            for text in process.stderr:
                said += text
                if line in text:
                    return said
        finally:
            timer.cancel()
        raise AssertionError(f"{line!r} was not said:\n{said}")

    def _start(self, verb: str, *arguments: str) -> "subprocess.Popen[str]":
        stack = self._app.stack
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("fluxhooks")), verb, stack.name, *arguments],
            cwd=stack.directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _starts(self) -> int:
        return len(self._log.read_text().splitlines())

    def _read(self, verb: str, text: str) -> None:
        self._app.leaks.read(f"the output of fluxhooks {verb}", text)
        self._app.learn()


class HeldLock:
    """A lock of the app's stack that a living process holds, as another update would."""

    def __init__(self, app: App) -> None:
        state = app.stack.directory / "state" / ".pulumi" / "locks" / "organization"
        self._path = state / "fluxhooks" / app.stack.name / "held.json"

    def __enter__(self) -> "HeldLock":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        holder = {
            "pid": os.getpid(),
            "username": "somebody",
            "hostname": os.uname().nodename,
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        self._path.write_text(json.dumps(holder))
        return self

    def __exit__(self, *error: object) -> None:
        self._path.unlink(missing_ok=True)

    def release(self) -> None:
        """Let it go."""
        self._path.unlink()
