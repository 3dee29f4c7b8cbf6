"""The stack's configuration file is read where Pulumi has it, and never guessed at."""

import datetime
from pathlib import Path

import pytest

from fluxhooks import ArgumentError, SettingError
from fluxhooks.observe.configuration import Configuration, Entry, read, stack_file
from fluxhooks.observe.state import Scope


def project(directory: Path, settings: str = "", *, text: str = "name: fluxhooks\n") -> Path:
    """Write a project with the stack `dev` and return its folder."""
    (directory / "Pulumi.yaml").write_text(text)
    (directory / "Pulumi.dev.yaml").write_text(settings)
    return directory


def test_what_concerns_rotations_is_read(tmp_path: Path) -> None:
    """Everything else is the program's."""
    settings = """
encryptionsalt: v1:x
config:
  fluxhooks:cluster: uid
  fluxhooks:rotate_every: 90d
  fluxhooks:generations:
    app: {live: 3, retained: [1, 2]}
    web: {unverified: true}
  fluxhooks:receivers:
    app: {repository: app-code}
    web: {project: acme/web}
    all: {group: 7}
    instance: {system_hook: true}
    ours: {organization: acme}
    git: {gitea: {url: "https://git.example.com/", owner: acme, repository: app}}
    gits: {gitea: {url: "https://git.example.com", organization: acme}}
    wrong: {gitea: {url: "https://git.example.com", owner: acme}}
    odd: nonsense
  other:secret:
    secure: v1:y
"""
    assert Configuration(
        generations={"app": Entry(3, (1, 2)), "web": Entry(1, unverified=True)},
        cluster="uid",
        rotate_every=datetime.timedelta(days=90),
        scopes=(
            Scope("github", "repository", "app-code"),
            Scope("gitlab", "project", "acme/web"),
            Scope("gitlab", "group", "7"),
            Scope("gitlab", "instance", "GitLab"),
            Scope("github", "organization", "acme"),
            Scope("gitea", "repository", "acme/app", "https://git.example.com"),
            Scope("gitea", "organization", "acme", "https://git.example.com"),
        ),
    ) == read(project(tmp_path, settings), "dev")


@pytest.mark.parametrize("settings", ["", "config: {}\n", "encryptionsalt: v1:x\n"])
def test_a_stack_without_settings_has_none(tmp_path: Path, settings: str) -> None:
    """Nor one without a file."""
    directory = project(tmp_path, settings)

    assert Configuration() == read(directory, "dev") == read(directory, "other")


def test_the_project_is_looked_for_upwards(tmp_path: Path) -> None:
    """As Pulumi does."""
    below = project(tmp_path) / "a" / "b"
    below.mkdir(parents=True)

    assert tmp_path / "Pulumi.dev.yaml" == stack_file(below, "dev")


def test_the_project_says_where_settings_are(tmp_path: Path) -> None:
    """In stackConfigDir, beside the project's file."""
    project(tmp_path, text="name: fluxhooks\nstackConfigDir: stacks\n")

    assert tmp_path / "stacks" / "Pulumi.dev.yaml" == stack_file(tmp_path, "dev")


def test_no_project_is_said(tmp_path: Path) -> None:
    """With the two cures."""
    with pytest.raises(SettingError) as error:
        stack_file(tmp_path, "dev")

    assert (
        f"no Pulumi.yaml in {tmp_path} or above; go to the program's folder, or give --cwd"
    ) == str(error.value)


@pytest.mark.parametrize(
    ("generations", "key", "value"),
    [
        pytest.param("3", "fluxhooks:generations", "3", id="a number"),
        pytest.param("{app: 3}", "fluxhooks:generations.app", "3", id="no mapping"),
        pytest.param(
            "{app: {live: x}}", "fluxhooks:generations.app", "{'live': 'x'}", id="no number"
        ),
        pytest.param(
            "{app: {live: 0}}", "fluxhooks:generations.app", "{'live': 0}", id="too small"
        ),
        pytest.param(
            "{app: {live: 2, retained: 1}}",
            "fluxhooks:generations.app",
            "{'live': 2, 'retained': 1}",
            id="no list",
        ),
    ],
)
def test_wrong_generations_are_said(tmp_path: Path, generations: str, key: str, value: str) -> None:
    """With the command that sets them right."""
    with pytest.raises(SettingError) as error:
        read(project(tmp_path, f"config:\n  fluxhooks:generations: {generations}\n"), "dev")

    assert (
        f"{key}: {value} is not a mapping such as {{live: 2, retained: [1]}}; "
        f"pulumi config set --path '{key}.live' 1"
    ) == str(error.value)


def test_a_wrong_period_is_said(tmp_path: Path) -> None:
    """By the key it stands under."""
    with pytest.raises(ArgumentError) as error:
        read(project(tmp_path, "config:\n  fluxhooks:rotate_every: 3m\n"), "dev")

    assert (
        "fluxhooks:rotate_every: '3m' is not a period; use days or weeks, as in '90d' or '12w'"
    ) == str(error.value)


def test_a_file_that_is_no_yaml_is_said(tmp_path: Path) -> None:
    """Without quoting it: it may hold what nobody should read."""
    with pytest.raises(SettingError) as error:
        read(project(tmp_path, "a: [\n"), "dev")

    assert f"{tmp_path / 'Pulumi.dev.yaml'} cannot be read: ParserError" == str(error.value)
