"""What deliveries say: the published payloads of push and tag push events."""

from __future__ import annotations

from datetime import datetime

from sandbox.forges.encoding import JsonObject
from sandbox.forges.git import Commit, RefUpdate, commits, pushed_range, resolve
from sandbox.forges.gitlab.namespaces import (
    USER_ID,
    USER_NAME,
    USERNAME,
    ProjectRecord,
    Site,
    show_project_in_payload,
)

COMMITS_PER_PUSH = 20
REFS_PER_PUSH = 3
ALL_COMMITS = 100_000

PUSH = "Push Hook"
TAG_PUSH = "Tag Push Hook"

_REPOSITORY_FIELDS = (
    "name",
    "url",
    "description",
    "homepage",
    "git_http_url",
    "git_ssh_url",
    "visibility_level",
)


def told(updates: list[RefUpdate]) -> list[RefUpdate]:
    """The ref updates of one push that GitLab tells of.

    No branches when more than three were pushed, no tags when more than three were.
    """
    tags = [update for update in updates if update.is_tag]
    branches = [update for update in updates if update.ref.startswith("refs/heads/")]
    return [update for kind in (branches, tags) if len(kind) <= REFS_PER_PUSH for update in kind]


def event(update: RefUpdate) -> str:
    """The name of the event that an update of a ref is."""
    return TAG_PUSH if update.is_tag else PUSH


def push(site: Site, project: ProjectRecord, update: RefUpdate) -> JsonObject:
    """The payload for one ref, read from the repository; takes a few `git` calls."""
    path = project.path
    shown = show_project_in_payload(site, project)
    added: list[Commit] = []
    if not update.deleted and not update.is_tag:
        revisions = pushed_range(path, update, default_branch=project.default_branch)
        added = commits(path, *revisions, limit=ALL_COMMITS)
    kind = "tag_push" if update.is_tag else "push"
    return {
        "object_kind": kind,
        "event_name": kind,
        "before": update.before,
        "after": update.after,
        "ref": update.ref,
        "ref_protected": update.short_name == project.default_branch and not update.is_tag,
        "checkout_sha": None if update.deleted else resolve(path, update.after),
        "message": None,
        "user_id": USER_ID,
        "user_name": USER_NAME,
        "user_username": USERNAME,
        "user_email": None,
        "user_avatar": None,
        "project_id": project.target.id,
        "project": shown,
        "commits": [_show_commit(commit, shown["web_url"]) for commit in added[-COMMITS_PER_PUSH:]],
        "total_commits_count": len(added),
        "push_options": {},
        "repository": {name: shown[name] for name in _REPOSITORY_FIELDS},
    }


def sample(site: Site, project: ProjectRecord) -> JsonObject | None:
    """The payload of a test: the newest three commits of the default branch, None without one."""
    branch = f"refs/heads/{project.default_branch}"
    after = resolve(project.path, branch)
    if after is None:
        return None
    oldest = commits(project.path, after, limit=REFS_PER_PUSH)[0]
    return push(site, project, RefUpdate(branch, oldest.id, after))


def _show_commit(commit: Commit, web_url: str) -> JsonObject:
    return {
        "id": commit.id,
        "message": f"{commit.message}\n",
        "title": commit.message.partition("\n")[0],
        "timestamp": datetime.fromisoformat(commit.committer.date).isoformat(),
        "url": f"{web_url}/-/commit/{commit.id}",
        # Nobody here has an address in public.
        "author": {"name": commit.author.name, "email": "[REDACTED]"},
        "added": list(commit.added),
        "modified": list(commit.modified),
        "removed": list(commit.removed),
    }
