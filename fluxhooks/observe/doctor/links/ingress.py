"""From the connection to the controller: whether what is sent arrives there, as it was sent.

The controller answers a GET of a path that no Receiver has 404, and one of a Receiver's path
without a signature 400, both without a body (notification-controller
``internal/server/receiver_handlers.go`` at v1.9). Everything else comes from something in front.
"""

from collections.abc import Iterator
from typing import Final

from fluxhooks.observe.doctor.diagnosis import Examined, Finding, State, Sure
from fluxhooks.observe.doctor.evidence import Evidence, PublicEvidence
from fluxhooks.observe.doctor.faults import Fault, Link
from fluxhooks.observe.doctor.links.network import gets_through, host_at
from fluxhooks.observe.forges import Delivery
from fluxhooks.observe.probing import causes
from fluxhooks.observe.probing.causes import Cause
from fluxhooks.observe.probing.replies import Reply

# What firewalls answer to all but those they let pass, and to a GET.
_FOR_OTHERS: Final = frozenset({401, 403, 405})

# What the controller takes: ``maxRequestSizeBytes`` in ``internal/server/receiver_handlers.go``.
_CONTROLLER_TAKES: Final = 3 * 1024 * 1024


def examine(evidence: Evidence) -> Examined:
    """Judge who answers at the public host, and whether the Receiver's path gets through."""
    public = evidence.public
    if public is None or public.control is None:
        return Examined(link=Link.INGRESS, state=State.UNSEEN, seen="no public URL was asked")
    if public.control.failure is not None and not public.control.failure.connected:
        return Examined(link=Link.INGRESS, state=State.UNSEEN, seen="no connection from here")
    finding = _answered(evidence, public, public.control) or _logged(evidence, public)
    if finding is not None:
        asked = next((reply for _, reply in public.replies if reply.status in _FOR_OTHERS), None)
        if asked is not None and (passed := gets_through(evidence)):
            return Examined(
                link=Link.INGRESS, state=State.UNSEEN, seen=f"{asked} here, and {passed}"
            )
        return Examined(link=Link.INGRESS, state=State.BROKEN, findings=(finding,))
    asked = public.unsigned or public.signed or public.control
    return Examined(link=Link.INGRESS, state=State.OK, seen=f"the controller answers ({asked})")


def _answered(evidence: Evidence, public: PublicEvidence, control: Reply) -> Finding | None:
    """Return what the answers show; None where they are the controller's, or may be."""
    if control.status in (202, 400) and not control.page:
        return _finding(public, Fault.WRONG_SERVICE, Cause.EVENTS_PORT)
    for asked, theirs in (
        (public.unsigned, _is_controllers_to_unsigned),
        (public.signed, _is_controllers_to_signed),
    ):
        if asked is None:
            continue
        if not theirs(evidence, public, control, asked):
            if asked.not_under_hook and not asked.server and _is_served(evidence, public):
                return _not_as_sent(evidence, public)
            return _explained(public, asked)
        if asked.status == 404 and _is_served(evidence, public):
            return _not_as_sent(evidence, public)
    if public.unsigned is None and public.signed is None and control.status != 404:
        return _explained(public, control)
    return None


def _is_controllers_to_unsigned(
    evidence: Evidence, public: PublicEvidence, control: Reply, asked: Reply
) -> bool:
    """Return whether the controller may have answered a GET without a signature so.

    Something in front may put pages of its own in place of the controller's errors.
    """
    if asked.status == 400:
        return control.status != 400
    if asked.status == 404:
        return not asked.page or not _may_be_served(evidence, public)
    if asked.status == 503:
        return control.status != 503 and not (asked.page and _may_be_served(evidence, public))
    # Of some types, and where the token is empty.
    return asked.status == 200 and control.status == 404


def _is_controllers_to_signed(
    evidence: Evidence, public: PublicEvidence, control: Reply, asked: Reply
) -> bool:
    """Return whether the controller may have answered a signed probe so."""
    if asked.status == 404:
        # It does not look at the method.
        return public.unsigned is None or public.unsigned.status == 404
    return asked.status in (200, 400, 500, 503)


def _explained(public: PublicEvidence, reply: Reply) -> Finding:
    cause = _cause(reply)
    more = f"It leads to {reply.location}." if cause is Cause.REDIRECT and reply.location else ""
    return _finding(public, _FAULTS[cause], cause, more, sure=_sure(reply, cause))


def _cause(asked: Reply) -> Cause:
    if asked.status is not None and 200 <= asked.status < 300:
        return Cause.ANYTHING_GOES
    if asked.status is not None and 520 <= asked.status <= 530:
        # A content delivery network's: it does not get to its origin.
        return Cause.BAD_GATEWAY
    return causes.in_front(asked)


def _sure(asked: Reply, cause: Cause) -> Sure:
    if cause is Cause.LOGIN and asked.location:
        return Sure.LIKELY
    # A page in place of an error may hide an answer of the controller's.
    return Sure.LIKELY if cause is Cause.OTHER and asked.status in (400, 404, 503) else Sure.PROVED


def _may_be_served(evidence: Evidence, public: PublicEvidence) -> bool:
    """Return whether the path which was asked is served, as far as the cluster was asked."""
    return evidence.cluster is None or _is_served(evidence, public)


