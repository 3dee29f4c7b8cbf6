"""Which Python Pulumi starts for Gitea's webhook, and what is said where that cannot work.

Source: Pulumi's script ``pulumi-resource-pulumi-python``, which starts it.
"""

import sys
from pathlib import Path

import pytest

from fluxhooks.components.forges.gitea_python import check_python
from fluxhooks.errors import ArgumentError


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The folder of a program that is not Pulumi.yaml's."""
    folder = tmp_path / "program"
    folder.mkdir()
    return folder


def project(program: Path, *options: str, runtime: str = "python") -> None:
    lines = ["name: app", "main: program/", "runtime:", f"  name: {runtime}", "  options:"]
    lines += [f"    {option}" for option in options or ("typechecker: mypy",)]
    (program.parent / "Pulumi.yaml").write_text("\n".join([*lines, ""]))


def refused(program: Path) -> str:
    with pytest.raises(ArgumentError) as error:
        check_python(program)
    return str(error.value)


def said(expected: Path, what: str) -> str:
    return (
        "gitea: is made by a dynamic resource, for which Pulumi takes the virtual environment of "
        f"Pulumi.yaml from the program's folder, as {expected}, and {what}; give "
        f"runtime.options.virtualenv the whole path {sys.prefix}, or link to it: "
        f"ln -s {sys.prefix} {expected}"
    )


@pytest.mark.parametrize("option", ["virtualenv: .venv", "virtualenv: env/", "toolchain: uv"])
def test_an_environment_that_only_the_program_finds_is_refused(program: Path, option: str) -> None:
    """The engine would say so after token, Secret and Receiver were made."""
    project(program, option)
    name = "env" if "env/" in option else ".venv"
    (program.parent / name).symlink_to(sys.prefix)

    assert said(program / name, "there is none") == refused(program)


def test_an_environment_beside_the_program_is_as_good_as_its_whole_path(program: Path) -> None:
    """Both are what the message says."""
    project(program, "virtualenv: .venv")
    (program / ".venv").symlink_to(sys.prefix)
    check_python(program)
    (program / ".venv").unlink()
    project(program, f"virtualenv: {sys.prefix}")
    check_python(program)


def test_an_environment_without_fluxhooks_is_refused(program: Path) -> None:
    """The state names the code by its module: nothing else would run it."""
    project(program, "virtualenv: .venv")
    python = program / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)

    assert said(program / ".venv", "that one has no fluxhooks") == refused(program)


def test_where_no_environment_is_named_nothing_is_looked_for(program: Path) -> None:
    """Program and webhook are run by the same Python then, or by the plugin's."""
    check_python(program)
    project(program)
    check_python(program)
    project(program, "virtualenv: .venv", runtime="yaml")
    check_python(program)
    (program.parent / "Pulumi.yaml").write_text("name: app\nruntime: python\n")
    check_python(program)


def test_the_ready_program_has_a_link_beside_it() -> None:
    """Its Pulumi.yaml is one folder above it."""
    link = Path(__file__).parents[2] / "stacks" / ".venv"
    assert Path("../.venv") == link.readlink()
