"""Webhooks as the forge has them: one module per forge, all with the same questions."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

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
        disabled: whether the forge switched it off, after deliveries that failed.
        json: whether it sends JSON bodies.
        events: what it sends, by the names deliveries carry; "*" for all at GitHub.
        has_secret: whether it has a secret; None where the forge does not say.
        verifies_tls: whether it verifies certificates.
        branch_filter: the pushes it sends, as GitLab or Gitea is told; "" for all.
        branch_filter_strategy: how that is read: "wildcard" or "regex", at Gitea "glob".
        pingable: whether the forge can be made to send something now, and tells what became of it.
        changed_at: when it was made or last edited; when it was made at GitLab and Gitea.
    """

    scope: Scope
    id: str
    url: str = field(default="", repr=False)
    active: bool = True
    inactive_because: str = ""
    disabled: bool = False
    json: bool = True
    events: frozenset[str] = frozenset()
    has_secret: bool | None = None
    verifies_tls: bool = True
    branch_filter: str = ""
    branch_filter_strategy: str = "wildcard"
    pingable: bool = True
    changed_at: datetime.datetime | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Forge and ID, which no two webhooks share."""
        return (self.scope.site, self.id)

    @property
    def host(self) -> str:
        """The host it calls, with a port where one is given."""
        return host_of(self.url)

    @property
    def path(self) -> str:
        """The path it calls; a credential."""
        return path_of(self.url)

    def __str__(self) -> str:
        return f"webhook {self.scope.name} {self.id}"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What became of one delivery.

    What was sent and answered is in GitLab's whole log, and at GitHub where one delivery is asked
    for.

    Attributes:
        status: the HTTP status it was answered with; 0 where no answer came.
        reason: the forge's words for what became of it, such as "timed out"; "" where it has none.
        duration: seconds.
        throttled_at: when the forge held it back; None where it did not.
        guid: what it has in common with its redeliveries, and with what other webhooks were sent.
        url: what it called; holds a credential; "" where unknown.
        server: the answer's header of that name; "" where there was none.
        ref: what was pushed, as in "refs/heads/main"; "" where it is no push, or unknown.
        commit: where that stands now.
        default_branch: the repository's, as the push says; "" where unknown.
        size: bytes of the payload as compact JSON; None where unknown.
        payload: what was sent; None where unknown.
        headers: of the request, names in lower case; hold a credential.
    """

    id: str
    event: str
    at: datetime.datetime
    status: int
    reason: str = ""
    duration: float = 0.0
    redelivery: bool = False
    throttled_at: datetime.datetime | None = None
    guid: str = ""
    url: str = field(default="", repr=False)
    server: str = ""
    ref: str = ""
    commit: str = ""
    default_branch: str = ""
    size: int | None = None
    payload: Mapping[str, Any] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        """Whether it was taken."""
        return 200 <= self.status <= 299

    def __str__(self) -> str:
        return f"{self.event} {self.status or 'without an answer'}"


@dataclass(frozen=True, kw_only=True)
class Head:
    """Where a branch stands at the forge.

    Attributes:
        commit: its newest.
        pushed_at: when that came; None where the forge does not say.
        refs: how many branches came with it in one push, where the forge says; else 0.
    """

    commit: str
    pushed_at: datetime.datetime | None = None
    refs: int = 0


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
        """Return the newest delivery in the forge's log, or None where it is empty.

        Gitea's API has none; its pages do.
        """

    def deliveries(self, declared: DeclaredWebhook) -> list[Delivery]:
        """Return the newest page of the forge's log, the newest first."""
        ...

    def delivery(self, declared: DeclaredWebhook, delivery: Delivery) -> Delivery:
        """Return a delivery of the log with what was sent and answered."""
        ...

    def head(self, declared: DeclaredWebhook, branch: str, *, known: str) -> Head | None:
        """Return where a branch of what has the webhook stands; None where the forge has none.

        Args:
            known: the commit of which nothing more needs to be asked.
        """

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
        site = declared.scope.site
        if site not in self._connected:
            self._connected[site] = _connect(declared, self.providers, retries=self._retries)
        return self._connected[site]


def _connect(declared: DeclaredWebhook, providers: ProviderSettings, *, retries: int) -> Forge:
    if declared.scope.forge == "github":
        from fluxhooks.observe.forges import github

        return github.connect(declared, providers, retries=retries)
    if declared.scope.forge == "gitea":
        from fluxhooks.observe.forges import gitea

        return gitea.connect(declared, retries=retries)
    from fluxhooks.observe.forges import gitlab

    return gitlab.connect(providers, retries=retries)
