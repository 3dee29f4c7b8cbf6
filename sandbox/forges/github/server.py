"""The stand-in as one object: start it, give it repositories, watch what it is asked and sends."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from sandbox.forges.authorization import password
from sandbox.forges.encoding import dump
from sandbox.forges.forge import Forge, check_name
from sandbox.forges.git import RefUpdate, init_bare
from sandbox.forges.github import apps, payloads
from sandbox.forges.github.accounts import RepositoryRecord, Site
from sandbox.forges.github.apps import App
from sandbox.forges.github.deliveries import Delivery
from sandbox.forges.github.faults import Faults
from sandbox.forges.github.hooks import Hook, Target
from sandbox.forges.github.rest import HOURLY_REQUESTS, Api
from sandbox.forges.github.state import Access, State
from sandbox.forges.github.statuses import CommitStatus
from sandbox.forges.repository import Repository
from sandbox.forges.smart_http import SmartHttp


class GitHub(Forge):
    """A GitHub on a free port of 127.0.0.1, for the length of a `with` block.

    `directory` takes the repositories and is made when absent. `owner` is the organisation they
    belong to. `ca_file` is the certificate authority that https receivers are verified against
    (absent, the machine's). `hourly_requests` is each token's quota.

    REST answers at `/api/v3`, and at `/` as well. A delivery that was queued keeps the URL and the
    secret of the moment.
    """

    api_path = "/api/v3"

    def __init__(
        self,
        directory: Path,
        *,
        owner: str = "acme",
        ca_file: Path | None = None,
        hourly_requests: int = HOURLY_REQUESTS,
    ) -> None:
        check_name("owner", owner)
        super().__init__(directory, ca_file=ca_file)
        self.owner = owner
        self.faults: Faults = Faults()
        # Made at run time, so that no scanner takes it for a real one that leaked.
        self.token = f"ghp_{secrets.token_hex(18)}"
        self._hourly_requests = hourly_requests

    def __repr__(self) -> str:
        return f"GitHub(owner={self.owner!r}, directory={str(self.directory)!r})"

    def create_repository(self, name: str, *, private: bool = False) -> Repository:
        """Make a repository with a first commit on `main`, of which no webhook is told.

        A private one is cloned with a token only. Raises `ValueError` for a name that is taken or
        that GitHub would not allow.
        """
        check_name("name", name)
        if name in self._state.repositories:
            raise ValueError(f"repository {self.owner}/{name} exists already, choose another name")
        path = self.directory / "repositories" / self.owner / f"{name}.git"
        init_bare(path)
        self._portal.call(self._state.add_repository, name, path)
        self.change_visibility(name, private=private)
        return Repository(
            name,
            path=path,
            clone_url=f"{self._root}/{self.owner}/{name}.git",
            checkout=self.directory / "checkouts" / name,
            token=self.token,
        )

    def change_visibility(self, repository: str, *, private: bool) -> None:
        """Make a repository private or public."""
        self._repository(repository).private = private

    def issue_token(self, *, webhooks: str = "write", statuses: bool = False) -> str:
        """A further token: `webhooks` is "write", "read" or "none", its right to webhooks.

        `statuses` is whether it may set the statuses of commits.
        """
        token = f"github_pat_{secrets.token_hex(18)}"
        if statuses:
            self._portal.call(self._state.may_set_statuses.add, token)
        self._portal.call(self._state.tokens.__setitem__, token, Access(webhooks))
        return token

    def install_app(self, *, webhooks: str = "write") -> App:
        """An App that is installed for the organisation; `webhooks` is as `issue_token` has it.

        Its tokens are good for an hour, as they say, and do not expire.
        """
        app = apps.make(1_000_001 + len(self._state.apps), access=Access(webhooks))
        self._portal.call(self._state.apps.append, app)
        return app

    def revoke_token(self, token: str) -> None:
        """Forget a token: whoever uses it is refused from now on."""
        self._portal.call(self._state.tokens.pop, token, None)
        self._portal.call(self._state.may_set_statuses.discard, token)

    @property
    def throttling(self) -> bool:
        """Whether deliveries are noted as held back when they are queued. False at the start.

        What holds them back is `delivery_delay`.
        """
        return self._state.throttling

    @throttling.setter
    def throttling(self, throttling: bool) -> None:
        self._state.throttling = throttling

    def send(
        self, repository: str, event: str = "push", payload: Mapping[str, Any] | None = None
    ) -> str:
        """Tell every webhook of the repository and its owner that wants `event`; return the guid.

        Without `payload`, a `push` says what GitHub says of the newest commit on `main`.
        Raises `KeyError` for an unknown repository, `ValueError` for another event without payload.
        """
        record = self._repository(repository)
        action = None
        if payload is None:
            if event != "push":
                raise ValueError(f"event {event!r} has no payload of its own, give one as payload=")
            body = self._newest_push(
                record.path,
                record.default_branch,
                lambda step: payloads.push(self._site, record, step),
            )
        else:
            body, action = dump(payload), payload.get("action")
        return self._portal.call(self._publish, record, event, body, action)

    def hooks(self, repository: str | None = None) -> list[Hook]:
        """The webhooks of a repository, or of the organisation, as they are now, with secrets."""
        return self._portal.call(self._state.hooks_of, self._target(repository))

    def deliveries(self, repository: str | None = None) -> list[Delivery]:
        """Finished deliveries to webhooks of a repository, or of the organisation, oldest first.

        Those of webhooks deleted since are among them.
        """
        target = self._target(repository)
        return [
            delivery for delivery in list(self._state.deliveries) if delivery.hook.target == target
        ]

    def statuses(self, repository: str) -> list[CommitStatus]:
        """The statuses of a repository's commits, oldest first."""
        return list(self._state.statuses.get(self._repository(repository).name, ()))

    def _application(self) -> Starlette:
        self._site = Site(self._root, self.owner)
        self._state = State(self._site, self._queue, self._poster)
        self._state.tokens[self.token] = Access.WRITE
        self._state.may_set_statuses.add(self.token)
        api = Api(self._state, hourly_requests=self._hourly_requests)
        git = SmartHttp(
            self.directory,
            find=self._find,
            knows=lambda header: password(header) in self._state.tokens,
            pushed=self._pushed,
            forge="GitHub",
        )
        # As on github.com, and where an Enterprise Server has them.
        at_root = [*git.routes(), *api.routes()]
        return self._routed(at_root, api=api.routes(), refuse=api.refuse)

    def _publish(
        self, record: RepositoryRecord, event: str, body: bytes, action: str | None
    ) -> str:
        return self._state.publish(record, event, body, action=action)

    def _find(self, path: str) -> RepositoryRecord | None:
        owner, _, name = path.partition("/")
        return self._state.repositories.get(name) if owner == self.owner else None

    async def _pushed(
        self, record: RepositoryRecord, updates: list[RefUpdate], _: list[str]
    ) -> None:
        record.pushed_at = time.time()
        for update in updates:
            if not update.is_tag:
                kind = await run_in_threadpool(payloads.activity_type, record, update)
                self._state.note(record, update, kind)
        for update in payloads.told(updates):
            payload = await run_in_threadpool(payloads.push, self._site, record, update)
            self._state.publish(record, "push", dump(payload))
            if update.created:
                payload = payloads.create(self._site, record, update)
                self._state.publish(record, "create", dump(payload))
            if update.deleted:
                payload = payloads.delete(self._site, record, update)
                self._state.publish(record, "delete", dump(payload))

    def _repository(self, name: str) -> RepositoryRecord:
        try:
            return self._state.repositories[name]
        except KeyError:
            raise KeyError(
                f"repository {name!r} is unknown, make it with create_repository({name!r})"
            ) from None

    def _target(self, repository: str | None) -> Target:
        if repository is None:
            return self._site.organization
        return self._repository(repository).target
