"""The thirteen values of a Receiver's ``spec.type``, and what is true of each.

The one list of types: arguments, defaults, probes, documentation and tests derive from it.
Source: notification-controller ``api/v1/receiver_types.go`` and
``internal/server/receiver_handlers.go`` at v1.9.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final


class ReceiverType(StrEnum):
    """``spec.type`` of a Flux Receiver."""

    ACR = "acr"
    BITBUCKET = "bitbucket"
    CDEVENTS = "cdevents"
    DOCKERHUB = "dockerhub"
    GCR = "gcr"
    GENERIC = "generic"
    GENERIC_HMAC = "generic-hmac"
    GENERIC_OIDC = "generic-oidc"
    GITHUB = "github"
    GITLAB = "gitlab"
    HARBOR = "harbor"
    NEXUS = "nexus"
    QUAY = "quay"


class Proof(Enum):
    """What a delivery must show before the controller acts on it."""

    SIGNATURE = "an HMAC of the body, made with the token"
    TOKEN = "the token itself, in a header"  # noqa: S105
    IDENTITY = "a token of an identity provider"
    PATH = "nothing but the path"


@dataclass(frozen=True, kw_only=True)
class TypeFacts:
    """What is true of every Receiver of one type.

    Attributes:
        senders: who sends to it, for documentation.
        proof: what a delivery must show.
        secret_keys: the keys its Secret must have; empty where a Secret is not allowed.
        event_header: the header that names the event, where ``spec.events`` is honoured; else
            None, and giving events is an error.
        ping: the event the forge sends by itself when a webhook is made, which ``spec.events``
            must allow; None where there is none.
        default_events: events for a kind of target when none are given.
        get_status: the answer to a GET without headers or body on a Ready Receiver.
        json_objects: its senders post JSON objects, so that a CEL filter, and with it the probe,
            never meets a body it answers 500.
        probe_fields: what a probe's body needs beside its own field to be taken for a delivery.
    """

    senders: tuple[str, ...]
    proof: Proof
    secret_keys: tuple[str, ...] = ("token",)
    event_header: str | None = None
    ping: str | None = None
    default_events: dict[str, tuple[str, ...]] = field(default_factory=dict)
    get_status: int = 400
    json_objects: bool = True
    probe_fields: dict[str, object] = field(default_factory=dict)


# ``internal/server/receiver_handlers.go``, ``validateOIDC``.
DEFAULT_AUDIENCE: Final = "notification-controller"
"""The audience that a Receiver of the type generic-oidc asks for where it names none."""

SYSTEM_HOOK: Final = "System Hook"
"""What each delivery of a GitLab instance's webhook names in its header, whatever it tells of;
which of them count is said by a filter."""

_GITHUB_PACKAGES = ("package", "registry_package")

RECEIVER_TYPES: Final[dict[ReceiverType, TypeFacts]] = {
    ReceiverType.ACR: TypeFacts(
        senders=("Azure Container Registry",),
        proof=Proof.PATH,
        probe_fields={"action": "push", "target": {"repository": "fluxhooks", "tag": "probe"}},
    ),
    ReceiverType.BITBUCKET: TypeFacts(
        senders=("Bitbucket Server", "Bitbucket Cloud"),
        proof=Proof.SIGNATURE,
        event_header="X-Event-Key",
        default_events={"GitRepository": ("repo:refs_changed", "repo:push")},
    ),
    ReceiverType.CDEVENTS: TypeFacts(
        senders=("any sender of CDEvents",),
        proof=Proof.PATH,
        event_header="Ce-Type",
        # The controller holds the body against the schema of its type, whatever the header says.
        probe_fields={
            "context": {
                "version": "0.4.1",
                "id": "fluxhooks-probe",
                "source": "/fluxhooks/probe",
                "type": "dev.cdevents.change.merged.0.2.0",
                "timestamp": "2026-01-01T00:00:00Z",
            },
            "subject": {
                "id": "fluxhooks-probe",
                "source": "/fluxhooks/probe",
                "type": "change",
                "content": {"repository": {"id": "fluxhooks/probe"}},
            },
        },
    ),
    ReceiverType.DOCKERHUB: TypeFacts(
        senders=("Docker Hub",),
        proof=Proof.PATH,
        probe_fields={
            "push_data": {"tag": "probe"},
            "repository": {"repo_url": "https://example.invalid/fluxhooks"},
        },
    ),
    ReceiverType.GCR: TypeFacts(
        senders=("Google Artifact Registry, through Pub/Sub",),
        proof=Proof.IDENTITY,
        secret_keys=("token", "email", "audience"),
    ),
    ReceiverType.GENERIC: TypeFacts(
        senders=("anything that can send a request",),
        proof=Proof.PATH,
        get_status=200,
        json_objects=False,
    ),
    ReceiverType.GENERIC_HMAC: TypeFacts(
        senders=("anything that can sign a body, such as a CI job",),
        proof=Proof.SIGNATURE,
    ),
    ReceiverType.GENERIC_OIDC: TypeFacts(
        senders=("anything with a token of an OpenID Connect issuer",),
        proof=Proof.IDENTITY,
        secret_keys=(),
    ),
    ReceiverType.GITHUB: TypeFacts(
        senders=("GitHub", "Gitea", "Forgejo"),
        proof=Proof.SIGNATURE,
        event_header="X-GitHub-Event",
        ping="ping",
        default_events={
            "GitRepository": ("push",),
            "HelmChart": ("push",),
            "HelmRepository": ("push",),
            "ImageRepository": _GITHUB_PACKAGES,
            "OCIRepository": _GITHUB_PACKAGES,
        },
    ),
    ReceiverType.GITLAB: TypeFacts(
        senders=("GitLab",),
        proof=Proof.TOKEN,
        event_header="X-Gitlab-Event",
        default_events={
            "GitRepository": ("Push Hook", "Tag Push Hook"),
            "HelmChart": ("Push Hook", "Tag Push Hook"),
            "HelmRepository": ("Push Hook",),
            "ImageRepository": ("Pipeline Hook",),
            "OCIRepository": ("Pipeline Hook",),
        },
    ),
    ReceiverType.HARBOR: TypeFacts(
        senders=("Harbor",),
        proof=Proof.TOKEN,
        json_objects=False,
    ),
    ReceiverType.NEXUS: TypeFacts(
        senders=("Sonatype Nexus",),
        proof=Proof.SIGNATURE,
    ),
    ReceiverType.QUAY: TypeFacts(
        senders=("Quay",),
        proof=Proof.PATH,
        probe_fields={"docker_url": "example.invalid/fluxhooks", "updated_tags": ["probe"]},
    ),
}


def default_events(receiver_type: ReceiverType, kinds: Iterable[str]) -> list[str]:
    """Return the events that tell of a change in targets of `kinds`, sorted, without the ping.

    Empty where the type has no event filter, or none of the kinds has an event there.
    """
    table = RECEIVER_TYPES[receiver_type].default_events
    return sorted({event for kind in kinds for event in table.get(kind, ())})
