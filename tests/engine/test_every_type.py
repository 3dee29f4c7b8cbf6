"""Each of the thirteen types through `pulumi up`, called as its own sender calls it."""

import base64
import json
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import lightkube
import pytest
import yaml
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace

from fluxhooks.flux.instructions import Sender, senders
from fluxhooks.flux.receiver_types import RECEIVER_TYPES, Proof, ReceiverType
from fluxhooks.flux.signature import sign
from fluxhooks.observe.probe import catch_up_body, headers_of, probe_body
from fluxhooks.observe.state import StackState, parse
from fluxhooks.observe.told import by_hand
from sandbox.sandbox import Sandbox
from tests.app import GitRepository
from tests.breadth.table import Breadth
from tests.issuers import Google, Issuer

_PROGRAM = """\
import json
from pathlib import Path

import pulumi

from fluxhooks import WebhookReceiver

settings = json.loads(Path("settings.json").read_text())
for name, args in settings["receivers"].items():
    component = WebhookReceiver(name, {**args, "host": settings["host"]})
    pulumi.export(name, {"url": component.hook_url, "token": component.token})
"""

_EMAIL = "push@acme.iam.gserviceaccount.com"
_AUDIENCE = "flux"
_OF_ANOTHER = "every-other-repository"
_ELSEWHERE = "every-elsewhere"
"""A Receiver whose targets are in a namespace of the same name, and those targets' label."""
_CDEVENT = "dev.cdevents.artifact.published.0.2.0"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What a sender posts.

    Attributes:
        event: what its header names; "" where it has none.
        content_type: "" where it sends none.
    """

    body: bytes = b""
    event: str = ""
    content_type: str = "application/json"


def _json(value: object, event: str = "") -> Sent:
    return Sent(body=json.dumps(value).encode(), event=event)


# After each sender's documentation; what the controller reads of it is in its
# ``internal/server/receiver_handlers.go``.
_SENT: dict[ReceiverType, Sent] = {
    ReceiverType.ACR: _json(
        {
            "id": "cb8c3971-9adc-488b-bdd8-43cbb4974ff5",
            "timestamp": "2026-01-01T00:00:00Z",
            "action": "push",
            "target": {
                "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "size": 524,
                "digest": f"sha256:{'0' * 64}",
                "repository": "app",
                "tag": "v1",
            },
            "request": {"id": "1", "host": "acme.azurecr.io", "method": "PUT"},
        }
    ),
    ReceiverType.BITBUCKET: _json(
        {
            "eventKey": "repo:refs_changed",
            "repository": {"slug": "app", "project": {"key": "ACME"}},
            "changes": [{"refId": "refs/heads/main", "type": "UPDATE"}],
        },
        "repo:refs_changed",
    ),
    ReceiverType.CDEVENTS: _json(
        {
            "context": {
                "version": "0.4.1",
                "id": "271069a8-fc18-44f1-b38f-9d70a1695819",
                "source": "/ci/acme",
                "type": _CDEVENT,
                "timestamp": "2026-01-01T12:00:00Z",
            },
            "subject": {
                "id": f"pkg:oci/app@sha256%3A{'0' * 64}",
                "source": "/ci/acme",
                "type": "artifact",
                "content": {},
            },
        },
        _CDEVENT,
    ),
    ReceiverType.DOCKERHUB: _json(
        {
            "callback_url": "https://registry.hub.docker.com/u/acme/app/hook/1/",
            "push_data": {"pushed_at": 1767225600, "pusher": "acme", "tag": "v1"},
            "repository": {"name": "app", "repo_url": "https://hub.docker.com/r/acme/app"},
        }
    ),
    ReceiverType.GCR: _json(
        {
            "message": {
                "data": base64.b64encode(
                    json.dumps(
                        {
                            "action": "INSERT",
                            "digest": f"europe-docker.pkg.dev/acme/app@sha256:{'0' * 64}",
                            "tag": "europe-docker.pkg.dev/acme/app:v1",
                        }
                    ).encode()
                ).decode(),
                "messageId": "1",
                "publishTime": "2026-01-01T00:00:00Z",
            },
            "subscription": "projects/acme/subscriptions/flux",
        }
    ),
    # A filter answers both of these 500: there is none by default.
    ReceiverType.GENERIC: Sent(body=b"[1]"),
    ReceiverType.GENERIC_HMAC: _json({"image": "app:v1"}),
    ReceiverType.GENERIC_OIDC: Sent(content_type=""),
    ReceiverType.GITHUB: _json(
        {"ref": "refs/heads/main", "repository": {"full_name": "acme/app"}}, "push"
    ),
    ReceiverType.GITLAB: _json({"object_kind": "push", "ref": "refs/heads/main"}, "Push Hook"),
    ReceiverType.HARBOR: Sent(),
    ReceiverType.NEXUS: _json({"action": "CREATED", "repositoryName": "app", "nodeId": "1"}),
    ReceiverType.QUAY: _json(
        {
            "name": "app",
            "repository": "acme/app",
            "namespace": "acme",
            "docker_url": "quay.io/acme/app",
            "homepage": "https://quay.io/repository/acme/app",
            "updated_tags": ["v1"],
        }
    ),
}


_AGAINST = {
    ReceiverType.GCR: "its sender's body, with a token as Google's, keys from a stand-in for them",
    ReceiverType.GENERIC_OIDC: "its sender's body, with a token of a local issuer",
}


@dataclass
class Provisioned:
    """One Receiver of each type, all made by one update; each with a source of its own.

    Attributes:
        told: URL and token of each.
    """

    sandbox: Sandbox
    client: lightkube.Client
    google: Google
    issuer: Issuer
    told: dict[str, dict[str, str]] = field(repr=False)
    state: StackState = field(repr=False)
    certificates: ssl.SSLContext

    def post(
        self,
        receiver_type: ReceiverType,
        sent: Sent,
        *,
        known: bool = True,
        event: str = "",
        name: str = "",
    ) -> int:
        """Post what a sender with, or without, what proves it does; return the status."""
        told = self.told[name or f"every-{receiver_type}"]
        token = told["token"] if known else "another"
        headers = headers_of(
            receiver_type, token=token, event=event or sent.event, body=sent.body
        ) | sign(receiver_type, token, sent.body)
        headers["Content-Type"] = sent.content_type
        if receiver_type is ReceiverType.GENERIC_OIDC:
            owner = "acme" if known else "somebody"
            bearer = self.issuer.token(aud="notification-controller", repository_owner=owner)
            headers["Authorization"] = f"Bearer {bearer}"
        if receiver_type is ReceiverType.GCR:
            email = _EMAIL if known else "somebody@example.com"
            headers["Authorization"] = f"Bearer {self.google.token(aud=_AUDIENCE, email=email)}"
        return httpx.post(
            told["url"],
            headers={key: value for key, value in headers.items() if value},
            content=sent.body,
            verify=self.certificates,
            trust_env=False,
        ).status_code

    def asked_for(self) -> dict[str, str]:
        """When each source of any namespace was last asked to be reconciled."""
        return {
            str(source.metadata.name): found
            for source in self.client.list(GitRepository, namespace="*")
            if (annotations := source.metadata.annotations)
            and (found := annotations.get("reconcile.fluxcd.io/requestedAt"))
        }

    def reconciled_by(self, send: Callable[[], int]) -> tuple[int, list[str]]:
        """Return the status of a request, and which sources were asked for since."""
        before = self.asked_for()
        status = send()
        after = self.asked_for()
        return status, sorted(name for name in after if after[name] != before.get(name))


@pytest.fixture(scope="module")
def google(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Google]:
    with Google(tmp_path_factory.mktemp("google")) as google:
        sandbox.cluster.restart("notification-controller", environment=google.environment)
        yield google
        sandbox.cluster.restart("notification-controller", environment={})


@pytest.fixture(scope="module")
def provisioned(sandbox: Sandbox, google: Google) -> Iterator[Provisioned]:
    with Issuer() as issuer, sandbox.cluster.client() as client:
        stack = sandbox.stack("every", program=_PROGRAM, project="every")
        receivers = {f"every-{each}": _args(each, issuer) for each in ReceiverType}
        for name in (*receivers, _OF_ANOTHER):
            client.create(
                GitRepository(
                    metadata={"name": name},
                    spec={"interval": "30m", "suspend": True, "url": "https://localhost/app.git"},
                )
            )
        receivers[_ELSEWHERE] = _elsewhere(client)
        settings = {"host": sandbox.ingress.host, "receivers": receivers}
        (stack.directory / "settings.json").write_text(json.dumps(settings))
        stack.up()
        yield Provisioned(
            sandbox,
            client,
            google,
            issuer,
            stack.outputs(),
            parse(stack.run("stack", "export", "--show-secrets", "--stack", "every").output),
            ssl.create_default_context(cafile=str(sandbox.ingress.ca_file)),
        )


def _elsewhere(client: lightkube.Client) -> dict[str, Any]:
    """Return a Receiver's arguments for targets in another namespace, made here: three of four."""
    client.create(Namespace(metadata=ObjectMeta(name=_ELSEWHERE)))
    for name, labels in {
        "named": {},
        "labelled": {"team": _ELSEWHERE},
        "labelled-too": {"team": _ELSEWHERE},
        "other": {"team": "other"},
    }.items():
        client.create(
            GitRepository(
                metadata={"name": name, "namespace": _ELSEWHERE, "labels": labels},
                spec={"interval": "30m", "suspend": True, "url": "https://localhost/app.git"},
            )
        )
    target = {"kind": "GitRepository", "namespace": _ELSEWHERE}
    return {
        "type": ReceiverType.NEXUS,
        "resources": [
            {**target, "name": "named"},
            {**target, "name": "*", "match_labels": {"team": _ELSEWHERE}},
        ],
    }