def _is_served(evidence: Evidence, public: PublicEvidence) -> bool:
    """Return whether the cluster says that the path which was asked is served."""
    receiver = evidence.receiver_object
    if receiver is None or receiver.suspended or not receiver.ready:
        return False
    path = str(receiver.status.get("webhookPath") or "")
    return bool(path) and public.url.endswith(path)


def _not_as_sent(evidence: Evidence, public: PublicEvidence) -> Finding:
    receiver = "/".join(evidence.receiver)
    return Finding(
        fault=Fault.PATH_CHANGED,
        where=public.origin,
        wrong=f"the Receiver {receiver} is Ready and serves the path that is called, yet the "
        "answer is 404: the path does not arrive as it was sent, or it is another cluster's "
        "controller that answers",
        evidence=tuple(_told(public)),
        cure="Let the ingress pass /hook/ on to this cluster's Service webhook-receiver as it is: "
        f"no prefix, no rewriting. {_RULES}",
        sure=Sure.LIKELY,
    )


def _logged(evidence: Evidence, public: PublicEvidence) -> Finding | None:
    """Return that real bodies are too large, as the forge's log of deliveries says."""
    newest = _newest(evidence)
    if newest is None or newest.status != 413:
        return None
    if (newest.size or 0) >= _CONTROLLER_TAKES:
        # The controller's own limit.
        return None
    size = f", {newest.size:,} bytes" if newest.size else ""
    return Finding(
        fault=Fault.BODY_LIMIT,
        where=public.origin,
        wrong=f"{host_at(public)} takes the probe's few bytes, and refuses a delivery as too large",
        evidence=(f"delivery {newest.id} ({newest.event}{size}): 413", *_told(public)),
        cure=f"{Cause.TOO_LARGE.cure} {_LOOK[Cause.TOO_LARGE]}",
        sure=Sure.PROVED if newest.size or newest.server else Sure.LIKELY,
    )


def _newest(evidence: Evidence) -> Delivery | None:
    if evidence.forge is None or evidence.forge.webhook is None:
        return None
    called = evidence.forge.webhook.url
    deliveries = evidence.forge.deliveries
    return next((each for each in deliveries if each.url in ("", called)), None)


def _finding(
    public: PublicEvidence, fault: Fault, cause: Cause, more: str = "", *, sure: Sure = Sure.PROVED
) -> Finding:
    host = host_at(public)
    return Finding(
        fault=fault,
        where=public.origin,
        wrong=f"{host}: {fault.meaning}",
        evidence=tuple(_told(public)),
        cure=" ".join(filter(None, (cause.cure, more, _LOOK.get(cause)))),
        sure=sure,
    )


def _told(public: PublicEvidence) -> Iterator[str]:
    for what, reply in public.replies:
        yield f"{what}: {reply}"


_ENDPOINTS: Final = (
    "`kubectl -n flux-system get deployment/notification-controller endpoints/webhook-receiver` "
    "shows both."
)
_RULES: Final = "`kubectl get ingress,httproute -A` shows the rules."

_LOOK: Final = {
    Cause.ANYTHING_GOES: _RULES,
    Cause.BAD_GATEWAY: _ENDPOINTS,
    Cause.EVENTS_PORT: _RULES,
    Cause.FORBIDDEN: "`curl -s https://api.github.com/meta` lists GitHub's, as its hooks.",
    Cause.LOGIN: _RULES,
    Cause.NO_ANSWER: _ENDPOINTS,
    Cause.NO_BACKEND: _ENDPOINTS,
    Cause.OTHER: _RULES,
    Cause.REDIRECT: _RULES,
    Cause.SILENT_BACKEND: "`kubectl -n flux-system get networkpolicy` shows who may reach it.",
    Cause.TOO_LARGE: "At ingress-nginx, annotate its Ingress with "
    "nginx.ingress.kubernetes.io/proxy-body-size: 25m (GitHub sends up to 25 MB; the controller "
    "takes 3 MiB).",
    Cause.TOO_OFTEN: _RULES,
}

_FAULTS: Final = {
    Cause.NO_ANSWER: Fault.NO_ANSWER,
    Cause.CUT_OFF: Fault.NO_ANSWER,
    Cause.REDIRECT: Fault.REDIRECT,
    Cause.LOGIN: Fault.LOGIN_REQUIRED,
    Cause.PROXY_LOGIN: Fault.LOGIN_REQUIRED,
    Cause.FORBIDDEN: Fault.REFUSED_IN_FRONT,
    Cause.TOO_LARGE: Fault.BODY_LIMIT,
    Cause.TOO_OFTEN: Fault.RATE_LIMIT,
    Cause.BAD_GATEWAY: Fault.NO_BACKEND,
    Cause.NO_BACKEND: Fault.NO_BACKEND,
    Cause.SILENT_BACKEND: Fault.NO_BACKEND,
    Cause.EVENTS_PORT: Fault.WRONG_SERVICE,
    Cause.ANYTHING_GOES: Fault.OTHER_BACKEND,
    Cause.OTHER: Fault.OTHER_BACKEND,
}
