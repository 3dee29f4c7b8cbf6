"""The table of programs agrees with everything else that names their versions."""

import re
from pathlib import Path

import pytest

from sandbox.toolchain import golang
from sandbox.toolchain.errors import ToolchainError
from sandbox.toolchain.programs import (
    CRD_MODULES,
    GO,
    TABLE,
    Pinned,
    every_name,
    in_table_order,
    pinned,
)

BUILT = [row for row in TABLE if row.module]
OURS = [row for row in BUILT if row.package.startswith(".")]
THEIRS = [row for row in BUILT if not row.package.startswith(".")]


def required(module: str) -> dict[str, str]:
    """The modules that a go.mod selects, with their versions."""
    text = (GO / module / "go.mod").read_text()
    return dict(re.findall(r"^(?:require )?\t?(\S+) v(\S+)(?: // indirect)?$", text, re.MULTILINE))


@pytest.mark.parametrize("row", THEIRS, ids=lambda row: row.name)
def test_go_mod_selects_the_version_that_the_table_tells(row: Pinned) -> None:
    """Otherwise the cache would keep one version under the name of another."""
    modules = required(row.module)
    module = max((path for path in modules if f"{row.package}/".startswith(f"{path}/")), key=len)
    # Prometheus 3.12.0 is its module's v0.312.0.
    prometheus = re.sub(r"^0\.(\d)(\d\d)\.", r"\1.\2.", modules[module])
    assert row.version == (prometheus if module.endswith("/prometheus") else modules[module])


@pytest.mark.parametrize(
    ("one", "other", "weighty"),
    [
        pytest.param(
            "programs",
            "appliers",
            r"k8s\.io/|sigs\.k8s\.io/|github\.com/fluxcd/pkg/|google\.golang\.org/",
            id="controllers",
        ),
        pytest.param(
            "programs",
            "prometheus",
            r"k8s\.io/|sigs\.k8s\.io/|google\.golang\.org/|golang\.org/",
            id="Prometheus",
        ),
        pytest.param(
            "pulumi",
            "language-yaml",
            r"github\.com/pulumi/pulumi/|go\.opentelemetry\.io/|golang\.org/|google\.golang\.org/",
            id="Pulumi",
        ),
    ],
)
def test_modules_of_one_family_select_the_same_of_what_they_share(
    one: str, other: str, weighty: str
) -> None:
    """What is compiled for one is then there for the other, which halves the time of both."""
    first, second = (
        {path: version for path, version in required(module).items() if re.match(weighty, path)}
        for module in (one, other)
    )
    shared = first.keys() & second.keys()
    assert len(shared) > 15
    assert {path: first[path] for path in shared} == {path: second[path] for path in shared}


@pytest.mark.parametrize("row", OURS, ids=lambda row: row.name)
def test_a_plugin_of_ours_tells_the_version_of_the_table(row: Pinned) -> None:
    """Pulumi starts the plugin whose version the SDK names."""
    source = (GO / row.module / row.package / "main.go").read_text()
    assert [row.version] == re.findall(r'^const version = "(.+)"$', source, re.MULTILINE)


@pytest.mark.parametrize("row", [row for row in TABLE if row.plugin], ids=lambda row: row.name)
def test_a_plugin_has_the_version_of_the_pinned_python_package(row: Pinned) -> None:
    """A program asks for the plugin of exactly its SDK's version."""
    pins = (Path(__file__).parents[2] / "requirements.txt").read_text()
    assert [row.version] == re.findall(rf"^pulumi-{row.plugin}==(\S+)", pins, re.MULTILINE)


@pytest.mark.parametrize("name", CRD_MODULES)
def test_definitions_come_from_the_module_of_the_controller(name: str) -> None:
    """A controller and the definitions of its objects have to be of one version."""
    assert CRD_MODULES[name] == pinned(name).package


@pytest.mark.parametrize(
    ("package", "binary"),
    [
        pytest.param("k8s.io/kubernetes/cmd/kube-apiserver", "kube-apiserver", id="command"),
        pytest.param("go.etcd.io/etcd/server/v3", "server", id="major version"),
        pytest.param("./pulumi-resource-random", "pulumi-resource-random", id="local"),
        pytest.param("example.org/vault", "vault", id="begins with a v"),
    ],
)
def test_a_binary_is_named_as_go_names_it(package: str, binary: str) -> None:
    """`go build` leaves out a last element that is a major version."""
    assert binary == Pinned(name="any", version="1", at_least="1", package=package).binary


def test_every_name_can_be_built_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What only its publisher can provide, or needs a compiler, must not be wanted by default."""
    monkeypatch.setattr(golang, "c_compiler", lambda: "/usr/bin/gcc")
    assert "pulumi-resource-kubernetes" not in every_name()
    assert [row.name for row in BUILT] == list(every_name())

    monkeypatch.setattr(golang, "c_compiler", lambda: None)
    assert [row.name for row in BUILT if row.name != "gitea"] == list(every_name())


def test_the_c_compiler_is_the_one_that_go_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one named by CC, else that of the system."""
    for name in ("gcc", "my-cc"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", "my-cc -m64")
    assert str(tmp_path / "my-cc") == golang.c_compiler()

    monkeypatch.setenv("CC", "another")
    assert golang.c_compiler() is None

    monkeypatch.delenv("CC")
    assert str(tmp_path / "gcc") == golang.c_compiler()


def test_names_come_in_the_order_of_the_table_and_once() -> None:
    """The cluster waits for etcd and kube-apiserver first."""
    rows = in_table_order(["pulumi", "kube-apiserver", "etcd", "pulumi"])
    assert [row.name for row in rows] == ["etcd", "kube-apiserver", "pulumi"]


def test_an_unknown_program_is_answered_with_the_known_ones() -> None:
    """The message holds the cure."""
    known = ", ".join(sorted(row.name for row in TABLE))
    with pytest.raises(ToolchainError) as error:
        pinned("kubectl")
    assert f"unknown program 'kubectl', expected one of: {known}" == str(error.value)