def _args(receiver_type: ReceiverType, issuer: Issuer) -> dict[str, Any]:
    args: dict[str, Any] = {
        "type": receiver_type,
        "resources": [{"kind": "GitRepository", "name": f"every-{receiver_type}"}],
    }
    if receiver_type is ReceiverType.GITHUB:
        args["resources"] += [
            {
                "kind": "GitRepository",
                "name": _OF_ANOTHER,
                "filter": "req.repository.full_name == 'acme/another'",
            }
        ]
    if receiver_type is ReceiverType.CDEVENTS:
        args["events"] = [_CDEVENT]
    if receiver_type is ReceiverType.GCR:
        args["gcr"] = {"email": _EMAIL, "audience": _AUDIENCE}
    if receiver_type is ReceiverType.GENERIC_OIDC:
        ours = {"expression": "claims.repository_owner == 'acme'", "message": "not ours"}
        args["oidc_providers"] = [{"issuer_url": issuer.url, "validations": [ours]}]
    return args


@pytest.mark.parametrize("receiver_type", ReceiverType)
def test_its_senders_deliveries_reach_its_target(
    provisioned: Provisioned, receiver_type: ReceiverType, breadth: Breadth
) -> None:
    """And no other's: bodies, headers and tokens are what the controller checks, not a mock."""
    sent = _SENT[receiver_type]

    assert (200, [f"every-{receiver_type}"]) == provisioned.reconciled_by(
        lambda: provisioned.post(receiver_type, sent)
    )
    facts = RECEIVER_TYPES[receiver_type]
    breadth(
        type=receiver_type,
        forge=f"by hand: {', '.join(facts.senders)}",
        secret="generated" if facts.secret_keys else "none",
        against=_AGAINST.get(receiver_type, "its sender's body"),
    )


