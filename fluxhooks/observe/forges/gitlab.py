"""Webhooks as GitLab has them; python-gitlab is imported where GitLab is asked."""

import contextlib
import datetime
import json
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from fluxhooks.errors import ObservationError
from fluxhooks.flux.receiver_types import SYSTEM_HOOK
from fluxhooks.observe.forges import Delivery, Head, SeenWebhook
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings, Scope

if TYPE_CHECKING:
    import gitlab
    import requests

_PUBLIC: Final = "https://gitlab.com"
_TEST_SECONDS: Final = 20.0

# The kinds of events of which a test can be sent wherever there is a commit, best first.
_TESTABLE: Final = ("push_events", "tag_push_events")


class GitLabForge:
    """GitLab, with the rights of one token.

    Args:
        retries: how often a request that fails for a passing reason is repeated; the client's own
            ten times take a minute and a half.
    """

    def __init__(self, client: "gitlab.Gitlab", *, retries: int = 3) -> None:
        self._client = client
        self._patience: dict[str, Any] = {"max_retries": retries}
        self._told: dict[str, str] = {}
        client.session.hooks["response"].append(self._hear)

    @property
    def requests_left(self) -> int | None:
        """Requests GitLab still takes before its limit, as it last said; None if it did not."""
        left = self._told.get("ratelimit-remaining", "")
        return int(left) if left.isdecimal() else None

    def webhook(self, declared: DeclaredWebhook) -> SeenWebhook | None:
        """Return the webhook with the declared ID, or None where GitLab has none."""
        import gitlab

        with self._explained(declared.scope):
            try:
                return _seen(
                    declared.scope, self._hooks(declared).get(declared.id, **self._patience)
                )
            except gitlab.GitlabGetError as error:
                if _is_the_webhook_missing(error):
                    return None
                raise

    def webhooks(self, declared: DeclaredWebhook) -> list[SeenWebhook]:
        """Return all webhooks of the declared one's project or group."""
        with self._explained(declared.scope):
            hooks = self._hooks(declared).list(get_all=True, per_page=100, **self._patience)
            return [_seen(declared.scope, hook) for hook in hooks]

    def last_delivery(self, declared: DeclaredWebhook) -> Delivery | None:
        """Return the newest delivery of GitLab's log, or None where it is empty.

        It is also None before GitLab 17.3, which has no such log for an API to read.
        """
        return next(iter(self.deliveries(declared)), None)

    def deliveries(self, declared: DeclaredWebhook) -> list[Delivery]:
        """Return the newest page of GitLab's log, the newest first; it goes back seven days.

        It is empty before GitLab 17.3, which has no such log for an API to read, and for the
        instance's webhooks, whose log is on their page.
        """
        import gitlab

        if declared.scope.kind == "instance":
            return []
        path = f"{self._hooks(declared).path}/{declared.id}/events"
        with self._explained(declared.scope):
            try:
                log = self._client.http_list(path, get_all=False, per_page=20, **self._patience)
            except gitlab.GitlabHttpError as error:
                if error.response_code == 404:
                    return []
                raise
            return sorted(map(_delivery, log), key=lambda found: found.at, reverse=True)

    def delivery(self, declared: DeclaredWebhook, delivery: Delivery) -> Delivery:
        """Return the delivery: GitLab's log has all of it."""
        return delivery

    def head(self, declared: DeclaredWebhook, branch: str, *, known: str) -> Head | None:
        """Return where a branch of the project stands; None where nobody says.

        When it was pushed is asked only of a commit that is not the known one. A token that may
        not read the repository is told nothing.
        """
        import gitlab

        if declared.scope.kind != "project":
            return None
        project = self._client.projects.get(declared.scope.name, lazy=True)
        with self._explained(declared.scope):
            try:
                commit = project.branches.get(branch, **self._patience).commit["id"]
                if commit == known:
                    return Head(commit=commit)
                events = project.events.list(
                    action="pushed", get_all=False, per_page=20, **self._patience
                )
            except gitlab.GitlabError as error:
                if error.response_code in (403, 404):
                    return None
                raise
        return _head(commit, branch, [event.asdict() for event in events])

    def ping(self, declared: DeclaredWebhook) -> Delivery | None:
        """Have GitLab send a test push, and return what became of it; None where it got lost.

        It is the newest commit's, and reconciles the targets once. A webhook that GitLab has
        disabled is enabled again when it is answered 2xx.
        """
        import gitlab

        if declared.scope.kind == "instance":
            # Its test is of a project that was made, and nobody is told what became of it.
            return None
        before = self.last_delivery(declared)
        with self._explained(declared.scope):
            hook = self._hooks(declared).get(declared.id, **self._patience)
            kind = _testable(hook)
            if kind is None:
                return None
            try:
                # The client waits where GitLab has sent its five tests of this minute.
                hook.test(kind)
                answered = 200
            except gitlab.GitlabHookTestError as error:
                if error.response_code != 422:
                    raise
                answered = 0
        # GitLab answers when its receiver did; the status is in the log, which it writes later.
        deadline = time.monotonic() + _TEST_SECONDS
        while time.monotonic() < deadline:
            found = self.last_delivery(declared)
            if found is not None and (before is None or found.id != before.id):
                return found
            if found is None and answered:
                break
            time.sleep(0.5)
        now = datetime.datetime.now(datetime.UTC)
        return Delivery(id="", event=_event(kind), at=now, status=answered)

    def delete(self, seen: SeenWebhook, declared: DeclaredWebhook) -> None:
        """Delete a webhook; one that is gone already is no error."""
        import gitlab

        with self._explained(declared.scope):
            try:
                self._hooks(declared).delete(seen.id, **self._patience)
            except gitlab.GitlabDeleteError as error:
                if not _is_the_webhook_missing(error):
                    raise

    def _hear(self, response: "requests.Response", **_: Any) -> None:
        # The client's errors have no headers.
        self._told = {name.lower(): value for name, value in response.headers.items()}

    @contextlib.contextmanager
    def _explained(self, scope: Scope) -> Iterator[None]:
        import gitlab
        import requests

        where = f"GitLab refused the webhooks of the {scope.kind} {scope.name}"
        try:
            yield
        except gitlab.GitlabAuthenticationError:
            raise ObservationError(f"{where}: the token is not valid; set GITLAB_TOKEN") from None
        except gitlab.GitlabError as error:
            status = error.response_code or 0
            if status == 429 or status >= 500:
                what = "too many requests" if status == 429 else "an outage"
                wait = self._told.get("retry-after", "")
                raise ObservationError(
                    f"{where}: it answered {status}, {what}",
                    passing=True,
                    retry_after=float(wait) if wait.isdecimal() else None,
                ) from None
            cure = "; may the token administer webhooks?" if status in (403, 404) else ""
            raise ObservationError(f"{where}: it answered {status}{cure}") from None
        except requests.RequestException as error:
            raise ObservationError(
                f"GitLab could not be asked for the webhooks of the {scope.kind} {scope.name}: "
                f"{type(error).__name__}",
                passing=True,
            ) from None

    def _hooks(self, declared: DeclaredWebhook) -> Any:
        if declared.scope.kind == "instance":
            return self._client.hooks
        # Nothing is asked before it is looked at: a project itself never is.
        if declared.scope.kind == "group":
            return self._client.groups.get(declared.scope.name, lazy=True).hooks
        return self._client.projects.get(declared.scope.name, lazy=True).hooks


