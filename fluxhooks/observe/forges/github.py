"""Webhooks as GitHub has them; PyGithub is imported where GitHub is asked."""

import contextlib
import dataclasses
import datetime
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fluxhooks.errors import ObservationError
from fluxhooks.observe import limits
from fluxhooks.observe.forges import Delivery, Head, SeenWebhook, github_app
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings, Scope

if TYPE_CHECKING:
    import github
    from github.Hook import Hook
    from github.HookDelivery import HookDeliverySummary
    from github.Organization import Organization
    from github.Repository import Repository

_PUBLIC_API: Final = "https://api.github.com"
_PING_SECONDS: Final = 20.0

# What GitHub says of a delivery that nobody answered; the status beside it is then its own.
_UNANSWERED: Final = re.compile(
    r"timed? ?out|connect|certificate|\bssl|\btls|returned nothing|resolve", re.IGNORECASE
)


class GitHubForge:
    """GitHub, asked as one owner, from as many threads as one likes.

    Args:
        connect: makes a client. Each thread has its own: a client's requests share a connection
            that is not made for more.
        owner: of the repositories of webhooks whose address in the API the state does not have.
    """

    def __init__(self, connect: "Callable[[], github.Github]", *, owner: str) -> None:
        self._connect = connect
        self._owner = owner
        self._of_thread = threading.local()
        self._clients: list[github.Github] = []

    @property
    def _client(self) -> "github.Github":
        client: github.Github | None = getattr(self._of_thread, "client", None)
        if client is None:
            client = self._of_thread.client = self._connect()
            self._clients.append(client)
        github_app.renew(client.requester.auth)
        return client

    @property
    def requests_left(self) -> int | None:
        """Requests GitHub still takes before its limit, as it last said; None if it did not."""
        # Asked of the client itself, it would ask GitHub.
        told = [client.requester.rate_limiting[0] for client in self._clients]
        return min((left for left in told if left >= 0), default=None)

    def webhook(self, declared: DeclaredWebhook) -> SeenWebhook | None:
        """Return the webhook with the declared ID, or None where GitHub has none."""
        import github

        with _explained(declared):
            try:
                return _seen(declared.scope, self._hook(declared))
            except github.UnknownObjectException:
                return None

    def webhooks(self, declared: DeclaredWebhook) -> list[SeenWebhook]:
        """Return all webhooks of the declared one's repository or organisation."""
        with _explained(declared):
            hooks = self._place(declared).get_hooks()
            return [_seen(declared.scope, hook) for hook in hooks]

    def last_delivery(self, declared: DeclaredWebhook) -> Delivery | None:
        """Return the newest delivery in GitHub's log, or None where it is empty."""
        with _explained(declared):
            for summary in self._place(declared).get_hook_deliveries(int(declared.id)):
                return _delivery(summary)
        return None

    def deliveries(self, declared: DeclaredWebhook) -> list[Delivery]:
        """Return the newest page of GitHub's log, the newest first; it goes back three days."""
        with _explained(declared):
            page = self._place(declared).get_hook_deliveries(int(declared.id)).get_page(0)
            return [_delivery(summary) for summary in page]

    def delivery(self, declared: DeclaredWebhook, delivery: Delivery) -> Delivery:
        """Return a delivery of the log with what was sent and answered."""
        with _explained(declared):
            place = self._place(declared)
            return _in_full(
                delivery, place.get_hook_delivery(int(declared.id), int(delivery.id)).raw_data
            )

    def head(self, declared: DeclaredWebhook, branch: str, *, known: str) -> Head | None:
        """Return where a branch of the repository stands; None where nobody says.

        A token that may not read the repository's contents is told nothing.
        """
        import github

        where = f"/repos/{self._full_name(declared)}/activity"
        # The newest of all that happened to the branch: it has the time of the push, which no
        # commit has.
        asked = {"ref": f"refs/heads/{branch}", "per_page": 1}
        with _explained(declared):
            try:
                _, found = self._client.requester.requestJsonAndCheck("GET", where, asked)
            except github.RateLimitExceededException:
                raise
            except github.GithubException as error:
                if error.status in (403, 404, 422):
                    return None
                raise
        for each in found or ():
            if each.get("ref") == f"refs/heads/{branch}" and each["after"].strip("0"):
                at = datetime.datetime.fromisoformat(each["timestamp"])
                return Head(commit=each["after"], pushed_at=at)
        return None

    def ping(self, declared: DeclaredWebhook) -> Delivery | None:
        """Have GitHub send a ping, and return what became of it; None where it got lost."""
        before = self.last_delivery(declared)
        with _explained(declared):
            self._hook(declared).ping()
            deadline = time.monotonic() + _PING_SECONDS
            while time.monotonic() < deadline:
                for summary in self._place(declared).get_hook_deliveries(int(declared.id)):
                    found = _delivery(summary)
                    if before is not None and found.id == before.id:
                        break
                    if found.event == "ping":
                        return found
                time.sleep(0.5)
        return None

    def delete(self, seen: SeenWebhook, declared: DeclaredWebhook) -> None:
        """Delete a webhook; one that is gone already is no error."""
        import github

        with _explained(declared), contextlib.suppress(github.UnknownObjectException):
            self._place(declared).get_hook(int(seen.id)).delete()

    def _hook(self, declared: DeclaredWebhook) -> "Hook":
        return self._place(declared).get_hook(int(declared.id))

    def _place(self, declared: DeclaredWebhook) -> "Repository | Organization":
        if declared.scope.kind == "organization":
            return self._client.get_organization(declared.scope.name or self._owner)
        return self._client.get_repo(self._full_name(declared))

    def _full_name(self, declared: DeclaredWebhook) -> str:
        name = declared.scope.name
        if "/" in name:
            return name
        parts = urlsplit(declared.api_url).path.split("/")
        owner = parts[parts.index("repos") + 1] if "repos" in parts else self._owner
        return f"{owner}/{name}"


