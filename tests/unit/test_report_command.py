"""`fluxhooks report`: what it writes and says, and how it ends."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fluxhooks import ObservationError
from fluxhooks.cli import report as command
from fluxhooks.cli.app import main
from fluxhooks.observe import coverage as coverages
from fluxhooks.observe.configuration import Configuration
from fluxhooks.observe.coverage import Coverage
from fluxhooks.observe.doctor.diagnosis import Diagnosis
from fluxhooks.observe.doctor.subjects import OfCluster, OfStack
from fluxhooks.observe.listing import Listing, Source
from fluxhooks.observe.reporting import looking
from fluxhooks.observe.reporting.report import Report
from fluxhooks.observe.state import ProviderSettings, StackState, parse
from fluxhooks.observe.status import Status
from tests import reports

STATE = parse((Path(__file__).parent.parent / "golden" / "interrupted-stack.json").read_text())


@dataclasses.dataclass
class Done:
    """What a run left."""

    code: int
    shown: str
    said: str
    asked: dict[str, Any]


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run the command in an empty folder, where what is seen is given."""

    class Stack:
        def __init__(self, directory: Path, name: str) -> None:
            pass

        def export(self) -> StackState:
            return STATE

        def configuration(self, stack: str) -> Configuration:
            return Configuration(cluster="uid")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "PulumiStack", Stack)

    def command_on(*arguments: str, seen: Report | None = None) -> Done:
        asked: dict[str, Any] = {}

        def look(wanted: OfStack | OfCluster, **options: Any) -> Report:
            asked.update(options, wanted=wanted)
            if seen is None:
                raise ObservationError("the cluster could not be asked")
            return seen

        monkeypatch.setattr(command, "look", look)
        with pytest.raises(SystemExit) as ended:
            main(("report", *arguments))
        printed = capsys.readouterr()
        return Done(int(ended.value.code or 0), printed.out, printed.err, asked)

    return command_on


def test_it_writes_a_page_and_says_how_it_stands(run: Run) -> None:
    """Three sentences and where the page is; nothing wrong is no error."""
    done = run("dev", seen=reports.nothing_wrong())

    assert (0, "") == (done.code, done.said)
    assert [
        "The chain is not broken.",
        "1 of 1 source is covered by a webhook.",
        "1 webhook as declared.",
        "written: report.html",
    ] == done.shown.splitlines()
    assert Path("report.html").read_text().startswith("<!DOCTYPE html>")
    assert isinstance(done.asked["wanted"], OfStack)
    assert "uid" == done.asked["wanted"].cluster


def test_what_is_broken_is_an_exit_code_and_the_page_is_there(run: Run) -> None:
    """A job that publishes it does so whatever is in it."""
    done = run("prod", "-o", "page.html", seen=reports.everything())

    assert 4 == done.code
    assert ["page.html"] == [path.name for path in Path().iterdir()]
    assert "error: the cluster refuses to list ImageRepositories\n" in done.said


def test_what_could_not_be_seen_is_another_exit_code(run: Run) -> None:
    """Where nothing that was seen is broken."""
    unseen = dataclasses.replace(reports.nothing_wrong(), unseen=("no token for GitHub",))

    assert 1 == run("dev", seen=unseen).code


def test_it_is_printed_where_asked(run: Run) -> None:
    """The page alone, so that it can be piped on."""
    done = run("dev", "-o", "-", seen=reports.nothing_wrong())

    assert done.shown.startswith("<!DOCTYPE html>")
    assert done.shown.endswith("</html>\n")
    assert [] == [*Path().iterdir()]


def test_a_page_is_replaced_whole(run: Run) -> None:
    """The old one is there until the new one is; readable as any file that is made."""
    Path("report.html").write_text("the old one")
    Path("report.html").chmod(0o600)
    run("dev", seen=reports.nothing_wrong())
    Path("other").touch()

    assert Path("other").stat().st_mode == Path("report.html").stat().st_mode
    assert ["other", "report.html"] == sorted(path.name for path in Path().iterdir())


def test_a_cluster_that_cannot_be_asked_leaves_no_page(run: Run) -> None:
    """Nothing could be told of it."""
    done = run("--cluster", "--host", "flux.example.com", "-n", "apps")

    assert (1, "error: the cluster could not be asked\n") == (done.code, done.said)
    assert OfCluster(namespace="apps", host="flux.example.com") == done.asked["wanted"]
    assert [] == [*Path().iterdir()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(("dev", "--cluster"), "Invalid value for --cluster: goes without", id="both"),
        pytest.param(("--host", "a.b"), "Invalid value for --host: goes with --cluster", id="host"),
        pytest.param(("-n", "a"), "Invalid value for --namespace: goes with", id="namespace"),
        pytest.param(
            ("dev", "-o", "absent/report.html"),
            "--output: 'absent/report.html' cannot be written: name a file in a folder",
            id="no folder",
        ),
        pytest.param(("dev", "-o", "."), "'.' cannot be written", id="a folder"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_asked(
    run: Run, arguments: tuple[str, ...], message: str
) -> None:
    """With what is wrong with it."""
    done = run(*arguments, seen=reports.nothing_wrong())

    assert 2 == done.code
    assert message in " ".join(done.said.split())
    assert {} == done.asked


# What it looks at


class Cluster:
    """A cluster with one source, that is the stack's."""

    def uid(self) -> str:
        return "uid"

    def sources_and_receivers(self) -> Listing:
        return Listing(
            sources=(Source(kind="GitRepository", namespace="apps", name="app", interval="30m"),)
        )


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts as others test them."""
    monkeypatch.setattr(looking, "diagnose", lambda wanted, **_: Diagnosis(chains=()))
    monkeypatch.setattr(
        looking.statuses, "status", lambda state, _, **__: Status(stack=state.stack, rows=())
    )


class NoForges(command.Forges):
    """Forges that nobody has a token for."""

    def of(self, declared: Any) -> Any:
        raise ObservationError("no token for GitHub")


def _look(wanted: OfStack | OfCluster, connect: Any) -> Report:
    return looking.look(
        wanted,
        configuration=Configuration(cluster="uid"),
        connect=connect,
        forges=NoForges(ProviderSettings()),
        settings=command.Settings(),
        policy=coverages.Policy(),
    )


@pytest.mark.usefixtures("parts")
def test_a_stack_is_looked_at_with_what_can_be_seen() -> None:
    """Without the forge, sources are held against Receivers all the same."""
    seen = _look(OfStack(state=STATE), Cluster)
    coverage = seen.coverage

    assert isinstance(coverage, Coverage)
    assert (f"the stack {STATE.stack}", 1) == (seen.of, len(coverage.of("uncovered")))
    assert ("no token for GitHub",) == seen.all_unseen
    assert seen.status is not None


@pytest.mark.usefixtures("parts")
def test_without_a_cluster_the_rest_is_there() -> None:
    """What the forge shows of a stack is worth a page."""

    def refused() -> Any:
        raise ObservationError("no cluster to ask")

    seen = _look(OfStack(state=STATE), refused)

    assert (None, ("no cluster to ask",)) == (seen.coverage, seen.all_unseen)
    assert seen.diagnosis is not None


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        (OfCluster(), "the cluster"),
        (OfCluster(namespace="apps"), "the namespace apps"),
        (OfCluster(receiver="apps/app"), "the Receiver apps/app"),
    ],
)
def test_a_cluster_is_looked_at_without_generations(wanted: OfCluster, name: str) -> None:
    """Which are a stack's."""
    seen = _look(wanted, Cluster)

    assert (name, None, ()) == (seen.of, seen.status, seen.all_unseen)