def connect(providers: ProviderSettings, *, retries: int = 3) -> GitLabForge:
    """Return the GitLab the stack's provider uses.

    The token is that of ``GITLAB_TOKEN``, else the provider's; the address the provider's, else
    that of ``GITLAB_BASE_URL``.

    Args:
        retries: how often a request that fails for a passing reason is repeated.

    Raises:
        ObservationError: there is no token, or python-gitlab is not installed.
    """
    try:
        import gitlab
    except ModuleNotFoundError:
        raise ObservationError(
            "GitLab cannot be asked without python-gitlab: pip install 'fluxhooks[gitlab]'"
        ) from None

    token = os.environ.get("GITLAB_TOKEN") or providers.gitlab_token
    if not token:
        raise ObservationError(
            "no token for GitLab: set GITLAB_TOKEN to one with the scope api whose owner "
            "administers the webhooks, or pulumi config set --secret gitlab:token"
        )
    base = providers.gitlab_base_url or os.environ.get("GITLAB_BASE_URL") or _PUBLIC
    client = gitlab.Gitlab(
        # The provider takes the address of the API.
        base.rstrip("/").removesuffix("/api/v4"),
        # As the provider sends it: a job's or an OAuth token is taken so, too.
        oauth_token=token,
        user_agent="fluxhooks",
        timeout=20,
        retry_transient_errors=retries > 0,
    )
    return GitLabForge(client, retries=retries)


