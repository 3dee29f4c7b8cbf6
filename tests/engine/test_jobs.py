"""The rotation jobs of ``examples/jobs``: their lines and their rights, on the real API server."""

import datetime
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import lightkube
import pytest
from lightkube.codecs import load_all_yaml
from lightkube.core.exceptions import ApiError
from lightkube.models.authentication_v1 import TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret, ServiceAccountToken

from sandbox.cluster.kubeconfig import write_kubeconfig
from sandbox.sandbox import Sandbox
from sandbox.stack import Run, Stack
from tests.app import App
from tests.jobs import JOBS, Repository, Runner, manifests

ACCOUNT, NAMESPACE = "fluxhooks-rotate", "fluxhooks"


@pytest.fixture(scope="module")
def kubeconfig(sandbox: Sandbox) -> Path:
    """The kubeconfig of the ServiceAccount in ``rbac.yaml``, which is applied as it is."""
    with sandbox.cluster.client() as client:
        for found in load_all_yaml((JOBS / "rbac.yaml").read_text()):
            client.apply(found, field_manager="admin")
        request = ServiceAccountToken(
            metadata=ObjectMeta(namespace=NAMESPACE), spec=TokenRequestSpec(audiences=[])
        )
        status = client.create(request, ACCOUNT).status
    assert status is not None
    return write_kubeconfig(
        sandbox.cluster.directory / "job.kubeconfig",
        server=sandbox.cluster.server,
        ca_file=sandbox.cluster.ca_file,
        user=ACCOUNT,
        token=str(status.token),
        namespace=NAMESPACE,
    )


@dataclass
class Jobs:
    """An app whose secret jobs rotate, with the rights in ``rbac.yaml``."""

    app: App
    repository: Repository
    runner: Runner

    def run(self, name: str) -> int:
        """Run a job, and return its exit code."""
        return int(getattr(self.runner, name)())

    def days_pass(self, days: int) -> None:
        """Make every Secret older in the stack's state, where ages are read."""
        stack, file = self.app.stack, self.app.stack.directory / "aged.json"
        stack.run("stack", "export", "--stack", stack.name, "--file", str(file))
        state = json.loads(file.read_text())
        created = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
        for found in state["deployment"]["resources"]:
            if found["type"] == "kubernetes:core/v1:Secret":
                found["outputs"]["metadata"]["creationTimestamp"] = f"{created:%Y-%m-%dT%H:%M:%SZ}"
        file.write_text(json.dumps(state))
        stack.run("stack", "import", "--stack", stack.name, "--file", str(file))

    def ordinary_up(self) -> Run:
        """Run an update from a fresh clone, as people do between two rotations."""
        stack = Stack(
            self.repository.clone(), self.app.name, environment=self.app.stack.environment
        )
        return stack.up()


@pytest.fixture(scope="class")
def jobs(
    make_app: Callable[..., App], kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory
) -> Jobs:
    # The jobs name the stack so.
    app = make_app("prod", program=None)
    app.stack.set_all(
        {
            "drain": "1s",
            "host": app.sandbox.ingress.host,
            "receivers.prod.repository": "prod",
            "receivers.prod.sources[0].name": "prod",
        }
    )
    app.up()
    directory = tmp_path_factory.mktemp("jobs")
    repository = Repository(app, directory)
    return Jobs(app, repository, Runner(app, repository, kubeconfig, directory))


class TestJobs:
    """With an administrator's kubeconfig it would not be seen that a right is missing."""

    def test_what_is_not_due_is_left_alone(self, jobs: Jobs) -> None:
        """Exit code 0, and no commit."""
        assert 0 == jobs.run("gitlab_ci")
        assert (["prod-g1"], ["The program and its settings"]) == (
            jobs.app.receivers(),
            jobs.repository.commits(),
        )

    @pytest.mark.parametrize("name", ["github_actions", "gitlab_ci", "cronjob"])
    def test_a_job_rotates_again_and_again(self, jobs: Jobs, name: str) -> None:
        """Its own lines, each time in a fresh clone: what the next run has to know was pushed."""
        commits, (live,) = len(jobs.repository.commits()), jobs.app.receivers()
        number = int(live.removeprefix("prod-g"))

        jobs.days_pass(100)
        assert 0 == jobs.run(name)
        assert [f"prod-g{number + 1}"] == jobs.app.receivers()
        assert [] == jobs.ordinary_up().changes
        jobs.days_pass(100)
        assert 0 == jobs.run(name)

        assert [f"prod-g{number + 2}"] == jobs.app.receivers()
        assert ["Rotate webhook secrets of prod"] * 2 == jobs.repository.commits()[:-commits]
        assert 200 == jobs.app.probe(jobs.app.hook())

    def test_the_account_may_look_where_everything_stands(self, jobs: Jobs) -> None:
        """`fluxhooks status` asks more of the cluster than `rotate` does."""
        assert 0 == jobs.runner.status("prod")


