"""What deliveries say: the published payloads of `push`, `create`, `delete` and `ping`."""

from __future__ import annotations

import random
from datetime import datetime

from sandbox.forges.encoding import JsonObject
from sandbox.forges.git import (
    Commit,
    Person,
    RefUpdate,
    commits,
    is_ancestor,
    pushed_range,
    resolve,
)
from sandbox.forges.github import hooks
from sandbox.forges.github.accounts import (
    USER,
    RepositoryRecord,
    Site,
    show_organization,
    show_repository,
    show_user,
)

COMMITS_PER_PUSH = 2048
REFS_PER_PUSH = 5000
TAGS_PER_PUSH = 3

_ZEN = (
    "Anything added dilutes everything else.",
    "Approachable is better than simple.",
    "Avoid administrative distraction.",
    "Design for failure.",
    "Favor focus over features.",
    "Keep it logically awesome.",
    "Mind your words, they are important.",
    "Non-blocking is better than blocking.",
    "Practicality beats purity.",
    "Responsive is better than fast.",
    "Speak like a human.",
)


def told(updates: list[RefUpdate]) -> list[RefUpdate]:
    """The ref updates of one push that GitHub tells of.

    None when more than 5000 branches were pushed, no tags when more than three were.
    """
    tags = [update for update in updates if update.is_tag]
    branches = [update for update in updates if update.ref.startswith("refs/heads/")]
    if len(branches) > REFS_PER_PUSH:
        branches = []
    return branches + (tags if len(tags) <= TAGS_PER_PUSH else [])


def push(site: Site, repository: RepositoryRecord, update: RefUpdate) -> JsonObject:
    """The payload of a `push` for one ref, read from the repository; takes a few `git` calls."""
    path = repository.path
    html = f"{site.root}/{repository.target.name}"
    head: JsonObject | None = None
    listed: list[JsonObject] = []
    if not update.deleted:
        head = _show_commit(commits(path, update.after, limit=1)[0], html=html)
        if not update.is_tag:
            added = pushed_range(path, update, default_branch=repository.default_branch)
            listed = [
                _show_commit(commit, html=html)
                for commit in commits(path, *added, limit=COMMITS_PER_PUSH)
            ]
    moved = not update.created and not update.deleted
    payload: JsonObject = {
        "ref": update.ref,
        "before": update.before,
        "after": update.after,
        "repository": _pushed_repository(site, repository),
        "pusher": {"name": USER, "email": f"{USER}@example.com"},
        "organization": show_organization(site),
        "sender": show_user(site),
        "created": update.created,
        "deleted": update.deleted,
        "forced": moved and not is_ancestor(path, update.before, update.after),
        "base_ref": _base_ref(repository, update),
        "compare": _compare(html, update),
        "commits": listed,
        "head_commit": head,
    }
    return payload


def activity_type(repository: RepositoryRecord, update: RefUpdate) -> str:
    """What a push did to a branch, by the name the repository's activities have for it."""
    if update.created:
        return "branch_creation"
    if update.deleted:
        return "branch_deletion"
    forced = not is_ancestor(repository.path, update.before, update.after)
    return "force_push" if forced else "push"


def create(site: Site, repository: RepositoryRecord, update: RefUpdate) -> JsonObject:
    """The payload of `create`: a branch or tag that was not there before."""
    return {
        "ref": update.short_name,
        "ref_type": "tag" if update.is_tag else "branch",
        "master_branch": repository.default_branch,
        "description": None,
        "pusher_type": "user",
        **_common(site, repository),
    }


def delete(site: Site, repository: RepositoryRecord, update: RefUpdate) -> JsonObject:
    """The payload of `delete`: a branch or tag that is gone."""
    return {
        "ref": update.short_name,
        "ref_type": "tag" if update.is_tag else "branch",
        "pusher_type": "user",
        **_common(site, repository),
    }


def ping(site: Site, hook: hooks.Hook, repository: RepositoryRecord | None) -> JsonObject:
    """The payload of `ping`: the webhook itself, its secret masked."""
    payload: JsonObject = {
        "zen": random.choice(_ZEN),
        "hook_id": hook.id,
        "hook": hooks.show(hook, api_url=site.api),
    }
    if repository is None:
        return payload | {"organization": show_organization(site), "sender": show_user(site)}
    return payload | _common(site, repository)


def _common(site: Site, repository: RepositoryRecord) -> JsonObject:
    return {
        "repository": show_repository(site, repository),
        "organization": show_organization(site),
        "sender": show_user(site),
    }


def _pushed_repository(site: Site, repository: RepositoryRecord) -> JsonObject:
    # A push payload is older than the REST API: numbers for times, the web address as `url`.
    shown = show_repository(site, repository)
    return shown | {
        "url": shown["html_url"],
        "owner": shown["owner"] | {"name": site.owner, "email": None},
        "created_at": int(repository.created_at),
        "pushed_at": int(repository.pushed_at),
        "stargazers": 0,
        "master_branch": repository.default_branch,
        "organization": site.owner,
        "custom_properties": {},
    }


def _base_ref(repository: RepositoryRecord, update: RefUpdate) -> str | None:
    """The branch a new ref was made from: the default branch, when it stands at the same commit."""
    default = f"refs/heads/{repository.default_branch}"
    if not update.created or update.ref == default:
        return None
    tip = resolve(repository.path, default)
    return default if tip is not None and tip == resolve(repository.path, update.after) else None


def _compare(html: str, update: RefUpdate) -> str:
    if update.created:
        if update.is_tag:
            return f"{html}/compare/{update.short_name}"
        return f"{html}/compare/{update.after[:12]}"
    return f"{html}/compare/{update.before[:12]}...{update.after[:12]}"


def _show_commit(commit: Commit, *, html: str) -> JsonObject:
    return {
        "id": commit.id,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": datetime.fromisoformat(commit.committer.date).isoformat(),
        "url": f"{html}/commit/{commit.id}",
        "author": _show_person(commit.author),
        "committer": _show_person(commit.committer),
        "added": list(commit.added),
        "removed": list(commit.removed),
        "modified": list(commit.modified),
    }


def _show_person(person: Person) -> JsonObject:
    return {"name": person.name, "email": person.email, "username": USER}
