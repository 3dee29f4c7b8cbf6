"""What deliveries say: the published payloads of push and tag push events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sandbox.forges.encoding import JsonObject, timestamp
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


def remembered(updates: list[RefUpdate]) -> list[list[RefUpdate]]:
    """The ref updates of one push as a project's events have them: many of a kind are one."""
    tags = [update for update in updates if update.is_tag]
    branches = [update for update in updates if update.ref.startswith("refs/heads/")]
    return [
        together
        for kind in (branches, tags)
        for together in ([kind] if len(kind) > REFS_PER_PUSH else [[update] for update in kind])
    ]


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


def repository_update(
    site: Site, project: ProjectRecord, updates: Sequence[RefUpdate]
) -> JsonObject:
    """The payload that tells an instance's webhooks of one push, of however many refs."""
    return {
        "event_name": "repository_update",
        "user_id": USER_ID,
        "user_name": USER_NAME,
        "user_email": None,
        "user_avatar": None,
        "project_id": project.target.id,
        "project": show_project_in_payload(site, project),
        "changes": [
            {"before": update.before, "after": update.after, "ref": update.ref}
            for update in updates
        ],
        "refs": [update.ref for update in updates],
    }


def project_create(project: ProjectRecord) -> JsonObject:
    """The payload that tells an instance's webhooks of a new project."""
    at = timestamp(project.created_at)
    return {
        "event_name": "project_create",
        "created_at": at,
        "updated_at": at,
        "name": project.name,
        "owner_email": None,
        "owner_name": project.group,
        "owners": [],
        "path": project.name,
        "path_with_namespace": project.target.path,
        "project_id": project.target.id,
        "project_visibility": "private" if project.private else "public",
    }


def show_push(project_id: int, number: int, updates: Sequence[RefUpdate], at: float) -> JsonObject:
    """A push among a project's events; of many refs it says only how many they were."""
    first, many = updates[0], len(updates) > 1
    kind = "tag" if first.is_tag else "branch"
    deed = "created" if first.created else "removed" if first.deleted else "pushed"
    return {
        "id": number,
        "project_id": project_id,
        "action_name": {"created": "pushed new", "removed": "deleted", "pushed": "pushed to"}[deed],
        "target_id": None,
        "target_iid": None,
        "target_type": None,
        "author_id": USER_ID,
        "target_title": None,
        "created_at": timestamp(at, to="milliseconds"),
        "author": {"id": USER_ID, "name": USER_NAME, "username": USERNAME, "state": "active"},
        "imported": False,
        "imported_from": "none",
        "push_data": {
            "commit_count": 0 if many or first.deleted else 1,
            "action": deed,
            "ref_type": kind,
            "commit_from": None if many or first.created else first.before,
            "commit_to": None if many or first.deleted else first.after,
            "ref": None if many else first.short_name,
            "commit_title": None,
            "ref_count": len(updates) if many else None,
        },
        "author_username": USERNAME,
    }


def branch(site: Site, project: ProjectRecord, name: str) -> JsonObject | None:
    """A branch with its newest commit, None where there is no such branch."""
    tip = resolve(project.path, f"refs/heads/{name}")
    if tip is None:
        return None
    (commit,) = commits(project.path, tip, limit=1)
    web = show_project_in_payload(site, project)["web_url"]
    default = name == project.default_branch
    return {
        "name": name,
        "commit": {
            "id": commit.id,
            "short_id": commit.id[:8],
            "title": commit.message.partition("\n")[0],
            "message": f"{commit.message}\n",
            "author_name": commit.author.name,
            "author_email": commit.author.email,
            "authored_date": commit.author.date,
            "committer_name": commit.committer.name,
            "committer_email": commit.committer.email,
            "committed_date": commit.committer.date,
            "created_at": commit.committer.date,
            "web_url": f"{web}/-/commit/{commit.id}",
        },
        "merged": False,
        "protected": default,
        "developers_can_push": False,
        "developers_can_merge": False,
        "can_push": True,
        "default": default,
        "web_url": f"{web}/-/tree/{name}",
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
