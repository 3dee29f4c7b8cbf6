"""`fluxhooks coverage` on a real API server, whose kinds, rights and defaults no list imitates."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightkube
import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, Secret

from fluxhooks.observe.cluster import resource
from sandbox.sandbox import Sandbox
from tests.app import Receiver, eventually
from tests.leaks import Leaks

NAMESPACE = "coverage"
TOKEN = "a token that nobody may read"

# Nowhere, so that none of them is fetched while it is looked at.
SPECS: dict[tuple[str, str], dict[str, Any]] = {
    ("GitRepository", "app"): {"interval": "30m", "url": "https://me:pw@localhost/acme/app"},
    ("GitRepository", "other"): {"interval": "1m", "url": "https://localhost/acme/other"},
    ("OCIRepository", "labelled"): {"interval": "30m", "url": "oci://localhost/acme/labelled"},
    ("HelmRepository", "static"): {"type": "oci", "url": "oci://localhost/acme/charts"},
    ("HelmChart", "chart"): {
        "interval": "1h",
        "chart": "chart",
        "sourceRef": {"kind": "HelmRepository", "name": "static"},
    },
    ("Bucket", "bucket"): {"interval": "1h", "endpoint": "localhost", "bucketName": "b"},
}

TARGETS: dict[str, list[dict[str, Any]]] = {
    "reaches": [
        {"kind": "GitRepository", "name": "app"},
        {"kind": "OCIRepository", "name": "*", "matchLabels": {"team": "shop"}},
    ],
    "misses": [{"kind": "GitRepository", "name": "ap"}, {"kind": "ImageRepository", "name": "i"}],
}


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Iterator[lightkube.Client]:
    """A cluster with sources of every kind it has, and two Receivers."""
    with sandbox.cluster.client() as client:
        client.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
        for (kind, name), spec in SPECS.items():
            labels = {"team": "shop"} if name == "labelled" else {}
            meta = ObjectMeta(name=name, namespace=NAMESPACE, labels=labels)
            client.create(resource(kind)(metadata=meta, spec=spec))
        meta = ObjectMeta(name="token", namespace=NAMESPACE)
        client.create(Secret(metadata=meta, stringData={"token": TOKEN}))
        for name, targets in TARGETS.items():
            meta = ObjectMeta(name=name, namespace=NAMESPACE)
            spec = {"type": "github", "secretRef": {"name": "token"}, "resources": targets}
            client.create(Receiver(metadata=meta, spec=spec))
        for name in TARGETS:
            assert eventually(lambda name=name: path_of(client, name))
        yield client
        for name in TARGETS:
            client.delete(Receiver, name, namespace=NAMESPACE)
        for kind, name in SPECS:
            client.delete(resource(kind), name, namespace=NAMESPACE)


def path_of(client: lightkube.Client, name: str) -> str:
    """The path that a Receiver serves; "" until it is Ready."""
    status = client.get(Receiver, name, namespace=NAMESPACE).status or {}
    ready = {one["type"]: one["status"] for one in status.get("conditions", ())}.get("Ready")
    return str(status.get("webhookPath", "")) if ready == "True" else ""


def run(kubeconfig: Path | str, *arguments: str) -> tuple[int, str, str]:
    """Run the command on a cluster; return its exit code, its result and what it says."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("fluxhooks")), "coverage", *arguments],
        env={"KUBECONFIG": str(kubeconfig), "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def here(result: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the state of each source, and kind and object of each finding, of our namespace."""
    found = json.loads(result)
    return (
        {
            f"{one['kind']} {one['name']}": one["state"]
            for one in found["sources"]
            if one["namespace"] == NAMESPACE
        },
        [
            (one["kind"], one["where"].partition("/")[2])
            for one in found["findings"]
            if f" {NAMESPACE}/" in one["where"]
        ],
    )


def versions(client: lightkube.Client) -> dict[str, str | None]:
    """The generation and the reconcile request of all that could have been changed."""
    kinds = {**{kind: resource(kind) for kind, _ in SPECS}, "Receiver": Receiver}
    return {
        f"{kind} {found.metadata.name}": f"{found.metadata.generation} {found.metadata.annotations}"
        for kind, type_ in kinds.items()
        for found in client.list(type_, namespace=NAMESPACE)
    }


def test_what_the_cluster_has_is_covered_or_told(
    client: lightkube.Client, sandbox: Sandbox
) -> None:
    """A mock has neither kinds that are missing nor the defaults of the API server.

    Image-reflector-controller's kind is not there: it is named, and the rest goes on. Nothing
    is changed or reconciled by looking, and no secret is told.
    """
    before = versions(client)
    leaks = Leaks()
    leaks.know_token(TOKEN)
    for name in TARGETS:
        leaks.know_path(path_of(client, name))

    code, result, said = run(sandbox.cluster.kubeconfig, "--json", "--suggest")
    assert (4, "") == (code, said)
    assert (
        {
            "Bucket bucket": "apart",
            "GitRepository app": "covered",
            "GitRepository other": "uncovered",
            "HelmChart chart": "uncovered",
            "HelmRepository static": "apart",
            "OCIRepository labelled": "covered",
        },
        [("uncovered", "other"), ("uncovered", "chart"), ("misses-target", "misses")],
    ) == here(result)
    assert ["ImageRepository"] == json.loads(result)["not_served"]

    shown = run(sandbox.cluster.kubeconfig)
    aged = run(sandbox.cluster.kubeconfig, "--older-than", "90d", "--strict")
    assert [4, 4] == [shown[0], aged[0]]
    assert "not in the cluster: ImageRepository" in shown[1]
    for text in (result, said, *shown[1:], *aged[1:]):
        leaks.read("the output", text)
    assert (["a hook path", "a token", "a token in base64"], []) == (
        sorted(leaks.kinds),
        leaks.found(),
    )
    assert before == versions(client)


def test_a_kind_that_may_not_be_read_is_said_and_the_rest_goes_on(
    client: lightkube.Client, sandbox: Sandbox
) -> None:
    """Rights are the API server's; of what it hides nothing is claimed."""
    rules = [
        {
            "apiGroups": ["source.toolkit.fluxcd.io"],
            "resources": ["buckets", "helmcharts", "helmrepositories", "ocirepositories"],
            "verbs": ["list"],
        },
        {
            "apiGroups": ["image.toolkit.fluxcd.io"],
            "resources": ["imagerepositories"],
            "verbs": ["list"],
        },
        {
            "apiGroups": ["notification.toolkit.fluxcd.io"],
            "resources": ["receivers"],
            "verbs": ["list"],
        },
    ]
    kubeconfig = sandbox.cluster.kubeconfig_for("coverage", rules, namespace=None)

    code, result, said = run(kubeconfig, "--json", "--ignore", "HelmChart/*")
    states, found = here(result)
    assert (4, [("misses-target", "misses")]) == (code, found)
    assert {
        "Bucket bucket": "apart",
        "HelmChart chart": "apart",
        "HelmRepository static": "apart",
        "OCIRepository labelled": "covered",
    } == states
    refused = "error: the cluster refused the GitRepository objects: 403 Forbidden"
    assert refused in said.splitlines()
