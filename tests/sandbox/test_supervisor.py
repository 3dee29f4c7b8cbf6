"""The supervisor: it runs programs for its caller, and nothing of them outlives the caller."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.cluster import ClusterError
from sandbox.cluster.supervisor import Supervisor

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    directory = tmp_path / "owned"
    directory.mkdir()
    (directory / "file").touch()
    return directory


@pytest.fixture
def supervisor(directory: Path, tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(directory, log=tmp_path / "supervisor.log", remove=True)
    yield supervisor
    supervisor.close()


def run(supervisor: Supervisor, name: str, text: str, *, log: Path) -> int:
    return supervisor.start(name, ["/bin/sh", "-c", text], environment={"KEY": "value"}, log=log)


def eventually(holds: Callable[[], object], *, seconds: float = 20.0) -> object:
    """The first true answer of `holds`, or its last one when the time is over."""
    deadline = time.monotonic() + seconds
    while not (answer := holds()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return answer


def processes_of(directory: Path) -> list[str]:
    """The command lines that name a directory: the supervisor's and its programs'."""
    listed = subprocess.run(
        ["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True
    )
    return [line for line in listed.stdout.splitlines() if str(directory) in line]


# Programs


def test_a_program_gets_its_environment_and_its_output_is_appended_to_the_log(
    supervisor: Supervisor, directory: Path, tmp_path: Path
) -> None:
    """It inherits nothing else from the caller, and runs in the directory."""
    log = tmp_path / "log"
    log.write_text("before\n")

    run(supervisor, "it", "echo $KEY $HOME; pwd >&2", log=log)

    assert eventually(lambda: supervisor.ended())
    assert f"before\nvalue\n{directory}\n" == log.read_text()


def test_programs_that_end_by_themselves_are_listed_with_their_exit_codes(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    """A signal is a negative code; who was stopped is not listed."""
    for name, text in {"failed": "exit 3", "killed": "kill -9 $$", "stopped": "sleep 60"}.items():
        run(supervisor, name, text, log=tmp_path / "log")

    supervisor.stop("stopped")

    assert eventually(lambda: supervisor.ended() == {"failed": 3, "killed": -9})


def test_a_program_that_cannot_be_executed_is_an_error(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    """It names the program and the path."""
    with pytest.raises(
        ClusterError, match=r"^it could not be started: .*No such file or directory: '/no/program'$"
    ):
        supervisor.start("it", ["/no/program"], environment={}, log=tmp_path / "log")


def test_a_stopped_program_can_finish_its_work(supervisor: Supervisor, tmp_path: Path) -> None:
    """SIGTERM comes first, and the stop returns when the program has gone."""
    log = tmp_path / "log"
    run(
        supervisor,
        "it",
        "trap 'echo bye; exit' TERM; echo on; while :; do :; done",
        log=log,
    )
    assert eventually(lambda: log.read_text() == "on\n")

    supervisor.stop("it")

    assert "on\nbye\n" == log.read_text()


def test_a_program_that_does_not_want_to_stop_is_killed_with_its_children(
    supervisor: Supervisor, directory: Path, tmp_path: Path
) -> None:
    """Two seconds after the SIGTERM, and the whole process group."""
    hang = f"tail -f {directory}/file"
    run(supervisor, "it", f"trap '' TERM; {hang} & exec {hang}", log=tmp_path / "log")
    assert eventually(lambda: 3 == len(processes_of(directory)))

    supervisor.stop("it")

    assert eventually(lambda: 1 == len(processes_of(directory)))


def test_an_answer_nobody_waited_for_is_not_taken_for_the_next(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    """Ctrl-C may interrupt a call between its request and its answer."""
    pid = run(supervisor, "it", "sleep 60", log=tmp_path / "log")
    supervisor._requests.write(b'{"id": 0, "do": "ended"}\n')

    assert {"it": pid} == supervisor.pids()


# The end

CALLER = """
import os, sys, time
from pathlib import Path
from sandbox.cluster.supervisor import Supervisor

