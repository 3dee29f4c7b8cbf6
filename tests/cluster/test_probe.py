"""`fluxhooks probe` on real Receivers of several types, through an ingress, right and broken."""

import asyncio
import contextlib
import dataclasses
import http.server
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightkube
import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, Secret
from lightkube.types import PatchType

from fluxhooks.flux.resource_filter import with_probe
from fluxhooks.observe.cluster import ClusterView
from fluxhooks.observe.probing import targets
from fluxhooks.observe.probing.examination import Settings, examine
from fluxhooks.observe.probing.findings import Probed
from fluxhooks.observe.probing.targets import Target
from sandbox.ingress import Ingress
from sandbox.sandbox import Sandbox
from tests.app import GitRepository, Receiver, eventually
from tests.leaks import Leaks

NAMESPACE = "probed"
OURS = with_probe(None)

# Name: type, filter, token, whether its target exists.
RECEIVERS: dict[str, tuple[str, str, str, bool]] = {
    "bare": ("github", "", "token-of-bare", True),
    "dockerhub": ("dockerhub", OURS, "token-of-dockerhub", True),
    "generic": ("generic", OURS, "token-of-generic", True),
    "github": ("github", with_probe('req.ref == "x"'), "token-of-github", True),
    "gitlab": ("gitlab", OURS, "token-of-gitlab", True),
    "gone": ("github", OURS, "token-of-gone", True),
    "hmac": ("generic-hmac", OURS, "token-of-hmac", True),
    "lost": ("github", OURS, "token-of-lost", False),
    "newline": ("github", OURS, "token-of-newline\n", True),
    "oidc": ("generic-oidc", OURS, "", True),
    "stale": ("github", OURS, "token-of-stale", True),
    "suspended": ("harbor", OURS, "token-of-suspended", True),
}

# Name: TLS, control, unsigned, signed.
FOUND = {
    "bare": "ok ok ok skipped",
    "dockerhub": "ok ok ok ok",
    "generic": "ok ok skipped ok",
    "github": "ok ok ok ok",
    "gitlab": "ok ok ok ok",
    "gone": "ok ok wrong skipped",
    "hmac": "ok ok ok ok",
    "lost": "ok ok ok wrong",
    "newline": "ok ok ok wrong",
    "oidc": "ok ok ok skipped",
    "stale": "ok ok warning ok",
    "suspended": "ok ok wrong skipped",
}


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Iterator[lightkube.Client]:
    with sandbox.cluster.client() as client:
        client.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
        for name, (receiver_type, resource_filter, token, exists) in RECEIVERS.items():
            _make(client, name, receiver_type, resource_filter, token, exists)
        for name in RECEIVERS:
            assert eventually(lambda name=name: _ready(client, name)), name
        changes: tuple[tuple[Any, str, Any], ...] = (
            (Receiver, "suspended", {"spec": {"suspend": True}}),
            (Secret, "stale", {"stringData": {"token": "another-of-stale"}}),
        )
        for kind, name, change in changes:
            client.patch(kind, name, change, namespace=NAMESPACE, patch_type=PatchType.MERGE)
        yield client


def _make(
    client: lightkube.Client,
    name: str,
    receiver_type: str,
    resource_filter: str,
    token: str,
    exists: bool,
) -> None:
    meta = ObjectMeta(name=name, namespace=NAMESPACE)
    if exists:
        source = {"interval": "30m", "suspend": True, "url": "https://localhost/nowhere"}
        client.create(GitRepository(metadata=meta, spec=source))
    spec: dict[str, Any] = {
        "type": receiver_type,
        "resources": [{"kind": "GitRepository", "name": name}],
    }
    if resource_filter:
        spec["resourceFilter"] = resource_filter
    if token:
        client.create(Secret(metadata=meta, stringData={"token": token}))
        spec["secretRef"] = {"name": name}
    else:
        everybody = {"expression": "true", "message": "never"}
        spec["oidcProviders"] = [{"issuerURL": "https://localhost", "validations": [everybody]}]
    if receiver_type == "github":
        spec["events"] = ["ping", "push"]
    if receiver_type == "gitlab":
        spec["events"] = ["Push Hook"]
    client.create(Receiver(metadata=meta, spec=spec))


def _ready(client: lightkube.Client, name: str) -> bool:
    status = client.get(Receiver, name, namespace=NAMESPACE).status or {}
    conditions = {c["type"]: c["status"] for c in status.get("conditions", ())}
    return conditions.get("Ready") == "True" and "webhookPath" in status


@pytest.fixture(scope="module")
def probed(client: lightkube.Client, sandbox: Sandbox) -> dict[str, Target]:
    """The targets as they were listed; after that, one of them was deleted."""
    found, unseen = targets.of_cluster(
        ClusterView(client), sandbox.ingress.host, namespace=NAMESPACE
    )
    assert [] == unseen
    client.delete(Receiver, "gone", namespace=NAMESPACE)
    return {target.name.removeprefix(f"{NAMESPACE}/"): target for target in found}


def _examine(found: list[Target], *trusted: Path, deliver: bool = False) -> list[Probed]:
    context = ssl.create_default_context()
    for file in trusted:
        context.load_verify_locations(file)
    settings = Settings(deliver=deliver, settle_for=0)
    return asyncio.run(examine(found, settings, certificates=context))


def _verdicts(probed: Probed) -> str:
    return " ".join(str(finding.verdict) for finding in probed.findings[:4])


