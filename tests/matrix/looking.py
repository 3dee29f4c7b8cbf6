"""The doctor at work: what it may, what it says, and that it changes nothing by looking."""

import json
import logging
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import lightkube
import lightkube.core.exceptions
import pytest
from httpx2 import HTTPStatusError

from fluxhooks.flux.targets import KINDS
from fluxhooks.observe.cluster import ClusterView
from fluxhooks.observe.doctor.diagnosis import Diagnosis, Finding
from fluxhooks.observe.doctor.doctor import diagnose
from fluxhooks.observe.doctor.settings import Settings
from fluxhooks.observe.doctor.subjects import OfCluster, OfStack
from fluxhooks.observe.forges import Forges
from fluxhooks.observe.state import ProviderSettings
from sandbox.ingress import Ingress
from sandbox.sandbox import Sandbox
from tests.leaks import Leaks
from tests.matrix.chain import resource
from tests.matrix.webhook import Webhook

READER = "doctor"

# What the documentation asks for: nobody needs to list Secrets.
RIGHTS = [
    {
        "apiGroups": [
            "notification.toolkit.fluxcd.io",
            "source.toolkit.fluxcd.io",
            "image.toolkit.fluxcd.io",
            "kustomize.toolkit.fluxcd.io",
            "helm.toolkit.fluxcd.io",
        ],
        "resources": ["*"],
        "verbs": ["get", "list"],
    },
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]},
]

_GRACE = timedelta(0)


class Seen(Protocol):
    """What of a chain is compared before and after, and looked for in what is said."""

    name: str
    namespace: str
    client: lightkube.Client
    forge: Any
    webhook: Webhook
    ingress: Ingress
    settings: dict[str, Any]
    known_tokens: list[str]
    known_paths: list[str]


@dataclass
class Looked:
    """What the doctor said of a chain.

    Attributes:
        wrong: what it did that it must not.
    """

    diagnosis: Diagnosis
    wrong: list[str] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        """All of them, of all chains."""
        return [finding for chain in self.diagnosis.chains for finding in chain.findings]

    @property
    def first(self) -> Finding | None:
        """The first that stops deliveries, else the first."""
        stops = (chain.first for chain in self.diagnosis.chains if chain.first is not None)
        return next(stops, next(iter(self.findings), None))

    def __str__(self) -> str:
        lines = [f"unseen: {unseen}" for unseen in self.diagnosis.unseen]
        lines += [f"must not be: {wrong}" for wrong in self.wrong]
        for chain in self.diagnosis.chains:
            lines.append(chain.name)
            for link in chain.links:
                lines.append(f"  {link.link}: {link.state}: {link.seen}")
                for found in link.findings:
                    lines.append(f"    {found.fault.label} at {found.where}: {found.wrong}")
                    lines += [f"      {one}" for one in found.evidence]
                    lines.append(f"      {found.sure}; cure: {found.cure}")
        return "\n".join(lines)


class Doctor:
    """The doctor, with the rights it needs and no others."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._environment: dict[str, str] = {}
        kubeconfig = sandbox.cluster.kubeconfig_for(READER, RIGHTS, namespace=None)
        self._client = lightkube.Client(
            config=lightkube.KubeConfig.from_file(kubeconfig), trust_env=False
        )
        self._github_token = sandbox.github.issue_token(webhooks="read")
        self._gitlab_token = ""

    def __enter__(self) -> "Doctor":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def certificates(self) -> ssl.SSLContext:
        """Trusts whom the forges trust."""
        return ssl.create_default_context(cafile=self._sandbox.ingress.ca_file)

    def look(
        self,
        chain: Seen,
        *,
        wanted: OfStack | None = None,
        ask_cluster: bool = True,
        ask_forges: bool = True,
        **told: Any,
    ) -> Looked:
        """Look at a chain; told what a user would, as in `OfCluster` and `Settings`."""
        given = {"namespace": chain.namespace}
        settings: dict[str, Any] = {"settle_for": 0.0, "grace": _GRACE}
        for name, value in {**chain.settings, **told}.items():
            (settings if name in Settings.__dataclass_fields__ else given)[name] = value
        for attempt in range(5):
            looked = self._look(
                chain,
                wanted or OfCluster(**given),
                Settings(**settings),
                ask_cluster=ask_cluster,
                ask_forges=ask_forges,
            )
            # What fails is tried again by its controller, which may fall into the look.
            if not any("resourceVersion" in wrong for wrong in looked.wrong) or attempt == 4:
                break
        return looked

    def _look(
        self,
        chain: Seen,
        wanted: OfStack | OfCluster,
        settings: Settings,
        *,
        ask_cluster: bool,
        ask_forges: bool,
    ) -> Looked:
        sandbox = self._sandbox
        before = _objects(chain)
        asked = len(sandbox.cluster.requests_of(READER)), len(chain.forge.requests)
        said: list[str] = []
        with pytest.MonkeyPatch.context() as environment, _Logs() as logs:
            for name, value in self._variables(chain).items():
                environment.setenv(name, value)
            diagnosis = diagnose(
                wanted,
                cluster=(lambda: ClusterView(self._client)) if ask_cluster else None,
                forges=Forges(ProviderSettings()) if ask_forges else None,
                settings=settings,
                certificates=self.certificates,
                say=said.append,
            )
        looked = Looked(diagnosis)
        after = _objects(chain)
        looked.wrong += _changes(before, after)
        looked.wrong += sorted(
            {
                f"it asked the API server to {request}"
                for request in sandbox.cluster.requests_of(READER)[asked[0] :]
                if request.verb not in ("get", "list")
            }
        )
        looked.wrong += [
            f"it asked the forge to {request.method} {request.path}"
            for request in chain.forge.requests[asked[1] :]
            if request.method not in ("GET", "HEAD") and "git-upload-pack" not in request.path
        ]
        looked.wrong += _leaks(chain, looked, [*said, *logs.lines])
        return looked

    def _variables(self, chain: Seen) -> Mapping[str, str]:
        github = self._sandbox.github
        variables = {"GITHUB_TOKEN": self._github_token, "GITHUB_BASE_URL": github.base_url}
        if chain.forge is not github:
            gitlab = self._sandbox.gitlab
            self._gitlab_token = self._gitlab_token or gitlab.issue_token(webhooks="read")
            variables |= {
                "GITLAB_TOKEN": self._gitlab_token,
                "GITLAB_BASE_URL": f"{gitlab.base_url}api/v4/",
            }
        return variables


class _Logs(logging.Handler):
    """What is logged meanwhile, by whomever."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    def __enter__(self) -> "_Logs":
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)


