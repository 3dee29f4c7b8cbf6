"""Programs that the machine has are taken where they will do, and passed over with a reason."""

from pathlib import Path

import pytest

from sandbox.toolchain.cache import Cache
from sandbox.toolchain.find import Found, find, suits
from sandbox.toolchain.programs import Origin, Program, pinned

ETCD = pinned("etcd")
PULUMI = pinned("pulumi")
HOST = (
    "pulumi-language-python",
    "pulumi-language-python-exec",
    "pulumi-resource-pulumi-python",
)
RANDOM = pinned("pulumi-resource-random")
CONTROLLER = pinned("notification-controller")


class Machine:
    """A machine with a few programs, each of which answers with its own content."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cache = Cache(root / "cache")
        self.path = root / "bin"
        self.assets = root / "assets"
        self.home = root / "home"
        self.assets.mkdir()
        self.asked: list[Path] = []

    def has(self, place: Path, *names: str, says: str = "") -> Path:
        place.mkdir(parents=True, exist_ok=True)
        for name in names:
            (place / name).write_bytes(says.encode())
            (place / name).chmod(0o755)
        return place / names[0]

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": str(self.path),
            "KUBEBUILDER_ASSETS": str(self.assets),
            "HOME": str(self.home),
        }

    def ask(self, path: Path, arguments: tuple[str, ...]) -> str:
        self.asked.append(path)
        return path.read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_program_on_path_is_taken(machine: Machine) -> None:
    """Nothing is downloaded or built that is there already."""
    path = machine.has(machine.path, "pulumi", *HOST, says="v3.260.1")
    found = find(PULUMI, machine.cache, environment=machine.environment, ask=machine.ask)
    assert Program("pulumi", "3.260.1", path, Origin.PATH) == found.program


def test_the_assets_of_envtest_come_before_path(machine: Machine) -> None:
    """Whoever sets KUBEBUILDER_ASSETS means it."""
    machine.has(machine.path, "etcd", says="etcd Version: 3.6.0")
    path = machine.has(machine.assets, "etcd", says="etcd Version: 3.5.21\nGit SHA: a17edfd")
    found = find(ETCD, machine.cache, environment=machine.environment, ask=machine.ask)
    assert Program("etcd", "3.5.21", path, Origin.KUBEBUILDER_ASSETS) == found.program


def test_assets_that_lack_the_program_are_told(machine: Machine) -> None:
    """A wrong folder in KUBEBUILDER_ASSETS would otherwise be a silent build of minutes."""
    found = find(ETCD, machine.cache, environment=machine.environment, ask=machine.ask)
    assert found.program is None
    assert [f"KUBEBUILDER_ASSETS={machine.assets} has no etcd"] == found.passed_over


def test_an_old_program_is_passed_over_with_the_reason(machine: Machine) -> None:
    """An engine without what the component needs would fail much later."""
    path = machine.has(machine.path, "pulumi", *HOST, says="v3.200.0")
    found = find(PULUMI, machine.cache, environment=machine.environment, ask=machine.ask)
    assert found.program is None
    assert [f"{path} is 3.200.0, but pulumi >= 3.259 is needed"] == found.passed_over


def test_a_pulumi_without_its_language_host_is_passed_over(machine: Machine) -> None:
    """The CLI looks for the host beside itself and on PATH; one of another release may not fit."""
    path = machine.has(machine.path, "pulumi", says="v3.260.0")
    found = find(PULUMI, machine.cache, environment=machine.environment, ask=machine.ask)
    assert found.program is None
    assert [f"{path} has no {' and no '.join(HOST)} beside it"] == found.passed_over


def test_a_linked_pulumi_has_its_host_where_the_link_leads(machine: Machine) -> None:
    """Package managers link the CLI alone into their bin folder."""
    installed = machine.has(machine.root / "opt", "pulumi", *HOST, says="v3.260.0")
    machine.path.mkdir()
    (machine.path / "pulumi").symlink_to(installed)
    found = find(PULUMI, machine.cache, environment=machine.environment, ask=machine.ask)
    assert found.program is not None


def test_what_lies_in_the_cache_was_not_found_on_the_machine(machine: Machine) -> None:
    """The cache's folders may be on the PATH that this process got from another one of ours."""
    path = machine.has(machine.cache.root / "etcd" / "3.6.8-x", "etcd", says="3.6.8")
    environment = {**machine.environment, "PATH": str(path.parent)}
    assert find(ETCD, machine.cache, environment=environment, ask=machine.ask).program is None


