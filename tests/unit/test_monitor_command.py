"""`fluxhooks monitor`: what it refuses before it looks at anything, and what it is started with."""

import sys
from pathlib import Path
from typing import Any

import pytest

from fluxhooks.cli.app import main
from fluxhooks.observe.doctor.subjects import OfCluster, OfStack

COMMAND = sys.modules["fluxhooks.cli.monitor"]
STATE = Path(__file__).parent.parent / "golden" / "interrupted-stack.json"


def run(*arguments: str) -> int:
    """Run the command and return its exit code; it ends, as it is started with nothing to do."""
    with pytest.raises(SystemExit) as exit_:
        main(("monitor", *arguments))
    code = exit_.value.code
    return code if isinstance(code, int) else 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("dev", "--cluster"), "--cluster: goes without a stack", id="stack"),
        pytest.param(("dev", "--state", "x"), "--state: goes without a stack", id="two states"),
        pytest.param(
            ("--cluster", "--state", "x"), "--state: does not go with --cluster", id="both"
        ),
        pytest.param(("--host", "h"), "--host: goes with --cluster", id="host"),
        pytest.param(("-n", "ns"), "--namespace: goes with --cluster", id="namespace"),
        pytest.param(("--cluster", "--every", "0.1s"), "--every: is at least 1s", id="too often"),
        pytest.param(
            ("--cluster", "--doctor-every", "often"),
            "--doctor-every: 'often' is not a duration",
            id="no duration",
        ),
        pytest.param(
            ("--cluster", "--host", "https://flux.example.com"),
            "--host: is a host, with a port where one is needed",
            id="URL",
        ),
        pytest.param(
            ("--cluster", "--listen", "9797"),
            "error: --listen: '9797' is no address, as in 127.0.0.1:9797",
            id="no address",
        ),
    ],
)
def test_wrong_usage_is_said(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the exit code for it, and before anything is asked."""
    assert 2 == run(*arguments)
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_state_that_cannot_be_read_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its name."""
    missing = tmp_path / "state.json"

    assert 1 == run("--state", str(missing))
    assert f"error: {missing} cannot be read: FileNotFoundError\n" == capsys.readouterr().err


def test_without_its_library_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rest of the command does without."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)

    assert 1 == run("--cluster")
    assert (
        "error: metrics cannot be exported without prometheus-client: pip install "
        "'fluxhooks[monitor]'\n"
    ) == capsys.readouterr().err


class Watching:
    """In the place of the monitor: keeps what it was made with, and looks at nothing."""

    made: "Watching"
    ready = alive = True

    def __init__(self, wanted: Any, **options: Any) -> None:
        Watching.made = self
        self.wanted, self.options = wanted, options
        self.rhythm: dict[str, float] = {}

    def known(self) -> None:
        """Nothing."""

    def run(self, stop: Any, **rhythm: float) -> None:
        """End at once."""
        self.rhythm = rhythm


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> type[Watching]:
    monkeypatch.setattr(COMMAND, "Monitor", Watching)
    return Watching


def test_a_cluster_is_monitored_at_the_rhythm_that_is_asked_for(
    watching: type[Watching], capsys: pytest.CaptureFixture[str]
) -> None:
    """And what is done is said at the start, in one line."""
    arguments = ("--cluster", "--host", "flux.example.com", "-n", "apps", "--every", "1m")
    code = run(*arguments, "--listen", "127.0.0.1:0")
    made = watching.made
    said = capsys.readouterr().err

    assert 0 == code
    assert OfCluster(namespace="apps", host="flux.example.com") == made.wanted.chains
    assert {"every": 60.0, "doctor_every": 300.0} == made.rhythm
    assert said.startswith("listening on 127.0.0.1:")
    assert said.endswith("; public URLs are asked every 1m, stack, cluster and forge every 5m\n")
    assert 1 == said.count("\n")


def test_an_exported_state_is_monitored_and_read_anew(
    watching: type[Watching], tmp_path: Path
) -> None:
    """It is what a job may leave for the monitor, which then needs no Pulumi."""
    file = tmp_path / "state.json"
    file.write_text(STATE.read_text())
    run("--state", str(file), "--no-forge", "--listen", "127.0.0.1:0")
    made = watching.made
    again = made.options["read"]()

    assert isinstance(made.wanted.chains, OfStack)
    assert made.wanted.chains.state.receivers
    assert made.wanted == again
    assert made.options["forges"] is None
