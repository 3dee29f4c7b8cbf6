"""The programs themselves run, and are what the table says."""

from pathlib import Path

import pytest
import yaml

from sandbox.toolchain import Origin, Program, crds, provide
from sandbox.toolchain.cache import Cache
from sandbox.toolchain.find import find, suits
from sandbox.toolchain.programs import TABLE, Pinned, every_name, pinned


@pytest.fixture(scope="module")
def programs() -> dict[str, Program]:
    return provide(every_name())


@pytest.mark.parametrize(
    "row", [row for row in TABLE if row.module and not row.leader], ids=lambda row: row.name
)
def test_a_program_tells_the_version_it_was_provided_as(
    programs: dict[str, Program], row: Pinned, tmp_path: Path
) -> None:
    """A version that is not linked in is noticed by users of a program, not by who builds it."""
    for program in programs.values():
        # With what its publisher ships beside it, under whatever name.
        for name in (program.name, *pinned(program.name).files):
            (tmp_path / name).symlink_to(program.path.parent / name)
    environment = {
        "PATH": str(tmp_path),
        "KUBEBUILDER_ASSETS": str(tmp_path),
        "HOME": str(tmp_path),
    }
    found = find(row, Cache(tmp_path / "cache"), environment=environment)
    provided = programs[row.name]
    origin = Origin.KUBEBUILDER_ASSETS if row.envtest else Origin.PATH
    assert Program(row.name, provided.version, tmp_path / row.name, origin) == found.program
    assert suits(provided.version, row.at_least)


def test_definitions_of_all_controllers_are_served_by_the_versions_the_code_speaks() -> None:
    """The newest is what is stored, and the component writes `v1`."""
    definitions = [yaml.safe_load(path.read_text()) for path in crds()]
    versions = {
        definition["spec"]["names"]["kind"]: {
            version["name"] for version in definition["spec"]["versions"] if version["served"]
        }
        for definition in definitions
    }
    assert {"CustomResourceDefinition"} == {definition["kind"] for definition in definitions}
    assert "v1" in versions["Receiver"] & versions["GitRepository"] & versions["OCIRepository"]
    assert "v1" in versions["Kustomization"]
    assert "v2" in versions["HelmRelease"]
