"""The checks of many targets at once, over shared connections and within one limit of time."""

import asyncio
import datetime
import logging
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fluxhooks.flux.hook_path import PREFIX, UNKNOWN_PATH
from fluxhooks.flux.receiver_types import RECEIVER_TYPES, Proof
from fluxhooks.masking import MaskingFilter
from fluxhooks.observe import probe
from fluxhooks.observe.probing import meaning
from fluxhooks.observe.probing.findings import Check, Finding, Probed, Verdict
from fluxhooks.observe.probing.replies import ATTEMPT_SECONDS, Reply, ask
from fluxhooks.observe.probing.targets import Target

if TYPE_CHECKING:
    import httpx

_MASKING: Final = MaskingFilter()


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How targets are examined.

    Attributes:
        deliver: whether each is sent a delivery that it reconciles its targets for.
        at_once: requests under way at a time.
        settle_for: seconds for which an answer that may still settle (404, 502 to 504, no
            connection) is asked for again; 0 asks once.
        limit: seconds after which what is not finished is left.
    """

    deliver: bool = False
    at_once: int = 32
    settle_for: float = 2.0
    limit: float = 60.0


def withheld(target: Target) -> list[str]:
    """Return what is not sent to `target` unless it is asked for, as it would reconcile."""
    return [
        text
        for holds, text in (
            (bool(target.url and target.acts_on_get), f"unsigned GET ({target.acts_on_get})"),
            (
                bool(target.url and target.signable and target.acts_on_probe),
                f"signed probe ({target.acts_on_probe})",
            ),
        )
        if holds
    ]


async def examine(
    targets: Iterable[Target],
    settings: Settings,
    *,
    certificates: ssl.SSLContext | None = None,
    transport: "httpx.AsyncBaseTransport | None" = None,
) -> list[Probed]:
    """Send each target what tells most and reconciles nothing, and return what was found.

    Args:
        certificates: the authorities to trust; those of ``SSL_CERT_FILE``, else Mozilla's, when
            absent.
        transport: what carries the requests; the network when absent.
    """
    import httpx

    # httpx logs each request's URL; adding a filter again changes nothing.
    logging.getLogger("httpx").addFilter(_MASKING)
    targets = list(targets)
    found: list[dict[Check, Finding]] = [{} for _ in targets]
    async with httpx.AsyncClient(
        transport=transport,
        verify=certificates or httpx.create_ssl_context(),
        limits=httpx.Limits(
            max_connections=settings.at_once, max_keepalive_connections=settings.at_once
        ),
        timeout=ATTEMPT_SECONDS,
    ) as client:
        examination = _Examination(client, settings)
        tasks = [
            asyncio.create_task(examination.of(target, findings))
            for target, findings in zip(targets, found, strict=True)
        ]
        if tasks:
            await asyncio.wait(tasks, timeout=settings.limit)
        late = [not task.done() for task in tasks]
        for task in tasks:
            task.cancel()
        await examination.close()
        # What went wrong here, and not there, is to be seen.
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome
    return [
        Probed(
            name=target.name,
            type=str(target.type),
            host=target.host,
            findings=_complete(findings, settings, late=unfinished),
        )
        for target, findings, unfinished in zip(targets, found, late, strict=True)
    ]


def _complete(
    found: dict[Check, Finding], settings: Settings, *, late: bool
) -> tuple[Finding, ...]:
    """Return a finding for each check; those that are missing came after a wrong one, or late."""
    verdict, seen = Verdict.SKIPPED, "not reached"
    if late:
        verdict, seen = Verdict.UNKNOWN, f"not done within {settings.limit:g} s"
    left = {check: Finding(check=check, verdict=verdict, seen=seen) for check in Check}
    if not settings.deliver:
        left[Check.DELIVERY] = _skipped(Check.DELIVERY, "not asked for")
    return tuple({**left, **found}.values())


class _Examination:
    """What all targets share: connections, the limit of requests, and what is true of a host."""

    def __init__(self, client: "httpx.AsyncClient", settings: Settings) -> None:
        self._client = client
        self._settings = settings
        self._room = asyncio.Semaphore(settings.at_once)
        self._hosts: dict[str, asyncio.Task[Reply]] = {}

    async def of(self, target: Target, found: dict[Check, Finding]) -> None:
        """Examine `target` until something is wrong; each finding is in `found` at once."""
        for check in (self._host, self._unsigned, self._signed, self._delivery):
            if any(finding.verdict is Verdict.WRONG for finding in found.values()):
                return
            await check(target, found)

    async def close(self) -> None:
        """End what is under way for hosts."""
        for task in self._hosts.values():
            task.cancel()
        await asyncio.gather(*self._hosts.values(), return_exceptions=True)

    async def _host(self, target: Target, found: dict[Check, Finding]) -> None:
        if target.no_url:
            found[Check.TLS] = Finding(check=Check.TLS, verdict=Verdict.SKIPPED, seen="no URL")
            found[Check.CONTROL] = Finding(
                check=Check.CONTROL, verdict=Verdict.SKIPPED, seen="no URL"
            )
            found[Check.UNSIGNED] = Finding(
                check=Check.UNSIGNED, verdict=Verdict.WRONG, seen="no URL", cure=target.no_url
            )
            return
        origin = target.url.rpartition(PREFIX)[0]
        if origin not in self._hosts:
            asking = self._ask(origin + UNKNOWN_PATH, settled=(404,))
            self._hosts[origin] = asyncio.create_task(asking)
        # One target that is given up does not end what all others wait for.
        reply = await asyncio.shield(self._hosts[origin])
        https = origin.startswith("https://")
        now = datetime.datetime.now(datetime.UTC)
        found[Check.TLS] = meaning.tls(reply, https=https, now=now)
        if found[Check.TLS].verdict is not Verdict.WRONG:
            found[Check.CONTROL] = meaning.control(reply)

    async def _unsigned(self, target: Target, found: dict[Check, Finding]) -> None:
        if target.token == "" and target.needs_token:
            found[Check.UNSIGNED] = Finding(
                check=Check.UNSIGNED,
                verdict=Verdict.WRONG,
                seen="not sent",
                cure="The token in its Secret is empty: whoever knows the path is believed.",
            )
        elif target.acts_on_get:
            found[Check.UNSIGNED] = _skipped(Check.UNSIGNED, target.acts_on_get)
        else:
            reply = await self._ask(target.url)
            replaced = found[Check.CONTROL].verdict is Verdict.WARNING
            found[Check.UNSIGNED] = meaning.unsigned(reply, target, replaced=replaced)

    async def _signed(self, target: Target, found: dict[Check, Finding]) -> None:
        if finding := _unsignable(Check.SIGNED, target):
            found[Check.SIGNED] = finding
        elif target.acts_on_probe:
            found[Check.SIGNED] = _skipped(Check.SIGNED, target.acts_on_probe)
        else:
            reply = await self._send(target, probe.probe_body(target.type))
            found[Check.SIGNED] = meaning.signed(reply, target)

    async def _delivery(self, target: Target, found: dict[Check, Finding]) -> None:
        if not self._settings.deliver:
            return
        if finding := _unsignable(Check.DELIVERY, target):
            found[Check.DELIVERY] = finding
        else:
            reply = await self._send(target, probe.catch_up_body(target.type))
            found[Check.DELIVERY] = meaning.delivery(reply, target)

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

        retrying = probe.repeating(may_settle, self._settings.settle_for)
        reply: Reply = await retrying(attempt)
        return reply


def _skipped(check: Check, why: str) -> Finding:
    return Finding(check=check, verdict=Verdict.SKIPPED, seen=f"not sent: {why}")


def _unsignable(check: Check, target: Target) -> Finding | None:
    """Return why no delivery can be made for `target`; None where one can."""
    if RECEIVER_TYPES[target.type].proof is Proof.IDENTITY:
        return _skipped(check, "it needs a token of its sender's identity provider")
    if not target.signable:
        return _skipped(check, "it must be a valid CDEvent")
    if not target.needs_token:
        return None
    if target.token is None:
        return Finding(
            check=check,
            verdict=Verdict.WRONG if target.token_is_gone else Verdict.UNKNOWN,
            seen=f"not sent: {target.no_token}",
            cure="Make the Secret again, and give its token to the sender."
            if target.token_is_gone
            else "",
        )
    if "\n" in target.token or "\r" in target.token:
        return Finding(
            check=check,
            verdict=Verdict.WRONG,
            seen="not sent: the token in its Secret has a line break",
            cure="It is part of the token, and no sender sends it: write the Secret without "
            "(printf, not echo; kubectl create secret generic --from-literal).",
        )
    if RECEIVER_TYPES[target.type].proof is Proof.TOKEN and not _fits_header(target.token):
        return Finding(
            check=check,
            verdict=Verdict.WRONG,
            seen="not sent: the token in its Secret cannot be the value of a header",
            cure="It begins or ends with a blank, or has control characters: no sender can send "
            "it.",
        )
    return None


def _fits_header(token: str) -> bool:
    return token == token.strip() and not any(c < " " or c == "\x7f" for c in token)
