"""The requests to many targets at once, over shared connections and within one limit of time."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fluxhooks.flux.hook_path import PREFIX, UNKNOWN_PATH
from fluxhooks.masking import MaskingFilter
from fluxhooks.observe import probe
from fluxhooks.observe.probing.replies import ATTEMPT_SECONDS, Reply, ask
from fluxhooks.observe.probing.targets import Target

if TYPE_CHECKING:
    import httpx

_MASKING: Final = MaskingFilter()


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much is asked, and for how long.

    Attributes:
        at_once: requests under way at a time.
        settle_for: seconds for which an answer that may still settle (404, 502 to 504, no
            connection) is asked for again; 0 asks once.
        limit: seconds after which what is not finished is left.
    """

    at_once: int = 32
    settle_for: float = 2.0
    limit: float = 60.0


class Requests:
    """What all targets share: connections, the limit of requests, and what is true of a host."""

    def __init__(self, client: "httpx.AsyncClient", limits: Limits) -> None:
        self._client = client
        self._settle_for = limits.settle_for
        self._room = asyncio.Semaphore(limits.at_once)
        self._hosts: dict[str, asyncio.Task[Reply]] = {}

    async def control(self, target: Target) -> Reply:
        """GET a path that no Receiver has; once for all targets of a host."""
        origin = origin_of(target.url)
        if origin not in self._hosts:
            asking = self._ask(origin + UNKNOWN_PATH, settled=(404,))
            self._hosts[origin] = asyncio.create_task(asking)
        # One target that is given up does not end what all others wait for.
        return await asyncio.shield(self._hosts[origin])

    async def unsigned(self, target: Target) -> Reply:
        """GET the target's path without a signature."""
        return await self._ask(target.url)

    async def signed(self, target: Target) -> Reply:
        """Send the probe that reconciles nothing where the Receiver's filter spares it."""
        return await self._send(target, probe.probe_body(target.type))

    async def delivery(self, target: Target) -> Reply:
        """Send a delivery, which reconciles."""
        return await self._send(target, probe.catch_up_body(target.type))

    async def close(self) -> None:
        """End what is under way for hosts."""
        for task in self._hosts.values():
            task.cancel()
        await asyncio.gather(*self._hosts.values(), return_exceptions=True)

    async def _send(self, target: Target, body: bytes) -> Reply:
        headers = probe.headers_of(
            target.type, token=target.token or "", event=target.event, body=body
        )
        return await self._ask(target.url, method="POST", headers=headers, body=body)

    async def _ask(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        settled: tuple[int, ...] = (),
    ) -> Reply:
        def may_settle(reply: Reply) -> bool:
            if reply.failure is not None:
                return not reply.failure.final
            return reply.status in probe.SETTLING and reply.status not in settled

        async def attempt() -> Reply:
            async with self._room:
                return await ask(self._client, url, method=method, headers=headers, body=body)

        retrying = probe.repeating(may_settle, self._settle_for)
        reply: Reply = await retrying(attempt)
        return reply


def origin_of(url: str) -> str:
    """Return what stands before ``/hook/`` in a hook URL."""
    return url.rpartition(PREFIX)[0]


async def for_each(
    targets: Sequence[Target],
    examine: Callable[[Requests, int], Awaitable[None]],
    limits: Limits,
    *,
    certificates: ssl.SSLContext | None = None,
    transport: "httpx.AsyncBaseTransport | None" = None,
) -> list[bool]:
    """Examine each target by its number, all at once; return which were left unfinished.

    Args:
        certificates: the authorities to trust; those of ``SSL_CERT_FILE``, else Mozilla's, when
            absent.
        transport: what carries the requests; the network when absent.
    """
    import httpx

    # httpx logs each request's URL; adding a filter again changes nothing.
    logging.getLogger("httpx").addFilter(_MASKING)
    async with httpx.AsyncClient(
        transport=transport,
        verify=certificates or httpx.create_ssl_context(),
        limits=httpx.Limits(
            max_connections=limits.at_once, max_keepalive_connections=limits.at_once
        ),
        timeout=ATTEMPT_SECONDS,
    ) as client:
        requests = Requests(client, limits)

        async def one(number: int) -> None:
            await examine(requests, number)

        tasks = [asyncio.create_task(one(number)) for number in range(len(targets))]
        if tasks:
            await asyncio.wait(tasks, timeout=limits.limit)
        late = [not task.done() for task in tasks]
        for task in tasks:
            task.cancel()
        await requests.close()
        # What went wrong here, and not there, is to be seen.
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
    return late
