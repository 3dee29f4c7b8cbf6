"""kustomize-controller and helm-controller: they apply what was pushed, or say why they cannot."""

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import lightkube
import pytest
from lightkube.core.exceptions import ApiError
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.admissionregistration_v1 import (
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
)
from lightkube.resources.core_v1 import ConfigMap, Namespace, Secret, ServiceAccount
from lightkube.types import PatchType

from sandbox.cluster import Cluster, ProgramDiedError
from sandbox.forges import content
from sandbox.forges.github import GitHub, Repository
from sandbox.ingress import Ingress, certificates

SLOW = {"interval": "1h", "retryInterval": "1h", "prune": True}
SETTLES = 60.0

KINDS = {
    kind: create_namespaced_resource(f"{group}.toolkit.fluxcd.io", version, kind, plural)
    for group, version, kind, plural in (
        ("source", "v1", "GitRepository", "gitrepositories"),
        ("kustomize", "v1", "Kustomization", "kustomizations"),
        ("helm", "v2", "HelmRelease", "helmreleases"),
    )
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        for name in ("kustomize-controller", "helm-controller"):
            cluster.add_controller(name)
        yield cluster


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitHub]:
    with GitHub(tmp_path_factory.mktemp("forge")) as forge:
        yield forge


class Place:
    """A namespace with a repository and a GitRepository for it, all of one name."""

    def __init__(self, cluster: Cluster, client: lightkube.Client, forge: GitHub, name: str):
        self.cluster, self.client, self.forge, self.name = cluster, client, forge, name
        self.repository: Repository = forge.create_repository(name)
        client.create(Namespace(metadata=ObjectMeta(name=name)))
        client.create(ServiceAccount(metadata=ObjectMeta(name="nobody", namespace=name)))

    def push(self, files: Mapping[str, str | None]) -> str:
        return self.repository.commit(files, message="Change")

    def follow(self, **spec: Any) -> None:
        """Make the source."""
        ref = {"branch": "main"}
        url = self.repository.clone_url
        self.make("GitRepository", **{"interval": "1h", "url": url, "ref": ref, **spec})

    def make(self, kind: str, name: str = "app", **spec: Any) -> None:
        meta = ObjectMeta(name=name, namespace=self.name)
        self.client.create(KINDS[kind](metadata=meta, spec=spec))

    def kustomization(self, name: str = "app", **spec: Any) -> None:
        source = {"kind": "GitRepository", "name": "app"}
        self.make(
            "Kustomization", name, **{**SLOW, "path": "./deploy", "sourceRef": source, **spec}
        )

    def release(self, **spec: Any) -> None:
        chart = {
            "chart": "./chart",
            "reconcileStrategy": "Revision",
            "sourceRef": {"kind": "GitRepository", "name": "app"},
        }
        self.make("HelmRelease", **{"interval": "1h", "chart": {"spec": chart}, **spec})

    def fetch(self) -> None:
        """Have the source look again."""
        annotations = {"reconcile.fluxcd.io/requestedAt": str(time.time())}
        self.client.patch(
            KINDS["GitRepository"],
            "app",
            {"metadata": {"annotations": annotations}},
            namespace=self.name,
            patch_type=PatchType.MERGE,
        )

    def ready(self, kind: str, name: str = "app") -> tuple[str, str, str]:
        """Status, reason and message of the condition Ready, when the controller is done."""
        found = self.client.get(KINDS[kind], name, namespace=self.name)
        for condition in (found.status or {}).get("conditions", ()):  # type: ignore[union-attr]
            if condition["type"] == "Ready":
                return condition["status"], condition["reason"], condition["message"]
        return "", "", ""

    def until_ready(self, kind: str, name: str = "app") -> None:
        eventually(lambda: self.ready(kind, name)[0] == "True", lambda: self.ready(kind, name))

    def until_refused(self, kind: str, reason: str, *, name: str = "app") -> str:
        """The message with which it is not Ready for this reason."""

        def refused() -> str:
            status, given, message = self.ready(kind, name)
            return message if (status, given) == ("False", reason) else ""

        return str(eventually(refused, lambda: self.ready(kind, name)))

    def data(self, name: str) -> dict[str, str] | None:
        """What a ConfigMap holds, None where there is none."""
        try:
            return self.client.get(ConfigMap, name, namespace=self.name).data
        except ApiError:
            return None


def eventually(holds: Callable[[], object], seen: Callable[[], object]) -> object:
    deadline = time.monotonic() + SETTLES
    while not (answer := holds()):
        assert time.monotonic() < deadline, seen()
        time.sleep(0.05)
    return answer


@pytest.fixture
def place(
    cluster: Cluster, forge: GitHub, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Place]]:
    with cluster.client() as client:
        yield lambda name: Place(cluster, client, forge, name)


def config_map(place: Place, **data: str) -> dict[str, str]:
    """A folder to apply, with one ConfigMap."""
    text = content.manifest("ConfigMap", "applied", namespace=place.name, data=data)
    return content.folder("deploy", config_map=text)


# Applied


