"""What the stand-in remembers: repositories, webhooks, deliveries, tokens."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any

from sandbox.forges.delivery_queue import Queue
from sandbox.forges.encoding import dump
from sandbox.forges.git import RefUpdate
from sandbox.forges.github import hooks, statuses
from sandbox.forges.github.accounts import FIRST_REPOSITORY_ID, RepositoryRecord, Site
from sandbox.forges.github.apps import App, signed_by
from sandbox.forges.github.deliveries import Delivery, Event, deliver, last_response
from sandbox.forges.github.hooks import Hook, Target
from sandbox.forges.github.statuses import CommitStatus
from sandbox.forges.post import Poster


class Access(StrEnum):
    """What a token may do with webhooks: a fine-grained token's "Webhooks" permission."""

    NONE = "none"
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True)
class Activity:
    """What happened to a branch; `kind` is as the REST API has it."""

    id: int
    update: RefUpdate
    kind: str
    at: float


class State:
    """Changed on the server's event loop only; other threads read copies."""

    def __init__(self, site: Site, queue: Queue, poster: Poster) -> None:
        self.site = site
        self.repositories: dict[str, RepositoryRecord] = {}
        self.hooks: dict[int, Hook] = {}
        self.deliveries: list[Delivery] = []
        self.deliveries_by_hook: dict[int, list[Delivery]] = {}
        self.tokens: dict[str, Access] = {}
        self.may_set_statuses: set[str] = set()
        self.statuses: dict[str, list[CommitStatus]] = {}
        self._status_ids = count(38_123_000_001)
        self.apps: list[App] = []
        self.activities: dict[str, list[Activity]] = {}
        self._activity_ids = count(1_296_269_001)
        self.throttling = False
        self._queue = queue
        self._poster = poster
        self._delivery_ids = count(24_000_000_001)
        self._hook_ids = count(403_129_001)
        self._repository_ids = count(FIRST_REPOSITORY_ID)

    def add_repository(self, name: str, path: Path) -> RepositoryRecord:
        now = time.time()
        target = Target(f"{self.site.owner}/{name}", next(self._repository_ids))
        record = RepositoryRecord(name, target, path, created_at=now, pushed_at=now)
        self.repositories[name] = record
        return record

    def set_status(self, repository: RepositoryRecord, sha: str, body: object) -> CommitStatus:
        """Remember what a POST of `body` says of a commit."""
        known = self.statuses.setdefault(repository.name, [])
        number = next(self._status_ids)
        status = statuses.create(body, sha=sha, number=number, now=time.time(), known=known)
        known.append(status)
        return status

    def app_of(self, token: str) -> App | None:
        """The App that signed a web token; None where none did."""
        return next((app for app in self.apps if signed_by(app, token)), None)

    def note(self, repository: RepositoryRecord, update: RefUpdate, kind: str) -> None:
        """Remember what happened to a branch; tags are no activity."""
        activity = Activity(next(self._activity_ids), update, kind, time.time())
        self.activities.setdefault(repository.name, []).append(activity)

    def hooks_of(self, target: Target) -> list[Hook]:
        return [hook for hook in self.hooks.values() if hook.target == target]

    def create_hook(self, target: Target, body: object) -> Hook:
        hook = hooks.create(body, target=target, number=next(self._hook_ids), now=time.time())
        hooks.check_against(hook, self.hooks_of(target))
        self.hooks[hook.id] = hook
        self.deliveries_by_hook[hook.id] = []
        return hook

    def replace_hook(self, hook: Hook) -> Hook:
        hooks.check_against(hook, self.hooks_of(hook.target))
        self.hooks[hook.id] = hook
        return hook

    def publish(
        self, repository: RepositoryRecord, name: str, body: bytes, *, action: str | None = None
    ) -> str:
        """Queue a delivery for each webhook of the repository or its owner that wants the event."""
        event = Event(name, str(uuid.uuid4()), body, action, repository.target.id)
        for hook in list(self.hooks.values()):
            if hook.target in (repository.target, self.site.organization) and hook.wants(name):
                self._put(hook, event)
        return event.guid

    def tell(self, hook: Hook, name: str, payload: dict[str, Any]) -> None:
        """Queue a delivery for one webhook; an inactive one is told nothing."""
        if hook.active:
            repository_id = None if hook.target.organization else hook.target.id
            event = Event(name, str(uuid.uuid4()), dump(payload), None, repository_id)
            self._put(hook, event)

    def redeliver(self, hook: Hook, delivery: Delivery) -> None:
        """Queue the same payload again, for the URL and with the secret the webhook has now."""
        event = Event(
            delivery.event,
            delivery.guid,
            delivery.request_body,
            delivery.action,
            delivery.repository_id,
        )
        self._put(hook, event, redelivery=True)

    def _put(self, hook: Hook, event: Event, *, redelivery: bool = False) -> None:
        queued_at, throttled = time.time(), self.throttling

        async def send() -> None:
            self._record(
                await deliver(
                    hook,
                    event,
                    redelivery=redelivery,
                    queued_at=queued_at,
                    ids=self._delivery_ids,
                    poster=self._poster,
                    throttled=throttled,
                )
            )

        self._queue.put(send)

    def _record(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        self.deliveries_by_hook[delivery.hook.id].append(delivery)
        hook = self.hooks.get(delivery.hook.id)
        if hook is not None and not hook.target.organization:
            self.hooks[hook.id] = replace(hook, last_response=last_response(delivery))
