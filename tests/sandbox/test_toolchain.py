"""The toolchain with processes around it: Go (a stand-in for it), a second run, a dead network."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.toolchain import Origin, Phase, Program, Progress, ToolchainError, provide
from sandbox.toolchain.__main__ import main
from sandbox.toolchain.build import build
from sandbox.toolchain.cache import OFFICIAL, Cache, recipe
from sandbox.toolchain.download import FORGET_AFTER, PUBLISHER, download, unreachable
from sandbox.toolchain.golang import module_folder
from sandbox.toolchain.programs import Pinned, pinned
from sandbox.toolchain.progress import silent

ETCD = pinned("etcd")
PULUMI = pinned("pulumi")
RANDOM = pinned("pulumi-resource-random")

GO = """\
#!{python}
# Does what `go list` and `go build` do for the toolchain, without compiling anything.
import os, pathlib, sys, time
here = pathlib.Path({here!r})
if sys.argv[1] == "list":
    print("go: downloading example.org/a v1.0.0", file=sys.stderr)
    print("\\n".join(f"example.org/a/{{number}}" for number in range(4)))
    sys.exit()
with (here / "builds").open("a") as builds:
    builds.write(f"{{os.getpid()}} {{os.environ.get('CGO_ENABLED')}} {{' '.join(sys.argv[1:])}}\\n")
for number in range(3):
    print(f"example.org/a/{{number}}", file=sys.stderr, flush=True)
{build}
"""

LINK = """\
target = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
for package in sys.argv:
    name = {"go.etcd.io/etcd/server/v3": "server"}.get(package, package.rpartition("/")[2])
    if package.startswith(("go.etcd.io/", "k8s.io/", "./")):
        (target / name).write_text(package)
"""

Go = Callable[[str], Path]


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Go:
    """Puts a go on PATH that ends its builds in the given way; answers the record of its builds."""
    for name in ("KUBEBUILDER_ASSETS", "HOME", "PULUMI_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    monkeypatch.setenv("FLUXHOOKS_OFFLINE", "1")

    def install(build: str) -> Path:
        script = tmp_path / "bin" / "go"
        script.parent.mkdir(exist_ok=True)
        script.write_text(GO.format(python=sys.executable, here=str(tmp_path), build=build))
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(script.parent))
        return tmp_path / "builds"

    return install


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def leftovers(cache: Cache) -> list[Path]:
    return [path for folder in (cache.root / "building").iterdir() for path in folder.iterdir()]


def test_programs_of_one_module_are_built_at_once(go: Go, cache: Cache) -> None:
    """They share most of what has to be compiled; each gets its own place all the same."""
    builds = go(LINK)
    told: list[Progress] = []
    programs = provide(["kube-apiserver", "etcd", RANDOM.name], report=told.append, cache=cache)
    rows = [ETCD, pinned("kube-apiserver"), RANDOM]
    expected = {
        row.name: Program(row.name, row.version, cache.path(row, recipe(row)), Origin.BUILT)
        for row in rows
    }
    assert expected == programs
    assert [row.package for row in rows] == [p.path.read_text() for p in programs.values()]
    assert len(builds.read_text().splitlines()) == 1
    assert {row.name for row in rows} == {p.program for p in told if p.phase is Phase.READY}
    assert leftovers(cache) == []


def test_a_build_that_counts_its_packages_tells_how_far_it_is(go: Go, cache: Cache) -> None:
    """A cold build takes minutes, and nobody waits minutes for a silent program."""
    go("time.sleep(1.5)\n" + LINK)
    told: list[Progress] = []
    build([ETCD], cache, report=told.append)
    steps = [(p.phase, p.text, p.done, p.total) for p in told if p.phase is not Phase.READY]
    expected = [
        (Phase.MODULES, "fetching Go modules", 0, 0),
        (Phase.COMPILE, "package 1 of 3", 1, 3),
        (Phase.LINK, "linking", 3, 3),
    ]
    assert expected == list(dict.fromkeys(steps))


def test_a_failed_build_says_which_program_why_and_what_would_do(go: Go, cache: Cache) -> None:
    """The three things somebody needs who only wanted to see the demo."""
    go('print("a.go:1: undefined: b\\nno space left", file=sys.stderr); sys.exit(1)')
    with pytest.raises(ToolchainError) as error:
        build([ETCD], cache, report=silent)
    head, *reason, cure = str(error.value).splitlines()
    assert head.startswith("cannot build etcd in ")
    assert reason == ["a.go:1: undefined: b", "no space left"]
    assert cure == (
        "or: set KUBEBUILDER_ASSETS to a folder with etcd >= 3.5, "
        "as `setup-envtest use -p path` prints it"
    )
    assert cache.get(ETCD, recipe(ETCD)) is None
    assert leftovers(cache) == []


def test_what_was_linked_before_a_failure_is_kept(go: Go, cache: Cache) -> None:
    """The next run has less to do."""
    half = LINK + 'time.sleep(1.5); print("x.go:1: bad", file=sys.stderr); sys.exit(1)'
    go(half.replace('"k8s.io/", ', ""))
    with pytest.raises(ToolchainError, match=r"^cannot build kube-apiserver in "):
        build([ETCD, pinned("kube-apiserver")], cache, report=silent)
    assert cache.get(ETCD, recipe(ETCD)) is not None


def test_settings_of_the_user_do_not_change_what_is_built(
    go: Go, cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache would keep the outcome for everybody who comes later."""
    monkeypatch.setenv("GOFLAGS", "-race")
    monkeypatch.setenv("CGO_ENABLED", "1")
    builds = go('assert not os.environ["GOFLAGS"]\n' + LINK)
    build([ETCD], cache, report=silent)
    assert builds.read_text().split()[1] == "0"


