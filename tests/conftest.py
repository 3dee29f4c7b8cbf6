"""One sandbox for each worker, its logs where a test failed, and what in it was a stand-in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from sandbox.sandbox import Sandbox
    from tests.app import App

# What is quick and says most comes first; what starts an engine or a cluster last.
ROOMS = ("unit", "sandbox", "browser", "faults", "engine", "cluster", "matrix")

pytest_plugins = ("tests.breadth.table", "tests.faults.table", "tests.matrix.table")

_SANDBOX = pytest.StashKey["Sandbox"]()
_LOGS = pytest.StashKey[Path]()
_RAN = pytest.StashKey[set[str]]()


@pytest.fixture(scope="session")
def sandbox(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["Sandbox"]:
    """Flux on loopback with a Pulumi home, one for all tests of a worker."""
    # Tests without processes do not pay for those with.
    from sandbox.sandbox import Sandbox

    with Sandbox() as sandbox:
        stash = request.config.stash
        stash[_SANDBOX] = sandbox
        stash[_LOGS] = tmp_path_factory.mktemp("cluster-logs", numbered=True)
        yield sandbox
        # Some parts are added when they are first wanted.
        stash[_RAN] |= {
            *(
                f"{program.name} {program.version}, {program.origin}: {program.path}"
                for program in {**sandbox.programs, **sandbox.cluster.provided}.values()
            ),
            *(f"stand-in: {sentence}" for sentence in sandbox.stand_ins),
        }
        del stash[_SANDBOX]


@pytest.fixture(scope="session")
def ran(request: pytest.FixtureRequest) -> set[str]:
    """What the end of the run says of what ran, and what did not; to be added to."""
    return request.config.stash[_RAN]


@pytest.fixture(scope="session")
def promtool(ran: set[str]) -> Path:
    """Prometheus's own tool for rules: the machine's, or built."""
    from sandbox import toolchain

    program = toolchain.provide(["promtool"])["promtool"]
    ran.add(f"{program.name} {program.version}, {program.origin}: {program.path}")
    return program.path


@pytest.fixture(scope="class")
def make_app(sandbox: "Sandbox") -> Iterator[Callable[..., "App"]]:
    """Make apps; when the tests that share them are over, none of their secrets may have leaked."""
    from tests.app import App

    apps: list[App] = []

    def make(name: str, **options: Any) -> App:
        apps.append(App(sandbox, name, **options))
        return apps[-1]

    yield make
    leaks = [f"{app.name}: {leak}" for app in apps for leak in app.scan()]
    for app in apps:
        app.close()
    assert [] == leaks


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_RAN] = set()
    # The order in which tests are collected is meant.
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _rank(item.path))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome: Any = yield
    report: pytest.TestReport = outcome.get_result()
    sandbox = item.config.stash.get(_SANDBOX, None)
    if report.failed and sandbox is not None and "sandbox" in getattr(item, "fixturenames", ()):
        kept = sandbox.cluster.keep_logs(item.config.stash[_LOGS] / item.name[:60])
        report.sections.append(("logs of the cluster", str(kept)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    # With xdist, a worker tells the process that prints the summary.
    if output := getattr(session.config, "workeroutput", None):
        output["ran"] = sorted(session.config.stash[_RAN])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[_RAN] |= set(getattr(node, "workeroutput", {}).get("ran", ()))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if ran := sorted(config.stash[_RAN]):
        terminalreporter.section("what ran, and what was a stand-in")
        for line in ran:
            terminalreporter.write_line(line)


def _rank(path: Path) -> int:
    room = path.relative_to(Path(__file__).parent).parts[0]
    return ROOMS.index(room) if room in ROOMS else len(ROOMS)
