"""GitHub's rules for webhooks: what is accepted, what is stored, what is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.forges.encoding import JsonObject, timestamp
from sandbox.forges.github import errors
from sandbox.forges.github.events import ORGANIZATION_EVENTS, REPOSITORY_EVENTS
from sandbox.forges.web_address import is_web_address

HOOKS_PER_EVENT = 20
MASK = "********"

_CREATE_KEYS = ("name", "config", "events", "active")
_EDIT_KEYS = ("config", "events", "add_events", "remove_events", "active")
_CONFIG_KEYS = ("url", "content_type", "secret", "insecure_ssl")


@dataclass(frozen=True)
class Target:
    """What a webhook belongs to: a repository (`owner/name`) or an organisation (`name`)."""

    name: str
    id: int
    organization: bool = False

    @property
    def path(self) -> str:
        return f"{'orgs' if self.organization else 'repos'}/{self.name}"


@dataclass(frozen=True)
class LastResponse:
    """How the newest delivery of a repository's webhook went."""

    code: int | None = None
    status: str = "unused"
    message: str | None = None


@dataclass(frozen=True)
class Hook:
    """A webhook as it is at one moment; an edit makes a new one with the same `id`."""

    id: int
    target: Target
    url: str = field(repr=False)
    secret: str | None = field(repr=False)
    content_type: str
    insecure_ssl: bool
    events: tuple[str, ...]
    active: bool
    created_at: float
    updated_at: float
    last_response: LastResponse = LastResponse()

    def wants(self, event: str) -> bool:
        return self.active and (event == "ping" or "*" in self.events or event in self.events)


def create(body: object, *, target: Target, number: int, now: float) -> Hook:
    """The webhook that a POST of `body` makes.

    Raises `ApiError` (422) for what GitHub refuses.
    """
    fields = _object(body, required=("name", "config") if target.organization else ("config",))
    if not target.organization:
        _only(fields, _CREATE_KEYS)
    if fields.get("name", "web") != "web":
        raise errors.invalid_hook_field("name")
    url, content_type, insecure_ssl, secret = _config(fields["config"])
    return Hook(
        id=number,
        target=target,
        url=url,
        secret=secret,
        content_type=content_type,
        insecure_ssl=insecure_ssl,
        events=_events(fields.get("events", ["push"]), name="events", target=target),
        active=_boolean(fields.get("active", True), name="active"),
        created_at=now,
        updated_at=now,
    )


def edit(hook: Hook, body: object, *, now: float) -> Hook:
    """The webhook after a PATCH of `body`.

    A `config` replaces the old one whole, so a secret that is not sent again is gone.
    Keys of the webhook that cannot be edited are ignored: clients send back what they read.
    """
    fields = _object(body)
    events = list(hook.events)
    if "events" in fields:
        events = list(_events(fields["events"], name="events", target=hook.target))
    if "add_events" in fields:
        events += _events(fields["add_events"], name="add_events", target=hook.target)
    if "remove_events" in fields:
        gone = _events(fields["remove_events"], name="remove_events", target=hook.target)
        events = [event for event in events if event not in gone]
    if not events:
        raise errors.invalid_hook("A webhook needs at least one event")
    if "config" in fields:
        url, content_type, insecure_ssl, secret = _config(fields["config"])
        hook = replace(
            hook, url=url, content_type=content_type, insecure_ssl=insecure_ssl, secret=secret
        )
    return replace(
        hook,
        events=tuple(dict.fromkeys(events)),
        active=_boolean(fields.get("active", hook.active), name="active"),
        updated_at=now,
    )


def edit_config(hook: Hook, body: object, *, now: float) -> Hook:
    """The webhook after a PATCH of its `config` alone: what is not sent stays."""
    fields = _object(body)
    _only(fields, _CONFIG_KEYS)
    merged = {
        "url": hook.url,
        "content_type": hook.content_type,
        "insecure_ssl": "1" if hook.insecure_ssl else "0",
        "secret": hook.secret or "",
        **fields,
    }
    return edit(hook, {"config": merged}, now=now)


