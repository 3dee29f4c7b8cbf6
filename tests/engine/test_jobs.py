"""The rotation jobs of ``examples/jobs``: their script and their rights, on the real API server."""

import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import lightkube
import pytest
import yaml
from lightkube.codecs import load_all_yaml
from lightkube.core.exceptions import ApiError
from lightkube.models.authentication_v1 import TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret, ServiceAccountToken

from sandbox.cluster.kubeconfig import write_kubeconfig
from sandbox.sandbox import REPOSITORY, Sandbox
from sandbox.stack import Stack
from tests.app import App

JOBS = REPOSITORY / "examples" / "jobs"
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


class Repository:
    """A bare repository with an app's program and settings, and fresh clones of it."""

    def __init__(self, app: App, directory: Path) -> None:
        self._app = app
        self._directory = directory
        self._clones = 0
        self.bare = directory / "bare.git"
        tree = app.stack.directory
        self._git(directory, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        self._git(tree, "init", "--quiet", "--initial-branch=main")
        (tree / "examples/jobs").mkdir(parents=True)
        (tree / "examples/jobs/rotate.sh").write_text((JOBS / "rotate.sh").read_text())
        self._git(tree, "add", "Pulumi.yaml", "stacks", "examples")
        identity = ("-c", "user.name=a", "-c", "user.email=a@localhost")
        self._git(tree, *identity, "commit", "--quiet", "--message", "The program and its settings")
        self._git(tree, "push", "--quiet", str(self.bare), "main")

    def clone(self) -> Path:
        """Return a fresh clone."""
        self._clones += 1
        clone = self._directory / f"clone-{self._clones}"
        self._git(self._directory, "clone", "--quiet", str(self.bare), str(clone))
        return clone

    def commits(self) -> list[str]:
        """Return the subjects of what was pushed, newest first."""
        return self._git(self.bare, "log", "--format=%s", "main").splitlines()

    def rotate(self, *options: str) -> int:
        """Run the jobs' script in a fresh clone, and return its exit code."""
        return self.run("sh", "examples/jobs/rotate.sh", self._app.name, *options)

    def run(self, *command: str) -> int:
        """Run a command in a fresh clone, and return its exit code."""
        environment = dict(self._app.stack.environment)
        environment["PATH"] += os.pathsep + str(Path(sys.executable).parent)
        done = subprocess.run(
            command,
            cwd=self.clone(),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self._app.leaks.read(f"the output of {' '.join(command)}", done.stdout)
        self._app.learn()
        return done.returncode

    def _git(self, directory: Path, *arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=directory,
            env=self._app.stack.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout


def test_a_job_rotates_again_and_again_with_the_rights_it_is_given(
    make_app: Callable[..., App], kubeconfig: Path, tmp_path: Path
) -> None:
    """Each run is from a fresh clone: what the next one has to know was pushed.

    With an administrator's kubeconfig it would not be seen that a right is missing.
    """
    app = make_app("scheduled", program=None)
    app.stack.environment["KUBECONFIG"] = str(kubeconfig)
    app.stack.set_all(
        {
            "drain": "1s",
            "host": app.sandbox.ingress.host,
            "receivers.scheduled.repository": "scheduled",
            "receivers.scheduled.sources[0].name": "scheduled",
        }
    )
    app.up()
    repository = Repository(app, tmp_path)

    assert 0 == repository.rotate("--all", "--older-than", "90d")
    assert (["scheduled-g1"], ["The program and its settings"]) == (
        app.receivers(),
        repository.commits(),
    )

    assert 0 == repository.rotate("--all")
    assert ["scheduled-g2"] == app.receivers()

    ordinary = Stack(repository.clone(), app.name, environment=app.stack.environment)
    assert [] == ordinary.up().changes
    ordinary.set_all({"interval": "5m"})
    assert ["update Receiver scheduled-g2"] == ordinary.up().changes

    assert 0 == repository.rotate("--all")
    assert ["scheduled-g3"] == app.receivers()
    assert ["Rotate webhook secrets of scheduled"] * 2 == repository.commits()[:-1]
    assert 200 == app.probe(app.hook())

    assert 0 == repository.run("fluxhooks", "status", app.name)


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
        for manifest in yaml.safe_load_all((JOBS / name).read_text()):
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
