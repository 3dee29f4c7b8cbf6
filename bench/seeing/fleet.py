"""A cluster with many Receivers, each with its Secret and a GitRepository, made through the API."""

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from lightkube import ApiError, Client
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, Secret

from fluxhooks.flux.resource_filter import with_probe
from sandbox.cluster import Cluster

TEAMS = 10
"""Namespaces that they are spread over."""

READY_SECONDS = 600.0

_AT_ONCE = 16

_GitRepository = create_namespaced_resource(
    "source.toolkit.fluxcd.io", "v1", "GitRepository", "gitrepositories"
)
_Receiver = create_namespaced_resource(
    "notification.toolkit.fluxcd.io", "v1", "Receiver", "receivers"
)


@dataclass(frozen=True)
class Member:
    """A Receiver of the fleet; its Secret and its GitRepository have its name."""

    namespace: str
    name: str
    token: str = field(repr=False)
    path: str = field(default="", repr=False)


def raise_fleet(
    cluster: Cluster, count: int, *, url: str, say: Callable[[str], None]
) -> list[Member]:
    """Make `count` Receivers and GitRepositories, and wait until all of them are Ready.

    Args:
        url: the repository that all GitRepositories follow.
        say: is told what goes on.

    Raises:
        TimeoutError: they were not within ten minutes.
    """
    client = cluster.client()
    members = [
        Member(f"team-{number % TEAMS}", f"app-{number:03}", secrets.token_hex(16))
        for number in range(count)
    ]
    for team in range(TEAMS):
        client.create(Namespace(metadata=ObjectMeta(name=f"team-{team}")))
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for number, _ in enumerate(threads.map(lambda one: _make(client, one, url), members), 1):
            say(f"{number} of {count} Receivers made")
    paths = _await(client, count, say)
    return [
        Member(one.namespace, one.name, one.token, paths[one.namespace, one.name])
        for one in members
    ]


def _make(client: Client, one: Member, url: str) -> None:
    place = {"name": one.name, "namespace": one.namespace}
    objects: list[Any] = [
        Secret(metadata=ObjectMeta(**place), stringData={"token": one.token}),
        _GitRepository(
            metadata=place, spec={"interval": "24h", "url": url, "ref": {"branch": "main"}}
        ),
        _Receiver(
            metadata=place,
            spec={
                "type": "github",
                "events": ["ping", "push"],
                "secretRef": {"name": one.name},
                "resourceFilter": with_probe(None),
                "resources": [{"kind": "GitRepository", "name": one.name}],
            },
        ),
    ]
    for each in objects:
        try:
            client.create(each)
        except ApiError as error:
            if error.status.code != 409:
                raise


def _await(client: Client, count: int, say: Callable[[str], None]) -> dict[tuple[str, str], str]:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        receivers = list(client.list(_Receiver, namespace="*"))
        sources = list(client.list(_GitRepository, namespace="*"))
        ready = [sum(map(_ready, found)) for found in (receivers, sources)]
        if ready == [count, count]:
            return {
                (one.metadata.namespace, one.metadata.name): one["status"]["webhookPath"]
                for one in receivers
            }
        if time.monotonic() > deadline:
            raise TimeoutError(f"of {count} Receivers and sources, {ready} were Ready")
        say(f"{ready[0]} Receivers and {ready[1]} sources of {count} are Ready")
        time.sleep(1)


def _ready(found: Any) -> bool:
    conditions = (found.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
