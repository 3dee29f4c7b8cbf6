"""What can be told of the rotation jobs in ``examples/jobs`` without running them."""

import re
import runpy
import shlex
from pathlib import Path
from typing import Any

import check_jsonschema
import pytest
import typer
import yaml

from fluxhooks.cli.app import app
from tests.unit.recording_engine import RecordingEngine

_JOBS = Path(__file__).parents[2] / "examples" / "jobs"
_SCRIPT = "examples/jobs/rotate.sh"
_MANIFESTS = ("cronjob.yaml", "pulumi-operator.yaml", "rbac.yaml")


def _text(name: str) -> str:
    return (_JOBS / name).read_text()


def _manifests(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(_text(name)))


def _kinds(name: str) -> list[str]:
    return [f"{found['apiVersion']} {found['kind']}" for found in _manifests(name)]


def _of_kind(name: str, kind: str) -> dict[str, Any]:
    (found,) = [found for found in _manifests(name) if found["kind"] == kind]
    return found


def _stacks() -> dict[str, dict[str, Any]]:
    found = [found for found in _manifests("pulumi-operator.yaml") if found["kind"] == "Stack"]
    return {stack["metadata"]["name"]: stack for stack in found}


def _shell(name: str) -> list[str]:
    # What a job runs, line by line.
    match name:
        case "github-actions.yaml":
            steps = yaml.safe_load(_text(name))["jobs"]["rotate"]["steps"]
            return [line for step in steps for line in step.get("run", "").splitlines()]
        case "gitlab-ci.yaml":
            return list(yaml.safe_load(_text(name))["rotate-webhook-secrets"]["script"])
    (container,) = _pod(name)["containers"]
    return str(container["args"][0]).splitlines()


def _pod(name: str) -> dict[str, Any]:
    pod: dict[str, Any] = _of_kind(name, "CronJob")["spec"]["jobTemplate"]["spec"]["template"]
    return dict(pod["spec"])


def _parsed(verb: str, arguments: list[str]) -> dict[str, Any]:
    # Raises a usage error, as the command would.
    command: Any = typer.main.get_command(app)
    parsed: dict[str, Any] = command.commands[verb].make_context(verb, arguments).params
    return parsed


@pytest.mark.parametrize("name", ["github-actions.yaml", "gitlab-ci.yaml", "cronjob.yaml"])
def test_a_job_rotates_what_is_older_than_ninety_days(name: str) -> None:
    """Its one call of the script gives options the command takes."""
    (line,) = [line for line in _shell(name) if _SCRIPT in line]
    words = shlex.split(line)

    assert ["sh", _SCRIPT] == words[:2]
    asked = _parsed("rotate", [*words[2:], "--yes"])
    given = {key: value for key, value in asked.items() if key in ("stack", "all_", "older_than")}
    assert {"stack": "prod", "all_": True, "older_than": "90d"} == given


def test_the_script_and_the_page_use_options_that_exist() -> None:
    """Every `fluxhooks …` of theirs can be parsed."""
    commands = [
        command
        for name in ("rotate.sh", "README.md")
        for command in re.findall(r"fluxhooks ((?:rotate|status|prune)[^`\n|]*)", _text(name))
    ]

    assert len(commands) >= 2
    for command in commands:
        verb, *arguments = shlex.split(command.replace('"$@"', "prod --all"), comments=True)
        _parsed(verb, arguments)


@pytest.mark.parametrize("command", ["rotate prod --al", "rotate prod --older-than"])
def test_an_option_that_does_not_exist_would_be_found(command: str) -> None:
    """The check above is one."""
    verb, *arguments = command.split()

    with pytest.raises(Exception, match=r"No such option|requires an argument"):
        _parsed(verb, arguments)


def test_the_manifests_are_of_the_kinds_they_say() -> None:
    """In versions that the API server and the operator serve."""
    rbac = "rbac.authorization.k8s.io/v1"

    assert {
        "cronjob.yaml": ["batch/v1 CronJob"],
        "pulumi-operator.yaml": [
            f"{rbac} ClusterRoleBinding",
            "pulumi.com/v1 Stack",
            "pulumi.com/v1 Stack",
        ],
        "rbac.yaml": [
            "v1 Namespace",
            "v1 ServiceAccount",
            f"{rbac} Role",
            f"{rbac} RoleBinding",
            f"{rbac} ClusterRole",
            f"{rbac} ClusterRoleBinding",
        ],
    } == {name: _kinds(name) for name in _MANIFESTS}