def check_against(hook: Hook, others: Iterable[Hook]) -> None:
    """Refuse a twin of another webhook of the same target, and the 21st for one event.

    Twins have the same configuration and an event in common. The secret does not tell them apart:
    whether it does at GitHub is not documented, and refusing is the stricter reading.
    """
    others = [other for other in others if other.id != hook.id]
    for other in others:
        if _identity(other) == _identity(hook) and _overlap(other.events, hook.events):
            place = "organization" if hook.target.organization else "repository"
            raise errors.invalid_hook(f"Hook already exists on this {place}")
    for event in hook.events:
        if sum(event in other.events for other in others) >= HOOKS_PER_EVENT:
            raise errors.invalid_hook(
                f'The "{event}" event cannot have more than {HOOKS_PER_EVENT} hooks'
            )


def show(hook: Hook, *, api_url: str) -> JsonObject:
    """The webhook as the REST API returns it; `api_url` is its root, without a slash at the end."""
    url = f"{api_url}/{hook.target.path}/hooks/{hook.id}"
    shown: JsonObject = {
        "type": "Organization" if hook.target.organization else "Repository",
        "id": hook.id,
        "name": "web",
        "active": hook.active,
        "events": list(hook.events),
        "config": show_config(hook),
        "updated_at": timestamp(hook.updated_at),
        "created_at": timestamp(hook.created_at),
        "url": url,
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
    }
    if not hook.target.organization:
        shown["test_url"] = f"{url}/test"
        shown["last_response"] = {
            "code": hook.last_response.code,
            "status": hook.last_response.status,
            "message": hook.last_response.message,
        }
    return shown


def show_config(hook: Hook) -> JsonObject:
    """The configuration as it is returned: a secret masked when there is one, else absent."""
    config = {
        "content_type": hook.content_type,
        "insecure_ssl": "1" if hook.insecure_ssl else "0",
        "url": hook.url,
    }
    if hook.secret is not None:
        config["secret"] = MASK
    return config


def _object(value: object, *, required: tuple[str, ...] = ()) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise errors.invalid_request(f"{_shown(value)} is not an object.")
    for key in required:
        if key not in value:
            raise errors.invalid_request(f'"{key}" wasn\'t supplied.')
    return value


def _only(fields: Mapping[str, Any], permitted: tuple[str, ...]) -> None:
    for key in fields:
        if key not in permitted:
            raise errors.invalid_request(f'"{key}" is not a permitted key.')


def _boolean(value: object, *, name: str) -> bool:
    if not isinstance(value, bool):
        raise errors.invalid_request(f"For 'properties/{name}', {_shown(value)} is not a boolean.")
    return value


def _events(value: object, *, name: str, target: Target) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise errors.invalid_request(f"For 'properties/{name}', {_shown(value)} is not an array.")
    for index, event in enumerate(value):
        if not isinstance(event, str):
            raise errors.invalid_request(f"For 'items/{index}', {_shown(event)} is not a string.")
    known = ORGANIZATION_EVENTS if target.organization else REPOSITORY_EVENTS
    unknown = [event for event in value if event != "*" and event not in known]
    if unknown:
        raise errors.invalid_hook(f"These events are not valid: {', '.join(unknown)}")
    if not value:
        raise errors.invalid_hook("A webhook needs at least one event")
    return tuple(dict.fromkeys(value))


def _config(value: object) -> tuple[str, str, bool, str | None]:
    if not isinstance(value, dict):
        raise errors.invalid_request(f"For 'properties/config', {_shown(value)} is not an object.")
    _only(value, _CONFIG_KEYS)
    url = value.get("url")
    if not url:
        raise errors.invalid_hook("Config must contain URL for webhooks")
    if not isinstance(url, str) or not is_web_address(url):
        raise errors.invalid_hook(
            "The URL you've entered is not valid. "
            "Please make sure that you encode all special characters first"
        )
    content_type = value.get("content_type", "form")
    if content_type not in ("form", "json"):
        raise errors.invalid_hook("Content type must be form or json")
    insecure_ssl = value.get("insecure_ssl", "0")
    if isinstance(insecure_ssl, bool) or str(insecure_ssl) not in ("0", "1"):
        raise errors.invalid_hook("insecure_ssl must be 0 or 1")
    secret = value.get("secret")
    if secret is not None and not isinstance(secret, str):
        raise errors.invalid_request("For 'properties/secret', the value is not a string.")
    return url, content_type, str(insecure_ssl) == "1", secret or None


def _identity(hook: Hook) -> tuple[str, str, bool]:
    return hook.url, hook.content_type, hook.insecure_ssl


def _overlap(events: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return "*" in events or "*" in others or not set(events).isdisjoint(others)


def _shown(value: object) -> str:
    """The value as GitHub's schema errors name it; a text is not repeated, it may be a secret."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"