def test_a_folder_is_applied_and_follows_what_is_pushed(place: Callable[[str], Place]) -> None:
    """From a commit to an object in the cluster, twice."""
    place_ = place("applied-folder")
    place_.push(config_map(place_, key="one"))
    place_.follow()
    place_.kustomization()
    place_.until_ready("Kustomization")
    first = place_.data("applied")

    place_.push(config_map(place_, key="two"))
    place_.fetch()

    eventually(lambda: place_.data("applied") == {"key": "two"}, lambda: place_.data("applied"))
    assert {"key": "one"} == first


def test_a_chart_is_released_and_follows_what_is_pushed(place: Callable[[str], Place]) -> None:
    """From a commit to an object in the cluster, twice."""
    place_ = place("applied-chart")
    place_.push(content.chart("chart", values={"key": "one"}))
    place_.follow()
    place_.release()
    place_.until_ready("HelmRelease")
    first = place_.data("app")

    place_.push(content.chart("chart", values={"key": "two"}))
    place_.fetch()

    eventually(lambda: place_.data("app") == {"key": "two"}, lambda: place_.data("app"))
    assert {"key": "one"} == first


def test_a_private_repository_wants_the_token_of_the_secret(
    place: Callable[[str], Place],
) -> None:
    """Without one, with a wrong one, with the right one, and with that one revoked."""
    place_ = place("applied-private")
    place_.forge.change_visibility(place_.name, private=True)
    token = place_.forge.issue_token(webhooks="none")
    place_.follow()
    messages = [place_.until_refused("GitRepository", "GitOperationFailed")]

    for password in ("wrong", token):
        encoded = {
            key: base64.b64encode(value.encode()).decode()
            for key, value in {"username": "git", "password": password}.items()
        }
        meta = ObjectMeta(name="git", namespace=place_.name)
        place_.client.apply(Secret(metadata=meta, data=encoded), field_manager="test")
        place_.client.patch(
            KINDS["GitRepository"],
            "app",
            {"spec": {"secretRef": {"name": "git"}}},
            namespace=place_.name,
            patch_type=PatchType.MERGE,
        )
        place_.fetch()
        if password == token:
            place_.until_ready("GitRepository")
        else:
            messages.append(place_.until_refused("GitRepository", "GitOperationFailed"))
    place_.forge.revoke_token(token)
    place_.fetch()
    messages.append(place_.until_refused("GitRepository", "GitOperationFailed"))

    assert [True] * 3 == ["authentication required" in message for message in messages]


def test_a_repository_behind_https_wants_an_authority_that_is_known(
    place: Callable[[str], Place],
) -> None:
    """An ingress in front of the forge has a certificate to be wrong, and a port to be closed."""
    place_ = place("applied-https")
    port = int(place_.forge.base_url.rstrip("/").rpartition(":")[2])
    with Ingress(port) as ingress:
        url = f"{ingress.url}/{place_.forge.owner}/{place_.name}.git"
        place_.follow(url=url, secretRef={"name": "authority"})
        meta = ObjectMeta(name="authority", namespace=place_.name)
        authority = {"ca.crt": ingress.ca_file.read_text()}
        ingress.certificate = certificates.of_unknown_authority()
        place_.client.create(Secret(metadata=meta, stringData=authority))
        place_.fetch()
        message = place_.until_refused("GitRepository", "GitOperationFailed")

        ingress.certificate = certificates.good(ingress.ca)
        place_.fetch()

        place_.until_ready("GitRepository")
    assert "certificate signed by unknown authority" in message


# Refused


def test_a_service_account_without_rights_may_not_apply(place: Callable[[str], Place]) -> None:
    """The controller does what the ServiceAccount may do, not what it may itself."""
    place_ = place("applied-forbidden")
    place_.push(config_map(place_, key="one"))
    place_.follow()
    place_.kustomization(serviceAccountName="nobody")

    message = place_.until_refused("Kustomization", "ReconciliationFailed")

    user = f"system:serviceaccount:{place_.name}:nobody"
    assert f'forbidden: User "{user}" cannot patch resource "configmaps"' in message
    assert place_.data("applied") is None


def test_an_admission_policy_can_deny_an_object(place: Callable[[str], Place]) -> None:
    """A ValidatingAdmissionPolicy works here without a webhook of anybody's."""
    place_ = place("applied-denied")
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": place_.name},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE", "UPDATE"],
                        "resources": ["configmaps"],
                    }
                ],
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place_.name}},
            },
            "validations": [{"expression": "false", "message": "no ConfigMaps here"}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": place_.name},
        "spec": {"policyName": place_.name, "validationActions": ["Deny"]},
    }
    place_.client.create(ValidatingAdmissionPolicy.from_dict(policy))
    place_.client.create(ValidatingAdmissionPolicyBinding.from_dict(binding))
    place_.push(config_map(place_, key="one"))
    place_.follow()

    def denied() -> bool:
        # A policy takes effect a moment after it was made.
        try:
            place_.client.create(
                ConfigMap(metadata=ObjectMeta(generateName="try-", namespace=place_.name))
            )
        except ApiError as error:
            return "no ConfigMaps here" in str(error)
        return False

    eventually(denied, lambda: "the policy denies nothing")
    place_.kustomization()

    message = place_.until_refused("Kustomization", "ReconciliationFailed")

    assert "denied request: no ConfigMaps here" in message