def test_the_command_prints_where_programs_are(
    go: Go, cache: Cache, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts read the JSON; progress goes to the other stream."""
    monkeypatch.setenv("FLUXHOOKS_CACHE", str(cache.root))
    go(LINK)
    assert main(["etcd", "--json"]) == 0
    path = cache.path(ETCD, recipe(ETCD))
    expected = {"etcd": {"version": ETCD.version, "path": str(path), "origin": "built"}}
    assert expected == json.loads(capsys.readouterr().out)
    assert main(["etcd"]) == 0
    head, line = capsys.readouterr().out.splitlines()
    assert ["PROGRAM", "VERSION", "ORIGIN", "PATH"] == head.split()
    assert ["etcd", ETCD.version, "built", str(path)] == line.split()


def test_the_command_fails_with_the_message_alone(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody needs a traceback for a typing error."""
    monkeypatch.setenv("FLUXHOOKS_CACHE", str(cache.root))
    assert main(["kubectl"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("unknown program 'kubectl', expected one of: etcd, ")
    assert output.err.count("\n") == 1


def test_the_command_removes_what_this_checkout_does_not_use(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each version takes hundreds of megabytes."""
    monkeypatch.setenv("FLUXHOOKS_CACHE", str(cache.root))
    for key in ("0123", recipe(ETCD)):
        (tmp_path / "binary").touch()
        cache.put(ETCD, key, binary=tmp_path / "binary", beside={})
    assert main(["--prune"]) == 0
    assert cache.get(ETCD, "0123") is None
    assert cache.get(ETCD, recipe(ETCD)) is not None


def start(cache: Cache, name: str) -> subprocess.Popen[bytes]:
    program = f"from sandbox.toolchain import provide; print(provide([{name!r}])[{name!r}].path)"
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "FLUXHOOKS_CACHE": str(cache.root)},
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )


def test_two_runs_at_once_build_once(go: Go, cache: Cache) -> None:
    """Both get the program; the second one waits instead of compiling the same for minutes."""
    builds = go("time.sleep(2)\n" + LINK)
    runs = [start(cache, "etcd") for _ in range(2)]
    answers = [run.communicate(timeout=60)[0].decode().strip() for run in runs]
    assert [str(cache.path(ETCD, recipe(ETCD)))] * 2 == answers
    assert len(builds.read_text().splitlines()) == 1


def test_a_run_that_waits_says_so(go: Go, cache: Cache) -> None:
    """It would look as if it hung, and later as if it had built what it did not."""
    builds = go("time.sleep(3)\n" + LINK)
    told: list[Progress] = []
    with start(cache, "etcd"):
        wait_for(builds)
        build([ETCD], cache, report=told.append)
    expected = [
        (Phase.WAIT, "another process is building etcd"),
        (Phase.READY, f"etcd {ETCD.version} built by another process"),
    ]
    assert expected == list(dict.fromkeys((p.phase, p.text) for p in told))


def test_a_killed_build_leaves_nothing_that_is_taken_for_a_program(go: Go, cache: Cache) -> None:
    """Neither half a binary nor a lock: the next run builds as if nothing had been."""
    builds = go("pathlib.Path(os.environ['GOTMPDIR'], 'server').write_text('half'); time.sleep(60)")
    with start(cache, "etcd") as killed:
        wait_for(builds)
        killed.kill()
    assert cache.get(ETCD, recipe(ETCD)) is None
    go(LINK)
    assert ETCD.package == provide(["etcd"], cache=cache)["etcd"].path.read_text()
    assert leftovers(cache) == []
    # A killed process takes nobody with it: its go was there until now, and harmed nothing.
    os.kill(int(builds.read_text().split()[0]), signal.SIGKILL)


def test_an_interrupted_build_takes_go_with_it(go: Go, cache: Cache) -> None:
    """Ctrl-C must not leave compilers behind."""
    builds = go("time.sleep(60)")

    def interrupt(progress: Progress) -> None:
        if progress.phase is Phase.LINK and builds.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build([ETCD], cache, report=interrupt)
    process = int(builds.read_text().split()[0])
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert leftovers(cache) == []


def test_a_module_that_cannot_be_fetched_is_named(go: Go) -> None:
    """The definitions and a script come straight from a module's folder."""
    go('print(\'{"Error": "no such host"}\'); sys.exit(1)')
    with pytest.raises(ToolchainError) as error:
        module_folder("example.org/a@v1.0.0")
    assert str(error.value) == "cannot fetch the Go module example.org/a@v1.0.0: no such host"


def test_a_publisher_out_of_reach_is_asked_once_a_day(cache: Cache) -> None:
    """The second run of a machine without a network must not pay for it again."""
    asked: list[str] = []
    told: list[Progress] = []

    def reachable(url: str) -> str | None:
        asked.append(url)
        return "no such host"

    for row in (PULUMI, PULUMI):
        assert download(row, cache, report=told.append, reachable=reachable) is None
    assert asked == [PUBLISHER]
    assert [p.text for p in told] == ["no official download of pulumi: no such host"]
    cache.remember("failed downloads", PUBLISHER, time.time() - FORGET_AFTER - 1)
    download(PULUMI, cache, report=silent, reachable=reachable)
    assert asked == [PUBLISHER] * 2


def test_an_address_that_nobody_answers_is_out_of_reach() -> None:
    """It takes no longer than the patience, and the reason is told."""
    assert "cannot be reached" in str(unreachable("https://127.0.0.1:1/"))


def pulumi(folder: Path, script: str) -> Program:
    """A pulumi that installs plugins the way the script says."""
    path = folder / "pulumi"
    path.write_text(f"#!/bin/sh\nset -e\n{textwrap.dedent(script)}")
    path.chmod(0o755)
    return Program("pulumi", "3.260.0", path, Origin.PATH)


def test_an_official_plugin_is_kept_with_all_that_came_with_it(
    cache: Cache, tmp_path: Path
) -> None:
    """Pulumi unpacks it in a home of its own, which is not the user's."""
    script = """
        [ "$*" = "plugin install resource random 4.21.4" ]
        cd "$PULUMI_HOME"; mkdir -p plugins/resource-random-v4.21.4
        cd plugins/resource-random-v4.21.4; echo official > pulumi-resource-random; touch LICENSE
    """
    program = download(
        RANDOM, cache, report=silent, pulumi=pulumi(tmp_path, script), reachable=lambda url: None
    )
    path = cache.path(RANDOM, OFFICIAL)
    assert Program(RANDOM.name, RANDOM.version, path, Origin.DOWNLOAD) == program
    assert path.read_text() == "official\n"
    assert (path.parent / "LICENSE").exists()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        pytest.param("echo 403 >&2; exit 1", "403", id="refused"),
        pytest.param("exit 3", "the installer ended with code 3", id="silent"),
    ],
)
def test_a_plugin_that_cannot_be_installed_is_not_tried_again(
    cache: Cache, tmp_path: Path, script: str, reason: str
) -> None:
    """One line says why; the build follows."""
    told: list[Progress] = []
    failing = pulumi(tmp_path, f"echo called >> {tmp_path}/calls\n{script}")
    for _ in range(2):
        outcome = download(
            RANDOM, cache, report=told.append, pulumi=failing, reachable=lambda url: None
        )
        assert outcome is None
    notes = [p.text for p in told if p.phase is Phase.NOTE]
    assert [f"no official download of {RANDOM.name}: {reason}"] == notes
    assert (tmp_path / "calls").read_text() == "called\n"


@pytest.mark.parametrize("row", [ETCD, RANDOM], ids=["never offered", "no pulumi to install it"])
def test_what_cannot_be_downloaded_is_not_asked_for(cache: Cache, row: Pinned) -> None:
    """Not even whether the publisher is there."""

    def reachable(url: str) -> str | None:
        raise AssertionError(url)

    assert download(row, cache, report=silent, reachable=reachable) is None


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 30
    while not (file.exists() and file.read_text().endswith("\n")):
        assert time.monotonic() < deadline, f"{file.name} was not written"
        time.sleep(0.02)
