"""Webhooks as GitHub has them; PyGithub is imported where GitHub is asked."""

import contextlib
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fluxhooks.errors import ObservationError
from fluxhooks.observe.forges import Delivery, SeenWebhook
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings, Scope

if TYPE_CHECKING:
    import github
    from github.Hook import Hook
    from github.HookDelivery import HookDeliverySummary
    from github.Repository import Repository

_PUBLIC_API: Final = "https://api.github.com"
_PING_SECONDS: Final = 20.0


class GitHubForge:
    """GitHub, asked as one owner.

    Args:
        owner: of the repositories of webhooks whose address in the API the state does not have.
    """

    def __init__(self, client: "github.Github", *, owner: str) -> None:
        self._client = client
        self._owner = owner

    @property
    def requests_left(self) -> int | None:
        """Requests GitHub still takes before its limit, as it last said; None if it did not."""
        # Asked of the client itself, it would ask GitHub.
        left, _ = self._client.requester.rate_limiting
        return None if left < 0 else left

    def webhook(self, declared: DeclaredWebhook) -> SeenWebhook | None:
        """Return the webhook with the declared ID, or None where GitHub has none."""
        import github

        with _explained(declared):
            try:
                return _seen(declared.scope, self._hook(declared))
            except github.UnknownObjectException:
                return None

    def webhooks(self, declared: DeclaredWebhook) -> list[SeenWebhook]:
        """Return all webhooks of the declared one's repository."""
        with _explained(declared):
            hooks = self._repository(declared).get_hooks()
            return [_seen(declared.scope, hook) for hook in hooks]

    def last_delivery(self, declared: DeclaredWebhook) -> Delivery | None:
        """Return the newest delivery in GitHub's log, or None where it is empty."""
        with _explained(declared):
            for summary in self._repository(declared).get_hook_deliveries(int(declared.id)):
                return _delivery(summary)
        return None

    def ping(self, declared: DeclaredWebhook) -> Delivery | None:
        """Have GitHub send a ping, and return what became of it; None where it got lost."""
        before = self.last_delivery(declared)
        with _explained(declared):
            self._hook(declared).ping()
            deadline = time.monotonic() + _PING_SECONDS
            while time.monotonic() < deadline:
                for summary in self._repository(declared).get_hook_deliveries(int(declared.id)):
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
            self._repository(declared).get_hook(int(seen.id)).delete()

    def _hook(self, declared: DeclaredWebhook) -> "Hook":
        return self._repository(declared).get_hook(int(declared.id))

    def _repository(self, declared: DeclaredWebhook) -> "Repository":
        parts = urlsplit(declared.api_url).path.split("/")
        owner = parts[parts.index("repos") + 1] if "repos" in parts else self._owner
        return self._client.get_repo(f"{owner}/{declared.scope.name}")


def connect(
    declared: DeclaredWebhook, providers: ProviderSettings, *, retries: int = 3
) -> GitHubForge:
    """Return the GitHub the stack's provider uses.

    The token is that of ``GITHUB_TOKEN``, else the provider's; the API that of the webhook.

    Args:
        retries: how often a request that fails for a passing reason is repeated.

    Raises:
        ObservationError: there is no token.
    """
    import github

    token = os.environ.get("GITHUB_TOKEN") or providers.github_token
    if not token:
        raise ObservationError(
            "no token for GitHub: set GITHUB_TOKEN to one that may administer the repository's "
            "webhooks, or pulumi config set --secret github:token"
        )
    client = github.Github(
        auth=github.Auth.Token(token),
        base_url=_api(declared, providers),
        user_agent="fluxhooks",
        timeout=20,
        retry=github.GithubRetry(total=retries) if retries else None,
        # Nothing is asked before it is looked at: a repository itself never is.
        lazy=True,
    )
    return GitHubForge(client, owner=providers.github_owner or os.environ.get("GITHUB_OWNER", ""))


def _api(declared: DeclaredWebhook, providers: ProviderSettings) -> str:
    if declared.api_url:
        return declared.api_url.partition("/repos/")[0]
    given = providers.github_base_url or os.environ.get("GITHUB_BASE_URL", "")
    if not given or "api.github.com" in given:
        return _PUBLIC_API
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
        changed_at=hook.updated_at or hook.created_at,
    )


def _delivery(summary: "HookDeliverySummary") -> Delivery:
    at = summary.delivered_at
    assert at is not None  # noqa: S101
    return Delivery(
        id=str(summary.id),
        event=summary.event or "",
        at=at,
        status=summary.status_code or 0,
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