directory = Path(sys.argv[1])
supervisor = Supervisor(directory, log=directory / "log", remove=True)
for name in ("one", "two"):
    text = f"trap '' TERM; exec tail -f {directory}/log"
    supervisor.start(name, ["/bin/sh", "-c", text], environment={}, log=directory / "log")
print("started", flush=True)
sys.stdin.readline()
"""


def start_caller(directory: Path, then: str = "") -> "subprocess.Popen[str]":
    """A process that has a supervisor run two stubborn programs, and then does as told."""
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER + then, str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=PROJECT,
    )
    assert caller.stdout is not None
    with caller.stdout as stdout:
        assert "started\n" == stdout.readline()
    assert 4 == len(processes_of(directory))
    return caller


def is_gone(directory: Path) -> bool:
    return not processes_of(directory) and not directory.exists()


@pytest.mark.parametrize(
    ("then", "code"),
    [
        pytest.param("supervisor.close()", 0, id="orderly end"),
        pytest.param("pass", 0, id="forgotten close"),
        pytest.param("raise ValueError", 1, id="exception"),
        pytest.param("os._exit(7)", 7, id="crash"),
    ],
)
def test_nothing_is_left_after_a_caller_that_ends(directory: Path, then: str, code: int) -> None:
    """However a process ends by itself, its programs and its directory go."""
    caller = start_caller(directory, then)

    assert caller.stdin is not None
    caller.stdin.close()

    assert code == caller.wait(30)
    assert eventually(lambda: is_gone(directory))


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_nothing_is_left_after_a_caller_that_is_ended(
    directory: Path, sign: signal.Signals
) -> None:
    """Ctrl-C, a polite request, a closed terminal, and `kill -9`, which lets no handler run."""
    caller = start_caller(directory)
    assert caller.stdin is not None

    caller.send_signal(sign)
    caller.wait(30)
    caller.stdin.close()

    assert eventually(lambda: is_gone(directory))


def test_nothing_is_left_when_a_fork_outlives_the_killed_caller(directory: Path) -> None:
    """A fork inherits the pipe, so that the pipe alone would not tell."""
    note = directory.parent / "fork"
    write = f"fork and Path({str(note)!r}).write_text(str(fork))"
    then = f"fork = os.fork(); {write}; time.sleep(600)"
    caller = start_caller(directory, then)
    assert caller.stdin is not None
    caller.stdin.close()
    assert eventually(lambda: note.exists() and note.read_text())
    assert 5 == len(processes_of(directory))
    fork = int(note.read_text())

    caller.kill()
    caller.wait(30)

    # What remains is the fork, which is not the supervisor's to end.
    assert eventually(lambda: 1 == len(processes_of(directory)))
    os.kill(fork, signal.SIGKILL)
    assert eventually(lambda: is_gone(directory))


@pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere no process learns of its parent's end"
)
def test_no_program_is_left_when_the_supervisor_is_killed(
    supervisor: Supervisor, directory: Path, tmp_path: Path
) -> None:
    """Whoever cleans up can be killed too; closing then removes the files."""
    run(supervisor, "it", f"exec tail -f {directory}/file", log=tmp_path / "log")
    assert 2 == len(processes_of(directory))

    os.kill(supervisor.pid, signal.SIGKILL)

    assert eventually(lambda: not processes_of(directory))
    with pytest.raises(ClusterError, match=r"^the supervisor of the cluster is gone, and with it"):
        supervisor.pids()
    supervisor.close()
    assert not directory.exists()


def test_a_directory_that_is_somebody_elses_stays(directory: Path, tmp_path: Path) -> None:
    """Without `remove` only the programs go."""
    supervisor = Supervisor(directory, log=tmp_path / "log", remove=False)
    run(supervisor, "it", f"exec tail -f {directory}/file", log=tmp_path / "log")
    assert 2 == len(processes_of(directory))

    supervisor.close()

    assert not processes_of(directory)
    assert directory.is_dir()