def test_what_is_applied_and_not_healthy_is_told(place: Callable[[str], Place]) -> None:
    """By the user's own rule for health, at once; without one only after half a minute."""
    place_ = place("applied-unhealthy")
    place_.push(config_map(place_, state="broken"))
    place_.follow()
    rule = {"apiVersion": "v1", "kind": "ConfigMap", "failed": "data.state == 'broken'"}
    place_.kustomization(wait=True, healthCheckExprs=[{**rule, "current": "data.state == 'whole'"}])

    message = place_.until_refused("Kustomization", "HealthCheckFailed")

    assert f"ConfigMap/{place_.name}/applied status: 'Failed'" in message


def test_a_release_whose_deployment_never_gets_ready_has_failed(
    place: Callable[[str], Place],
) -> None:
    """There is no kubelet: Helm waits as long as it may."""
    place_ = place("applied-release")
    labels = {"app": "never"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "app", "image": "none"}]},
    }
    text = content.manifest(
        "Deployment",
        "never",
        api_version="apps/v1",
        spec={"selector": {"matchLabels": labels}, "template": template},
    )
    place_.push(content.chart("chart", templates={"deployment.yaml": text}))
    place_.follow()
    place_.release(timeout="1s")

    message = place_.until_refused("HelmRelease", "InstallFailed")

    assert "Helm install failed" in message


def test_who_depends_on_another_is_tried_again_soon(place: Callable[[str], Place]) -> None:
    """The controllers ask every five seconds, not every thirty."""
    place_ = place("applied-dependency")
    place_.push(config_map(place_, key="one"))
    place_.follow()
    place_.kustomization(dependsOn=[{"name": "base"}])
    message = place_.until_refused("Kustomization", "DependencyNotReady")

    place_.kustomization("base", path="./")

    place_.until_ready("Kustomization")
    assert "base" in message


# Flags


def test_a_controller_can_be_started_with_other_flags(
    cluster: Cluster, place: Callable[[str], Place]
) -> None:
    """What a flag forbids is refused until the flag is gone."""
    place_ = place("applied-flags")
    other = place("applied-flags-source")
    other.push(config_map(place_, key="one"))
    other.follow()
    cluster.restart("kustomize-controller", flags=("--no-cross-namespace-refs",))
    reference = {"kind": "GitRepository", "name": "app", "namespace": other.name}
    place_.kustomization(sourceRef=reference)
    message = place_.until_refused("Kustomization", "AccessDenied")

    cluster.restart("kustomize-controller", flags=())

    place_.until_ready("Kustomization")
    assert "cross-namespace references have been blocked" in message


def test_a_controller_can_be_given_fewer_rights(
    cluster: Cluster, place: Callable[[str], Place]
) -> None:
    """It then does as a ServiceAccount, and is refused what that may not."""
    place_ = place("applied-rights")
    place_.push(config_map(place_, key="one"))
    place_.follow()
    reads = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
    groups = ["kustomize.toolkit.fluxcd.io"]
    writes = {"apiGroups": groups, "resources": ["*"], "verbs": ["update", "patch"]}
    kubeconfig = cluster.kubeconfig_for("reading", [reads, writes], namespace=None)
    cluster.restart("kustomize-controller", environment={"KUBECONFIG": str(kubeconfig)})
    place_.kustomization()
    message = place_.until_refused("Kustomization", "ReconciliationFailed")

    cluster.restart("kustomize-controller", environment={})

    place_.until_ready("Kustomization")
    assert 'User "system:serviceaccount:flux-system:reading" cannot patch' in message


def test_a_controller_that_runs_is_added_once(cluster: Cluster) -> None:
    """Whoever needs it may say so."""
    before = cluster.pids

    cluster.add_controller("helm-controller")

    assert before == cluster.pids
    assert {"kustomize-controller", "helm-controller"} <= cluster.provided.keys()


def test_a_flag_that_does_not_exist_is_told(cluster: Cluster) -> None:
    """With what the program said; it can be started with the flags it had."""
    with pytest.raises(ProgramDiedError, match="helm-controller"):
        cluster.restart("helm-controller", flags=("--no-such-flag",))

    cluster.restart("helm-controller", flags=())

    assert "helm-controller" in cluster.pids


def test_an_unknown_controller_is_answered_with_the_known_ones(cluster: Cluster) -> None:
    """The message holds the cure."""
    with pytest.raises(ValueError, match="unknown controller 'flagger', expected some of: helm-"):
        cluster.add_controller("flagger")


def test_each_controller_keeps_its_files_with_the_cluster(cluster: Cluster) -> None:
    """So that they go with it."""
    homes = {path.name for path in Path(cluster.directory).iterdir() if path.is_dir()}

    assert {"kustomize-controller", "helm-controller"} <= homes
