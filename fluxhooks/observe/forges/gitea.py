"""Webhooks as a Gitea or Forgejo has them.

Its API tells neither their secret nor what became of their deliveries: its pages do, to whoever
may administer the webhook.
"""

import datetime
from typing import Any
from urllib.parse import quote

from fluxhooks.errors import ObservationError
from fluxhooks.flux import gitea_events
from fluxhooks.observe.forges import Delivery, Head, SeenWebhook
from fluxhooks.observe.forges.gitea_api import GiteaApi, place
from fluxhooks.observe.state import DeclaredWebhook, Scope


class GiteaForge:
    """One server, with the rights of one token."""

    # It sets no limit of which it tells.
    requests_left: int | None = None

    def __init__(self, api: GiteaApi) -> None:
        self._api = api

    def webhook(self, declared: DeclaredWebhook) -> SeenWebhook | None:
        """Return the webhook with the declared ID, or None where Gitea has none."""
        scope = declared.scope
        found = self._api.find(f"{_hooks(scope)}/{declared.id}", of=scope.name)
        if found is None:
            # A token that may not see them is answered the same.
            self._api.list_one(_hooks(scope), of=scope.name)
            return None
        return _seen(scope, found)

    def webhooks(self, declared: DeclaredWebhook) -> list[SeenWebhook]:
        """Return all webhooks of the declared one's repository or organisation."""
        scope = declared.scope
        return [_seen(scope, hook) for hook in self._api.pages(_hooks(scope), of=scope.name)]

    def last_delivery(self, declared: DeclaredWebhook) -> Delivery | None:
        """Return None: only Gitea's pages tell of deliveries."""
        return None

    def deliveries(self, declared: DeclaredWebhook) -> list[Delivery]:
        """Return nothing: only Gitea's pages tell of deliveries."""
        return []

    def delivery(self, declared: DeclaredWebhook, delivery: Delivery) -> Delivery:
        """Return the delivery: nobody tells more of it."""
        return delivery

    def head(self, declared: DeclaredWebhook, branch: str, *, known: str) -> Head | None:
        """Return where a branch of the repository stands; None where nobody says.

        When it was pushed Gitea does not tell. A token that may not read the repository is told
        nothing.
        """
        scope = declared.scope
        if scope.kind != "repository":
            return None
        try:
            found = self._api.find(
                f"{_place(scope)}/branches/{quote(branch, safe='')}", of=scope.name
            )
        except ObservationError as error:
            if error.passing:
                raise
            return None
        return Head(commit=str(found["commit"]["id"])) if found else None

    def ping(self, declared: DeclaredWebhook) -> Delivery | None:
        """Return None: of a test that Gitea sends nobody is told what became."""
        return None

    def delete(self, seen: SeenWebhook, declared: DeclaredWebhook) -> None:
        """Delete a webhook; one that is gone already is no error."""
        scope = declared.scope
        self._api.delete(f"{_hooks(scope)}/{seen.id}", of=scope.name)


def connect(declared: DeclaredWebhook, *, retries: int = 3) -> GiteaForge:
    """Return the Gitea that has a webhook, with the token of the environment.

    Args:
        retries: how often a request that fails for a passing reason is repeated.

    Raises:
        ObservationError: there is no token.
    """
    return GiteaForge(GiteaApi(declared.scope.server, retries=retries))


def _place(scope: Scope) -> str:
    if scope.kind == "organization":
        return place(organization=scope.name)
    owner, _, repository = scope.name.partition("/")
    return place(owner=owner, repository=repository)


def _hooks(scope: Scope) -> str:
    return f"{_place(scope)}/hooks"


def _seen(scope: Scope, hook: dict[str, Any]) -> SeenWebhook:
    config = hook.get("config") or {}
    return SeenWebhook(
        scope=scope,
        id=str(hook["id"]),
        url=str(config.get("url") or ""),
        active=hook["active"],
        json=config.get("content_type") == "json",
        events=frozenset(gitea_events.delivered(hook.get("events") or ())),
        branch_filter=hook.get("branch_filter") or "",
        branch_filter_strategy="glob",
        pingable=False,
        # When it was edited is not known: each delivery sets that, too.
        changed_at=datetime.datetime.fromisoformat(hook["created_at"]),
    )
