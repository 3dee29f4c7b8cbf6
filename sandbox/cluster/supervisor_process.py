"""The process that owns a cluster's programs and cleans up after its caller.

It runs in a session of its own, so Ctrl-C reaches the caller only, and holds the read end of a
pipe whose write end only the caller has: however the caller goes, also by `kill -9`, the pipe
closes, and the supervisor kills every program and removes the cluster's directory.
Requests and answers are one JSON object a line. This file is run by its path and imports the
standard library only, so that it starts in milliseconds.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

STOP_SECONDS = 2.0


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
                return {"error": f"{request['name']} could not be started: {error}"}
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
