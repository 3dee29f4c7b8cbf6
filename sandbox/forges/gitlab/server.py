"""The stand-in as one object: start it, give it projects, watch what it is asked and sends."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from sandbox.forges.authorization import password
from sandbox.forges.encoding import dump
from sandbox.forges.forge import Forge, check_name
from sandbox.forges.git import RefUpdate, branches, commits, init_bare
from sandbox.forges.gitlab import merge_requests, payloads
from sandbox.forges.gitlab.deliveries import Delivery
from sandbox.forges.gitlab.events import FLAGS
from sandbox.forges.gitlab.faults import Faults
from sandbox.forges.gitlab.hooks import Hook, Target
from sandbox.forges.gitlab.merge_requests import MergeRequest
from sandbox.forges.gitlab.namespaces import ProjectRecord, Site
from sandbox.forges.gitlab.rest import Api
from sandbox.forges.gitlab.state import Access, State
from sandbox.forges.gitlab.statuses import CommitStatus
from sandbox.forges.repository import Repository
from sandbox.forges.smart_http import SmartHttp


class GitLab(Forge):
    """A GitLab on a free port of 127.0.0.1, for the length of a `with` block.

    `directory` takes the repositories and is made when absent. `group` is there from the start, for
    projects such as `acme/app`. `ca_file` is the certificate authority that https receivers are
    verified against (absent, the machine's). `clock` tells the time by which webhooks are disabled
    and logs are forgotten, in epoch seconds.

    A delivery that was queued goes where its webhook points when it is sent, and nowhere if the
    webhook is gone by then.
    """

    api_path = "/api/v4"

    def __init__(
        self,
        directory: Path,
        *,
        group: str = "acme",
        ca_file: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        check_name("group", group)
        super().__init__(directory, ca_file=ca_file)
        self.group = group
        self.faults: Faults = Faults()
        # Made at run time, so that no scanner takes it for a real one that leaked.
        self.token = f"glpat-{secrets.token_hex(10)}"
        self._clock = clock

    def __repr__(self) -> str:
        return f"GitLab(group={self.group!r}, directory={str(self.directory)!r})"

    def create_group(self, path: str) -> int:
        """Make a group, in another one if `path` has one in front; return its number.

        Raises `ValueError` for a path that is taken, that GitLab would not allow, or in a group
        that does not exist.
        """
        self._check_path(path, nested="/" in path)
        return self._portal.call(self._state.add_group, path).target.id

    def create_project(self, path: str, *, private: bool = False) -> Repository:
        """Make a project with a first commit on `main`; only the instance's webhooks are told.

        `path` has its group in front, as in `acme/app`. A private one is cloned with a token only.
        Raises `ValueError` for a path that is taken, that GitLab would not allow, or in a group
        that does not exist.
        """
        self._check_path(path, nested=True)
        repository = self.directory / "repositories" / f"{path}.git"
        init_bare(repository, push_options=True)
        project = self._portal.call(self._state.add_project, path, repository)
        self.change_visibility(path, private=private)
        self._portal.call(self._state.tell_instance, dump(payloads.project_create(project)))
        return Repository(
            path,
            path=repository,
            clone_url=f"{self._root}/{path}.git",
            checkout=self.directory / "checkouts" / path,
            token=self.token,
        )

    def change_visibility(self, project: str, *, private: bool) -> None:
        """Make a project private or public."""
        self._project(project)
        self._portal.call(lambda: self._state.change_project(project, private=private))

    def issue_token(self, *, webhooks: str = "write") -> str:
        """A further token: `webhooks` is "write", "read" or "none", what it may do with them.

        That is a Maintainer's of the scope `api`, one of `read_api`, and a Developer's.
        """
        token = f"glpat-{secrets.token_hex(10)}"
        self._portal.call(self._state.tokens.__setitem__, token, Access(webhooks))
        return token

    def revoke_token(self, token: str) -> None:
        """Forget a token: whoever uses it is refused from now on."""
        self._portal.call(self._state.tokens.pop, token, None)

    def send(
        self, project: str, event: str = payloads.PUSH, payload: Mapping[str, Any] | None = None
    ) -> str:
        """Tell every webhook of the project and its groups that wants `event`; return its UUID.

        `event` is as in `X-Gitlab-Event`. Without `payload`, a `Push Hook` says what GitLab says of
        the newest commit on `main`. Raises `KeyError` for an unknown project, `ValueError` for an
        unknown event, or another one without payload.
        """
        record = self._project(project)
        if event not in FLAGS:
            raise ValueError(f"event {event!r} is unknown, use one of: {', '.join(FLAGS)}")
        branch = record.default_branch if event == payloads.PUSH else None
        if payload is not None:
            body = dump(payload)
        elif event == payloads.PUSH:
            body = self._newest_push(
                record.path,
                record.default_branch,
                lambda step: payloads.push(self._site, record, step),
            )
        else:
            raise ValueError(f"event {event!r} has no payload of its own, give one as payload=")
        return self._portal.call(self._publish, record, event, body, branch)

    def hooks(self, path: str) -> list[Hook]:
        """The webhooks of a project or group, or with "" of the instance, with secrets."""
        return self._portal.call(self._state.hooks_of, self._target(path))

    def deliveries(self, path: str) -> list[Delivery]:
        """Finished deliveries to webhooks of a project, a group or the instance, oldest first.

        Those of webhooks deleted since are among them, and no time is too long ago.
        """
        target = self._target(path)
        return [
            delivery for delivery in list(self._state.deliveries) if delivery.hook.target == target
        ]

    def merge_requests(self, project: str) -> list[MergeRequest]:
        """The open merge requests of a project, oldest first."""
        self._project(project)
        return list(self._state.merge_requests.get(project, ()))

    def statuses(self, project: str) -> list[CommitStatus]:
        """The statuses of a project's commits, oldest first."""
        self._project(project)
        return list(self._state.statuses.get(project, ()))

    def push_options(self, project: str) -> list[tuple[str, ...]]:
        """The options of each push to a project, oldest first."""
        self._project(project)
        return list(self._state.push_options.get(project, ()))

    def warnings(self, project: str) -> list[str]:
        """What whoever pushed to a project was warned of, about push options; oldest first."""
        self._project(project)
        return list(self._state.warnings.get(project, ()))

    def _application(self) -> Starlette:
        self._site = Site(self._root)
        self._state = State(self._site, self._queue, self._poster, clock=self._clock)
        self._state.tokens[self.token] = Access.WRITE
        self._state.add_group(self.group)
        api = Api(self._state)
        git = SmartHttp(
            self.directory,
            find=self._state.projects.get,
            knows=lambda header: password(header) in self._state.tokens,
            pushed=self._pushed,
            forge="GitLab",
        )
        return self._routed(git.routes(), api=api.routes(), refuse=api.refuse)

    def _publish(self, record: ProjectRecord, event: str, body: bytes, branch: str | None) -> str:
        return self._state.publish(record, event, body, branch=branch)

    async def _pushed(
        self, project: ProjectRecord, updates: list[RefUpdate], options: list[str]
    ) -> None:
        self._state.push_options.setdefault(project.target.path, []).append(tuple(options))
        if asked := merge_requests.parse(options):
            await run_in_threadpool(self._open_merge_requests, project, updates, asked)
        for together in payloads.remembered(updates):
            self._state.note(project, *together)
        self._state.publish(
            project,
            "Repository Update Hook",
            dump(payloads.repository_update(self._site, project, updates)),
        )
        for update in payloads.told(updates):
            payload = await run_in_threadpool(payloads.push, self._site, project, update)
            branch = None if update.is_tag else update.short_name
            self._state.publish(project, payloads.event(update), dump(payload), branch=branch)

    def _open_merge_requests(
        self,
        project: ProjectRecord,
        updates: list[RefUpdate],
        options: Mapping[str, str | list[str]],
    ) -> None:
        names = branches(project.path)
        pushed = [update.short_name for update in updates if not update.deleted]
        found, warnings = merge_requests.made(
            project,
            updates,
            options,
            known=self._state.merge_requests.get(project.target.path, ()),
            branches=names,
            titles={name: commits(project.path, name, limit=1)[0].title for name in pushed},
        )
        self._state.merge_requests[project.target.path] = found
        self._state.warnings.setdefault(project.target.path, []).extend(warnings)

    def _check_path(self, path: str, *, nested: bool) -> None:
        parent, _, name = path.rpartition("/")
        check_name("path", name)
        if nested and parent not in self._state.groups:
            raise ValueError(
                f"path {path!r} is in no group, give it one that exists, such as {self.group}/app"
            )
        if path in self._state.groups or path in self._state.projects:
            raise ValueError(f"path {path!r} exists already, choose another one")

    def _project(self, path: str) -> ProjectRecord:
        try:
            return self._state.projects[path]
        except KeyError:
            raise KeyError(
                f"project {path!r} is unknown, make it with create_project({path!r})"
            ) from None

    def _target(self, path: str) -> Target:
        if not path:
            return self._state.instance
        if path in self._state.groups:
            return self._state.groups[path].target
        return self._project(path).target
