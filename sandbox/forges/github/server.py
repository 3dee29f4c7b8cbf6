"""The stand-in as one object: start it, give it repositories, watch what it is asked and sends."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal
from starlette.applications import Starlette

from sandbox.forges.github import payloads
from sandbox.forges.github.accounts import RepositoryRecord, Site
from sandbox.forges.github.deliveries import Delay, Delivery
from sandbox.forges.github.encoding import dump
from sandbox.forges.github.faults import Faults
from sandbox.forges.github.front import Connections, Front, connection_keeper
from sandbox.forges.github.git import Checkout, init_bare
from sandbox.forges.github.hooks import Hook, Target
from sandbox.forges.github.rest import HOURLY_REQUESTS, Api
from sandbox.forges.github.smart_http import SmartHttp
from sandbox.forges.github.state import Access, Request, State

_ORDINARY = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


class Repository:
    """A repository with a working copy, which pushes over HTTP as yours would."""

    def __init__(self, record: RepositoryRecord, checkout: Checkout, clone_url: str) -> None:
        self.name = record.name
        self.path = record.path
        self.clone_url = clone_url
        self._checkout = checkout

    def __repr__(self) -> str:
        return f"Repository({self.clone_url!r})"

    def commit(self, files: Mapping[str, str | None], *, message: str, branch: str = "main") -> str:
        """Commit the files (a path and its text; None deletes it) and push; return the commit's id.

        When this returns, the `push` deliveries are queued. A new branch starts at `main`.
        """
        return self._checkout.commit(files, message=message, branch=branch)

    def tag(self, name: str, *, revision: str = "origin/main", message: str | None = None) -> None:
        """Push a tag, annotated when there is a message."""
        self._checkout.tag(name, revision=revision, message=message)

    def delete(self, *refs: str) -> None:
        """Delete branches or tags by a push: full names, such as `refs/heads/topic`."""
        self._checkout.push(*(f":{ref}" for ref in refs), force=False)

    def push(self, *refspecs: str, force: bool = False) -> None:
        """Push any refspecs from the working copy, in one push."""
        self._checkout.push(*refspecs, force=force)


class GitHub:
    """A GitHub on a free port of 127.0.0.1, for the length of a `with` block.

    `directory` takes the repositories and is made when absent. `owner` is the organisation they
    belong to. `ca_file` is the certificate authority that https receivers are verified against
    (absent, the machine's). `hourly_requests` is each token's quota.
    """

    def __init__(
        self,
        directory: Path,
        *,
        owner: str = "acme",
        ca_file: Path | None = None,
        hourly_requests: int = HOURLY_REQUESTS,
    ) -> None:
        _check_name("owner", owner)
        self.directory = directory
        self.owner = owner
        self.faults = Faults()
        # Made at run time, so that no scanner takes it for a real one that leaked.
        self.token = f"ghp_{secrets.token_hex(18)}"
        self._ca_file = ca_file
        self._hourly_requests = hourly_requests
        self._resources = ExitStack()
        self._bodies: dict[str, tuple[str, bytes]] = {}

    def __repr__(self) -> str:
        return f"GitHub(owner={self.owner!r}, directory={str(self.directory)!r})"

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        with ExitStack() as resources:
            listener = resources.enter_context(socket.create_server(("127.0.0.1", 0)))
            self._site = Site(f"http://127.0.0.1:{listener.getsockname()[1]}", self.owner)
            self._portal = resources.enter_context(start_blocking_portal("asyncio"))
            self._state: State = self._portal.call(self._make_state)
            resources.callback(self._portal.call, self._state.queue.close)
            self._serve(listener, self._portal, resources)
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._resources.close()

    @property
    def base_url(self) -> str:
        """The address with a slash at the end; REST answers below it and below its `api/v3/`."""
        return f"{self._site.root}/"

    @property
    def requests(self) -> list[Request]:
        """What clients asked, Git included, oldest first."""
        return list(self._state.requests)

    @property
    def delivery_delay(self) -> Delay:
        """How long a delivery stays queued: seconds, or a function asked for each. 0 at the start.

        It keeps the URL and the secret of the moment it was queued.
        """
        return self._state.queue.delay

    @delivery_delay.setter
    def delivery_delay(self, delay: Delay) -> None:
        self._state.queue.delay = delay

    def create_repository(self, name: str) -> Repository:
        """Make a repository with a first commit on `main`, of which no webhook is told.

        Raises `ValueError` for a name that is taken or that GitHub would not allow.
        """
        _check_name("name", name)
        if name in self._state.repositories:
            raise ValueError(f"repository {self.owner}/{name} exists already, choose another name")
        path = self.directory / "repositories" / self.owner / f"{name}.git"
        init_bare(path)
        record = self._portal.call(self._state.add_repository, name, path)
        clone_url = f"{self._site.root}/{self.owner}/{name}.git"
        checkout = Checkout(
            self.directory / "checkouts" / name,
            served=path,
            clone_url=clone_url,
            token=self.token,
        )
        return Repository(record, checkout, clone_url)

    def issue_token(self, *, webhooks: str = "write") -> str:
        """A further token: `webhooks` is "write", "read" or "none", its right to webhooks."""
        token = f"github_pat_{secrets.token_hex(18)}"
        self._portal.call(self._state.tokens.__setitem__, token, Access(webhooks))
        return token

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
            body = self._newest_push(record)
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

    def pause_deliveries(self) -> None:
        """Keep what is queued from being sent."""
        self._portal.call(self._state.queue.pause)

    def resume_deliveries(self) -> None:
        """Send what was kept, and what is queued from now on."""
        self._portal.call(self._state.queue.resume)

    def wait_idle(self, timeout: float = 30.0) -> None:
        """Return when nothing is queued or under way.

        Raises `TimeoutError` after `timeout` seconds.
        """
        future = self._portal.start_task_soon(self._state.queue.wait_idle)
        try:
            future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise TimeoutError(
                f"{self._state.queue.pending} deliveries still queued after {timeout} s"
            ) from None

    async def _make_state(self) -> State:
        state = State(self._site, self.directory, ca_file=self._ca_file)
        state.tokens[self.token] = Access.WRITE
        return state

    def _serve(self, listener: socket.socket, portal: BlockingPortal, resources: ExitStack) -> None:
        api = Api(self._state, hourly_requests=self._hourly_requests)
        app = Starlette(
            routes=[*SmartHttp(self._state).routes(), *api.routes()],
            exception_handlers={404: api.refuse, 405: api.refuse},
        )
        app.router.redirect_slashes = False
        connections: Connections = {}
        front = Front(app, self._state, self.faults, connections)
        server = uvicorn.Server(
            uvicorn.Config(
                front,
                http=connection_keeper(connections),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        serving = portal.start_task_soon(server.serve, [listener])

        def stop() -> None:
            portal.call(front.stop)
            server.should_exit = True
            serving.result()

        resources.callback(stop)
        while not server.started:
            if serving.done():
                serving.result()
            time.sleep(0.005)

    def _publish(
        self, record: RepositoryRecord, event: str, body: bytes, action: str | None
    ) -> str:
        return self._state.publish(record, event, body, action=action)

    def _newest_push(self, record: RepositoryRecord) -> bytes:
        """The body for a synthetic push, made once per commit: load is sent by the thousand."""
        tip = (record.path / "refs/heads" / record.default_branch).read_text()
        known, body = self._bodies.get(record.name, ("", b""))
        if known != tip:
            update = payloads.newest(record)
            assert update is not None
            body = dump(payloads.push(self._site, record, update))
            self._bodies[record.name] = (tip, body)
        return body

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


def _check_name(argument: str, name: str) -> None:
    if not name or name.startswith(".") or not set(name) <= _ORDINARY:
        raise ValueError(
            f"{argument} {name!r} is not allowed, use letters, digits, '-', '_' and '.'"
        )
