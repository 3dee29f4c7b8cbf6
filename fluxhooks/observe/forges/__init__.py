"""Webhooks as the forge has them: one module per forge, all with the same four questions."""

import datetime
from dataclasses import dataclass, field
from typing import Protocol

from fluxhooks.flux.hook_path import host_of, path_of
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings, Scope


@dataclass(frozen=True, kw_only=True)
class SeenWebhook:
    """A webhook at the forge.

    Attributes:
        scope: what has it.
        url: what it calls; holds a credential.
        active: whether it sends.
        inactive_because: why it does not, where the forge says; goes on "it is not active".
        json: whether it sends JSON bodies.
        pingable: whether the forge can be made to send something now.
        changed_at: when it was made or last edited; when it was made at GitLab.
    """

    scope: Scope
    id: str
    url: str = field(default="", repr=False)
    active: bool = True
    inactive_because: str = ""
    json: bool = True
    pingable: bool = True
    changed_at: datetime.datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Forge and ID, which no two webhooks share."""
        return (self.scope.forge, self.id)

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

    @property
    def requests_left(self) -> int | None:
        """Requests the forge still takes before its limit, as it last said; None if it did not."""
        ...

    def webhook(self, declared: DeclaredWebhook) -> SeenWebhook | None:
        """Return the webhook with the declared ID, or None where the forge has none."""

    def webhooks(self, declared: DeclaredWebhook) -> list[SeenWebhook]:
        """Return all webhooks of what has the declared one."""
        ...

    def last_delivery(self, declared: DeclaredWebhook) -> Delivery | None:
        """Return the newest delivery in the forge's log, or None where it is empty."""

    def ping(self, declared: DeclaredWebhook) -> Delivery | None:
        """Have the forge send a ping, and return what became of it; None where it got lost.

        GitLab has none and sends a test push, which reconciles the targets once.
        """

    def delete(self, seen: SeenWebhook, declared: DeclaredWebhook) -> None:
        """Delete a webhook of what has the declared one."""


class Forges:
    """The forges of a stack, each connected to when it is first asked.

    Attributes:
        providers: what the stack's providers were given explicitly.

    Args:
        retries: how often a request that fails for a passing reason is repeated, and a forge that
            says when it may be asked again waited for.
    """

    def __init__(self, providers: ProviderSettings, *, retries: int = 3) -> None:
        self.providers = providers
        self._retries = retries
        self._connected: dict[str, Forge] = {}

    def of(self, declared: DeclaredWebhook) -> Forge:
        """Return the forge of a declared webhook.

        Raises:
            ObservationError: there are no credentials for it.
        """
        forge = declared.scope.forge
        if forge not in self._connected:
            self._connected[forge] = _connect(declared, self.providers, retries=self._retries)
        return self._connected[forge]


def _connect(declared: DeclaredWebhook, providers: ProviderSettings, *, retries: int) -> Forge:
    if declared.scope.forge == "github":
        from fluxhooks.observe.forges import github

        return github.connect(declared, providers, retries=retries)
    from fluxhooks.observe.forges import gitlab

    return gitlab.connect(providers, retries=retries)
