"""The handle on Pulumi's command line, with a command that only pretends."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_CALLER = """
import sys
from pathlib import Path
from sandbox.stack import Stack

Stack(Path(sys.argv[1]), "dev", environment={"PATH": sys.argv[1]}).run("up")
"""


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs util-linux")
def test_a_killed_caller_takes_its_command_with_it(tmp_path: Path) -> None:
    """An engine left alone would go on writing where a sandbox is being removed."""
    command = tmp_path / "pulumi"
    command.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec {shutil.which('sleep')} 60\n")
    command.chmod(0o755)
    caller = subprocess.Popen(
        [sys.executable, "-c", _CALLER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    pid = int(_eventually(tmp_path / "pid"))
    assert _runs(pid)

    caller.send_signal(signal.SIGKILL)
    caller.wait()

    deadline = time.monotonic() + 10
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _runs(pid)


def _eventually(path: Path) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text().strip()):
            return text
        time.sleep(0.02)
    raise TimeoutError(path)


def _runs(pid: int) -> bool:
    try:
        # A zombie has ended, whether or not somebody has asked.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