def _seen(scope: Scope, hook: Any) -> SeenWebhook:
    # GitLab 15 and older, and those whose administrator does not want it, disable none.
    alert = getattr(hook, "alert_status", None) or "executable"
    strategy = getattr(hook, "branch_filter_strategy", None) or "wildcard"
    filtered = getattr(hook, "push_events_branch_filter", None) or ""
    return SeenWebhook(
        scope=scope,
        id=str(hook.id),
        url=str(hook.url or ""),
        active=alert == "executable",
        disabled=alert != "executable",
        events=frozenset({SYSTEM_HOOK})
        if scope.kind == "instance"
        else frozenset(
            _event(flag)
            for flag, wanted in hook.attributes.items()
            if wanted is True and flag.endswith("_events") and flag != "repository_update_events"
        ),
        # GitLab says it from 19.0 on.
        has_secret=getattr(hook, "token_present", None),
        verifies_tls=getattr(hook, "enable_ssl_verification", True) is not False,
        branch_filter="" if strategy == "all_branches" else filtered,
        branch_filter_strategy=strategy,
        pingable=scope.kind != "instance" and _testable(hook) is not None,
        inactive_because=_why(alert, getattr(hook, "disabled_until", None)),
        changed_at=_time(hook.created_at),
    )


def _why(alert: str, until: str | None) -> str:
    if alert == "executable":
        return ""
    if alert == "temporarily_disabled":
        return f": GitLab disabled it after failed deliveries, until {until or 'later'}"
    return ": GitLab disabled it after failed deliveries, until a test of it is answered 2xx"


def _testable(hook: Any) -> str | None:
    return next((kind for kind in _TESTABLE if getattr(hook, kind, False)), None)


def _delivery(entry: dict[str, Any]) -> Delivery:
    status = str(entry.get("response_status") or "")
    at = _time(entry.get("created_at"))
    assert at is not None  # noqa: S101
    sent = entry.get("request_headers") or {}
    headers = {name.lower(): str(value) for name, value in sent.items()}
    answered = {n.lower(): str(v) for n, v in (entry.get("response_headers") or {}).items()}
    payload = entry.get("request_data")
    if not isinstance(payload, dict):
        payload = None
    return Delivery(
        id=str(entry["id"]),
        event=headers.get("x-gitlab-event") or _event(str(entry.get("trigger") or "")),
        at=at,
        # Where no answer came GitLab says "internal error".
        status=int(status) if status.isdecimal() else 0,
        reason="" if status.isdecimal() else status,
        duration=float(entry.get("execution_duration") or 0.0),
        guid=headers.get("x-gitlab-event-uuid", ""),
        url=str(entry.get("url") or ""),
        server=answered.get("server", ""),
        ref=str((payload or {}).get("ref") or ""),
        commit=str((payload or {}).get("after") or ""),
        default_branch=str(((payload or {}).get("project") or {}).get("default_branch") or ""),
        size=None if payload is None else len(json.dumps(payload, separators=(",", ":"))),
        payload=payload,
        headers=headers,
    )


def _head(commit: str, branch: str, events: list[dict[str, Any]]) -> Head:
    """Return a branch's head, with the newest push that may have brought it.

    Of a push of many branches GitLab remembers how many there were, and none of them.
    """
    pushes = [(event.get("push_data") or {}, _time(event.get("created_at"))) for event in events]
    for pushed, at in pushes:
        if pushed.get("ref") == branch and pushed.get("commit_to") == commit:
            return Head(commit=commit, pushed_at=at)
    for pushed, at in pushes:
        if pushed.get("ref_type") == "branch" and pushed.get("ref_count"):
            return Head(commit=commit, pushed_at=at, refs=int(pushed["ref_count"]))
    return Head(commit=commit)


def _event(name: str) -> str:
    """Return the name in the header of what GitLab calls issue_hooks and issues_events."""
    plain = name.removesuffix("_events").removesuffix("_hooks").removesuffix("s")
    return plain.replace("_", " ").title() + " Hook"


def _time(text: str | None) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(text) if text else None


def _is_the_webhook_missing(error: Any) -> bool:
    # A project that is missing, or hidden from the token, is named.
    named = any(word in str(error.error_message) for word in ("Project", "Group"))
    return error.response_code == 404 and not named
