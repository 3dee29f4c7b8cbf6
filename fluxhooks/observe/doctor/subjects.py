"""Which chains are looked at: those of a stack, or of a cluster's Receivers."""

import os
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fluxhooks.flux.hook_path import host_of
from fluxhooks.flux.labels import COMPONENT, GENERATION, MANAGED_BY, STACK
from fluxhooks.observe.doctor import reached
from fluxhooks.observe.doctor.evidence import ClusterEvidence, FluxObject, Key
from fluxhooks.observe.state import (
    SENDS_TO,
    DeclaredReceiver,
    ProviderSettings,
    Scope,
    StackState,
)

# The types whose senders can be asked what they sent.
FORGES: Final = ("github", "gitlab")


@dataclass(frozen=True, kw_only=True)
class OfStack:
    """The WebhookReceivers of a stack.

    Attributes:
        names: only these; all where empty.
        cluster: the UID of the stack's cluster; "" where none was recorded.
    """

    state: StackState
    names: tuple[str, ...] = ()
    cluster: str = ""


@dataclass(frozen=True, kw_only=True)
class OfCluster:
    """The Receivers of a cluster, whoever made them.

    Attributes:
        namespace: only the Receivers there; "*" for all.
        receiver: namespace and name of the only one, as in "flux-system/app"; "" for all.
        host: where they are reached, with a port where one is needed; "" where the webhooks
            that call them say so.
        scope: what at a forge has their webhooks; where None, what their sources' URLs name. It
            must have that of the only Receiver, and may have that of others.
    """

    namespace: str = "*"
    receiver: str = ""
    host: str = ""
    scope: Scope | None = None

    @property
    def where(self) -> str:
        """Where it is looked, as goes behind a word; "" where everywhere."""
        return "" if self.namespace == "*" else f" in {self.namespace}"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A chain that is to be looked at: a webhook and the Receiver it calls.

    Attributes:
        name: which no two subjects share.
        receiver: namespace and name of the live Receiver, whether it exists or not.
        older: those of its other generations, which a webhook may call.
        type: the Receiver's; "" where it is not known.
        declared: what the stack declares; None without a stack.
        scope: what at a forge has its webhook; None where that is not known, or there is none.
        managed: whether the webhook must be in that scope; else it may be one of an organisation
            or group, or its sender is no forge.
        host: the host it must be called at, as stack or user say; "" where nobody says.
    """

    name: str
    receiver: tuple[str, str]
    older: tuple[tuple[str, str], ...] = ()
    type: str = ""
    declared: DeclaredReceiver | None = field(default=None, repr=False)
    scope: Scope | None = None
    managed: bool = True
    host: str = ""


def of_stack(wanted: OfStack) -> list[Subject]:
    """Return a subject for each WebhookReceiver, with the live generation's Receiver."""
    receivers = wanted.state.receivers
    return [_declared(receivers[name]) for name in sorted(wanted.names or receivers)]


def of_cluster(
    wanted: OfCluster, cluster: ClusterEvidence, providers: ProviderSettings
) -> list[Subject]:
    """Return a subject for each Receiver, and each repository that its sources' URLs name.

    Generations of ours that stand beside each other are one subject, the newest's.

    Args:
        providers: says, with the environment, which hosts are forges that can be asked.
    """
    hosts = forge_hosts(providers)
    return [
        subject
        for generations in _generations(wanted, cluster)
        for subject in _of_receiver(generations, wanted, cluster, hosts)
    ]


def forge_hosts(providers: ProviderSettings) -> dict[str, str]:
    """Return the forges that can be asked: their host, and path below it, and which they are."""
    gitea = os.environ.get("GITEA_BASE_URL", "")
    github = providers.github_base_url or os.environ.get("GITHUB_BASE_URL", "")
    gitlab = providers.gitlab_base_url or os.environ.get("GITLAB_BASE_URL", "")
    return {
        _root(github, "/api/v3") or "github.com": "github",
        _root(gitlab, "/api/v4") or "gitlab.com": "gitlab",
        **({_root(gitea, "/api/v1"): "gitea"} if gitea else {}),
    }


def scope_of(url: str, hosts: Mapping[str, str]) -> Scope | None:
    """Return the repository or project that a Git URL names; None where its forge is not known.

    Args:
        hosts: as `forge_hosts` returns them.
    """
    if "://" not in url:
        # As in git@github.com:acme/app.git, which ssh takes.
        host, _, path = url.rpartition("@")[2].partition(":")
    else:
        parts = urllib.parse.urlsplit(url)
        host, path = parts.netloc.rpartition("@")[2], parts.path
    where = f"{host}/{path.strip('/').removesuffix('.git')}"
    for root, forge in hosts.items():
        # A port is SSH's there, and none of the API's.
        for known in (root, root.partition(":")[0]) if url.startswith("ssh://") else (root,):
            name = where.removeprefix(f"{known}/")
            if name != where and "/" in name:
                kind = "project" if forge == "gitlab" else "repository"
                server = os.environ.get("GITEA_BASE_URL", "") if forge == "gitea" else ""
                return Scope(forge, kind, name, server.rstrip("/").removesuffix("/api/v1"))
    return None