def _versions(client: lightkube.Client) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    """What every object is at, and when a reconcile was last asked for."""
    return {
        (kind.__name__, item.metadata.name): (
            item.metadata.resourceVersion,
            (item.metadata.annotations or {}).get("reconcile.fluxcd.io/requestedAt"),
        )
        for kind in (GitRepository, Receiver, Secret)
        for item in client.list(kind, namespace=NAMESPACE)
    }


@contextlib.contextmanager
def _redirecting() -> Iterator[int]:
    """A proxy that sends everybody elsewhere, path included."""

    class Elsewhere(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(301)
            self.send_header("Location", f"https://elsewhere.example.com{self.path}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


class TestProbing:
    def test_each_receiver_is_told_as_it_is_and_nothing_is_changed(
        self, client: lightkube.Client, sandbox: Sandbox, probed: dict[str, Target]
    ) -> None:
        """Which answers a controller gives, and that it annotates nothing, only it can say."""
        # The controller knows what was changed when its cache does.
        for name in ("gone", "stale", "suspended"):
            assert eventually(
                lambda name=name: (
                    FOUND[name] == _verdicts(_examine([probed[name]], sandbox.ingress.ca_file)[0])
                )
            ), name
        before = _versions(client)
        found = _examine(list(probed.values()), sandbox.ingress.ca_file)

        assert FOUND == {name: _verdicts(each) for name, each in zip(probed, found, strict=True)}
        assert before == _versions(client)

    def test_a_wrong_token_is_told_from_a_right_one(
        self, client: lightkube.Client, sandbox: Sandbox, probed: dict[str, Target]
    ) -> None:
        """For each type whose sender shows that it knows the token."""
        names = ["github", "gitlab", "hmac"]
        wrong = [dataclasses.replace(probed[name], token="another") for name in names]
        before = _versions(client)
        found = _examine(wrong, sandbox.ingress.ca_file)

        assert ["ok ok ok wrong"] * 3 == [_verdicts(each) for each in found]
        assert [400] * 3 == [each.findings[3].status for each in found]
        assert before == _versions(client)

    def test_what_stands_in_front_is_told(
        self, client: lightkube.Client, sandbox: Sandbox, probed: dict[str, Target]
    ) -> None:
        """A redirect, a port without TLS, an unknown authority, the wrong Service, and nobody."""
        own, path = sandbox.ingress.ca_file, probed["github"].url.rpartition("/hook/")[2]

        def at(host: str, *trusted: Path) -> str:
            target = dataclasses.replace(probed["github"], url=f"https://{host}/hook/{path}")
            (found,) = _examine([target], *trusted)
            wrong = [each for each in found.findings if each.verdict == "wrong"]
            return "; ".join(f"{each.check}: {each.seen}" for each in wrong)

        with _redirecting() as port, Ingress(port) as redirecting:
            assert ("control: 301, a redirect to https://elsewhere.example.com/hook/***") == at(
                redirecting.host, redirecting.ca_file
            )
            assert "tls: its certificate is not valid (unable to get local issuer certificate)" == (
                at(redirecting.host, own)
            )
            assert "tls: what listens there speaks no TLS" == at(f"localhost:{port}", own)
            redirecting.refuse()
            assert "tls: the connection was refused" == at(redirecting.host, redirecting.ca_file)

    def test_the_command_says_it_all_and_no_secret(
        self, client: lightkube.Client, sandbox: Sandbox, probed: dict[str, Target]
    ) -> None:
        """Run as its user runs it; what would reconcile is told beforehand, and not sent."""
        before = _versions(client)
        table, result = (self._run(sandbox, *flags) for flags in ((), ("--json",)))
        seen = json.loads(result.stdout)

        assert (4, 4) == (table.returncode, result.returncode)
        # Nothing lists what is gone.
        assert {name: verdicts for name, verdicts in FOUND.items() if name != "gone"} == {
            each["name"].removeprefix(f"{NAMESPACE}/"): " ".join(
                check["verdict"] for check in each["checks"][:4]
            )
            for each in seen["targets"]
        }
        assert "unsigned GET" in result.stderr
        assert f"{NAMESPACE}/suspended: unsigned: 503. The Receiver is suspended" in table.stdout
        leaks = Leaks()
        for target in probed.values():
            leaks.know_path(target.url.partition("/hook/")[2])
            if target.token:
                leaks.know_token(target.token.strip())
        for run in (table, result):
            leaks.read("the command's output", run.stdout + run.stderr)
        assert {"a hook path", "a token", "a token in base64"} == leaks.kinds
        assert [] == leaks.found()
        assert before == _versions(client)

    def test_a_delivery_reconciles_where_it_is_asked_for(
        self, client: lightkube.Client, sandbox: Sandbox, probed: dict[str, Target]
    ) -> None:
        """Also for those that no probe proves without."""
        names = ["bare", "dockerhub", "generic", "github", "gitlab"]
        found = _examine([probed[name] for name in names], sandbox.ingress.ca_file, deliver=True)
        asked = {name for (kind, name), (_, at) in _versions(client).items() if at is not None}

        assert ["ok"] * 5 == [str(each.findings[4].verdict) for each in found]
        assert set(names) == asked

    def _run(self, sandbox: Sandbox, *flags: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [
                str(Path(sys.executable).with_name("fluxhooks")),
                *("probe", "--cluster", "--namespace", NAMESPACE, *flags),
                *("--host", sandbox.ingress.host, "--settle", "0s"),
            ],
            env={
                **os.environ,
                "KUBECONFIG": str(sandbox.cluster.kubeconfig),
                "SSL_CERT_FILE": str(sandbox.ingress.ca_file),
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
