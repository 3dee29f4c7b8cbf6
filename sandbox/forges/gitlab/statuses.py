"""GitLab's rules for the statuses of commits: what is accepted, what is stored, what is shown.

After its documentation of `POST /projects/:id/statuses/:sha`. A status that still runs has rules
of its own for what may follow it, and is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.forges.encoding import JsonObject, timestamp
from sandbox.forges.gitlab import errors
from sandbox.forges.gitlab.namespaces import Site, show_user

STATES = ("pending", "running", "success", "failed", "canceled", "skipped")
_UNFINISHED = ("pending", "running")
_LONGEST = 255


@dataclass(frozen=True, kw_only=True)
class CommitStatus:
    """One that was set."""

    id: int
    sha: str
    ref: str
    state: str
    name: str
    description: str | None
    target_url: str | None
    at: float


def create(
    parameters: Mapping[str, Any], *, sha: str, ref: str, number: int, now: float
) -> CommitStatus:
    """The status that a POST makes; raises `ApiError` for what GitLab refuses."""
    state = parameters.get("state")
    if state is None:
        raise errors.error(400, "state is missing")
    if state not in STATES:
        raise errors.error(400, "state does not have a valid value")
    if state in _UNFINISHED:
        raise errors.unsupported(f"the state {state!r}")
    name = parameters.get("name") or parameters.get("context") or "default"
    for key, text in (
        ("name", name),
        ("description", parameters.get("description")),
        ("target_url", parameters.get("target_url")),
    ):
        if text is not None and len(str(text)) > _LONGEST:
            reason = f"is too long (maximum is {_LONGEST} characters)"
            raise errors.message(400, {key: [reason]})
    return CommitStatus(
        id=number,
        sha=sha,
        ref=ref,
        state=state,
        name=str(name),
        description=parameters.get("description"),
        target_url=parameters.get("target_url"),
        at=now,
    )


def latest(statuses: Sequence[CommitStatus]) -> list[CommitStatus]:
    """The newest of each name."""
    return list({one.name: one for one in statuses}.values())


def show(site: Site, one: CommitStatus) -> JsonObject:
    at = timestamp(one.at, to="milliseconds")
    user = show_user(site)
    return {
        "id": one.id,
        "sha": one.sha,
        "ref": one.ref,
        "status": one.state,
        "name": one.name,
        "target_url": one.target_url,
        "description": one.description,
        "created_at": at,
        "started_at": None,
        "finished_at": at,
        "allow_failure": False,
        "coverage": None,
        "author": {
            key: user[key] for key in ("id", "username", "name", "state", "avatar_url", "web_url")
        },
    }