def connect(
    declared: DeclaredWebhook, providers: ProviderSettings, *, retries: int = 3
) -> GitHubForge:
    """Return the GitHub the stack's provider uses.

    An App's credentials are taken where they are given, else the token of ``GITHUB_TOKEN``, else
    the provider's; the API is that of the webhook.

    Args:
        retries: how often a request that fails for a passing reason is repeated.

    Raises:
        ObservationError: there is no token, or an App's credentials cannot be used.
    """
    import github

    token = os.environ.get("GITHUB_TOKEN") or providers.github_token
    if not token and github_app.installation(providers) is None:
        raise ObservationError(
            "no token for GitHub: set GITHUB_TOKEN to one that may administer the repository's "
            "webhooks, or pulumi config set --secret github:token"
        )

    def client() -> github.Github:
        return github.Github(
            # An App's asks for a token of its own for each client, and for another when it ends.
            auth=github_app.installation(providers) or github.Auth.Token(token),
            base_url=_api(declared, providers),
            user_agent="fluxhooks",
            timeout=20,
            per_page=100,
            # Of itself it waits before each request; whoever makes many paces them.
            seconds_between_requests=0,
            retry=github.GithubRetry(total=retries) if retries else None,
            # Nothing is asked before it is looked at: a repository itself never is.
            lazy=True,
        )

    return GitHubForge(client, owner=providers.github_owner or os.environ.get("GITHUB_OWNER", ""))


def takes(declared: DeclaredWebhook, providers: ProviderSettings) -> int:
    """Return how many webhooks of each event a repository or an organisation takes."""
    host = urlsplit(_api(declared, providers)).hostname or ""
    ours = host == "api.github.com" or host.endswith(".ghe.com")
    return limits.ON_GITHUB if ours else limits.ON_ENTERPRISE_SERVER


