"""A chain that is sound, as cluster and forge show it, to be changed where a test wants it."""

import dataclasses
import datetime
from typing import Any

from fluxhooks.flux.hook_path import hook_path
from fluxhooks.flux.labels import object_labels
from fluxhooks.observe.doctor.evidence import (
    ClusterEvidence,
    Evidence,
    FluxObject,
    ForgeEvidence,
    PublicEvidence,
    SecretEvidence,
)
from fluxhooks.observe.forges import Delivery, Head, SeenWebhook
from fluxhooks.observe.probing.replies import Reply
from fluxhooks.observe.state import (
    SENDS_TO,
    DeclaredGeneration,
    DeclaredReceiver,
    DeclaredWebhook,
    Scope,
)

NOW = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC)
HOST = "flux.example.com"
TOKEN = "token-of-app"
OLD, NEW = "0" * 39 + "1", "0" * 39 + "2"
PATH = hook_path(TOKEN, "app-g2", "flux-system")
OLD_PATH = hook_path("token-of-app-g1", "app-g1", "flux-system")
UNSERVED = hook_path("forgotten", "app", "flux-system")

SCOPES = {
    "github": Scope("github", "repository", "acme/app"),
    "gitlab": Scope("gitlab", "project", "acme/app"),
    "gitea": Scope("gitea", "repository", "acme/app", "https://git.example.com"),
}
PUSH = {"github": "push", "gitlab": "Push Hook", "gitea": "push"}
EVENTS = {
    "github": ["push", "ping"],
    "gitlab": ["Push Hook", "Tag Push Hook"],
    "gitea": ["push", "ping"],
}


def minutes(count: float) -> datetime.timedelta:
    return datetime.timedelta(minutes=count)


def url(path: str = PATH, host: str = HOST) -> str:
    return f"https://{host}{path}"


def webhook(forge: str = "github", **changes: Any) -> SeenWebhook:
    values: dict[str, Any] = {
        "id": "42",
        "url": url(),
        "events": frozenset(EVENTS["gitlab"] if forge == "gitlab" else {"push"}),
        "has_secret": True,
        "changed_at": NOW - datetime.timedelta(days=9),
        "scope": SCOPES[forge],
    }
    return SeenWebhook(**values | changes)


def receiver(
    forge: str = "github", *, number: int = 2, path: str = PATH, **spec: Any
) -> FluxObject:
    values = {
        "type": SENDS_TO[forge],
        "events": EVENTS[forge],
        "resources": [{"kind": "GitRepository", "name": "app"}],
        "secretRef": {"name": f"app-g{number}"},
    }
    return FluxObject(
        kind="Receiver",
        namespace="flux-system",
        name=f"app-g{number}",
        labels=object_labels("app", number, project="p", stack="s"),
        spec={key: value for key, value in (values | spec).items() if value is not None},
        status={"webhookPath": path, "conditions": [{"type": "Ready", "status": "True"}]},
    )


def source(
    kind: str = "GitRepository", name: str = "app", revision: str = OLD, **spec: Any
) -> FluxObject:
    values = {"url": "https://forge.example.com/acme/app.git", "ref": {"branch": "main"}}
    return FluxObject(
        kind=kind,
        namespace="flux-system",
        name=name,
        spec=values | spec,
        status={"artifact": {"revision": f"main@sha1:{revision}"}},
    )


def cluster(*objects: FluxObject, **changes: Any) -> ClusterEvidence:
    return ClusterEvidence(
        objects={found.key: found for found in objects},
        secrets={("flux-system", "app-g2"): SecretEvidence(token=TOKEN.encode())},
        **changes,
    )


def declared(forge: str = "github", **changes: Any) -> DeclaredReceiver:
    api = "https://api.github.com/repos/acme/app/hooks/42" if forge == "github" else ""
    values: dict[str, Any] = {
        "name": "app",
        "urn": "urn",
        "type": SENDS_TO[forge],
        "live": 2,
        "finished_url": url(),
        "generations": {
            number: DeclaredGeneration(
                number=number,
                namespace="flux-system",
                receiver=f"app-g{number}",
                secret=f"app-g{number}",
                path=path,
                token=TOKEN,
                events=tuple(EVENTS[forge]),
            )
            for number, path in ((1, OLD_PATH), (2, PATH))
        },
        "webhook": DeclaredWebhook(scope=SCOPES[forge], id="42", url=url(), api_url=api),
    }
    return DeclaredReceiver(**values | changes)


def delivery(
    status: int = 200, *, forge: str = "github", ago: float = 10, **changes: Any
) -> Delivery:
    values: dict[str, Any] = {
        "id": f"{status}-{ago:g}",
        "event": PUSH[forge],
        "at": NOW - minutes(ago),
        "status": status,
    }
    return Delivery(**values | changes)


def head(ago: float = 10, **changes: Any) -> Head:
    return Head(**{"commit": NEW, "pushed_at": NOW - minutes(ago)} | changes)


def public(signed: int | None = 200) -> PublicEvidence:
    return PublicEvidence(
        url=url(),
        control=Reply(status=404),
        unsigned=Reply(status=400),
        signed=None if signed is None else Reply(status=signed),
    )


def evidence(forge: str = "github", /, *seen: SeenWebhook, **changes: Any) -> Evidence:
    """A cluster's chain; `of_forge` changes what the forge has, everything else the rest."""
    first = seen[0] if seen else webhook(forge)
    of_forge: dict[str, Any] = {"webhook": first, "webhooks": seen or (first,)}
    of_forge |= changes.pop("of_forge", {})
    values: dict[str, Any] = {
        "name": "flux-system/app-g2",
        "receiver": ("flux-system", "app-g2"),
        "now": NOW,
        "host": HOST,
        "forge": ForgeEvidence(scope=SCOPES[forge], **of_forge),
        "public": public(),
        "cluster": cluster(receiver(forge), source()),
    }
    return Evidence(**values | changes)


def of_stack(found: Evidence, forge: str = "github", **changes: Any) -> Evidence:
    """The same chain as one of a stack."""
    return dataclasses.replace(found, name="app", declared=declared(forge, **changes))