def told(finding: Finding, chain: Seen) -> dict[str, str]:
    """What a finding says, with what differs from run to run taken out."""
    return {
        "fault": finding.fault.label,
        "wrong": _plain(finding.wrong, chain),
        "sure": str(finding.sure),
        "cure": _plain(finding.cure, chain),
    }


def _plain(text: str, chain: Seen) -> str:
    text = text.replace(chain.name, "shop")
    if chain.webhook.id:
        text = text.replace(chain.webhook.id, "4711")
    text = re.sub(r"\b(deliveries|events)/\d+", r"\1/42", text)
    text = re.sub(r"\bhooks/\d+", "hooks/4711", text)
    text = re.sub(r"\b[0-9a-f]{40}\b", "5f3c…", text)
    text = re.sub(r"\b[0-9a-f]{7,12}\b(?=[^/]|$)(?=.*)", _digest, text)
    text = text.replace(chain.ingress.host, "flux.example.com")
    text = re.sub(r"http://127\.0\.0\.1:\d+", "https://forge.example.com", text)
    text = re.sub(r"localhost:\d+", "other.example.com", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)", "2026-01-31T12:00:00Z", text)
    return re.sub(r"\b\d+(\.\d+)? (ms|s|seconds?|minutes?|min)\b", "… s", text)


def _digest(match: "re.Match[str]") -> str:
    # A word or a number of that many digits is none.
    found = match.group()
    mixed = any(c.isdigit() for c in found) and any(c.isalpha() for c in found)
    return "5f3c…" if mixed else found


_Objects = dict[str, tuple[str, str, int]]


def _objects(chain: Seen) -> _Objects:
    """Annotations, version and generation of all objects in the chain's namespace."""
    found: _Objects = {}
    for kind in ("Receiver", "Secret", "ConfigMap", *KINDS):
        try:
            items = list(chain.client.list(resource(kind), namespace=chain.namespace))
        except (lightkube.core.exceptions.ApiError, HTTPStatusError):
            # A kind that the cluster does not have.
            continue
        for item in items:
            meta = item.metadata
            found[f"{kind} {meta.name}"] = (
                str(meta.annotations),
                meta.resourceVersion,
                meta.generation or 0,
            )
    return found


def _changes(before: _Objects, after: _Objects) -> list[str]:
    changes = [f"{name} came or went" for name in before.keys() ^ after.keys()]
    for name in before.keys() & after.keys():
        (was, version, generation), (annotations, newer, newest) = before[name], after[name]
        if was != annotations or generation != newest:
            changes.append(f"{name} was changed: its annotations or its spec")
        elif version != newer:
            changes.append(f"{name} has another resourceVersion")
    return changes


def _leaks(chain: Seen, looked: Looked, said: list[str]) -> list[str]:
    leaks = Leaks()
    for token in chain.known_tokens:
        if token.strip():
            leaks.know_token(token)
    for path in chain.known_paths:
        leaks.know_path(path)
    leaks.read("the diagnosis as JSON", json.dumps(looked.diagnosis.as_json()))
    leaks.read("the diagnosis", repr(looked.diagnosis))
    leaks.read("what was said or logged", "\n".join(said))
    return leaks.found()


def reader_kubeconfig(sandbox: Sandbox) -> Path:
    """The kubeconfig of the doctor's rights, for commands."""
    return sandbox.cluster.kubeconfig_for(READER, RIGHTS, namespace=None)
