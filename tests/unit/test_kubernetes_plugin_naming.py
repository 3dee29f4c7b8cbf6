"""Names that the stand-in for pulumi-kubernetes gives."""

import re
from typing import Any

import pytest

from sandbox.plugins.autonaming import Autonaming, Mode, random_suffix
from sandbox.plugins.errors import PluginError
from sandbox.plugins.kubernetes import naming
from sandbox.plugins.properties import UNKNOWN

SEED = b"one seed of the engine"


def assigned(inputs: dict[str, Any], autonaming: Autonaming | None = None) -> dict[str, Any]:
    """The metadata after `assign_name`."""
    naming.assign_name(inputs, "app-g7", seed=SEED, autonaming=autonaming)
    metadata: dict[str, Any] = inputs["metadata"]
    return metadata


def test_a_name_is_the_logical_name_and_eight_hexadecimal_digits() -> None:
    """An object without a name gets one, and the mark that Pulumi gave it."""
    metadata = assigned({})

    assert re.fullmatch(r"app-g7-[0-9a-f]{8}", metadata["name"])
    assert {"pulumi.com/autonamed": "true"} == metadata["annotations"]


def test_one_seed_gives_one_name() -> None:
    """The engine asks twice with one seed and expects one name; another seed gives another."""
    assert random_suffix(SEED, length=8) == random_suffix(SEED, length=8)
    assert random_suffix(SEED, length=8) != random_suffix(b"another", length=8)
    assert random_suffix(length=8) != random_suffix(length=8)


@pytest.mark.parametrize("name", [pytest.param("mine", id="given"), pytest.param(UNKNOWN)])
def test_a_name_that_the_program_gives_stays(name: object) -> None:
    """A given name stays, even if it is only known later."""
    assert {"name": name} == assigned({"metadata": {"name": name}})


@pytest.mark.parametrize("mode", [Mode.PROPOSE, Mode.ENFORCE])
def test_the_name_that_the_project_proposes_is_taken(mode: Mode) -> None:
    """`pulumi:autonaming` decides over the plugin's own pattern."""
    metadata = assigned({"metadata": {}}, Autonaming(mode, "verbatim"))

    assert "verbatim" == metadata["name"]
    assert "true" == metadata["annotations"]["pulumi.com/autonamed"]


def test_a_project_without_auto_names_must_name_everything() -> None:
    """`pulumi:autonaming: disabled` makes a missing name an error."""
    with pytest.raises(PluginError) as raised:
        assigned({}, Autonaming(Mode.DISABLE, ""))

    assert "autonaming is disabled, resource requires the .metadata.name field to be set" == str(
        raised.value
    )


def test_an_update_keeps_an_auto_name() -> None:
    """What an earlier step named keeps its name, as long as the program does not give one."""
    old = {"metadata": {"name": "app-1234", "annotations": {"pulumi.com/autonamed": "true"}}}
    unnamed: dict[str, Any] = {"metadata": {"annotations": {"a": "b"}}}
    named: dict[str, Any] = {"metadata": {"name": "mine"}}

    naming.adopt_name(unnamed, old)
    naming.adopt_name(named, old)

    assert "app-1234" == naming.name_of(unnamed)
    assert {"a": "b", "pulumi.com/autonamed": "true"} == unnamed["metadata"]["annotations"]
    assert {"metadata": {"name": "mine"}} == named


def test_an_explicit_name_is_not_kept_when_it_is_taken_away() -> None:
    """Only a name that Pulumi gave is adopted; a removed explicit one is a change."""
    inputs: dict[str, Any] = {"metadata": {}}

    naming.adopt_name(inputs, {"metadata": {"name": "mine"}})

    assert {"metadata": {}} == inputs


@pytest.mark.parametrize(
    ("resource_id", "expected"),
    [
        ("flux-system/app", ("flux-system", "app")),
        ("flux-system", ("", "flux-system")),
        ("", ("", "")),
    ],
)
def test_an_id_is_namespace_and_name(resource_id: str, expected: tuple[str, str]) -> None:
    """IDs are `namespace/name`, or the name alone of what has no namespace."""
    assert expected == naming.split_id(resource_id)