def _api(declared: DeclaredWebhook, providers: ProviderSettings) -> str:
    if declared.api_url:
        kind = "/orgs/" if declared.scope.kind == "organization" else "/repos/"
        return declared.api_url.partition(kind)[0]
    given = providers.github_base_url or os.environ.get("GITHUB_BASE_URL", "")
    host = urlsplit(given).hostname or ""
    if not given or host in ("api.github.com", "github.com"):
        return _PUBLIC_API
    # A tenant of GitHub's own cloud has its API at a host beside its own.
    if host.endswith(".ghe.com"):
        return f"https://api.{host.removeprefix('api.')}"
    # The provider takes an Enterprise Server's address with and without the API's path.
    base = given.rstrip("/")
    return base if base.endswith("/api/v3") else f"{base}/api/v3"


def _seen(scope: Scope, hook: "Hook") -> SeenWebhook:
    config: dict[str, Any] = hook.config
    return SeenWebhook(
        scope=scope,
        id=str(hook.id),
        url=str(config.get("url") or ""),
        active=hook.active,
        json=config.get("content_type") == "json",
        events=frozenset(hook.events),
        # It is masked where there is one, and absent where there is none.
        has_secret=bool(config.get("secret")),
        verifies_tls=str(config.get("insecure_ssl", "0")) == "0",
        changed_at=hook.updated_at or hook.created_at,
    )


def _delivery(summary: "HookDeliverySummary") -> Delivery:
    at, reason = summary.delivered_at, summary.status or ""
    assert at is not None  # noqa: S101
    answered = reason.startswith("Invalid HTTP Response") or not _UNANSWERED.search(reason)
    return Delivery(
        id=str(summary.id),
        event=summary.event or "",
        at=at,
        status=(summary.status_code or 0) if answered else 0,
        reason=reason,
        duration=summary.duration or 0.0,
        redelivery=bool(summary.redelivery),
        throttled_at=summary.throttled_at,
        guid=summary.guid or "",
    )


def _in_full(delivery: Delivery, data: dict[str, Any]) -> Delivery:
    request, response = data.get("request") or {}, data.get("response") or {}
    payload = request.get("payload")
    if not isinstance(payload, dict):
        payload = None
    headers = {name.lower(): str(value) for name, value in (request.get("headers") or {}).items()}
    answered = {name.lower(): str(value) for name, value in (response.get("headers") or {}).items()}
    return dataclasses.replace(
        delivery,
        url=str(data.get("url") or ""),
        server=answered.get("server", ""),
        ref=str((payload or {}).get("ref") or "") if delivery.event == "push" else "",
        commit=str((payload or {}).get("after") or "") if delivery.event == "push" else "",
        default_branch=str(((payload or {}).get("repository") or {}).get("default_branch") or ""),
        size=None if payload is None else len(json.dumps(payload, separators=(",", ":"))),
        payload=payload,
        headers=headers,
    )


@contextlib.contextmanager
def _explained(declared: DeclaredWebhook) -> Iterator[None]:
    import github
    import requests

    where = f"GitHub refused the webhooks of {declared.scope.name}"
    try:
        yield
    except github.BadCredentialsException:
        raise ObservationError(f"{where}: the token is not valid; set GITHUB_TOKEN") from None
    except github.GithubException as error:
        wait = _retry_after(error)
        limited = isinstance(error, github.RateLimitExceededException) or wait is not None
        if limited or error.status == 429 or error.status >= 500:
            what = "too many requests" if limited or error.status == 429 else "an outage"
            raise ObservationError(
                f"{where}: it answered {error.status}, {what}", passing=True, retry_after=wait
            ) from None
        cure = "; may the token administer webhooks?" if error.status in (403, 404) else ""
        raise ObservationError(f"{where}: it answered {error.status}{cure}") from None
    except requests.RequestException as error:
        raise ObservationError(
            f"GitHub could not be asked for the webhooks of {declared.scope.name}: "
            f"{type(error).__name__}",
            passing=True,
        ) from None


def _retry_after(error: "github.GithubException") -> float | None:
    # https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if (wait := headers.get("retry-after", "")).isdecimal():
        return float(wait)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
        return max(0.0, float(reset) - time.time())
    return None
