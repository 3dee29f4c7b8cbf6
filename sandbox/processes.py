"""Processes the sandbox starts in groups of their own, and ends as groups."""

import contextlib
import os
import signal
import subprocess


def end_group(process: "subprocess.Popen[str]") -> None:
    """Kill whatever is left of the group `process` leads, and wait for it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
