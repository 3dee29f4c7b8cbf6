"""A chain's webhook at the forge's stand-in, made and changed through its API as a user would."""

import urllib.parse
from abc import ABC, abstractmethod
from typing import Any

import httpx

from sandbox.forges.github import GitHub
from sandbox.forges.gitlab import GitLab


class Webhook(ABC):
    """The webhooks of one repository or project; the methods change the chain's own.

    Attributes:
        id: the own one's; "" as long as there is none.
    """

    id: str = ""
    _client: httpx.Client

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    @abstractmethod
    def create(self, url: str, secret: str | None, **settings: Any) -> str:
        """Make a webhook as it should be, but for `settings`; return its ID."""

    @abstractmethod
    def edit(self, **settings: Any) -> None:
        """Change the own one's settings.

        `url`, `secret`, `verify` are known to every forge; `active`, `events` and `json` are
        GitHub's, all others go to GitLab as they are.
        """

    @abstractmethod
    def delete(self) -> None:
        """Delete the own one."""


class GitHubWebhook(Webhook):
    """A repository's at GitHub."""

    def __init__(self, github: GitHub, repository: str) -> None:
        self._client = httpx.Client(
            base_url=f"{github.base_url}api/v3/repos/{github.owner}/{repository}/",
            headers={"Authorization": f"token {github.token}"},
            trust_env=False,
        )

    def create(self, url: str, secret: str | None, **settings: Any) -> str:
        wanted: dict[str, Any] = {"active": True, "events": ["push"], **settings}
        config: dict[str, Any] = {"url": url, "content_type": "json", "insecure_ssl": "0"}
        if secret is not None:
            config["secret"] = secret
        if not wanted.pop("verify", True):
            config["insecure_ssl"] = "1"
        if not wanted.pop("json", True):
            config["content_type"] = "form"
        body = {"name": "web", "config": config, **wanted}
        made = self._client.post("hooks", json=body).raise_for_status().json()
        return str(made["id"])

    def edit(self, **settings: Any) -> None:
        config: dict[str, Any] = {
            name: settings.pop(name) for name in ("url", "secret") if name in settings
        }
        if "verify" in settings:
            config["insecure_ssl"] = "0" if settings.pop("verify") else "1"
        if "json" in settings:
            config["content_type"] = "json" if settings.pop("json") else "form"
        if config:
            self._client.patch(f"hooks/{self.id}/config", json=config).raise_for_status()
        if settings:
            self._client.patch(f"hooks/{self.id}", json=settings).raise_for_status()

    def delete(self) -> None:
        self._client.delete(f"hooks/{self.id}").raise_for_status()


class GitLabWebhook(Webhook):
    """A project's or a group's at GitLab."""

    def __init__(self, gitlab: GitLab, path: str, *, group: bool = False) -> None:
        kind = "groups" if group else "projects"
        self._gitlab, self._path = gitlab, path
        self._client = httpx.Client(
            base_url=f"{gitlab.base_url}api/v4/{kind}/{urllib.parse.quote(path, safe='')}/",
            headers={"PRIVATE-TOKEN": gitlab.token},
            trust_env=False,
        )

    def create(self, url: str, secret: str | None, **settings: Any) -> str:
        wanted = {"push_events": True, **settings, "url": url}
        if secret is not None:
            wanted["token"] = secret
        wanted["enable_ssl_verification"] = wanted.pop("verify", True)
        made = self._client.post("hooks", json=wanted).raise_for_status().json()
        return str(made["id"])

    def edit(self, **settings: Any) -> None:
        (now,) = (hook for hook in self._gitlab.hooks(self._path) if str(hook.id) == self.id)
        # Another URL drops the token, as whoever edits one in the browser is told.
        wanted = {"url": now.url, "token": now.secret, **settings}
        if "secret" in wanted:
            wanted["token"] = wanted.pop("secret")
        if "verify" in wanted:
            wanted["enable_ssl_verification"] = wanted.pop("verify")
        self._client.put(f"hooks/{self.id}", json=wanted).raise_for_status()

    def delete(self) -> None:
        self._client.delete(f"hooks/{self.id}").raise_for_status()
