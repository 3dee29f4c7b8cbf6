"""The checks of many targets at once, each up to what is wrong."""

import datetime
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fluxhooks.flux.receiver_types import RECEIVER_TYPES, Proof
from fluxhooks.observe.probing import meaning
from fluxhooks.observe.probing.findings import Check, Finding, Probed, Verdict
from fluxhooks.observe.probing.requests import Limits, Requests, for_each
from fluxhooks.observe.probing.targets import Target

if TYPE_CHECKING:
    import httpx


@dataclass(frozen=True, kw_only=True)
class Settings(Limits):
    """How targets are examined.

    Attributes:
        deliver: whether each is sent a delivery that it reconciles its targets for.
    """

    deliver: bool = False


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
        certificates, transport: as for `for_each`.
    """
    targets = list(targets)
    found: list[dict[Check, Finding]] = [{} for _ in targets]

    async def one(requests: Requests, number: int) -> None:
        await _Examination(requests, settings).of(targets[number], found[number])

    late = await for_each(targets, one, settings, certificates=certificates, transport=transport)
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
    """One target's checks."""

    def __init__(self, requests: Requests, settings: Settings) -> None:
        self._requests = requests
        self._settings = settings

    async def of(self, target: Target, found: dict[Check, Finding]) -> None:
        """Examine `target` until something is wrong; each finding is in `found` at once."""
        for check in (self._host, self._unsigned, self._signed, self._delivery):
            if any(finding.verdict is Verdict.WRONG for finding in found.values()):
                return
            await check(target, found)

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
        reply = await self._requests.control(target)
        https = target.url.startswith("https://")
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
            reply = await self._requests.unsigned(target)
            replaced = found[Check.CONTROL].verdict is Verdict.WARNING
            found[Check.UNSIGNED] = meaning.unsigned(reply, target, replaced=replaced)

    async def _signed(self, target: Target, found: dict[Check, Finding]) -> None:
        if finding := unsignable(Check.SIGNED, target):
            found[Check.SIGNED] = finding
        elif target.acts_on_probe:
            found[Check.SIGNED] = _skipped(Check.SIGNED, target.acts_on_probe)
        else:
            reply = await self._requests.signed(target)
            found[Check.SIGNED] = meaning.signed(reply, target)

    async def _delivery(self, target: Target, found: dict[Check, Finding]) -> None:
        if not self._settings.deliver:
            return
        if finding := unsignable(Check.DELIVERY, target):
            found[Check.DELIVERY] = finding
        else:
            reply = await self._requests.delivery(target)
            found[Check.DELIVERY] = meaning.delivery(reply, target)


def _skipped(check: Check, why: str) -> Finding:
    return Finding(check=check, verdict=Verdict.SKIPPED, seen=f"not sent: {why}")


def unsignable(check: Check, target: Target) -> Finding | None:
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
