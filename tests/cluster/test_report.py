"""`fluxhooks report` on real Receivers: what the controllers say of them is what the page shows."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightkube
import pytest
from justhtml import JustHTML
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, Secret
from lightkube.types import PatchType

from fluxhooks.flux.resource_filter import with_probe
from fluxhooks.observe.cluster import resource
from fluxhooks.observe.doctor.faults import Fault
from sandbox.sandbox import Sandbox
from tests.app import Receiver, eventually
from tests.leaks import Leaks

NAMESPACE = "report"
TOKEN = "a token that no page may show"


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Iterator[lightkube.Client]:
    """A cluster with a Receiver that is suspended, and one whose source is gone."""
    with sandbox.cluster.client() as client:
        client.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
        meta = ObjectMeta(name="token", namespace=NAMESPACE)
        client.create(Secret(metadata=meta, stringData={"token": TOKEN}))
        # Nowhere, so that it is not fetched while it is looked at.
        spec: dict[str, Any] = {"interval": "30m", "url": "https://localhost/acme/here"}
        meta = ObjectMeta(name="here", namespace=NAMESPACE)
        client.create(resource("GitRepository")(metadata=meta, spec=spec))
        for name, source in (("suspended", "here"), ("missing", "gone")):
            spec = {
                "type": "github",
                "secretRef": {"name": "token"},
                "resourceFilter": with_probe(None),
                "resources": [{"kind": "GitRepository", "name": source}],
            }
            meta = ObjectMeta(name=name, namespace=NAMESPACE)
            client.create(Receiver(metadata=meta, spec=spec))
            assert eventually(lambda name=name: _path(client, name))
        suspend = {"spec": {"suspend": True}}
        client.patch(
            Receiver,
            "suspended",
            suspend,
            namespace=NAMESPACE,
            patch_type=PatchType.MERGE,
        )
        yield client
        for name in ("suspended", "missing"):
            client.delete(Receiver, name, namespace=NAMESPACE)
        client.delete(resource("GitRepository"), "here", namespace=NAMESPACE)


def _path(client: lightkube.Client, name: str) -> str:
    status = client.get(Receiver, name, namespace=NAMESPACE).status or {}
    ready = {one["type"]: one["status"] for one in status.get("conditions", ())}.get("Ready")
    return str(status.get("webhookPath", "")) if ready == "True" else ""


def test_the_page_shows_what_is_broken_and_nothing_changes(
    client: lightkube.Client, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Conditions, answers of the real controller and versions of objects are no mock's."""
    assert eventually(lambda: _observed(client, "suspended"))
    paths = [_path(client, "missing"), _served(client, "suspended")]
    before = _versions(client)
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("fluxhooks")),
            *("report", "--cluster", "--host", sandbox.ingress.host, "-n", NAMESPACE),
        ],
        cwd=tmp_path,
        env={
            "KUBECONFIG": str(sandbox.cluster.kubeconfig),
            "SSL_CERT_FILE": str(sandbox.ingress.ca_file),
            "PATH": "/usr/bin:/bin",
            "HOME": "/nonexistent",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    text = (tmp_path / "report.html").read_text()
    page = JustHTML(text, strict=True, sanitize=False)
    broken = {
        chain.query("h3, h4")[0].to_text(): chain.query(".picture .broken .link")[0].to_text()
        for chain in page.query(".chain.broken")
    }
    leaks = Leaks()
    leaks.know_token(TOKEN)
    for path in paths:
        leaks.know_path(path)
    leaks.read("the page", text)
    leaks.read("the output", done.stdout + done.stderr)

    assert 4 == done.returncode, done.stderr
    assert {f"{NAMESPACE}/suspended": "receiver", f"{NAMESPACE}/missing": "receiver"} == broken
    assert Fault.RECEIVER_SUSPENDED.meaning in text
    assert f"flux resume receiver suspended -n {NAMESPACE}" in text
    assert Fault.TARGET_MISSING.meaning in text
    assert "2 of 2 chains are broken." in done.stdout
    assert before == _versions(client)
    assert all(paths)
    assert [] == leaks.found()


def _observed(client: lightkube.Client, name: str) -> bool:
    found = client.get(Receiver, name, namespace=NAMESPACE)
    return (found.status or {}).get("observedGeneration") == found.metadata.generation


def _served(client: lightkube.Client, name: str) -> str:
    return str(client.get(Receiver, name, namespace=NAMESPACE).status["webhookPath"])


def _versions(client: lightkube.Client) -> dict[str, str]:
    """Of the Receivers and the Secret; the source is fetched in vain meanwhile."""
    found = [*client.list(Receiver, namespace=NAMESPACE), *client.list(Secret, namespace=NAMESPACE)]
    return {one.metadata.name: one.metadata.resourceVersion for one in found}