def test_the_newest_installed_plugin_of_the_major_version_is_taken(machine: Machine) -> None:
    """Folders sort as numbers, not as text; a new major may have other resources."""
    plugins = machine.home / ".pulumi" / "plugins"
    for version in ("4.21.4", "4.9.0", "4.100.0", "5.0.0"):
        machine.has(plugins / f"resource-random-v{version}", RANDOM.name)
    found = find(RANDOM, machine.cache, environment=machine.environment, ask=machine.ask)
    expected = plugins / "resource-random-v4.100.0" / RANDOM.name
    assert Program(RANDOM.name, "4.100.0", expected, Origin.DOWNLOAD) == found.program
    assert machine.asked == []


def test_a_stand_in_under_an_official_name_is_not_taken(machine: Machine) -> None:
    """Within a sandbox PULUMI_HOME is its own; every run has to say which plugin it used."""
    plugins = machine.home / ".pulumi" / "plugins"
    machine.has(plugins / "resource-random-v4.21.4", RANDOM.name, says="#!/usr/bin/env python3\n")
    found = find(RANDOM, machine.cache, environment=machine.environment, ask=machine.ask)
    assert found.program is None


def test_a_controller_is_known_by_its_build_information(machine: Machine) -> None:
    """Flux's controllers have no option that prints their version."""
    says = f"\x7fELF…path\t{CONTROLLER.package}\nmod\t{CONTROLLER.package}\tv1.9.4\th1:x=\n"
    path = machine.has(machine.path, CONTROLLER.name, says=says)
    found = find(CONTROLLER, machine.cache, environment=machine.environment, ask=machine.ask)
    assert Program(CONTROLLER.name, "1.9.4", path, Origin.PATH) == found.program


def test_a_controller_that_does_not_tell_its_version_is_taken(machine: Machine) -> None:
    """One built in a checkout says `(devel)`; who puts it on PATH wants it used."""
    says = f"path\t{CONTROLLER.package}\nmod\t{CONTROLLER.package}\t(devel)\n"
    path = machine.has(machine.path, CONTROLLER.name, says=says)
    found = find(CONTROLLER, machine.cache, environment=machine.environment, ask=machine.ask)
    assert Program(CONTROLLER.name, "unknown", path, Origin.PATH) == found.program


def test_a_program_that_does_not_answer_is_passed_over(machine: Machine) -> None:
    """It may be for another processor, or another program of the same name."""
    path = machine.has(machine.path, "pulumi", *HOST)
    found = find(PULUMI, machine.cache, environment=machine.environment, ask=machine.ask)
    assert found.program is None
    assert [f"{path} version prints no version"] == found.passed_over


def test_old_plugins_of_pulumi_are_passed_over_in_silence(machine: Machine) -> None:
    """Every project of the user leaves one there."""
    machine.has(machine.home / ".pulumi" / "plugins" / "resource-random-v4.0.0", RANDOM.name)
    found = find(RANDOM, machine.cache, environment=machine.environment, ask=machine.ask)
    assert Found() == found


def test_a_program_is_asked_for_its_version_once(machine: Machine) -> None:
    """A warm start must not start processes; a program that changed is asked again."""
    path = machine.has(machine.path, "pulumi", *HOST, says="v3.260.0")
    for _ in range(2):
        find(PULUMI, machine.cache, environment=machine.environment, ask=machine.ask)
    assert [path] == machine.asked
    machine.has(machine.path, "pulumi", says="v3.260.11")
    found = find(PULUMI, machine.cache, environment=machine.environment, ask=machine.ask)
    assert found.program is not None
    assert found.program.version == "3.260.11"


@pytest.mark.parametrize(
    ("version", "at_least", "expected"),
    [
        pytest.param("3.259.0", "3.259", True, id="equal"),
        pytest.param("3.1000.0", "3.259", True, id="compared as numbers"),
        pytest.param("3.258.9", "3.259", False, id="older"),
        pytest.param("4.0.0", "3.259", False, id="next major"),
        pytest.param("1.10", "1.9", True, id="two digits"),
    ],
)
def test_a_version_suits_from_the_oldest_up_to_the_next_major(
    version: str, at_least: str, expected: bool
) -> None:
    """Majors may break, minors do not."""
    assert expected is suits(version, at_least)
