"""The program as one object: start it, give it repositories, watch what it is asked and sends."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import httpx

from sandbox import toolchain
from sandbox.cluster.ports import free_ports
from sandbox.cluster.supervisor import Supervisor
from sandbox.forges.front import Request
from sandbox.forges.gitea import database
from sandbox.forges.gitea.database import Delivery, Hook
from sandbox.forges.repository import Repository

API = "/api/v1"

_ADMINISTRATOR = "octocat"
_READY_SECONDS = 60.0
_POLL_SECONDS = 0.05

# The template of its log of requests, and what reads it.
_LOGGED = (
    "{{.Start.UnixNano}} {{.Ctx.Req.Method}} {{.Ctx.Req.URL.RequestURI}} {{.ResponseWriter.Status}}"
)
_LINE = re.compile(r"(\d+) ([A-Z]+) (\S+) (\d+)$", re.MULTILINE)

_SETTINGS = """\
APP_NAME = fluxhooks sandbox
RUN_MODE = prod
WORK_PATH = {directory}
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true

[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = {port}
ROOT_URL = http://127.0.0.1:{port}/
{static}
DISABLE_SSH = true
LFS_START_SERVER = false
OFFLINE_MODE = true

[database]
DB_TYPE = sqlite3
PATH = {directory}/gitea.db
SQLITE_JOURNAL_MODE = WAL

[security]
INSTALL_LOCK = true
INTERNAL_TOKEN = {internal_token}
SECRET_KEY = {secret_key}
DISABLE_WEBHOOKS = {without_webhooks}

[oauth2]
JWT_SECRET = {jwt_secret}

[webhook]
; What it calls is on this machine, which it does not allow of itself.
ALLOWED_HOST_LIST = loopback

[repository]
ROOT = {directory}/repositories
DEFAULT_BRANCH = main

[log]
MODE = console
LEVEL = Warn
ROOT_PATH = {directory}/log
logger.access.MODE = requests
ACCESS_LOG_TEMPLATE = {logged}

[log.requests]
MODE = file
FILE_NAME = requests.log
LEVEL = Info
FLAGS = none
LOG_ROTATE = false

[indexer]
ISSUE_INDEXER_TYPE = db

[actions]
ENABLED = false

[cron]
ENABLED = false

[mailer]
ENABLED = false
"""


class GiteaError(RuntimeError):
    """Gitea did not start, or did not do what it was told; the message holds what it said."""


class Gitea:
    """A Gitea on a free port of 127.0.0.1, for the length of a `with` block.

    `directory` takes all it writes. `owner` is an organisation that is there from the start.
    `ca_file` is the certificate authority that https receivers are verified against (absent, the
    machine's). Without `webhooks` its administrator has disabled them. Unlike the stand-ins it
    takes a moment to tell of a push, in which nobody knows that it will, and it cannot be made to
    misbehave.

    Raises `ToolchainError` where the program can be had nowhere, `GiteaError` where it does not
    start.
    """

    def __init__(
        self,
        directory: Path,
        *,
        owner: str = "acme",
        ca_file: Path | None = None,
        program: toolchain.Program | None = None,
        webhooks: bool = True,
    ) -> None:
        self.directory = directory
        self.owner = owner
        self.program = program or toolchain.provide(["gitea"])["gitea"]
        self._ca_file = ca_file
        self._webhooks = webhooks

    def __enter__(self) -> Self:
        self.directory.mkdir(mode=0o700, parents=True)
        (self.directory / "home").mkdir()
        (port,) = free_ports(1)
        self.base_url = f"http://127.0.0.1:{port}/"
        self._log = self.directory / "gitea.log"
        self._database = self.directory / "gitea.db"
        self._configure(port)
        self._supervisor = Supervisor(self.directory, log=self._log, remove=False)
        try:
            self._run("migrate")
            self.token = self._administrator()
            self._start()
            self.client = self.client_of(self.token)
            self._post("/orgs", {"username": self.owner})
        except BaseException:
            self._supervisor.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.client.close()
        self._supervisor.close()

    def __repr__(self) -> str:
        return f"Gitea(owner={self.owner!r}, directory={str(self.directory)!r})"

    def client_of(self, token: str) -> httpx.Client:
        """A client of the API with the rights of a token."""
        return httpx.Client(
            base_url=f"{self.base_url.rstrip('/')}{API}",
            headers={"Authorization": f"token {token}"},
            timeout=30,
            trust_env=False,
        )

    def create_repository(self, name: str, *, private: bool = False) -> Repository:
        """Make a repository of the organisation with a first commit on `main`."""
        body = {"name": name, "auto_init": True, "default_branch": "main", "private": private}
        self._post(f"/orgs/{self.owner}/repos", body)
        return Repository(
            f"{self.owner}/{name}",
            path=self.directory / "repositories" / self.owner / f"{name}.git",
            clone_url=f"{self.base_url}{self.owner}/{name}.git",
            checkout=self.directory / "checkouts" / name,
            token=self.token,
        )

    def commit(self, name: str, *, branch: str = "main") -> str:
        """Commit a new file of the organisation's repository through the API; return its ID.

        Which Gitea pushes like any other, in a tenth of the time.
        """
        path = f"/repos/{self.owner}/{name}/contents/{secrets.token_hex(8)}.txt"
        made = self._post(path, {"content": "", "branch": branch, "message": "more"})
        return str(made["commit"]["sha"])

    def issue_token(self, *, scopes: tuple[str, ...]) -> str:
        """A further token of the administrator's, with these scopes, as in `read:repository`."""
        return self._token(_ADMINISTRATOR, scopes)

    def create_user(self, name: str) -> str:
        """Make a user who has no rights to anything of the organisation; return a token."""
        self._run(
            "admin", "user", "create", "--username", name, "--email", f"{name}@example.com",
            "--random-password", "--must-change-password=false",
        )  # fmt: skip
        return self._token(name, ("all",))

    def hooks(self, path: str) -> list[Hook]:
        """The webhooks of a repository or organisation as they are now, with secrets."""
        return database.hooks(self._database, path)

    def deliveries(self, path: str) -> list[Delivery]:
        """The deliveries of its webhooks, oldest first; those of deleted ones are forgotten."""
        found = database.deliveries(self._database, path)
        return sorted(found, key=lambda delivery: delivery.id)

    @property
    def requests(self) -> list[Request]:
        """What it was asked so far, from its own log; paths as below the API's root."""
        text = (self.directory / "log" / "requests.log").read_text()
        return [
            Request(
                method=method,
                path=unquote(urlsplit(target).path).removeprefix(API),
                status=int(status),
                at=int(at) / 1e9,
            )
            for at, method, target, status in _LINE.findall(text)
        ]

    def wait_idle(self, path: str, seconds: float = 30) -> None:
        """Wait until all that it knows is to be told by webhooks of `path` is told."""
        deadline = time.monotonic() + seconds
        while any(not delivery.delivered for delivery in self.deliveries(path)):
            if time.monotonic() > deadline:
                raise GiteaError(f"deliveries of {path} are still under way after {seconds:g} s")
            time.sleep(_POLL_SECONDS)

    def _configure(self, port: int) -> None:
        beside = self.program.path.parent
        static = f"STATIC_ROOT_PATH = {beside}" if (beside / "templates").is_dir() else ""
        settings = _SETTINGS.format(
            directory=self.directory,
            port=port,
            static=static,
            logged=_LOGGED,
            internal_token=secrets.token_urlsafe(32),
            secret_key=secrets.token_urlsafe(32),
            jwt_secret=secrets.token_urlsafe(32),
            without_webhooks=str(not self._webhooks).lower(),
        )
        file = self.directory / "app.ini"
        file.touch(mode=0o600)
        file.write_text(settings)

    def _administrator(self) -> str:
        self._run(
            "admin", "user", "create", "--admin", "--username", _ADMINISTRATOR,
            "--email", "octocat@example.com", "--random-password", "--must-change-password=false",
        )  # fmt: skip
        return self._token(_ADMINISTRATOR, ("all",))

    def _token(self, user: str, scopes: tuple[str, ...]) -> str:
        return self._run(
            "admin", "user", "generate-access-token", "--username", user, "--raw",
            "--token-name", secrets.token_hex(4), "--scopes", ",".join(scopes),
        ).split()[-1]  # fmt: skip

    def _start(self) -> None:
        self._supervisor.start(
            "gitea", self._command("web"), environment=self._environment(), log=self._log
        )
        deadline = time.monotonic() + _READY_SECONDS
        while not self._answers():
            if self._supervisor.ended() or time.monotonic() > deadline:
                said = self._log.read_text(errors="replace")[-2000:]
                raise GiteaError(f"gitea {self.program.version} did not start:\n{said}")
            time.sleep(_POLL_SECONDS)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}api/healthz", trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            self._command(*arguments),
            capture_output=True,
            text=True,
            env=self._environment(),
            check=False,
        )
        if done.returncode:
            raise GiteaError(f"gitea {' '.join(arguments[:3])} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def _command(self, *arguments: str) -> list[str]:
        return [
            str(self.program.path), "--config", str(self.directory / "app.ini"), *arguments
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        trusted = {"SSL_CERT_FILE": str(self._ca_file)} if self._ca_file else {}
        return {
            "HOME": str(self.directory / "home"),
            "PATH": os.environ.get("PATH", os.defpath),
            "TMPDIR": str(self.directory),
            **trusted,
        }

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self.client.post(path, json=body)
        if answer.is_error:
            raise GiteaError(f"POST {path} was answered {answer.status_code}: {answer.text}")
        return answer.json()
