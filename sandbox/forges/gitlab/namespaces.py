"""Who and what exists at the stand-in: groups, their projects, one user."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sandbox.forges.encoding import JsonObject, timestamp
from sandbox.forges.gitlab.hooks import Target

VERSION = "19.1.0"
USER_ID = 1
USER_NAME = "Administrator"
USERNAME = "root"

_PRIVATE, _PUBLIC = 0, 20


@dataclass(frozen=True)
class Site:
    """Where things are: `root` is the address of the web site, without a slash at the end."""

    root: str

    @property
    def api(self) -> str:
        return f"{self.root}/api/v4"


@dataclass(frozen=True)
class Group:
    """A group; `target.path` has the groups above it in front, as in `acme/platform`."""

    target: Target
    created_at: float

    @property
    def name(self) -> str:
        return self.target.path.rpartition("/")[2]


@dataclass(frozen=True)
class ProjectRecord:
    """A project as the server knows it; `path` is its bare repository."""

    target: Target
    path: Path
    created_at: float
    default_branch: str = "main"
    private: bool = False

    @property
    def name(self) -> str:
        return self.target.path.rpartition("/")[2]

    @property
    def group(self) -> str:
        """The path of the group it is in."""
        return self.target.path.rpartition("/")[0]

    @property
    def groups(self) -> list[str]:
        """The paths of the group it is in and of those above, that one first."""
        parts = self.group.split("/")
        return ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]


def show_user(site: Site) -> JsonObject:
    """The user every token belongs to, as they see themselves."""
    return {
        "id": USER_ID,
        "username": USERNAME,
        "name": USER_NAME,
        "state": "active",
        "locked": False,
        "avatar_url": None,
        "web_url": f"{site.root}/{USERNAME}",
        "public_email": "",
    }


def show_group(site: Site, group: Group) -> JsonObject:
    return {
        "id": group.target.id,
        "web_url": f"{site.root}/groups/{group.target.path}",
        "name": group.name,
        "path": group.name,
        "full_name": group.target.path.replace("/", " / "),
        "full_path": group.target.path,
        "description": "",
        "visibility": "public",
        "created_at": timestamp(group.created_at, to="milliseconds"),
    }


def show_project(site: Site, project: ProjectRecord) -> JsonObject:
    web_url = f"{site.root}/{project.target.path}"
    return {
        "id": project.target.id,
        "description": None,
        "name": project.name,
        "name_with_namespace": project.target.path.replace("/", " / "),
        "path": project.name,
        "path_with_namespace": project.target.path,
        "created_at": timestamp(project.created_at, to="milliseconds"),
        "default_branch": project.default_branch,
        "ssh_url_to_repo": _ssh_url(site, project),
        "http_url_to_repo": f"{web_url}.git",
        "web_url": web_url,
        "avatar_url": None,
        "namespace": {
            "name": project.group.rpartition("/")[2],
            "path": project.group.rpartition("/")[2],
            "kind": "group",
            "full_path": project.group,
        },
        "empty_repo": False,
        "archived": False,
        "visibility": "private" if project.private else "public",
    }


def show_project_in_payload(site: Site, project: ProjectRecord) -> JsonObject:
    """The project as payloads of webhooks hold it."""
    web_url = f"{site.root}/{project.target.path}"
    ssh_url = _ssh_url(site, project)
    return {
        "id": project.target.id,
        "name": project.name,
        "description": None,
        "web_url": web_url,
        "avatar_url": None,
        "git_ssh_url": ssh_url,
        "git_http_url": f"{web_url}.git",
        "namespace": project.group.rpartition("/")[2],
        "visibility_level": _PRIVATE if project.private else _PUBLIC,
        "path_with_namespace": project.target.path,
        "default_branch": project.default_branch,
        "ci_config_path": None,
        "homepage": web_url,
        "url": ssh_url,
        "ssh_url": ssh_url,
        "http_url": f"{web_url}.git",
    }


def _ssh_url(site: Site, project: ProjectRecord) -> str:
    host = site.root.split("://", 1)[1].partition(":")[0]
    return f"git@{host}:{project.target.path}.git"
