"""GitHub's rules for the statuses of commits: what is accepted, what is stored, what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.forges.encoding import JsonObject, timestamp
from sandbox.forges.github import errors
from sandbox.forges.github.accounts import RepositoryRecord, Site, show_user

STATES = ("error", "failure", "pending", "success")
MOST = 1000
"""Statuses of one commit with one context."""

_TEXTS = ("target_url", "description", "context")
_LONGEST = {"description": 140, "context": 255}


@dataclass(frozen=True, kw_only=True)
class CommitStatus:
    """One that was set."""

    id: int
    sha: str
    state: str
    context: str
    description: str | None
    target_url: str | None
    at: float


def create(
    body: object, *, sha: str, number: int, now: float, known: Sequence[CommitStatus]
) -> CommitStatus:
    """The status that a POST of `body` makes; `known` are those of the repository.

    Raises `ApiError` (422) for what GitHub refuses.
    """
    if not isinstance(body, dict):
        raise errors.invalid_request("For 'links/0/schema', nil is not an object.")
    if body.get("state") not in STATES:
        raise errors.invalid_status("state", "inclusion")
    for name in _TEXTS:
        text = body.get(name)
        if text is not None and not isinstance(text, str):
            raise errors.invalid_request(f"For 'properties/{name}', {text!r} is not a string.")
        longest = _LONGEST.get(name)
        if text and longest and len(text) > longest:
            message = f"{name} is too long (maximum is {longest} characters)"
            raise errors.invalid_status(name, "custom", message=message)
    context = body.get("context") or "default"
    same = [one for one in known if one.sha == sha and one.context.lower() == context.lower()]
    if len(same) >= MOST:
        message = "This SHA and context has reached the maximum number of statuses."
        raise errors.invalid_status("base", "custom", message=message)
    return CommitStatus(
        id=number,
        sha=sha,
        state=body["state"],
        context=context,
        description=body.get("description"),
        target_url=body.get("target_url"),
        at=now,
    )


def show(site: Site, repository: RepositoryRecord, one: CommitStatus) -> JsonObject:
    at = timestamp(one.at)
    creator = show_user(site)
    return {
        "url": f"{site.api}/repos/{repository.target.name}/statuses/{one.sha}",
        "avatar_url": creator["avatar_url"],
        "id": one.id,
        "node_id": f"SC_{one.id}",
        "state": one.state,
        "description": one.description,
        "target_url": one.target_url,
        "context": one.context,
        "created_at": at,
        "updated_at": at,
        "creator": creator,
    }
