"""The process that owns a cluster's programs, and the caller's handle on it.

It runs in a session of its own, so Ctrl-C reaches the caller only, and holds the read end of a
pipe whose write end only the caller has: however the caller goes, also by `kill -9`, the pipe
closes, and the supervisor kills every program and removes the cluster's directory.
Requests and answers are one JSON object a line. This file is run by its path, so that it starts in
milliseconds: it imports the standard library only.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

STOP_SECONDS = 2.0


class Supervisor:
    """Starts and stops programs through a process that outlives its caller only to clean up.

    With `remove`, `directory` is removed at the end.
    """

    def __init__(self, directory: Path, *, log: Path, remove: bool) -> None:
        self._directory = directory
        self._remove = remove
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__, str(directory), str(int(remove))],
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

        Raises `OSError` when the program cannot be executed.
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
            self._process.wait(STOP_SECONDS + 5)
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
            raise ProcessLookupError(
                "the supervisor of the cluster is gone, and with it the cluster"
            )
        if "error" in answer:
            raise OSError(answer["error"])
        return dict(answer)


def main(directory: str, remove: str) -> None:
    """Serve requests until the caller is gone, then kill every program."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for request in _requests():
            answer = {"id": request["id"], **_answer(request, children, directory)}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    except BrokenPipeError:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end(children.values(), signal.SIGKILL)
        if int(remove):
            shutil.rmtree(directory, ignore_errors=True)


def _requests() -> Iterator[dict[str, Any]]:
    caller = os.getppid()
    buffer = b""
    while True:
        readable, _, _ = select.select([0], [], [], 1.0)
        # A fork of the caller may hold the pipe open when the caller has long gone.
        if os.getppid() != caller:
            return
        if not readable:
            continue
        chunk = os.read(0, 65536)
        if not chunk:
            return
        *lines, buffer = (buffer + chunk).split(b"\n")
        for line in lines:
            yield json.loads(line)


def _answer(
    request: Mapping[str, Any], children: dict[str, subprocess.Popen[bytes]], directory: str
) -> dict[str, Any]:
    match request["do"]:
        case "start":
            try:
                child = _start(request, directory)
            except OSError as error:
                return {"error": str(error)}
            children[request["name"]] = child
            return {"pid": child.pid}
        case "stop":
            if request["name"] in children:
                child = children.pop(request["name"])
                _end([child], signal.SIGKILL if request["kill"] else signal.SIGTERM)
            return {}
        case "ended":
            codes = {name: child.poll() for name, child in children.items()}
            return {"codes": {name: code for name, code in codes.items() if code is not None}}
        case "pids":
            return {"pids": {name: child.pid for name, child in children.items()}}
        case unknown:
            return {"error": f"unknown request {unknown!r}"}


def _start(request: Mapping[str, Any], directory: str) -> subprocess.Popen[bytes]:
    with Path(request["log"]).open("ab") as log:
        return subprocess.Popen(
            request["command"],
            env=request["environment"],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
            # The supervisor has one thread, so code may run between fork and exec.
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )


def _die_with_parent() -> None:
    # Should the supervisor itself be killed, nobody is left to kill its programs.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _end(children: Collection[subprocess.Popen[bytes]], first: signal.Signals) -> None:
    for sign in (first, signal.SIGKILL):
        running = [child for child in children if child.poll() is None]
        for child in running:
            # Popen has not reaped it, so its process group cannot be somebody else's yet.
            os.killpg(child.pid, sign)
        deadline = time.monotonic() + STOP_SECONDS
        for child in running:
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
