"""A chain from a push to an object in the cluster, made by hand, whole until somebody breaks it."""

import secrets
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import lightkube
import lightkube.core.exceptions
import trustme
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ConfigMap, Namespace, Secret, ServiceAccount
from lightkube.types import PatchType

from fluxhooks.flux.resource_filter import with_probe
from fluxhooks.flux.targets import KINDS
from fluxhooks.observe.state import Scope
from sandbox.forges.github import GitHub
from sandbox.forges.gitlab import GitLab
from sandbox.ingress import Ingress
from sandbox.sandbox import Sandbox
from tests.matrix.webhook import GitHubWebhook, GitLabWebhook, Webhook

GITHUB, GITLAB = "github", "gitlab"

APP = "app"
"""The name of the Receiver, the source and the applier of every chain."""

REQUESTED = "reconcile.fluxcd.io/requestedAt"

CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: {namespace}}}
data: {{pushed: "{pushed}"}}
"""

_CHART = """\
apiVersion: v2
name: chart
version: 0.1.0
"""
_CHART_CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {pushed: {{ .Values.pushed | quote }}}
"""

_EVENTS = {GITHUB: ["ping", "push"], GITLAB: ["Push Hook", "Tag Push Hook"]}

_TYPES = {"ConfigMap": ConfigMap, "Secret": Secret, "ServiceAccount": ServiceAccount}


