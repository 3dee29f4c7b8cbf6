"""GitLab's rules for webhooks: what is accepted, what is stored, what is shown, who is disabled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.forges.encoding import JsonObject, timestamp
from sandbox.forges.gitlab import errors
from sandbox.forges.gitlab.errors import ApiError
from sandbox.forges.gitlab.events import (
    FLAGS,
    GROUP_FLAGS,
    INSTANCE_FLAGS,
    PROJECT_FLAGS,
)
from sandbox.forges.web_address import is_web_address

PROJECT_HOOKS = 100
GROUP_HOOKS = 50

# As GitLab.com has it since 17.11: four failures in a row disable for a minute, each further one
# for twice as long up to a day, the fortieth for good.
FAILURES_BORNE = 3
FAILURES_FORGIVEN = 39
FIRST_BACKOFF = 60.0
LONGEST_BACKOFF = 24 * 60 * 60.0

_STRATEGIES = ("wildcard", "regex", "all_branches")
_TEXTS = ("url", "token", "name", "description", "push_events_branch_filter")
_REFUSED = ("url_variables", "custom_headers", "custom_webhook_template", "signing_token")
_NAME_LENGTH = 255
_DESCRIPTION_LENGTH = 2048
_TRUE = ("true", "1", "t", "on")
_FALSE = ("false", "0", "f", "off")


@dataclass(frozen=True)
class Target:
    """What a webhook belongs to: a project or a group, by path and number, or the instance."""

    path: str
    id: int
    group: bool = False
    instance: bool = False

    @property
    def flags(self) -> tuple[str, ...]:
        """The attributes that ask for events."""
        if self.instance:
            return INSTANCE_FLAGS
        return GROUP_FLAGS if self.group else PROJECT_FLAGS


@dataclass(frozen=True)
class Hook:
    """A webhook as it is at one moment; an edit makes a new one with the same `id`.

    `secret` is GitLab's `token`. `flags` are the attributes that are true, such as `push_events`.
    """

    id: int
    target: Target
    url: str = field(repr=False)
    secret: str | None = field(repr=False)
    flags: frozenset[str]
    verify: bool
    name: str | None
    description: str | None
    branch_filter: str | None
    branch_filter_strategy: str
    created_at: float
    recent_failures: int = 0
    disabled_until: float | None = None

    @property
    def events(self) -> tuple[str, ...]:
        """What it asks for, by the names in `X-Gitlab-Event`."""
        return tuple(event for event, flag in FLAGS.items() if flag in self.flags)

    def wants(self, event: str, *, branch: str | None = None) -> bool:
        """Whether it asks for an event, on a branch if the event has one."""
        if FLAGS[event] not in self.flags:
            return False
        if branch is None or not self.branch_filter:
            return True
        if self.branch_filter_strategy == "regex":
            return re.search(self.branch_filter, branch) is not None
        wildcard = "*".join(map(re.escape, self.branch_filter.split("*"))).replace("*", ".*")
        return re.fullmatch(wildcard, branch) is not None

    def alert_status(self, now: float) -> str:
        """Whether it is sent anything: `executable`, `temporarily_disabled` or `disabled`."""
        if self.recent_failures > FAILURES_FORGIVEN:
            return "disabled"
        until = self.disabled_until
        waiting = until is not None and until >= now
        if waiting and self.recent_failures > FAILURES_BORNE:
            return "temporarily_disabled"
        return "executable"


def create(parameters: Mapping[str, Any], *, target: Target, number: int, now: float) -> Hook:
    """The webhook that a POST makes.

    Raises `ApiError` for what GitLab refuses.
    """
    given = _check(parameters, target=target)
    asked = "repository_update_events" if target.instance else "push_events"
    flags = {asked: True} | {flag: given[flag] for flag in target.flags if flag in given}
    return _checked(
        Hook(
            id=number,
            target=target,
            url=given["url"] or "",
            secret=given.get("token") or None,
            flags=frozenset(flag for flag, wanted in flags.items() if wanted),
            verify=given.get("enable_ssl_verification", True),
            name=given.get("name"),
            description=given.get("description"),
            branch_filter=given.get("push_events_branch_filter"),
            branch_filter_strategy=given.get("branch_filter_strategy", "wildcard"),
            created_at=now,
        )
    )


def edit(hook: Hook, parameters: Mapping[str, Any]) -> Hook:
    """The webhook after a PUT: what is not sent stays, but for the token of another URL.

    Raises `ApiError` for what GitLab refuses.
    """
    given = _check(parameters, target=hook.target)
    flags = {flag: flag in hook.flags for flag in hook.target.flags}
    flags |= {flag: given[flag] for flag in hook.target.flags if flag in given}
    url = given["url"] or ""
    kept = hook.secret if url == hook.url else None
    return _checked(
        replace(
            hook,
            url=url,
            secret=(given["token"] or None) if "token" in given else kept,
            flags=frozenset(flag for flag, wanted in flags.items() if wanted),
            verify=given.get("enable_ssl_verification", hook.verify),
            name=given.get("name", hook.name),
            description=given.get("description", hook.description),
            branch_filter=given.get("push_events_branch_filter", hook.branch_filter),
            branch_filter_strategy=given.get("branch_filter_strategy", hook.branch_filter_strategy),
        )
    )


def check_count(target: Target, existing: int) -> None:
    """Refuse one webhook too many. Two of one URL are no twins to GitLab, both are kept."""
    if target.instance:
        return
    limit, kind = (GROUP_HOOKS, "group") if target.group else (PROJECT_HOOKS, "project")
    if existing >= limit:
        raise errors.error(422, f"Maximum number of {kind} hooks ({limit}) exceeded")


def succeeded(hook: Hook) -> Hook:
    """The webhook after a delivery that its receiver took: whatever disabled it is over."""
    return replace(hook, recent_failures=0, disabled_until=None)


def failed(hook: Hook, *, now: float) -> Hook:
    """The webhook after a delivery that failed; one that is disabled stays as it is."""
    if hook.alert_status(now) != "executable":
        return hook
    failures = hook.recent_failures + 1
    if failures <= FAILURES_BORNE:
        return replace(hook, recent_failures=failures)
    pause = FIRST_BACKOFF * 2.0 ** (hook.recent_failures - FAILURES_BORNE)
    return replace(hook, recent_failures=failures, disabled_until=now + min(pause, LONGEST_BACKOFF))


def show(hook: Hook, *, now: float) -> JsonObject:
    """The webhook as the REST API returns it: with everything but its token."""
    until = hook.disabled_until
    if hook.target.instance:
        return {
            "id": hook.id,
            "url": hook.url,
            "name": hook.name,
            "description": hook.description,
            "created_at": timestamp(hook.created_at, to="milliseconds"),
            **{flag: flag in hook.flags for flag in hook.target.flags},
            "enable_ssl_verification": hook.verify,
            "url_variables": [],
        }
    return {
        "id": hook.id,
        "url": hook.url,
        "name": hook.name,
        "description": hook.description,
        "created_at": timestamp(hook.created_at, to="milliseconds"),
        **{flag: flag in hook.flags for flag in hook.target.flags},
        "repository_update_events": False,
        "enable_ssl_verification": hook.verify,
        "alert_status": hook.alert_status(now),
        "disabled_until": None if until is None else timestamp(until, to="milliseconds"),
        "url_variables": [],
        "push_events_branch_filter": hook.branch_filter,
        "branch_filter_strategy": hook.branch_filter_strategy,
        "custom_webhook_template": None,
        "custom_headers": [],
        "token_present": hook.secret is not None,
        "signing_token_present": False,
        "group_id" if hook.target.group else "project_id": hook.target.id,
    }


def _check(parameters: Mapping[str, Any], *, target: Target) -> dict[str, Any]:
    """The parameters GitLab knows, in their types; others it ignores."""
    for name in _REFUSED:
        if parameters.get(name):
            raise errors.unsupported(f"the attribute {name}")
    wrong = [] if "url" in parameters else ["url is missing"]
    given: dict[str, Any] = {}
    for name, value in parameters.items():
        if name in _TEXTS:
            given[name] = value
            if not isinstance(value, str | None):
                wrong.append(f"{name} is invalid")
        elif name in target.flags or name == "enable_ssl_verification":
            given[name] = _boolean(value)
            if given[name] is None:
                wrong.append(f"{name} is invalid")
        elif name == "branch_filter_strategy":
            given[name] = value
            if value not in _STRATEGIES:
                wrong.append(f"{name} does not have a valid value")
    if wrong:
        raise errors.error(400, ", ".join(wrong))
    return given


def _checked(hook: Hook) -> Hook:
    """The webhook if it is one that GitLab would save."""
    if not is_web_address(hook.url):
        raise errors.error(422, "Invalid url given")
    if hook.branch_filter_strategy == "all_branches":
        hook = replace(hook, branch_filter=None)
    if hook.branch_filter and not _is_filter(hook.branch_filter, hook.branch_filter_strategy):
        raise errors.error(422, "Invalid branch filter given")
    if hook.secret is not None and "\n" in hook.secret:
        raise _invalid("token", "is invalid")
    for name, text, limit in (
        ("name", hook.name, _NAME_LENGTH),
        ("description", hook.description, _DESCRIPTION_LENGTH),
    ):
        if text is not None and len(text) > limit:
            raise _invalid(name, f"is too long (maximum is {limit} characters)")
    return hook


def _invalid(name: str, reason: str) -> ApiError:
    return errors.message(422, {name: [reason]})


def _boolean(value: object) -> bool | None:
    text = str(value).lower() if isinstance(value, bool | int | str) else ""
    if text in _TRUE:
        return True
    return False if text in _FALSE else None


def _is_filter(text: str, strategy: str) -> bool:
    if strategy == "regex":
        try:
            re.compile(text)
        except re.error:
            return False
        return True
    return not re.search(r"[\s~^:?\[\\]|\.\.|@\{|//|^/|/$|\.$", text)