@pytest.mark.parametrize(
    "receiver_type",
    [each for each in ReceiverType if RECEIVER_TYPES[each].proof is not Proof.PATH],
)
def test_who_does_not_know_its_secret_is_refused(
    provisioned: Provisioned, receiver_type: ReceiverType
) -> None:
    """Or whom nobody speaks for; where the path is all there is to know, there is no such test."""
    sent = _SENT[receiver_type]

    assert (400, []) == provisioned.reconciled_by(
        lambda: provisioned.post(receiver_type, sent, known=False)
    )


@pytest.mark.parametrize(
    "receiver_type",
    [each for each in ReceiverType if RECEIVER_TYPES[each].event_header is not None],
)
def test_an_event_that_is_not_asked_for_is_refused(
    provisioned: Provisioned, receiver_type: ReceiverType
) -> None:
    """That is what makes a list of events worth having."""
    sent = _SENT[receiver_type]

    assert (400, []) == provisioned.reconciled_by(
        lambda: provisioned.post(receiver_type, sent, event="another")
    )


@pytest.mark.parametrize("receiver_type", ReceiverType)
def test_what_proves_it_reconciles_nothing(
    provisioned: Provisioned, receiver_type: ReceiverType
) -> None:
    """A signed probe where one can be made, else a GET; generic's GET is a delivery."""
    facts = RECEIVER_TYPES[receiver_type]
    sent = Sent(body=probe_body(receiver_type), event=_SENT[receiver_type].event)
    url = provisioned.told[f"every-{receiver_type}"]["url"]

    def prove() -> int:
        if facts.proof is not Proof.IDENTITY and facts.json_objects:
            return provisioned.post(receiver_type, sent)
        return httpx.get(url, verify=provisioned.certificates, trust_env=False).status_code

    status, reconciled = provisioned.reconciled_by(prove)

    acts = receiver_type is ReceiverType.GENERIC
    signed = facts.proof is not Proof.IDENTITY and facts.json_objects
    assert (200 if signed else facts.get_status) == status
    assert ([f"every-{receiver_type}"] if acts else []) == reconciled


