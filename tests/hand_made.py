"""A webhook, a Receiver and its Secret as people make them by hand, beside an app's stack."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Secret

from sandbox.forges.gitea import Gitea
from sandbox.forges.gitlab import GitLab
from tests.app import App, Receiver, eventually

NAMESPACE = "flux-system"


@dataclass(frozen=True)
class HandMade:
    """What lies in Git or was applied once.

    Attributes:
        webhook: the ID of the webhook at the forge; "" where none was made.
    """

    app: App
    name: str
    token: str
    path: str
    webhook: str

    def receiver(self) -> Any:
        """The Receiver as the cluster has it."""
        return self.app.client.get(Receiver, self.name, namespace=NAMESPACE)

    def secret(self) -> Secret:
        """Its Secret as the cluster has it."""
        return self.app.client.get(Secret, f"{self.name}-token", namespace=NAMESPACE)


def make_by_hand(
    app: App,
    name: str,
    *,
    labels: dict[str, str] | None = None,
    sources: tuple[str, ...] = (),
    webhook: bool = True,
) -> HandMade:
    """Make Secret, Receiver and webhook of an app without this package.

    Args:
        labels: the Receiver's, as what applies it from Git leaves them.
        sources: the GitRepositories it reconciles; the app's when absent.
        webhook: whether one is made at the forge.
    """
    token = hashlib.sha256(name.encode()).hexdigest()[:40]
    app.client.create(
        Secret(
            metadata=ObjectMeta(name=f"{name}-token", namespace=NAMESPACE),
            data={"token": base64.b64encode(token.encode()).decode()},
        )
    )
    app.client.create(
        Receiver(
            metadata={"name": name, "namespace": NAMESPACE, "labels": labels or {}},
            spec={
                "type": str(app.receiver_type),
                "events": _EVENTS.get(type(app.forge), ["ping", "push"]),
                "secretRef": {"name": f"{name}-token"},
                "resources": [
                    {
                        "apiVersion": "source.toolkit.fluxcd.io/v1",
                        "kind": "GitRepository",
                        "name": source,
                    }
                    for source in sources or (app.name,)
                ],
            },
        )
    )

    def path() -> str:
        found = app.client.get(Receiver, name, namespace=NAMESPACE)
        return str((found.status or {}).get("webhookPath", ""))

    served = eventually(path)
    assert served
    app.leaks.know_path(served)
    app.leaks.know_token(token)
    url = f"https://{app.sandbox.ingress.host}{served}"
    return HandMade(app, name, token, served, _make_webhook(app, url, token) if webhook else "")


def _make_webhook(app: App, url: str, token: str) -> str:
    with httpx.Client(
        base_url=f"{app.forge.base_url.rstrip('/')}{_API.get(type(app.forge), '/api/v3')}",
        headers={"Authorization": f"Bearer {app.forge.token}"},
        trust_env=False,
    ) as api:
        config = {"url": url, "secret": token, "content_type": "json"}
        if isinstance(app.forge, GitLab):
            place = f"projects/{quote(app.path, safe='')}"
            body: dict[str, Any] = {"url": url, "token": token, "push_events": True}
        elif isinstance(app.forge, Gitea):
            place = f"repos/{app.path}"
            body = {"type": "gitea", "active": True, "events": ["push"], "config": config}
        else:
            place = f"repos/{app.sandbox.github.owner}/{app.name}"
            body = {"name": "web", "active": True, "events": ["push"], "config": config}
        answer = api.post(f"/{place}/hooks", json=body)
        answer.raise_for_status()
        return str(answer.json()["id"])


_EVENTS: dict[type, list[str]] = {GitLab: ["Push Hook", "Tag Push Hook"]}
_API: dict[type, str] = {GitLab: "/api/v4", Gitea: "/api/v1"}
