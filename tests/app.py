"""An app as its owner sees it: a repository, a source in the cluster, a stack with its webhook."""

import asyncio
import base64
import contextlib
import json
import re
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import lightkube
from lightkube.generic_resource import create_namespaced_resource
from lightkube.resources.core_v1 import Secret

from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.observe import probe
from sandbox.forges import gitlab
from sandbox.forges.gitea import Gitea
from sandbox.forges.github import Request
from sandbox.sandbox import Sandbox
from sandbox.stack import OnStep, Run, Stack
from tests.leaks import Leaks

GitRepository = create_namespaced_resource(
    "source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories"
)
Receiver = create_namespaced_resource(
    "notification.toolkit.fluxcd.io", "v1", "Receiver", "receivers"
)

# The arguments lie beside it: a run less than `pulumi config set` for each change.
PROGRAM = """\
import json
from pathlib import Path

import pulumi

from fluxhooks import WebhookReceiver

name, args = json.loads(Path("args.json").read_text())
component = WebhookReceiver(name, args)
pulumi.export("webhook_id", component.webhook_id)
pulumi.export("hook_url", component.hook_url)
"""


class Killed(Exception):  # noqa: N818  # not an error: meant
    """Raised in a callback to kill the engine and all its plugins at a step."""


class App:
    """`name` is the component, the stack, the repository and the GitRepository.

    `sender` is "github", "organization", "gitlab", "gitlab instance", "gitea", "gitea
    organization", or the type of a Receiver whose sender is told by hand.

    With the `runtime` "yaml" the program is one in YAML, and `${…}` may stand in the arguments.

    Attributes:
        forge: where the repository is; GitHub where the sender is told by hand.
        path: what is there with the webhook: the repository, None for the organisation, or "" for
            the instance.
        args: the component's arguments; `up` and `preview` change them.
        beside: what else is in a YAML program: its configuration, variables and other resources.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        name: str,
        *,
        program: str | None = PROGRAM,
        runtime: str = "python",
        sender: str = "github",
        suspend: bool = True,
    ) -> None:
        self.name = name
        self.sandbox = sandbox
        self.receiver_type = _TYPES.get(sender) or ReceiverType(sender)
        self.forge: Any = sandbox.github
        self.path: Any = name
        at = {"github": {"repository": name}}
        if sender == "organization":
            self.path, at = None, {"github": {"organization": sandbox.github.owner}}
        elif sender.startswith("gitlab"):
            self.forge = sandbox.gitlab
            self.path = f"{sandbox.gitlab.group}/{name}"
            at = {"gitlab": {"project": self.path}}
            if sender.endswith("instance"):
                at = {"gitlab": {"system_hook": True}}
        elif sender.startswith("gitea"):
            self.forge, owner = sandbox.gitea, sandbox.gitea.owner
            self.path, at = f"{owner}/{name}", {"gitea": {"owner": owner, "repository": name}}
            if sender.endswith("organization"):
                self.path, at = owner, {"gitea": {"organization": owner}}
            at["gitea"]["url"] = sandbox.gitea.base_url
        self.client: lightkube.Client = sandbox.cluster.client()
        self.repository = (
            self.forge.create_project(str(self.path))
            if isinstance(self.forge, gitlab.GitLab)
            else self.forge.create_repository(name)
        )
        if sender == "gitlab instance":
            self.path = ""
        self.make_source(name, suspend=suspend)
        self.runtime = runtime
        self.beside: dict[str, dict[str, Any]] = {}
        program = "resources: {}\n" if runtime == "yaml" else program
        self.stack: Stack = sandbox.stack(
            name, program=program, project=f"project-{name}", runtime=runtime
        )
        self.leaks = Leaks()
        self.args: dict[str, Any] = {
            "host": sandbox.ingress.host,
            **(at if sender in _TYPES else {"type": sender}),
            "resources": [{"kind": "GitRepository", "name": name}],
            "drain": "1s",
            "verify_timeout": "10s",
        }

    def close(self) -> None:
        """Let go of the connections."""
        self.client.close()

    # What one does with it

    def up(
        self, *flags: str, check: bool = True, on_step: OnStep | None = None, **args: Any
    ) -> Run:
        """Run an update with the arguments changed."""
        self._write(args)
        return self._read(self.stack.up(*flags, check=check, on_step=on_step), "up")

    def start_up(self, *flags: str, **args: Any) -> "subprocess.Popen[str]":
        """Start an update with the arguments changed, to be waited for or killed."""
        self._write(args)
        name = self.stack.name
        return self.stack.start("up", "--yes", "--skip-preview", "--stack", name, *flags)

    def preview(self, *flags: str, check: bool = True, **args: Any) -> Run:
        """Run a preview with the arguments changed."""
        self._write(args)
        return self._read(self.stack.preview(*flags, check=check), "preview")

    def kill(self, step: str, **args: Any) -> None:
        """Kill an update as soon as it has done `step`, as in ``create Receiver app-g2``."""

        def killing(done: Any) -> None:
            if str(done) == step:
                raise Killed

        try:
            run = self.up(check=False, on_step=killing, **args)
        except Killed:
            self.learn()
        else:
            raise AssertionError(f"{step!r} was not among {run.changes}:\n{run.output}")

    def make_source(
        self, name: str, *, labels: dict[str, str] | None = None, suspend: bool = True
    ) -> None:
        """Make a GitRepository that asks by itself only every 30 minutes.

        A suspended one shows what a delivery asks for, and costs no fetch for each.
        """
        self.client.create(
            GitRepository(
                metadata={"name": name, "labels": labels or {}},
                spec={
                    "interval": "30m",
                    "ref": {"branch": "main"},
                    "suspend": suspend,
                    "url": self.repository.clone_url,
                },
            )
        )

    # What one sees of it

    def receivers(self) -> list[str]:
        """The logical names of the generations in the cluster, ascending, leftovers included."""
        labels = {"fluxhooks/component": self.name}
        return sorted(
            f"{self.name}-g{found.metadata.labels['fluxhooks/generation']}"
            for found in self.client.list(Receiver, labels=labels)
        )

    def requested_at(self, source: str | None = None) -> str | None:
        """When a delivery last asked for a reconcile of a source."""
        found = self.client.get(GitRepository, source or self.name)
        return (found.metadata.annotations or {}).get("reconcile.fluxcd.io/requestedAt")

    def revision(self) -> str:
        """The commit of the source's artifact, or ""."""
        status = self.client.get(GitRepository, self.name).status or {}
        return str(status.get("artifact", {}).get("revision", "")).rpartition(":")[2]

    def hook(self) -> Any:
        """The webhook at the forge; fails unless there is exactly one."""
        (hook,) = self.forge.hooks(self.path)
        return hook

    def deliveries(self, event: str) -> list[Any]:
        """The finished deliveries of an event, oldest first."""
        if isinstance(self.forge, Gitea):
            self.forge.wait_idle(self.path)
        else:
            self.forge.wait_idle()
        return [d for d in self.forge.deliveries(self.path) if d.event == event]

    def writes(self) -> list[str]:
        """The methods of all requests that changed the app's webhooks, in order."""
        hooks = f"/repos/{self.sandbox.github.owner}/{self.name}/hooks"
        if self.path is None:
            hooks = f"/orgs/{self.sandbox.github.owner}/hooks"
        elif isinstance(self.forge, Gitea):
            hooks = f"/{'repos' if '/' in self.path else 'orgs'}/{self.path}/hooks"
        elif isinstance(self.forge, gitlab.GitLab):
            hooks = f"/projects/{self.path}/hooks" if self.path else "/hooks"
        return [
            request.method
            for request in self.forge.requests
            if request.path.startswith(hooks) and _writes(request)
        ]

    def probe(self, hook: Any) -> int | None:
        """The status with which a webhook's URL answers the signed probe."""
        return self._deliver(hook, probe.probe_body(self.receiver_type))

    def deliver(self, hook: Any, payload: dict[str, Any]) -> int | None:
        """The status with which a webhook's URL answers a signed push."""
        return self._deliver(hook, json.dumps(payload).encode())

    def get(self, hook: Any) -> int:
        """The status with which a webhook's URL answers a GET."""
        return httpx.get(hook.url, verify=self._certificates(), trust_env=False).status_code

    @contextlib.contextmanager
    def watched(self) -> Iterator[list[str]]:
        """Collect the distinct times at which a reconcile is asked for meanwhile."""
        before, seen, stop = self.requested_at(), list[str](), threading.Event()

        def watch() -> None:
            while not stop.wait(0.05):
                at = self.requested_at()
                if at is not None and at not in (before, *seen):
                    seen.append(at)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield seen
        finally:
            time.sleep(0.3)
            stop.set()
            thread.join()

    def learn(self) -> None:
        """Learn every token and path that cluster and forge know now, to scan for them later."""
        labels = {"fluxhooks/component": self.name}
        for hook in self._known_hooks():
            self.leaks.know_token(hook.secret or "")
            self.leaks.know_path(httpx.URL(hook.url).path)
        for found in self.client.list(Receiver, labels=labels):
            if path := (found.status or {}).get("webhookPath"):
                self.leaks.know_path(path)
        for secret in self.client.list(Secret, labels=labels):
            self.leaks.know_token(decoded(secret))

    def scan(self) -> list[str]:
        """Look for leaks in all output and in the stack's files: state, history and event logs."""
        self.learn()
        self.leaks.read_files(self.stack.directory)
        return self.leaks.found()

    def _write(self, args: dict[str, Any]) -> None:
        self.args |= args
        if self.runtime == "yaml":
            (self.stack.directory / "Pulumi.yaml").write_text(json.dumps(self._in_yaml()))
        else:
            (self.stack.directory / "args.json").write_text(json.dumps([self.name, self.args]))

    def _in_yaml(self) -> dict[str, Any]:
        component = {"type": "fluxhooks:WebhookReceiver", "properties": camel_case(self.args)}
        outputs = {"webhook_id": "webhookId", "hook_url": "hookUrl"}
        return {
            **self.beside,
            "name": f"project-{self.name}",
            "runtime": "yaml",
            "resources": {**self.beside.get("resources", {}), self.name: component},
            "outputs": {key: f"${{{self.name}.{output}}}" for key, output in outputs.items()},
        }

    def _read(self, run: Run, verb: str) -> Run:
        self.leaks.read(f"the output of pulumi {verb}", run.output)
        for severity, text in run.diagnostics:
            self.leaks.read(f"a diagnostic ({severity}) of pulumi {verb}", text)
        self.learn()
        return run

    def _known_hooks(self) -> Iterator[Any]:
        yield from self.forge.hooks(self.path)
        for delivery in self.forge.deliveries(self.path):
            yield delivery.hook

    def _deliver(self, hook: Any, body: bytes) -> int | None:
        answer = asyncio.run(
            probe.deliver(
                hook.url,
                receiver_type=self.receiver_type,
                token=hook.secret or "",
                event="Push Hook" if self.receiver_type is ReceiverType.GITLAB else "push",
                body=body,
                settle_for=0,
                certificates=self._certificates(),
            )
        )
        return answer.status

    def _certificates(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.sandbox.ingress.ca_file)