def test_the_program_by_the_calendar_rotates_on_the_day_it_is_due(
    sandbox: Sandbox, make_app: Callable[..., App], kubeconfig: Path, tmp_path: Path
) -> None:
    """As the operator resyncs it: from a fresh clone, with the Stack's configuration."""
    app = make_app("calendar", program=None)
    repository = Repository(app, tmp_path)
    environment = {
        **app.stack.environment,
        "FLUXHOOKS_DRAIN": "1s",
        "KUBECONFIG": str(kubeconfig),
    }
    prod = manifests("pulumi-operator.yaml")[-1]["spec"]
    config = {
        **prod["config"],
        "github:owner": sandbox.github.owner,
        "fluxhooks-calendar:host": sandbox.ingress.host,
        "fluxhooks-calendar:repository": "calendar",
    }
    today = datetime.datetime.now(datetime.UTC).date()
    begun = "2026-01-31"

    def commit(old: str, new: str) -> None:
        tree = repository.clone()
        program = tree / prod["repoDir"] / "__main__.py"
        assert old in program.read_text()
        program.write_text(program.read_text().replace(old, new))
        repository.commit(tree, f"{new} instead of {old}")

    def days_ago(days: int) -> str:
        return str(today - datetime.timedelta(days=days))

    def resync(*, first: bool = False) -> tuple[list[str], dict[str, Any]]:
        stack = Stack(repository.clone() / prod["repoDir"], "calendar", environment=environment)
        if first:
            stack.init()
        stack.set_all(config)
        run = stack.up()
        app.leaks.read("the output of a resync", run.output)
        app.learn()
        return run.changes, stack.outputs()

    # Far enough from a day's end: midnight may pass while this runs.
    commit(begun, days_ago(80))
    assert "create RepositoryWebhook calendar-webhook" in resync(first=True)[0]
    due = f"{today + datetime.timedelta(days=10)}T00:00:00Z"
    assert ([], {"generation": 1, "due_at": due}) == resync()

    commit(days_ago(80), days_ago(100))
    changes, outputs = resync()
    assert "update RepositoryWebhook calendar-webhook" in changes
    assert (2, ["calendar-g2"]) == (outputs["generation"], app.receivers())

    commit('"extra": 0', '"extra": 1')
    assert (3, ["calendar-g3"]) == (resync()[1]["generation"], app.receivers())
    assert 200 == app.probe(app.hook())


def test_a_job_reads_no_secret_outside_the_namespace_of_flux(kubeconfig: Path) -> None:
    """Neither one by its name nor all of them; what it may do there, it may do nowhere else."""
    with lightkube.Client(config=lightkube.KubeConfig.from_file(kubeconfig)) as client:
        refused = []
        for namespace in ("default", NAMESPACE, "*"):
            with pytest.raises(ApiError) as raised:
                list(client.list(Secret, namespace=namespace))
            refused.append(raised.value.status.code)
        with pytest.raises(ApiError) as raised:
            client.get(Secret, "any", namespace="kube-system")

        assert [403] * 4 == [*refused, raised.value.status.code]


@pytest.mark.parametrize("name", ["cronjob.yaml", "rbac.yaml"])
@pytest.mark.usefixtures("kubeconfig")  # makes the namespace
def test_the_api_server_takes_the_manifests(sandbox: Sandbox, name: str) -> None:
    """Strictly: it refuses a field it does not know, which a client would drop."""
    verify = ssl.create_default_context(cafile=sandbox.cluster.ca_file)
    headers = {"Authorization": f"Bearer {sandbox.cluster.token}"}
    with httpx.Client(base_url=sandbox.cluster.server, verify=verify, headers=headers) as api:
        answers = {}
        for manifest in manifests(name):
            answer = api.patch(
                path_of(manifest),
                params={"dryRun": "All", "fieldManager": "admin", "fieldValidation": "Strict"},
                headers={"Content-Type": "application/apply-patch+yaml"},
                json=manifest,
            )
            answers[manifest["kind"]] = answer.text if answer.is_error else ""

    assert dict.fromkeys(answers, "") == answers


def path_of(manifest: dict[str, Any]) -> str:
    """Return where the API server keeps an object."""
    version, metadata = manifest["apiVersion"], manifest["metadata"]
    prefix = f"/api/{version}" if version == "v1" else f"/apis/{version}"
    if "namespace" in metadata:
        prefix += f"/namespaces/{metadata['namespace']}"
    return f"{prefix}/{manifest['kind'].lower()}s/{metadata['name']}"
