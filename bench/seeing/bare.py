"""The requests that looking cannot do without, and nothing but them: no answer is even read."""

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx

from bench.seeing.fleet import Member
from bench.seeing.measure import UnlikeError
from fluxhooks.flux.hook_path import UNKNOWN_PATH
from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.flux.targets import APPLIERS, SOURCES
from fluxhooks.observe import probe
from fluxhooks.observe.probing.targets import Target
from sandbox.cluster import Cluster

_RECEIVERS = "notification.toolkit.fluxcd.io/v1/receivers"
_CHUNK = 500
_THREADS = 16
_AT_ONCE = 32


@dataclass(frozen=True)
class Request:
    """A request to a public URL."""

    method: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


def of_cluster(cluster: Cluster, members: Sequence[Member]) -> int:
    """List each kind once and get each Secret, as many at once as the doctor; return how many."""
    lists = [_RECEIVERS, *(_plural(kind, version) for kind, version in _KINDS)]
    paths = [f"/apis/{each}?limit={_CHUNK}" for each in lists]
    paths += [f"/api/v1/namespaces/{one.namespace}/secrets/{one.name}" for one in members]
    with (
        httpx.Client(
            base_url=cluster.server,
            verify=ssl.create_default_context(cafile=str(cluster.ca_file)),
            headers={"Authorization": f"Bearer {cluster.token}"},
            limits=httpx.Limits(max_connections=_THREADS, max_keepalive_connections=_THREADS),
            trust_env=False,
        ) as client,
        ThreadPoolExecutor(_THREADS) as threads,
    ):
        statuses = [answer.status_code for answer in threads.map(client.get, paths)]
    # A kind that the cluster does not have is 404.
    _expect(statuses, {200, 404})
    return len(statuses)


_KINDS = [*SOURCES.items(), *APPLIERS.items()]


def _plural(kind: str, version: str) -> str:
    plural = kind.lower().removesuffix("y") + ("ies" if kind.endswith("y") else "s")
    return f"{version}/{plural}"


def of_public(targets: Iterable[Target]) -> list[Request]:
    """Return what each target is asked, and its host once; made before anything is measured."""
    requests: dict[str, Request] = {}
    for target in targets:
        control = f"https://{target.host}{UNKNOWN_PATH}"
        requests.setdefault(control, Request("GET", control))
        requests[target.url] = Request("GET", target.url)
        body = probe.probe_body(ReceiverType.GITHUB)
        headers = probe.headers_of(
            target.type, token=target.token or "", event=target.event, body=body
        )
        requests[f"POST {target.url}"] = Request("POST", target.url, headers, body)
    return list(requests.values())


def send(requests: Sequence[Request], certificates: ssl.SSLContext) -> int:
    """Send them, as many at once as probe and doctor; return how many."""
    try:
        statuses = asyncio.run(_send(requests, certificates))
    except httpx.HTTPError as error:
        raise UnlikeError(f"a bare request was not answered: {type(error).__name__}") from None
    _expect(statuses, {200, 400, 404})
    return len(statuses)


async def _send(requests: Sequence[Request], certificates: ssl.SSLContext) -> list[int]:
    room = asyncio.Semaphore(_AT_ONCE)
    limits = httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE)
    async with httpx.AsyncClient(verify=certificates, limits=limits) as client:

        async def one(request: Request) -> int:
            async with room:
                answer = await client.request(
                    request.method, request.url, headers=request.headers, content=request.body
                )
            return answer.status_code

        return await asyncio.gather(*map(one, requests))


def _expect(statuses: Sequence[int], expected: set[int]) -> None:
    if wrong := set(statuses) - expected:
        raise UnlikeError(f"a bare request was answered {sorted(wrong)}")