def test_a_target_with_a_filter_hears_of_its_repository_alone(provisioned: Provisioned) -> None:
    """One webhook speaks for many; proof and catch-up need no repository in their body."""
    of_another = _json({"repository": {"full_name": "acme/another"}}, "push")
    catch_up = Sent(body=catch_up_body(ReceiverType.GITHUB), event="push")

    asked = [
        provisioned.reconciled_by(lambda sent=sent: provisioned.post(ReceiverType.GITHUB, sent))
        for sent in (_SENT[ReceiverType.GITHUB], of_another, catch_up)
    ]

    both = ["every-github", _OF_ANOTHER]
    assert [(200, ["every-github"]), (200, both), (200, both)] == asked


def test_targets_of_another_namespace_are_reached(
    provisioned: Provisioned, breadth: Breadth
) -> None:
    """By name and by label, and no others, as long as the controller allows such references."""
    sent = _SENT[ReceiverType.NEXUS]

    assert (200, ["labelled", "labelled-too", "named"]) == provisioned.reconciled_by(
        lambda: provisioned.post(ReceiverType.NEXUS, sent, name=_ELSEWHERE)
    )
    breadth(
        type=ReceiverType.NEXUS,
        forge="by hand: Sonatype Nexus",
        secret="generated",
        against="targets of another namespace, by name and by label",
    )


# What instructions have one run, where what they name can be had here.
_RUN = [
    pytest.param(kind, sender, id=f"{kind}-{sender.name}")
    for kind, names in (
        (ReceiverType.CDEVENTS, ("curl",)),
        (ReceiverType.GENERIC, ("curl",)),
        (ReceiverType.GENERIC_HMAC, ("shell", "github-actions", "gitlab-ci")),
        (ReceiverType.GENERIC_OIDC, ("github-actions", "gitlab-ci")),
    )
    for sender in senders(kind)
    if sender.name in names
]


@pytest.mark.parametrize(("receiver_type", "sender"), _RUN)
def test_what_the_instructions_have_one_run_is_a_delivery(
    provisioned: Provisioned,
    receiver_type: ReceiverType,
    sender: Sender,
    tmp_path: Path,
    ran: set[str],
) -> None:
    """Word for word, by a shell, with the secrets in the variables it says."""
    if missing := [name for name in ("bash", "curl", "jq", "openssl") if not shutil.which(name)]:
        ran.add(f"not run: the instructions' commands, as there is no {missing[0]}")
        pytest.skip(f"there is no {missing[0]}")
    script, variables = _as_a_job_runs_it(provisioned, receiver_type, sender)
    (tmp_path / "event.json").write_bytes(_SENT[receiver_type].body)

    def run() -> int:
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=tmp_path,
            env={
                "CURL_CA_BUNDLE": str(provisioned.sandbox.ingress.ca_file),
                "PATH": str(Path(shutil.which("curl") or "").parent) + ":/usr/bin:/bin",
                **variables,
            },
            check=False,
        ).returncode

    assert (0, [f"every-{receiver_type}"]) == provisioned.reconciled_by(run)


def _as_a_job_runs_it(
    provisioned: Provisioned, receiver_type: ReceiverType, sender: Sender
) -> tuple[str, dict[str, str]]:
    """The script, and the variables that the sender's user and its runner set."""
    (found,) = by_hand(
        provisioned.state, [f"every-{receiver_type}"], sender=sender.name, secrets=True
    )
    steps = sender.told(found.told).steps
    (step,) = [step for step in steps if step.code]
    script = step.code
    if sender.name == "github-actions":
        script = yaml.safe_load(step.code)["jobs"]["flux"]["steps"][0]["run"]
    elif sender.name == "gitlab-ci":
        job = yaml.safe_load(step.code)["flux"]
        script = "\n".join(job["script"])
    issuer = provisioned.issuer
    identity = issuer.token(aud="notification-controller", repository_owner="acme")
    return script, {
        **{key: value for step in steps for key, value in step.fields.items()},
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of the runner",
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuer.url}/job?api-version=2.0",
        "FLUX_ID_TOKEN": identity,
    }


def test_a_header_that_can_be_chosen_is_proof_to_the_type_harbor(provisioned: Provisioned) -> None:
    """Whatever the body: so other senders that have no type of their own can prove themselves."""
    push = _json({"eventType": "git.push", "resource": {"refUpdates": []}})

    assert [(200, ["every-harbor"]), (400, [])] == [
        provisioned.reconciled_by(
            lambda known=known: provisioned.post(ReceiverType.HARBOR, push, known=known)
        )
        for known in (True, False)
    ]