def _root(base_url: str, api: str) -> str:
    if not base_url or "api.github.com" in base_url:
        return ""
    parts = urllib.parse.urlsplit(base_url)
    return (parts.netloc + parts.path.rstrip("/").removesuffix(api)).rstrip("/")


def _declared(receiver: DeclaredReceiver) -> Subject:
    generations = receiver.generations
    live = generations.get(receiver.live or max(generations, default=0))
    called = receiver.finished_url or (receiver.webhook.url if receiver.webhook else "")
    return Subject(
        name=receiver.name,
        receiver=(live.namespace, live.receiver) if live else ("", ""),
        older=tuple(
            (each.namespace, each.receiver)
            for number, each in sorted(generations.items(), reverse=True)
            if each is not live and each.receiver
        ),
        type=receiver.type,
        declared=receiver,
        scope=receiver.webhook.scope if receiver.webhook else None,
        managed=receiver.managed,
        host=host_of(called).rpartition("@")[2],
    )


def _generations(wanted: OfCluster, cluster: ClusterEvidence) -> list[list[FluxObject]]:
    """Return the Receivers that are wanted, the generations of one component together."""
    namespace, _, name = wanted.receiver.rpartition("/")
    groups: dict[tuple[str, ...], list[FluxObject]] = {}
    found = cluster.of("Receiver", "" if wanted.namespace == "*" else wanted.namespace)
    for receiver in sorted(found, key=lambda each: (each.namespace, each.name)):
        if name and (receiver.namespace, receiver.name) != (namespace, name):
            continue
        labels = receiver.labels
        key: tuple[str, ...] = (receiver.namespace, receiver.name)
        if not name and labels.get(MANAGED_BY) == "fluxhooks" and COMPONENT in labels:
            key = (receiver.namespace, labels.get(STACK, ""), labels[COMPONENT], "")
        groups.setdefault(key, []).append(receiver)
    if name and not groups:
        return [[FluxObject(kind="Receiver", namespace=namespace, name=name)]]
    return [sorted(each, key=_number, reverse=True) for each in groups.values()]


def _number(receiver: FluxObject) -> int:
    number = receiver.labels.get(GENERATION, "")
    return int(number) if number.isdecimal() else 0


def _of_receiver(
    generations: list[FluxObject],
    wanted: OfCluster,
    cluster: ClusterEvidence,
    hosts: Mapping[str, str],
) -> Iterator[Subject]:
    newest, *older = generations
    receiver_type = str(newest.spec.get("type") or "")
    scopes: Sequence[Scope | None] = [None]
    certain = receiver_type in FORGES
    if wanted.scope is not None and wanted.receiver:
        scopes, certain = [wanted.scope], True
    elif certain:
        urls = (str(each.spec.get("url") or "") for each in _sources(newest, cluster))
        known = list(dict.fromkeys(scope for url in urls if (scope := scope_of(url, hosts))))
        # Several, or whatever has a label: as an organisation's webhook reaches them.
        certain = len(known) == 1 and all(target.name != "*" for target in reached.targets(newest))
        if wanted.scope is not None and SENDS_TO[wanted.scope.forge] == receiver_type:
            above = wanted.scope.kind in ("organization", "group", "instance")
            certain = certain and not above
            known += [wanted.scope] if above or not known else []
        scopes = [*known] or [None]
    for scope in scopes:
        name = f"{newest.namespace}/{newest.name}"
        yield Subject(
            name=f"{name} ({scope.name})" if scope and len(scopes) > 1 else name,
            receiver=(newest.namespace, newest.name),
            older=tuple((each.namespace, each.name) for each in older),
            type=receiver_type,
            scope=scope,
            managed=certain,
            host=wanted.host,
        )


def _sources(receiver: FluxObject, cluster: ClusterEvidence) -> Iterable[FluxObject]:
    """Return the GitRepositories that a Receiver names, by themselves or through a HelmChart."""
    found: dict[Key, FluxObject] = {}
    for target in reached.targets(receiver):
        for each in reached.reached(target, receiver.namespace, cluster):
            origin = _origin(each, cluster)
            if origin is not None and origin.kind == "GitRepository":
                found[origin.key] = origin
    return found.values()


def _origin(source: FluxObject, cluster: ClusterEvidence) -> FluxObject | None:
    if source.kind != "HelmChart":
        return source
    named = source.spec.get("sourceRef") or {}
    key = (str(named.get("kind", "")), source.namespace, str(named.get("name", "")))
    return cluster.objects.get(key)