def camel_case(args: dict[str, Any]) -> dict[str, Any]:
    """Arguments under the names that other languages have for them; what is in them stays."""
    return {re.sub("_(.)", lambda m: m[1].upper(), key): value for key, value in args.items()}


def changes(run: Run) -> list[str]:
    """A run's steps on resources in their order; a component's own have none."""
    return [str(step) for step in run.steps if not step.type.startswith("fluxhooks:")]


def errors(run: Run) -> list[str]:
    """A run's errors, without the engine's own remark that the program failed."""
    return [
        text
        for severity, text in run.diagnostics
        if severity == "error" and "exited with non-zero exit code" not in text
    ]


def remarks(run: Run) -> list[tuple[str, str]]:
    """A run's diagnostics, but for the engine's that it found a plugin on PATH."""
    found = re.compile(r"using pulumi-(resource-fluxhooks|analyzer-policy-python) from \$PATH at ")
    return [(severity, text) for severity, text in run.diagnostics if not found.match(text)]


def eventually(holds: Callable[[], object], *, seconds: float = 20.0) -> Any:
    """The first true answer of `holds`, or its last one when the time is over."""
    deadline = time.monotonic() + seconds
    while not (answer := holds()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


def decoded(secret: Secret) -> str:
    """The token in a Secret."""
    return base64.b64decode((secret.data or {})["token"]).decode()


def _writes(request: Request) -> bool:
    return request.method in ("DELETE", "PATCH", "POST", "PUT")


# Of those whose webhook is made here.
_TYPES = {
    "github": ReceiverType.GITHUB,
    "organization": ReceiverType.GITHUB,
    "gitlab": ReceiverType.GITLAB,
    "gitlab instance": ReceiverType.GITLAB,
    "gitea": ReceiverType.GITHUB,
    "gitea organization": ReceiverType.GITHUB,
}
