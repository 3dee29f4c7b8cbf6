"""What the stand-in remembers: groups, projects, webhooks, their logs, tokens."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any

from sandbox.forges.delivery_queue import Queue
from sandbox.forges.encoding import dump
from sandbox.forges.git import RefUpdate
from sandbox.forges.gitlab import hooks, statuses
from sandbox.forges.gitlab.deliveries import Delivery, Event, deliver
from sandbox.forges.gitlab.events import SYSTEM_HOOK
from sandbox.forges.gitlab.hooks import Hook, Target
from sandbox.forges.gitlab.merge_requests import MergeRequest
from sandbox.forges.gitlab.namespaces import Group, ProjectRecord, Site
from sandbox.forges.gitlab.statuses import CommitStatus
from sandbox.forges.post import Poster

LOG_DAYS = 7


class Access(StrEnum):
    """What a token may do with webhooks."""

    NONE = "none"
    """It belongs to somebody whose role is too small, a Developer."""
    READ = "read"
    """A Maintainer's, of the scope `read_api`."""
    WRITE = "write"
    """A Maintainer's, of the scope `api`."""


@dataclass(frozen=True)
class Push:
    """What a project's events remember of a push: of many refs of a kind, how many they were."""

    id: int
    updates: tuple[RefUpdate, ...]
    at: float


class State:
    """Changed on the server's event loop only; other threads read copies.

    `clock` is what webhooks are disabled by, and logs forgotten, in epoch seconds.
    """

    def __init__(
        self, site: Site, queue: Queue, poster: Poster, *, clock: Callable[[], float]
    ) -> None:
        self.site = site
        self.clock = clock
        self.instance = Target("", 0, instance=True)
        self.groups: dict[str, Group] = {}
        self.projects: dict[str, ProjectRecord] = {}
        self.hooks: dict[int, Hook] = {}
        self.deliveries: list[Delivery] = []
        self.tokens: dict[str, Access] = {}
        self.pushes: dict[str, list[Push]] = {}
        self.push_options: dict[str, list[tuple[str, ...]]] = {}
        self.merge_requests: dict[str, list[MergeRequest]] = {}
        self.warnings: dict[str, list[str]] = {}
        self.statuses: dict[str, list[CommitStatus]] = {}
        self._status_ids = count(93_001)
        self._push_ids = count(5_001)
        self._queue = queue
        self._poster = poster
        self._log: dict[int, list[tuple[float, Delivery]]] = {}
        self._group_ids = count(9_970)
        self._project_ids = count(278_964)
        self._hook_ids = count(37_717_491)
        self._delivery_ids = count(1_001)

    def add_group(self, path: str) -> Group:
        group = Group(Target(path, next(self._group_ids), group=True), time.time())
        self.groups[path] = group
        return group

    def add_project(self, path: str, repository: Path) -> ProjectRecord:
        project = ProjectRecord(Target(path, next(self._project_ids)), repository, time.time())
        self.projects[path] = project
        return project

    def change_project(self, path: str, **changes: Any) -> None:
        self.projects[path] = replace(self.projects[path], **changes)

    def note(self, project: ProjectRecord, *updates: RefUpdate) -> None:
        """Remember a push of one ref, or of many of one kind, among the project's events."""
        push = Push(next(self._push_ids), updates, self.clock())
        self.pushes.setdefault(project.target.path, []).append(push)

    def set_status(
        self, project: ProjectRecord, sha: str, ref: str, parameters: Mapping[str, Any]
    ) -> CommitStatus:
        """Remember what a POST says of a commit."""
        number = next(self._status_ids)
        status = statuses.create(parameters, sha=sha, ref=ref, number=number, now=time.time())
        self.statuses.setdefault(project.target.path, []).append(status)
        return status

    def hooks_of(self, target: Target) -> list[Hook]:
        return [hook for hook in self.hooks.values() if hook.target == target]

    def create_hook(self, target: Target, parameters: Mapping[str, Any]) -> Hook:
        number = next(self._hook_ids)
        hook = hooks.create(parameters, target=target, number=number, now=time.time())
        hooks.check_count(target, len(self.hooks_of(target)))
        self.hooks[hook.id] = hook
        self._log[hook.id] = []
        return hook

    def edit_hook(self, hook: Hook, parameters: Mapping[str, Any]) -> Hook:
        self.hooks[hook.id] = hooks.edit(hook, parameters)
        return self.hooks[hook.id]

    def log(self, hook: Hook) -> list[Delivery]:
        """The webhook's deliveries of the last week, newest first."""
        oldest = self.clock() - LOG_DAYS * 24 * 60 * 60
        return [delivery for at, delivery in self._log[hook.id][::-1] if at >= oldest]

    def publish(
        self, project: ProjectRecord, name: str, body: bytes, *, branch: str | None = None
    ) -> str:
        """Queue a delivery for each webhook that wants the event: the project's, its groups', the
        instance's.

        As at GitLab, a webhook that is disabled now gets nothing, and what is queued knows only the
        webhook's number: it goes where the webhook points when it is sent, and nowhere when the
        webhook is deleted or disabled by then.
        """
        guid = str(uuid.uuid4())
        targets = [project.target, self.instance]
        targets += [self.groups[path].target for path in project.groups]
        for hook in list(self.hooks.values()):
            if hook.target in targets and hook.wants(name, branch=branch) and self._enabled(hook):
                self._put(hook.id, self._event(hook, name, guid, body))
        return guid

    def tell_instance(self, body: bytes) -> None:
        """Queue a delivery for each webhook of the instance, which cannot decline this event."""
        for hook in self.hooks_of(self.instance):
            self._put(hook.id, Event(SYSTEM_HOOK, str(uuid.uuid4()), body, str(uuid.uuid4())))

    def _event(self, hook: Hook, name: str, guid: str, body: bytes) -> Event:
        if hook.target.instance:
            payload = json.loads(body)
            # "Commits are never displayed".
            body = dump({**payload, "commits": []}) if "commits" in payload else body
            name = SYSTEM_HOOK
        return Event(name, guid, body, str(uuid.uuid4()))

    async def execute(self, hook: Hook, event: Event, *, queued_at: float) -> Delivery:
        """Send now, note it in the log, and count it for or against the webhook."""
        delivery = await deliver(
            self.site,
            hook,
            event,
            queued_at=queued_at,
            ids=self._delivery_ids,
            poster=self._poster,
        )
        self.deliveries.append(delivery)
        current = self.hooks.get(hook.id)
        if current is not None:
            self._log[hook.id].append((self.clock(), delivery))
            self.hooks[hook.id] = (
                hooks.failed(current, now=self.clock())
                if delivery.counts_as_failure
                else hooks.succeeded(current)
            )
        return delivery

    def _put(self, number: int, event: Event) -> None:
        queued_at = time.time()

        async def send() -> None:
            hook = self.hooks.get(number)
            if hook is not None and self._enabled(hook):
                await self.execute(hook, event, queued_at=queued_at)

        self._queue.put(send)

    def _enabled(self, hook: Hook) -> bool:
        return hook.alert_status(self.clock()) == "executable"
