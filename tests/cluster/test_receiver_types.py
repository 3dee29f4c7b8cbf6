"""What `fluxhooks.flux` says of each receiver type, held against the real controller."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import lightkube
import pytest
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret

from fluxhooks.flux.hook_path import UNKNOWN_PATH, hook_path
from fluxhooks.flux.receiver_types import RECEIVER_TYPES, Proof, ReceiverType
from fluxhooks.flux.resource_filter import with_probe
from fluxhooks.observe import probe
from sandbox.sandbox import Sandbox
from tests.app import GitRepository, Receiver, eventually

TOKEN = "a token of this test's own"
NAMESPACE = "flux-system"

# For these the controller asks an identity provider on the internet.
IDENTITY = {ReceiverType.GCR, ReceiverType.GENERIC_OIDC}

PROVABLE = [
    receiver_type
    for receiver_type in RECEIVER_TYPES
    if receiver_type not in {*IDENTITY, ReceiverType.CDEVENTS}
]

CDEVENT = {
    "context": {
        "version": "0.4.1",
        "id": "271069a8-fc18-44f1-b38f-9d70a1695819",
        "source": "/event/source/123",
        "type": "dev.cdevents.change.merged.0.2.0",
        "timestamp": "2026-01-01T12:00:00Z",
    },
    "subject": {
        "id": "change-1",
        "source": "/event/source/123",
        "type": "change",
        "content": {"repository": {"id": "acme/app"}},
    },
}


@pytest.fixture(scope="module")
def client(sandbox: Sandbox) -> Iterator[lightkube.Client]:
    with sandbox.cluster.client() as client:
        yield client


class Typed:
    """A Receiver of one type as anybody would write it, and its source."""

    def __init__(
        self, client: lightkube.Client, sandbox: Sandbox, receiver_type: ReceiverType
    ) -> None:
        self.type = receiver_type
        self.name = f"typed-{receiver_type}"
        self._client = client
        facts = RECEIVER_TYPES[receiver_type]
        events = next(iter(facts.default_events.values()), ())
        self.event = events[0] if events else ""
        meta = ObjectMeta(name=self.name)
        source = {"interval": "30m", "suspend": True, "url": "https://localhost/nowhere"}
        client.create(GitRepository(metadata=meta, spec=source))
        spec: dict[str, Any] = {
            "type": str(receiver_type),
            "resourceFilter": with_probe(None),
            "resources": [{"kind": "GitRepository", "name": self.name}],
        }
        if events:
            spec["events"] = list(events)
        if facts.secret_keys:
            client.create(Secret(metadata=meta, stringData=dict.fromkeys(facts.secret_keys, TOKEN)))
            spec["secretRef"] = {"name": self.name}
        else:
            everybody = {"expression": "true", "message": "never"}
            issuer = {"issuerURL": "https://localhost", "validations": [everybody]}
            spec["oidcProviders"] = [issuer]
        client.create(Receiver(metadata=meta, spec=spec))
        self.path = str(eventually(self._ready_path))
        self.url = f"http://127.0.0.1:{sandbox.cluster.receiver_port}{self.path}"

    def post(self, body: bytes, *, token: str = TOKEN) -> int | None:
        """The status that a sender with `token` gets."""
        return asyncio.run(
            probe.deliver(
                self.url,
                receiver_type=self.type,
                token=token,
                event=self.event,
                body=body,
                settle_for=0,
            )
        ).status

    def requested_at(self) -> str | None:
        annotations = self._client.get(GitRepository, self.name).metadata.annotations or {}
        return annotations.get("reconcile.fluxcd.io/requestedAt")

    def _ready_path(self) -> str | None:
        status = self._client.get(Receiver, self.name).status or {}
        conditions = {c["type"]: c["status"] for c in status.get("conditions", ())}
        return status.get("webhookPath") if conditions.get("Ready") == "True" else None


@pytest.mark.parametrize("receiver_type", PROVABLE)
def test_each_type_answers_as_the_table_says(
    client: lightkube.Client, sandbox: Sandbox, receiver_type: ReceiverType
) -> None:
    """Path, signature, probe and filter are the controller's, which a mock would only repeat."""
    typed, facts = Typed(client, sandbox, receiver_type), RECEIVER_TYPES[receiver_type]
    assert typed.path == hook_path(TOKEN, typed.name, NAMESPACE)

    probe_body = probe.probe_body(receiver_type)
    assert typed.post(probe_body) == 200
    assert typed.requested_at() is None

    proves = facts.proof is not Proof.PATH
    assert typed.post(probe_body, token="another") == (400 if proves else 200)
    assert typed.requested_at() is None

    assert typed.post(probe.catch_up_body(receiver_type)) == 200
    assert typed.requested_at() is not None

    assert httpx.get(typed.url, trust_env=False).status_code == facts.get_status


@pytest.mark.parametrize("receiver_type", sorted(IDENTITY))
def test_a_type_that_asks_an_identity_provider_is_ready_and_refuses_strangers(
    client: lightkube.Client, sandbox: Sandbox, receiver_type: ReceiverType
) -> None:
    """Its Secret, or that it has none, and its path are as the table says."""
    typed, facts = Typed(client, sandbox, receiver_type), RECEIVER_TYPES[receiver_type]
    token = TOKEN if facts.secret_keys else ""
    assert typed.path == hook_path(token, typed.name, NAMESPACE)
    assert httpx.get(typed.url, trust_env=False).status_code == facts.get_status
    assert typed.post(probe.probe_body(receiver_type)) == 400
    assert typed.requested_at() is None


def test_cdevents_are_taken_when_they_are_valid_and_a_probe_reconciles_nothing(
    client: lightkube.Client, sandbox: Sandbox
) -> None:
    """The controller holds every body against the schema of its event."""
    typed = Typed(client, sandbox, ReceiverType.CDEVENTS)
    assert typed.path == hook_path(TOKEN, typed.name, NAMESPACE)
    facts = RECEIVER_TYPES[ReceiverType.CDEVENTS]
    assert httpx.get(typed.url, trust_env=False).status_code == facts.get_status
    assert typed.post(b'{"fluxhooksProbe":true}') == 400
    assert typed.post(probe.probe_body(ReceiverType.CDEVENTS)) == 200
    assert typed.requested_at() is None
    assert typed.post(json.dumps(CDEVENT).encode()) == 200
    assert typed.requested_at() is not None


def test_a_path_that_no_receiver_has_is_answered_404(sandbox: Sandbox) -> None:
    """That is how a Receiver that is gone is told from one that refuses."""
    url = f"http://127.0.0.1:{sandbox.cluster.receiver_port}{UNKNOWN_PATH}"
    assert httpx.post(url, trust_env=False).status_code == 404
