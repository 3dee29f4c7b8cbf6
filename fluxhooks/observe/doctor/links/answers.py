"""What the public URL's answers say of the Receiver, where the cluster was not asked for it.

Source: notification-controller ``internal/server/receiver_handlers.go`` at v1.9.
"""

from typing import Final

from fluxhooks.observe.doctor.diagnosis import Examined, Finding, State, Sure
from fluxhooks.observe.doctor.evidence import Evidence
from fluxhooks.observe.doctor.faults import Fault, Link


def examine(evidence: Evidence) -> Examined | None:
    """Judge the Receiver by what it answers; None where that says nothing of it."""
    public = evidence.public
    if public is None:
        return None
    told = tuple(f"{what}: {reply}" for what, reply in public.replies)
    if public.signed is not None and public.signed.status == 200:
        return Examined(link=Link.RECEIVER, state=State.OK, seen="takes a signed probe")
    known = public.unsigned and _UNSIGNED.get(public.unsigned.status or 0)
    known = known or (public.signed and _SIGNED.get(public.signed.status or 0))
    if not known:
        return None
    fault, wrong, cure = known
    finding = Finding(
        fault=fault,
        where=f"Receiver {'/'.join(evidence.receiver)}",
        wrong=wrong,
        evidence=(*told, f"the cluster: {evidence.unseen.get(Link.RECEIVER, 'was not asked')}"),
        cure=cure.format(
            name=evidence.receiver[1] or "NAME", namespace=evidence.receiver[0] or "NAMESPACE"
        ),
        sure=Sure.LIKELY,
    )
    return Examined(link=Link.RECEIVER, state=State.BROKEN, findings=(finding,))


_RESTORE: Final = (
    "`kubectl -n {namespace} get receiver {name}` shows whether it is there; `pulumi up --refresh` "
    "makes it again."
)

_UNSIGNED: Final = {
    404: (
        Fault.RECEIVER_MISSING,
        "no Receiver serves the path that is called: it is deleted, or has no Secret",
        _RESTORE,
    ),
    503: (
        Fault.RECEIVER_NOT_READY,
        "the Receiver is suspended, or not Ready",
        "`kubectl -n {namespace} describe receiver {name}` says why; `flux resume receiver {name} "
        "-n {namespace}` ends a suspension.",
    ),
}

_SIGNED: Final = {
    400: (
        Fault.PATH_STALE,
        "the Receiver refuses what is signed with the token that the stack's state has: its Secret "
        "has another one",
        "`pulumi up --refresh` gives the Secret the stack's token back.",
    ),
    500: (
        Fault.TARGET_MISSING,
        "the Receiver takes deliveries and cannot reconcile one of its targets",
        "`kubectl -n {namespace} get receiver {name} -o yaml` names them under spec.resources; "
        "do all exist?",
    ),
}
