"""What each answer means, and what cures it.

Source: notification-controller ``internal/server/receiver_handlers.go`` and ``event_handlers.go``
at v1.9. 400 never says why, so what the checks before it have ruled out counts.
"""

import datetime
from typing import Any, Final

from fluxhooks.flux.receiver_types import RECEIVER_TYPES, Proof
from fluxhooks.observe.probing import causes
from fluxhooks.observe.probing.findings import Check, Finding, Verdict
from fluxhooks.observe.probing.replies import Reply
from fluxhooks.observe.probing.targets import Target

# A certificate that is renewed in time never gets so old.
EXPIRES_SOON: Final = datetime.timedelta(days=14)


def tls(reply: Reply, *, https: bool, now: datetime.datetime) -> Finding:
    """Return what the first request to a host says of connection and certificate."""
    took: dict[str, Any] = {"check": Check.TLS, "milliseconds": reply.connecting}
    failure = reply.failure
    if failure is not None and not failure.connected:
        return Finding(
            verdict=Verdict.WRONG,
            seen=str(reply),
            cure=causes.of_failure(failure, reply).cure,
            **took,
        )
    if not https:
        return Finding(
            verdict=Verdict.WARNING,
            seen="no TLS",
            cure="Whoever is on the way reads path and token: use https.",
            **took,
        )
    if reply.expires is None:
        return Finding(verdict=Verdict.OK, seen="valid", **took)
    left = reply.expires - now
    seen = f"valid for {left.days} days"
    if left < EXPIRES_SOON:
        cure = "The certificate expires soon: see why it was not renewed."
        return Finding(verdict=Verdict.WARNING, seen=seen, cure=cure, days=left.days, **took)
    return Finding(verdict=Verdict.OK, seen=seen, days=left.days, **took)


def control(reply: Reply) -> Finding:
    """Return what the answer to a path that no Receiver has says of who answers there."""
    if reply.status == 404 and not reply.page:
        return _finding(Check.CONTROL, reply, Verdict.OK)
    if reply.status == 404:
        return _finding(
            Check.CONTROL,
            reply,
            Verdict.WARNING,
            "The controller's 404 has no page: something in front answers, or puts its own page "
            "in place of errors.",
        )
    return _finding(Check.CONTROL, reply, Verdict.WRONG, causes.of_control(reply).cure)


def unsigned(reply: Reply, target: Target, *, replaced: bool = False) -> Finding:
    """Return what the answer to a GET without a signature means.

    Args:
        replaced: whether a path that no Receiver has was answered with a page.
    """
    if reply.status == 400 and target.stale:
        cure = (
            "The token in its Secret was changed: with its next reconcile it gets another path. "
            "Give its sender URL and token anew."
        )
        return _finding(Check.UNSIGNED, reply, Verdict.WARNING, cure, seen="400, on an old path")
    if reply.status == 400:
        return _finding(Check.UNSIGNED, reply, Verdict.OK)
    if reply.status is not None and 200 <= reply.status < 300:
        cure = (
            f"A Receiver of the type {target.type} refuses what is not signed: its type is another "
            "one, its token is empty, or something else answers."
        )
        return _finding(Check.UNSIGNED, reply, Verdict.WRONG, cure)
    return _refused(Check.UNSIGNED, reply, target, replaced=replaced)


def signed(reply: Reply, target: Target) -> Finding:
    """Return what the answer to the probe that reconciles nothing means."""
    if reply.status == 200:
        return _finding(Check.SIGNED, reply, Verdict.OK)
    return _not_taken(Check.SIGNED, reply, target)


def delivery(reply: Reply, target: Target) -> Finding:
    """Return what the answer to a delivery that reconciles means."""
    if reply.status == 200:
        text = "200; its own filter decides what is reconciled" if target.filtered else "200"
        return _finding(Check.DELIVERY, reply, Verdict.OK, seen=text)
    return _not_taken(Check.DELIVERY, reply, target)


def _not_taken(check: Check, reply: Reply, target: Target) -> Finding:
    if reply.status == 400:
        cure = (
            "It refused the signature or the event, without saying which: is the token the one in "
            f"the Receiver's Secret{_event(target)}? notification-controller's log has the reason."
            if RECEIVER_TYPES[target.type].proof is not Proof.PATH
            else f"It did not take the body for one of {target.type}: is that its type?"
        )
        return _finding(check, reply, Verdict.WRONG, cure)
    if reply.status == 500:
        cure = (
            "A target could not be reconciled: do all of spec.resources exist, in a namespace and "
            "of a kind that Flux may reach? notification-controller's log names it."
        )
        return _finding(check, reply, Verdict.WRONG, cure)
    return _refused(check, reply, target)


def _event(target: Target) -> str:
    return f", and {target.event!r} among its spec.events" if target.event else ""


def _refused(check: Check, reply: Reply, target: Target, *, replaced: bool = False) -> Finding:
    if reply.status == 404 and reply.page and replaced:
        cure = (
            "Nothing routes /hook/ of the host to the Service webhook-receiver, or the Receiver "
            "is gone and the page in front hides it."
        )
    elif reply.status == 404:
        cure = (
            "No Receiver has this path: it is deleted, or not reconciled since its token changed, "
            "or the host leads to another cluster, or past a prefix or rewriting."
        )
    elif reply.status == 503 and not reply.page:
        cure = "The Receiver is suspended or not Ready."
        if not target.trouble and (refused := target.refused_filter):
            cure += f" Its resourceFilter {refused}."
    else:
        cure = causes.in_front(reply).cure
    if target.trouble:
        cure += f" The cluster says of it: {target.trouble}."
    return _finding(check, reply, Verdict.WRONG, cure)


def _finding(
    check: Check, reply: Reply, verdict: Verdict, cure: str = "", *, seen: str = ""
) -> Finding:
    return Finding(
        check=check,
        verdict=verdict,
        seen=seen or str(reply),
        cure=cure,
        status=reply.status,
        milliseconds=reply.milliseconds,
    )