class Chain:
    """`name` is the namespace, the repository, and part of nothing else.

    Made whole by `start`: Secret, Receiver, source and applier are Ready, the webhook calls the
    Receiver through an ingress of the chain's own, and a push has come through.

    Args:
        forge: whose repository it is, `GITHUB` or `GITLAB`.
        receiver, source, applier: what differs in their specs; `None` removes a field.
        hook: what differs in the webhook's settings.
        kind: of the source.
        applied_by: the kind of the applier; "" where nothing applies it.
        files: further files in the repository.
        own_ingress: give it an ingress of its own, to be broken.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        name: str,
        *,
        forge: str = GITHUB,
        receiver: Mapping[str, Any] | None = None,
        source: Mapping[str, Any] | None = None,
        applier: Mapping[str, Any] | None = None,
        hook: Mapping[str, Any] | None = None,
        kind: str = "GitRepository",
        applied_by: str = "Kustomization",
        files: Mapping[str, str] | None = None,
        token: str | None = None,
        own_ingress: bool = False,
    ) -> None:
        self.sandbox = sandbox
        self.name = self.namespace = name
        self.kind = kind
        self.applied_by = applied_by
        self.token = token or secrets.token_hex(16)
        self.settings: dict[str, Any] = {}
        self.known_tokens = [self.token]
        self.known_paths: list[str] = []
        self._forge_name = forge
        self._given = {"Receiver": receiver, kind: source, applied_by: applier}
        self._hook = dict(hook or {})
        self._files = dict(files or {})
        self._own_ingress = own_ingress
        self._namespaces: list[str] = []
        self._pushes = 0
        self._pushed_at = time.monotonic()
        self._closing = ExitStack()

    forge: GitHub | GitLab
    path: str
    """What the repository is called at the forge."""
    webhook: Webhook
    ingress: Ingress

    # Life

    def __enter__(self) -> "Chain":
        self.client: lightkube.Client = self.sandbox.cluster.client()
        self._closing.callback(self.client.close)
        self._closing.callback(self._remove)
        if self._forge_name == GITLAB:
            self.forge = self.sandbox.gitlab
            self.path = f"{self.forge.group}/{self.name}"
            self.repository = self.forge.create_project(self.path)
            self.webhook = GitLabWebhook(self.forge, self.path)
        else:
            self.forge = self.sandbox.github
            self.path = self.name
            self.repository = self.forge.create_repository(self.name)
            self.webhook = GitHubWebhook(self.forge, self.name)
        self._closing.callback(self.webhook.close)
        self.ingress = self.sandbox.ingress
        if self._own_ingress:
            self.ingress = self.open_ingress()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def _remove(self) -> None:
        """Leave nothing that controllers work on, or that other chains are compared with."""
        for namespace in self._namespaces:
            for kind in ("Receiver", "Kustomization", "HelmRelease", "GitRepository"):
                self.client.deletecollection(resource(kind), namespace=namespace)

    def start(self, *, push: bool = True) -> None:
        """Make it, and send a push through it."""
        self.repository.commit(self.content(), message="What is applied")
        self.make_namespace(self.name)
        self.make_secret("token", {"token": self.token})
        self.make_source()
        self.make_applier()
        self.make_receiver()
        self.webhook.id = self.webhook.create(self.url, self.token, **self._hook)
        self.forge.wait_idle()
        if push:
            self.push()
            self.await_applied()
            # The first fetch may have brought it: what the delivery asked for is still to come.
            await_handled(self.sandbox, self.namespace)

    # What it is made of

    def make_namespace(self, name: str) -> None:
        """Make a namespace."""
        self.client.create(Namespace(metadata=ObjectMeta(name=name)))
        self._namespaces.append(name)

    def make_secret(self, name: str, data: Mapping[str, str], **labels: str) -> None:
        """Make a Secret."""
        meta = ObjectMeta(name=name, namespace=self.name, labels=labels or None)
        self.client.create(Secret(metadata=meta, stringData=dict(data)))

    def make_receiver(self, name: str = APP, **differing: Any) -> str:
        """Make a Receiver, wait until it serves a path, and return that."""
        spec = {
            "type": self._forge_name,
            "events": _EVENTS[self._forge_name],
            "interval": "10m",
            "secretRef": {"name": "token"},
            "resources": [{"kind": self.kind, "name": APP}],
            "resourceFilter": with_probe(None),
        }
        labels = differing.pop("labels", None)
        self.make("Receiver", name, spec, self._given["Receiver"], differing, labels=labels)
        return self.await_path(name)

    def make_source(self, name: str = APP, **differing: Any) -> None:
        """Make the source; it asks by itself only every 30 minutes."""
        spec = {"interval": "30m", "url": self.repository.clone_url}
        if self.kind == "GitRepository":
            spec["ref"] = {"branch": "main"}  # type: ignore[assignment]
        labels = differing.pop("labels", None)
        self.make(self.kind, name, spec, self._given[self.kind], differing, labels=labels)

    def copy_source(self, namespace: str, name: str = APP) -> None:
        """Make a copy of the source in another namespace."""
        self.make(self.kind, name, self.get(self.kind).spec, namespace=namespace)

    def make_applier(self, name: str = APP, **differing: Any) -> None:
        """Make the applier, which tries again only after 30 minutes."""
        if not self.applied_by:
            return
        spec: dict[str, Any]
        if self.applied_by == "Kustomization":
            spec = {
                "interval": "30m",
                "retryInterval": "30m",
                "path": "./deploy",
                "prune": True,
                "sourceRef": {"kind": self.kind, "name": APP},
                "timeout": "20s",
            }
        else:
            spec = {
                "interval": "30m",
                "chart": {
                    "spec": {
                        "chart": "./chart",
                        "reconcileStrategy": "Revision",
                        "sourceRef": {"kind": self.kind, "name": APP},
                    }
                },
                "timeout": "20s",
            }
        self.make(self.applied_by, name, spec, self._given[self.applied_by], differing)

    def make(
        self,
        kind: str,
        name: str,
        spec: Mapping[str, Any],
        *differing: Mapping[str, Any] | None,
        labels: Mapping[str, str] | None = None,
        namespace: str = "",
    ) -> None:
        """Make an object of Flux's."""
        wanted = dict(spec)
        for changes in differing:
            wanted |= changes or {}
        wanted = {field: value for field, value in wanted.items() if value is not None}
        meta = ObjectMeta(
            name=name, namespace=namespace or self.name, labels=dict(labels) if labels else None
        )
        self.client.create(resource(kind)(metadata=meta, spec=wanted))

    def content(self) -> dict[str, str]:
        """The repository's files: something to apply, another with each call."""
        self._pushes += 1
        config_map = CONFIG_MAP.format(name="deployed", namespace=self.name, pushed=self._pushes)
        files = {"deploy/configmap.yaml": config_map}
        if self.applied_by == "HelmRelease":
            files = {
                "chart/Chart.yaml": _CHART,
                "chart/values.yaml": f"pushed: {self._pushes}\n",
                "chart/templates/configmap.yaml": _CHART_CONFIG_MAP,
            }
        return {**files, **self._files}

    # What its owner does

    def push(self, files: Mapping[str, str | None] | None = None, *, branch: str = "main") -> str:
        """Push a commit, wait until the forge has sent what it sends, and return its ID."""
        self._pushed_at = time.monotonic()
        commit = self.repository.commit(
            self.content() if files is None else files, message="A change", branch=branch
        )
        self.forge.wait_idle()
        return commit

    def commit_locally(self) -> str:
        """Commit on main without a push, and return the commit's ID."""
        checkout = self.repository._checkout
        checkout._fetch()
        checkout._git("checkout", "--quiet", "--force", "--detach", "origin/main")
        checkout._git("commit", "--quiet", "--allow-empty", "--message=Not pushed yet")
        return checkout._git("rev-parse", "HEAD").strip()

    def patch(self, kind: str, name: str = APP, *, namespace: str = "", **spec: Any) -> None:
        """Change fields of an object's spec; `None` removes one."""
        self.merge(kind, name, {"spec": spec}, namespace=namespace)

    def merge(
        self, kind: str, name: str, document: Mapping[str, Any], *, namespace: str = ""
    ) -> None:
        """Change an object by a merge patch."""
        self.client.patch(
            resource(kind),
            name,
            dict(document),
            namespace=namespace or self.name,
            patch_type=PatchType.MERGE,
        )

    def delete(self, kind: str, name: str = APP) -> None:
        """Delete an object."""
        self.client.delete(resource(kind), name, namespace=self.name)

    def apply(self, path: str, document: Mapping[str, Any]) -> None:
        """Apply any document below a collection's path; its name is in it."""
        self.http.patch(
            f"{path}/{document['metadata']['name']}",
            params={"fieldManager": "fluxhooks-matrix", "force": "true"},
            headers={"Content-Type": "application/apply-patch+yaml"},
            json=dict(document),
        ).raise_for_status()

    def remove(self, path: str) -> None:
        """Delete what is at a path of the API server."""
        self.http.delete(path).raise_for_status()

    @property
    def http(self) -> httpx.Client:
        """Asks the API server with the administrator's rights."""
        return self.sandbox.cluster._http

    def ask(self, kind: str, name: str = APP) -> str:
        """Ask for a reconcile, as `flux reconcile` does; return what is asked with."""
        asked = f"asked-{time.monotonic_ns()}"
        self.merge(kind, name, {"metadata": {"annotations": {REQUESTED: asked}}})
        return asked

    def reconcile(self, kind: str, name: str = APP) -> None:
        """Ask for a reconcile, and wait until the controller says it is done."""
        asked = self.ask(kind, name)
        self.until(
            lambda: self.status(kind, name).get("lastHandledReconcileAt") == asked,
            f"{kind} {name} is reconciled",
        )

    def open_ingress(self, **options: Any) -> Ingress:
        """Open a further ingress to the Receivers, whose authority the forges trust."""
        options.setdefault("ca", self.authority)
        port = options.pop("target_port", self.sandbox.cluster.receiver_port)
        return self._closing.enter_context(Ingress(port, **options))

    @property
    def trust(self) -> ssl.SSLContext:
        """Trusts whom the forges trust."""
        return ssl.create_default_context(cafile=self.sandbox.ingress.ca_file)

    @property
    def authority(self) -> trustme.CA:
        """Whom the forges trust."""
        return self.sandbox.ingress.ca

    def name_scope(self) -> None:
        """Have the doctor told what has the webhook, where no source's URL says it."""
        kind, name = "project", self.path
        if self._forge_name == GITHUB:
            kind, name = "repository", f"{self.sandbox.github.owner}/{self.path}"
        self.settings["scope"] = Scope(forge=self._forge_name, kind=kind, name=name)
        self.settings["receiver"] = f"{self.namespace}/{APP}"

    def after(self, action: Callable[[], object]) -> None:
        """Do something when the chain is over, to put right what others use."""
        self._closing.callback(action)

    # What is seen of it

    @property
    def url(self) -> str:
        """What its webhook must call."""
        return f"{self.ingress.url}{self.await_path()}"

    def get(self, kind: str, name: str = APP, *, namespace: str = "") -> Any:
        """An object, or None where there is none."""
        try:
            return self.client.get(resource(kind), name, namespace=namespace or self.name)
        except lightkube.core.exceptions.ApiError as error:
            if error.status.code != 404:
                raise
            return None

    def status(self, kind: str, name: str = APP, *, namespace: str = "") -> dict[str, Any]:
        """An object's status; empty where there is none."""
        found = self.get(kind, name, namespace=namespace)
        return dict(found.status or {}) if found is not None else {}

    def condition(
        self, kind: str, name: str = APP, type_: str = "Ready", *, namespace: str = ""
    ) -> dict[str, Any]:
        """A condition of the object's newest generation; empty where it has none."""
        found = self.get(kind, name, namespace=namespace)
        if found is None:
            return {}
        for condition in (found.status or {}).get("conditions", ()):
            newest = condition.get("observedGeneration", 0) == found.metadata.generation
            if condition["type"] == type_ and newest:
                return dict(condition)
        return {}

    def seconds_since_push(self) -> float:
        """How long ago the last push was."""
        return time.monotonic() - self._pushed_at

    def await_path(self, name: str = APP) -> str:
        """Wait until a Receiver is Ready, and return the path it serves."""

        def path() -> str:
            ready = self.condition("Receiver", name).get("status") == "True"
            return str(self.status("Receiver", name).get("webhookPath", "")) if ready else ""

        found = str(self.until(path, f"Receiver {name} is Ready"))
        if found not in self.known_paths:
            self.known_paths.append(found)
        return found

    def await_condition(
        self,
        kind: str,
        name: str = APP,
        *,
        type_: str = "Ready",
        status: str = "False",
        says: str = "",
    ) -> dict[str, Any]:
        """Wait for a condition whose reason or message holds `says`, and return it."""

        def found() -> dict[str, Any] | None:
            condition = self.condition(kind, name, type_)
            text = f"{condition.get('reason')}: {condition.get('message')}"
            return condition if condition.get("status") == status and says in text else None

        return dict(
            self.until(
                found,
                f"{type_} of {kind} {name} is {status} with {says!r}",
                seen=lambda: self.status(kind, name).get("conditions"),
            )
        )

    def await_fetched(self, commit: str = "", *, name: str = APP) -> None:
        """Wait until the source has a commit, the newest of main where none is given."""
        wanted = commit or self.head()
        self.until(
            lambda: wanted in self.revision(name),
            f"{self.kind} {name} has {wanted}",
            seen=lambda: self.status(self.kind, name),
        )

    def await_applied(self, commit: str = "") -> None:
        """Wait until the newest commit of main, or `commit`, is applied."""
        self.await_fetched(commit)
        if not self.applied_by:
            return
        wanted = commit or self.head()

        def applied() -> bool:
            status = self.status(self.applied_by)
            ready = self.condition(self.applied_by).get("status") == "True"
            if self.applied_by == "Kustomization":
                return ready and wanted in str(status.get("lastAppliedRevision"))
            # A chart's version says the revision it was made of.
            newest = (status.get("history") or [{}])[0]
            version = str(newest.get("chartVersion", ""))
            return ready and wanted[:12] in version and newest.get("status") == "deployed"

        self.until(
            applied, f"{self.applied_by} has {wanted}", seen=lambda: self.status(self.applied_by)
        )

    def head(self, branch: str = "main") -> str:
        """The newest commit of a branch."""
        return (self.repository.path / "refs" / "heads" / branch).read_text().strip()

    def revision(self, name: str = APP) -> str:
        """What the source has fetched."""
        return str(self.status(self.kind, name).get("artifact", {}).get("revision", ""))

    def deliveries(self, event: str = "") -> list[Any]:
        """The finished deliveries, of one event where it is given, the oldest first."""
        self.forge.wait_idle()
        return [d for d in self.forge.deliveries(self.path) if event in ("", d.event)]

    def until(
        self,
        holds: Callable[[], Any],
        what: str,
        *,
        seconds: float = 45.0,
        seen: Callable[[], object] = str,
    ) -> Any:
        """Return the first true answer of `holds`; fail when none comes in time."""
        deadline = time.monotonic() + seconds
        while True:
            if answer := holds():
                return answer
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name}: not after {seconds:.0f} s: {what}; {seen()}")
            time.sleep(0.05)


@contextmanager
def started(chain: Chain) -> Iterator[Chain]:
    """A chain that is whole."""
    with chain:
        chain.start()
        yield chain


def await_handled(sandbox: Sandbox, namespace: str) -> None:
    """Wait a while until the sources have done what deliveries have asked of them."""
    deadline = time.monotonic() + 10
    with sandbox.cluster.client() as client:
        while time.monotonic() < deadline and "source-controller" in sandbox.cluster.pids:
            sources = client.list(resource("GitRepository"), namespace=namespace)
            if all(map(_is_handled, sources)):
                return
            time.sleep(0.05)


def _is_handled(source: Any) -> bool:
    asked = (source.metadata.annotations or {}).get(REQUESTED)
    handled = (source.status or {}).get("lastHandledReconcileAt")
    return asked == handled or source.spec.get("suspend", False)


def resource(kind: str) -> Any:
    """lightkube's class for a kind of Flux's, or one of a few others."""
    if kind in _TYPES:
        return _TYPES[kind]
    version = "notification.toolkit.fluxcd.io/v1" if kind == "Receiver" else KINDS[kind]
    plural = kind.lower().removesuffix("y") + ("ies" if kind.endswith("y") else "s")
    return create_namespaced_resource(*version.split("/"), kind, plural)