def test_every_job_in_the_cluster_runs_under_the_account_that_has_the_rights() -> None:
    """And the bindings bind it, to what is there."""
    account = _of_kind("rbac.yaml", "ServiceAccount")["metadata"]
    subject = {"kind": "ServiceAccount", **account}
    bindings = [found for name in _MANIFESTS for found in _manifests(name) if "roleRef" in found]
    roles = {(f["kind"], f["metadata"]["name"]) for f in _manifests("rbac.yaml") if "rules" in f}

    assert [[subject]] * 3 == [binding["subjects"] for binding in bindings]
    assert roles | {("ClusterRole", "system:auth-delegator")} == {
        (binding["roleRef"]["kind"], binding["roleRef"]["name"]) for binding in bindings
    }
    cronjob = _of_kind("cronjob.yaml", "CronJob")
    stacks = [(stack, stack["spec"]) for stack in _stacks().values()]
    for job, spec in ((cronjob, _pod("cronjob.yaml")), *stacks):
        assert account == {
            "name": spec["serviceAccountName"],
            "namespace": job["metadata"]["namespace"],
        }


def test_the_rights_are_named_one_by_one() -> None:
    """No wildcard, and no Secret outside the namespace of Flux."""
    rules = [
        (found["kind"], rule)
        for found in _manifests("rbac.yaml")
        for rule in found.get("rules", ())
    ]

    assert 4 == len(rules)
    assert [] == [rule for _, rule in rules if any("*" in words for words in rule.values())]
    assert [] == [
        rule for kind, rule in rules if kind == "ClusterRole" and "secrets" in rule["resources"]
    ]


@pytest.mark.parametrize("name", ["fluxhooks-canary", "fluxhooks-prod"])
def test_the_operator_goes_on_when_no_commit_is_new(name: str) -> None:
    """Otherwise the day on which a generation is due would pass without an update."""
    spec = _stacks()[name]["spec"]

    assert spec["continueResyncOnCommitMatch"] is True
    assert 60 <= spec["resyncFrequencySeconds"] <= 86400
    assert (_JOBS.parents[1] / spec["repoDir"] / "Pulumi.yaml").is_file()


def test_prod_rotates_only_after_the_canary() -> None:
    """What must have succeeded is there, and had the time for one resync."""
    stacks = _stacks()
    (prerequisite,) = stacks["fluxhooks-prod"]["spec"]["prerequisites"]
    hours = int(prerequisite["requirement"]["succeededWithinDuration"].removesuffix("h"))

    assert hours * 3600 > stacks[prerequisite["name"]]["spec"]["resyncFrequencySeconds"]
    assert "prerequisites" not in stacks["fluxhooks-canary"]["spec"]


@pytest.mark.parametrize("name", ["fluxhooks-canary", "fluxhooks-prod"])
def test_the_program_by_the_calendar_provisions_a_webhook(name: str) -> None:
    """With the settings that the operator's Stack gives it."""
    spec = _stacks()[name]["spec"]
    project = yaml.safe_load(_text("calendar/Pulumi.yaml"))["name"]
    config = {
        # The engine that records calls its project so.
        key.replace(f"{project}:", "fluxhooks:"): value
        for key, value in spec["config"].items()
    }
    path = str(_JOBS / "calendar" / "__main__.py")
    engine = RecordingEngine(config=config).run(lambda: _run(path))

    assert {f"{project}:host", f"{project}:repository", "github:owner"} == set(spec["config"])
    assert [f"{spec['config'][f'{project}:repository']}-webhook"] == engine.named(
        "RepositoryWebhook"
    )
    assert {"due_at", "generation"} == set(engine.outputs["fluxhooks-test"])


_SCHEMAS = {"github-actions.yaml": "vendor.github-workflows", "gitlab-ci.yaml": "vendor.gitlab-ci"}


def _lint(file: Path, schema: str) -> object:
    with pytest.raises(SystemExit) as ended:
        check_jsonschema.main(["--quiet", "--builtin-schema", schema, str(file)])
    return ended.value.code


@pytest.mark.parametrize("name", _SCHEMAS)
def test_hosted_jobs_follow_the_published_schemas(name: str) -> None:
    """Those that editors check workflows with; they cannot be run here."""
    assert 0 == _lint(_JOBS / name, _SCHEMAS[name])


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("github-actions.yaml", "runs-on:", "run-on:"),
        ("gitlab-ci.yaml", "resource_group:", "resource_groups:"),
    ],
)
def test_a_key_that_the_published_schemas_do_not_have_would_be_found(
    tmp_path: Path, name: str, right: str, wrong: str
) -> None:
    """The check above is one."""
    assert right in _text(name)
    (tmp_path / name).write_text(_text(name).replace(right, wrong))

    assert 1 == _lint(tmp_path / name, _SCHEMAS[name])


def _run(path: str) -> None:
    runpy.run_path(path)


def test_the_page_names_every_file() -> None:
    """What is not named there is not found."""
    files = {path.name for path in _JOBS.iterdir()} - {"README.md"}

    assert set() == {name for name in files if f"({name})" not in _text("README.md")}
