"""Whether cluster and forge show, after a rotation, what the stack declares."""

import asyncio
import datetime
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fluxhooks.flux.hook_path import host_of
from fluxhooks.observe import probe
from fluxhooks.observe.cluster import ClusterObject, ClusterView
from fluxhooks.observe.forges import Delivery, Forges
from fluxhooks.observe.state import DeclaredReceiver, DeclaredWebhook, StackState
from fluxhooks.operate.plan import Move, Plan

if TYPE_CHECKING:
    import httpx

# The controller forgets a path when it has seen its Receiver go.
_FORGET_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: the WebhookReceiver.
        what: what was looked at.
        ok: None where it could not be looked at from here.
        seen: what was seen; holds no secret.
    """

    name: str
    what: str
    ok: bool | None
    seen: str


def verify(
    before: StackState,
    after: StackState,
    plan: Plan,
    *,
    cluster: ClusterView,
    forges: Forges,
    since: datetime.datetime,
    reach: bool = True,
    transport: "httpx.AsyncBaseTransport | None" = None,
) -> list[Check]:
    """Look at forge, cluster and old URLs for each move of `plan`.

    Args:
        before, after: the state before and after the update.
        since: a delivery from then on proves the chain; without one, the forge sends a ping.
        reach: whether this machine reaches the public host.
        transport: what carries the requests to old URLs; the network when absent.

    Raises:
        ObservationError: forge or cluster could not be asked at all.
    """
    receivers = cluster.receivers(sorted(after.namespaces))
    checks: list[Check] = []
    for move in plan.moves:
        declared = after.receivers.get(move.name)
        if declared is None:
            checks.append(
                Check(name=move.name, what="state", ok=False, seen="the component is gone")
            )
            continue
        checks += _state_checks(move, declared)
        checks += _cluster_checks(move, declared, receivers)
        if not declared.managed:
            told = "none is made here; its sender is told by hand"
            checks.append(Check(name=move.name, what="webhook", ok=None, seen=told))
        elif declared.webhook is not None:
            checks += _forge_checks(declared, declared.webhook, forges, since)
        old = _old_urls(before.receivers.get(move.name), declared)
        checks += asyncio.run(_old_url_checks(move.name, old, reach=reach, transport=transport))
    return checks


def _state_checks(move: Move, declared: DeclaredReceiver) -> Iterator[Check]:
    live = declared.live == move.target
    yield Check(
        name=move.name,
        what="live generation",
        ok=live,
        seen=str(declared.live) if live else f"{declared.live} instead of {move.target}",
    )
    left = sorted(set(declared.generations) - {move.target, *move.retained})
    if left:
        yield Check(
            name=move.name,
            what="older generations",
            ok=False,
            seen=f"{_numbers(left)} still declared; does the program's argument retained say so?",
        )


def _cluster_checks(
    move: Move, declared: DeclaredReceiver, receivers: Iterable[ClusterObject]
) -> Iterator[Check]:
    by_name = {(found.namespace, found.name): found for found in receivers}
    for number in (move.target, *move.retained):
        generation = declared.generations.get(number)
        found = by_name.get((generation.namespace, generation.receiver)) if generation else None
        if generation is None or found is None:
            seen = "is not in the cluster"
        elif found.not_ready:
            seen = f"is not Ready: {found.not_ready}"
        elif number == move.target and found.path != declared.finished_path:
            seen = "serves another path than the stack declares"
        else:
            seen = ""
        yield Check(
            name=move.name,
            what=f"Receiver of generation {number}",
            ok=not seen,
            seen=seen or "Ready, with its path",
        )


def _forge_checks(
    declared: DeclaredReceiver, webhook: DeclaredWebhook, forges: Forges, since: datetime.datetime
) -> Iterator[Check]:
    forge = forges.of(webhook)
    seen = forge.webhook(webhook)
    wrong = [
        text
        for holds, text in (
            (seen is not None, "it is gone"),
            (seen is None or seen.path == declared.finished_path, "it calls another path"),
            (seen is None or seen.host == _host(declared), "it calls another host"),
            (
                seen is None or seen.active,
                "it is not active" + (seen.inactive_because if seen else ""),
            ),
            (seen is None or seen.json, "it does not send JSON"),
        )
        if not holds
    ]
    yield Check(
        name=declared.name,
        what="webhook",
        ok=not wrong,
        seen="; ".join(wrong) or "calls the live path, active, JSON",
    )
    if wrong:
        return
    delivery = forge.last_delivery(webhook)
    if delivery is None or delivery.at < since:
        if seen is not None and not seen.pingable:
            told = "none yet, and the forge has no test for its events"
            if webhook.scope.forge == "gitea":
                told = "not seen: Gitea tells of deliveries on its page of the webhook, and nowhere"
            yield Check(name=declared.name, what="delivery", ok=None, seen=told)
            return
        delivery = forge.ping(webhook)
    yield Check(
        name=declared.name,
        what="delivery",
        ok=delivery is not None and delivery.status == 200,
        seen=_said(delivery),
    )


def _host(declared: DeclaredReceiver) -> str:
    return host_of(declared.finished_url)


def _said(delivery: Delivery | None) -> str:
    return "the forge's ping was not delivered" if delivery is None else str(delivery)


def _old_urls(before: DeclaredReceiver | None, after: DeclaredReceiver) -> dict[int, str]:
    if before is None or not before.finished_url:
        return {}
    # Old generations answered at the host of before, if that was changed too.
    host = _host(before)
    return {
        number: f"https://{host}{generation.path}"
        for number, generation in sorted(before.generations.items())
        if number not in after.generations and generation.path
    }


async def _old_url_checks(
    name: str,
    urls: dict[int, str],
    *,
    reach: bool,
    transport: "httpx.AsyncBaseTransport | None",
) -> list[Check]:
    if not reach:
        return [_old(name, number, None, "not asked: verification is off") for number in urls]
    deadline = time.monotonic() + _FORGET_SECONDS
    answers = await asyncio.gather(
        *(
            probe.status(
                url,
                expected=404,
                settle_for=max(0.0, deadline - time.monotonic()),
                transport=transport,
            )
            for url in urls.values()
        )
    )
    return [
        _old(name, number, None if answer.status is None else answer.status == 404, str(answer))
        for number, answer in zip(urls, answers, strict=True)
    ]


def _old(name: str, number: int, ok: bool | None, seen: str) -> Check:
    return Check(name=name, what=f"old path of generation {number}", ok=ok, seen=seen)


def _numbers(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
