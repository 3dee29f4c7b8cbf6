"""What Gitea's own tables say of webhooks: the secrets and the log that its API does not tell."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HOOKS = """
select id, url, secret, content_type, events, is_active from webhook
where repo_id = (
    select repository.id from repository join user on user.id = repository.owner_id
    where user.lower_name || '/' || repository.lower_name = :name
) or repo_id = 0 and owner_id = (select id from user where lower_name = :name)
order by id
"""

_DELIVERIES = """
select id, uuid, hook_id, event_type, is_delivered, payload_content, response_content from hook_task
where hook_id = :id order by id
"""

_JSON = 1
"""The content type that is JSON, among Gitea's numbers."""


@dataclass(frozen=True)
class Hook:
    """A webhook as it is at one moment."""

    id: int
    url: str = field(repr=False)
    secret: str = field(repr=False)
    json: bool
    events: frozenset[str]
    branch_filter: str
    active: bool


@dataclass(frozen=True)
class Delivery:
    """An event that a webhook was to tell of.

    `commit` is where the branch of a push then stood; `status` is None until an answer came.
    """

    id: int
    guid: str
    hook: Hook
    event: str
    commit: str
    delivered: bool
    status: int | None


def hooks(database: Path, name: str) -> list[Hook]:
    """The webhooks of a repository (`owner/name`) or an organisation, the oldest first."""
    return [_hook(row) for row in _rows(database, _HOOKS, name=name.lower())]


def deliveries(database: Path, name: str) -> list[Delivery]:
    """What is known of the deliveries of its webhooks: Gitea forgets them with the webhook."""
    return [
        _delivery(hook, row)
        for hook in hooks(database, name)
        for row in _rows(database, _DELIVERIES, id=hook.id)
    ]


def _rows(database: Path, query: str, **values: Any) -> Iterator[sqlite3.Row]:
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)) as found:
        found.row_factory = sqlite3.Row
        yield from found.execute(query, values).fetchall()


def _hook(row: sqlite3.Row) -> Hook:
    chosen = json.loads(row["events"])
    return Hook(
        id=row["id"],
        url=row["url"],
        secret=row["secret"],
        json=row["content_type"] == _JSON,
        events=frozenset(event for event, wanted in chosen["events"].items() if wanted),
        branch_filter=chosen["branch_filter"],
        active=bool(row["is_active"]),
    )


def _delivery(hook: Hook, row: sqlite3.Row) -> Delivery:
    answer = json.loads(row["response_content"] or "null") or {}
    return Delivery(
        id=row["id"],
        guid=row["uuid"],
        hook=hook,
        event=row["event_type"],
        commit=str(json.loads(row["payload_content"]).get("after", "")),
        delivered=bool(row["is_delivered"]) and bool(row["response_content"]),
        status=answer.get("status") or None,
    )
