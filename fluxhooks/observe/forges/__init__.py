"""Webhooks as the forge has them: one module per forge, all with the same four questions."""

import datetime
from dataclasses import dataclass, field
from typing import Protocol

from fluxhooks.errors import ObservationError
from fluxhooks.flux.hook_path import host_of, path_of
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings


@dataclass(frozen=True, kw_only=True)
class SeenWebhook:
    """A webhook at the forge.

    Attributes:
        url: what it calls; holds a credential.
        json: whether it sends JSON bodies.
        changed_at: when it was made or last edited.
    """

    forge: str
    repository: str
    id: str
    url: str = field(default="", repr=False)
    active: bool = True
    json: bool = True
    changed_at: datetime.datetime | None = None

    @property
    def host(self) -> str:
        """The host it calls, with a port where one is given."""
        return host_of(self.url)

    @property
    def path(self) -> str:
        """The path it calls; a credential."""
        return path_of(self.url)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What became of one delivery.

    Attributes:
        status: the HTTP status it was answered with; 0 where no answer came.
    """

    id: str
    event: str
    at: datetime.datetime
    status: int

    def __str__(self) -> str:
        return f"{self.event} {self.status or 'without an answer'}"


class Forge(Protocol):
    """What can be asked of a forge, and the two things it can be told."""

    def webhook(self, declared: DeclaredWebhook) -> SeenWebhook | None:
        """Return the webhook with the declared ID, or None where the forge has none."""

    def webhooks(self, declared: DeclaredWebhook) -> list[SeenWebhook]:
        """Return all webhooks of the declared one's repository."""
        ...

    def last_delivery(self, declared: DeclaredWebhook) -> Delivery | None:
        """Return the newest delivery in the forge's log, or None where it is empty."""

    def ping(self, declared: DeclaredWebhook) -> Delivery | None:
        """Have the forge send a ping, and return what became of it; None where it got lost."""

    def delete(self, seen: SeenWebhook, declared: DeclaredWebhook) -> None:
        """Delete a webhook of the declared one's repository."""


class Forges:
    """The forges of a stack, each connected to when it is first asked."""

    def __init__(self, providers: ProviderSettings) -> None:
        self._providers = providers
        self._connected: dict[str, Forge] = {}

    def of(self, declared: DeclaredWebhook) -> Forge:
        """Return the forge of a declared webhook.

        Raises:
            ObservationError: there are no credentials for it.
        """
        if declared.forge not in self._connected:
            self._connected[declared.forge] = _connect(declared, self._providers)
        return self._connected[declared.forge]


def _connect(declared: DeclaredWebhook, providers: ProviderSettings) -> Forge:
    if declared.forge == "github":
        from fluxhooks.observe.forges.github import connect

        return connect(declared, providers)
    raise ObservationError(f"webhooks of {declared.forge} cannot be looked at by this version")
