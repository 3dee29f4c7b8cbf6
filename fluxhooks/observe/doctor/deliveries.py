"""The deliveries of a webhook that its Receiver takes, and what may have made up for one."""

import datetime
from collections.abc import Collection, Iterable
from typing import Final

from fluxhooks.observe.doctor import conditions, reached
from fluxhooks.observe.doctor.evidence import Evidence
from fluxhooks.observe.forges import Delivery

ALL = "*"
PING = "ping"
PUSHES = ("push", "Push Hook", "Tag Push Hook")

# Forge and cluster have clocks of their own.
_APART: Final = datetime.timedelta(seconds=30)


def accepts(event: str, events: Collection[str]) -> bool:
    """Return whether a Receiver takes an event; with no ``spec.events`` it takes all.

    Source: notification-controller ``internal/server/receiver_handlers.go``, ``validate``, which
    compares without regard to case.
    """
    return not events or event.lower() in {str(each).lower() for each in events}


def taken(log: Iterable[Delivery], events: Collection[str]) -> list[Delivery]:
    """Return the deliveries of a log that a Receiver takes; a ping asks for nothing."""
    return [each for each in log if each.event != PING and accepts(each.event, events)]


def events_of(evidence: Evidence) -> tuple[str, ...]:
    """Return what a chain's Receiver takes, by the cluster, else by the stack; empty for all."""
    receiver = evidence.receiver_object
    if receiver is not None:
        return tuple(str(event) for event in receiver.spec.get("events") or ())
    declared = evidence.declared
    live = declared.generations.get(declared.live or 0) if declared else None
    return live.events if live else ()


def newest(evidence: Evidence) -> Delivery | None:
    """Return the newest delivery that the Receiver takes; None where there is none in the log."""
    log = evidence.forge.deliveries if evidence.forge else ()
    return next(iter(taken(log, events_of(evidence))), None)


def all_refused(evidence: Evidence) -> Delivery | None:
    """Return the newest delivery where it was refused for its event, as all that is sent is."""
    forge, events = evidence.forge, events_of(evidence)
    if forge is None or forge.webhook is None:
        return None
    sent = forge.webhook.events
    if ALL in sent or any(accepts(event, events) for event in sent):
        return None
    delivery = next((each for each in forge.deliveries if each.event != PING), None)
    if delivery is None or delivery.event not in sent or delivery.status != 400:
        return None
    return delivery


def goes_through(evidence: Evidence) -> bool:
    """Return whether the newest delivery was taken, and sent by the webhook as it is now."""
    delivery, webhook = newest(evidence), evidence.forge.webhook if evidence.forge else None
    if delivery is None or webhook is None or not delivery.ok:
        return False
    # GitLab does not tell when a webhook was edited, and tells what each delivery called.
    if delivery.url not in ("", webhook.url):
        return False
    return webhook.changed_at is None or delivery.at >= webhook.changed_at


def arrives(evidence: Evidence) -> bool:
    """Return whether the newest delivery was taken, and a source asked to reconcile at that."""
    delivery = newest(evidence)
    if delivery is None or not goes_through(evidence):
        return False
    asked = map(conditions.requested_at, reached.sources(evidence))
    return any(at is not None and at >= delivery.at - _APART for at in asked)
