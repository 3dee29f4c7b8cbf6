"""What each answer means, and what cures it.

Source: notification-controller ``internal/server/receiver_handlers.go`` and ``event_handlers.go``
at v1.9. 400 never says why, so what the checks before it have ruled out counts.
"""

import datetime
from typing import Any, Final

from fluxhooks.flux.receiver_types import RECEIVER_TYPES, Proof
from fluxhooks.observe.probing.findings import Check, Finding, Verdict
from fluxhooks.observe.probing.replies import Failure, Reply
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
            cure=_CERTIFICATE_CURES.get(reply.verify_code, _CERTIFICATE_CURE)
            if failure is Failure.CERTIFICATE
            else _FAILURE_CURES[failure],
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
    if reply.status == 400 and not reply.page:
        cure = (
            "That is notification-controller's port for events: route the host to the Service "
            "webhook-receiver, not notification-controller."
        )
    elif reply.status is not None and 200 <= reply.status < 300:
        cure = (
            "Something else answers there whatever the path: route /hook/ of the host to the "
            "Service webhook-receiver."
        )
    else:
        cure = _in_front(reply)
    return _finding(Check.CONTROL, reply, Verdict.WRONG, cure)


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
    else:
        cure = _in_front(reply)
    if target.trouble:
        cure += f" The cluster says of it: {target.trouble}."
    return _finding(check, reply, Verdict.WRONG, cure)


def _in_front(reply: Reply) -> str:
    if reply.status is None:
        return _FAILURE_CURES[reply.failure or Failure.CUT_OFF]
    if 300 <= reply.status < 400:
        return (
            "No forge follows a redirect, and some count it as a success: nothing in front may "
            "redirect /hook/, or the webhook must call where it leads."
        )
    return _STATUS_CURES.get(reply.status, _OTHER_CURE)


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


_FAILURE_CURES: Final = {
    Failure.NAME: "Is the host right, and its DNS record there?",
    Failure.REFUSED: "Nothing listens on that port: is the ingress running, and the port right?",
    Failure.NO_CONNECTION: "A firewall drops it, or the load balancer has no backend: forges send "
    "from the internet.",
    Failure.UNREACHABLE: "Is there a route to the host, and does it take TLS for this name?",
    Failure.NO_TLS: "Is that the port for https? Without TLS the webhook's URL begins with http.",
    Failure.NO_ANSWER: "What listens there takes the request and is silent: is "
    "notification-controller running, and may the ingress reach it (NetworkPolicy)?",
    Failure.CUT_OFF: "What listens there ends the connection: does it speak HTTP, and does its "
    "backend?",
}

# https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_NO_AUTHORITY: Final = (
    "No authority that is trusted here signed it, or the certificates in between are not sent. "
    "SSL_CERT_FILE names an authority of your own; the forge must trust it too."
)
_CERTIFICATE_CURES: Final = {
    9: "It is not valid yet: is the clock right?",
    10: "It has expired: see why it was not renewed.",
    18: _NO_AUTHORITY,
    19: _NO_AUTHORITY,
    20: _NO_AUTHORITY,
    21: _NO_AUTHORITY,
    62: "It is for other names: issue one for this host; an ingress shows its default one where "
    "it has none for a host.",
    64: "It is for other addresses: issue one for this host.",
}
_CERTIFICATE_CURE: Final = "Forges refuse it too, unless they are told not to look."

_STATUS_CURES: Final = {
    401: "Something in front wants a login: let /hook/ pass without one.",
    403: "Something in front refuses: let /hook/ pass, for the addresses the forge sends from.",
    407: "A proxy between here and the host wants a login.",
    413: "Something in front takes no body of this size.",
    429: "Something in front limits how often it is asked; deliveries are lost so too.",
    502: "The ingress has no working backend: is notification-controller running, and has the "
    "Service webhook-receiver an endpoint?",
    503: "The ingress has no backend: is notification-controller running, and has the Service "
    "webhook-receiver an endpoint?",
    504: "The backend is silent: may the ingress reach notification-controller (NetworkPolicy)?",
}
_OTHER_CURE: Final = "It must be the Service webhook-receiver that answers there."
