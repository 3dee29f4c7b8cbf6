"""The caller's handle on the process that owns a cluster's programs."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox.cluster import supervisor_process
from sandbox.cluster.errors import ClusterError

_CLOSE_SECONDS = 10.0


class Supervisor:
    """Starts and stops programs by way of a process that cleans up when its caller is gone.

    With `remove`, `directory` is removed at the end.
    """

    def __init__(self, directory: Path, *, log: Path, remove: bool) -> None:
        self._directory = directory
        self._remove = remove
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    supervisor_process.__file__,
                    str(directory),
                    str(int(remove)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd="/",
                start_new_session=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self._asked = 0
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """The supervisor's own process."""
        return self._process.pid

    def start(
        self, name: str, command: Sequence[str], *, environment: Mapping[str, str], log: Path
    ) -> int:
        """Start a program, its output appended to `log`, and return its process id.

        Raises `ClusterError` when the program cannot be executed.
        """
        answer = self._ask(
            "start", name=name, command=command, environment=dict(environment), log=str(log)
        )
        return int(answer["pid"])

    def stop(self, name: str, *, kill: bool = False) -> None:
        """End a program: SIGTERM, and SIGKILL 2 seconds later, or with `kill` at once."""
        self._ask("stop", name=name, kill=kill)

    def ended(self) -> dict[str, int]:
        """The exit codes of programs that ended without having been stopped, by name."""
        return {str(name): int(code) for name, code in self._ask("ended")["codes"].items()}

    def pids(self) -> dict[str, int]:
        """The process ids of the programs that were started and not stopped, by name."""
        return {str(name): int(pid) for name, pid in self._ask("pids")["pids"].items()}

    def close(self) -> None:
        """Kill every program and wait until the supervisor has cleaned up and gone."""
        with suppress(BrokenPipeError):
            self._requests.close()
        try:
            self._process.wait(_CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()
        if self._remove:
            shutil.rmtree(self._directory, ignore_errors=True)

    def _ask(self, request: str, **arguments: Any) -> dict[str, Any]:
        with self._lock:
            self._asked += 1
            line = json.dumps({"id": self._asked, "do": request, **arguments}).encode() + b"\n"
            try:
                self._requests.write(line)
                self._requests.flush()
                # An earlier call may have been interrupted before it read its answer.
                while (answer := json.loads(self._answers.readline() or "null")) is not None:
                    if answer["id"] == self._asked:
                        break
            except BrokenPipeError:
                answer = None
        if answer is None:
            raise ClusterError("the supervisor of the cluster is gone, and with it every program")
        if "error" in answer:
            raise ClusterError(answer["error"])
        return dict(answer)
