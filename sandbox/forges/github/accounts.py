"""Who and what exists at the stand-in: one organisation, its repositories, one user."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sandbox.forges.encoding import JsonObject, timestamp
from sandbox.forges.github.hooks import Target

USER = "octocat"
USER_ID = 583_231
ORGANIZATION_ID = 9_919
FIRST_REPOSITORY_ID = 1_296_269

_REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
_ACCOUNT_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}


@dataclass(frozen=True)
class Site:
    """Where things are: `root` is the address of the web site, without a slash at the end."""

    root: str
    owner: str

    @property
    def api(self) -> str:
        return f"{self.root}/api/v3"

    @property
    def organization(self) -> Target:
        return Target(self.owner, ORGANIZATION_ID, organization=True)


@dataclass
class RepositoryRecord:
    """A repository as the server knows it; times are epoch seconds."""

    name: str
    target: Target
    path: Path
    created_at: float
    pushed_at: float
    default_branch: str = "main"
    private: bool = False


def show_user(site: Site, *, full: bool = False) -> JsonObject:
    """The user every token belongs to; with `full`, as they see themselves."""
    user = _account(site, USER, number=USER_ID, kind="User")
    if full:
        joined = timestamp(1_296_000_000)
        user |= dict.fromkeys(("company", "location", "email", "hireable", "bio"))
        user |= {"name": "Octo Cat", "blog": "", "created_at": joined, "updated_at": joined}
        user |= dict.fromkeys(
            ("public_repos", "public_gists", "followers", "following", "private_gists"), 0
        )
        user |= dict.fromkeys(
            ("total_private_repos", "owned_private_repos", "disk_usage", "collaborators"), 0
        )
        user["two_factor_authentication"] = True
    return user


def show_organization(site: Site) -> JsonObject:
    """The organisation as payloads hold it."""
    url = f"{site.api}/orgs/{site.owner}"
    return {
        "login": site.owner,
        "id": ORGANIZATION_ID,
        "node_id": _node_id("O", ORGANIZATION_ID),
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"{site.root}/avatars/{site.owner}",
        "description": None,
    }


def show_full_organization(site: Site, *, repositories: int) -> JsonObject:
    founded = timestamp(1_296_000_000)
    return show_organization(site) | {
        "name": site.owner,
        "has_organization_projects": True,
        "has_repository_projects": True,
        "public_repos": repositories,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "html_url": f"{site.root}/{site.owner}",
        "type": "Organization",
        "created_at": founded,
        "updated_at": founded,
        "archived_at": None,
    }


def show_repository(site: Site, repository: RepositoryRecord) -> JsonObject:
    """The repository as payloads hold it."""
    name = repository.target.name
    api = f"{site.api}/repos/{name}"
    html = f"{site.root}/{name}"
    shown: JsonObject = {
        "id": repository.target.id,
        "node_id": _node_id("R", repository.target.id),
        "name": repository.name,
        "full_name": name,
        "private": repository.private,
        "owner": _account(site, site.owner, number=ORGANIZATION_ID, kind="Organization"),
        "html_url": html,
        "description": None,
        "fork": False,
        "url": api,
    }
    shown |= {key: f"{api}{path}" for key, path in _REPOSITORY_LINKS.items()}
    return shown | {
        "created_at": timestamp(repository.created_at),
        "updated_at": timestamp(repository.pushed_at),
        "pushed_at": timestamp(repository.pushed_at),
        "git_url": f"git://{html.split('://', 1)[1]}.git",
        "ssh_url": f"git@{html.split('://', 1)[1]}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        "homepage": None,
        "size": 0,
        "stargazers_count": 0,
        "watchers_count": 0,
        "language": None,
        "has_issues": True,
        "has_projects": True,
        "has_wiki": True,
        "has_pages": False,
        "has_discussions": False,
        "forks_count": 0,
        "mirror_url": None,
        "archived": False,
        "disabled": False,
        "open_issues_count": 0,
        "license": None,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "visibility": "private" if repository.private else "public",
        "forks": 0,
        "open_issues": 0,
        "watchers": 0,
        "default_branch": repository.default_branch,
    }


def show_full_repository(site: Site, repository: RepositoryRecord) -> JsonObject:
    return show_repository(site, repository) | {
        "permissions": dict.fromkeys(("admin", "maintain", "push", "triage", "pull"), True),
        "network_count": 0,
        "subscribers_count": 0,
        "organization": _account(site, site.owner, number=ORGANIZATION_ID, kind="Organization"),
    }


def _account(site: Site, login: str, *, number: int, kind: str) -> JsonObject:
    api = f"{site.api}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": _node_id(kind[0], number),
        "avatar_url": f"{site.root}/avatars/{login}",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{site.root}/{login}",
        **{key: f"{api}{path}" for key, path in _ACCOUNT_LINKS.items()},
        "type": kind,
        "site_admin": False,
    }


def _node_id(prefix: str, number: int) -> str:
    return f"{prefix}_kgDO{number:08x}"
