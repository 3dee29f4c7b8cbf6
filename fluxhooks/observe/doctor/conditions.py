"""What Flux objects say of themselves: whether they are reconciled, and their words as evidence.

Every condition that Flux's controllers write carries the generation it is about; source:
fluxcd/pkg ``runtime/conditions/setter.go``, ``Set``.
"""

import datetime
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from fluxhooks.flux import durations
from fluxhooks.masking import mask
from fluxhooks.observe.doctor.evidence import FluxObject

REQUESTED_AT: Final = "reconcile.fluxcd.io/requestedAt"

# What a message may have at its beginning and at its end, where Go's errors name the cause.
_HEAD, _TAIL = 110, 88

# As in https://user:password@host.
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@\s]+@")

# The time as Go's `Time.String` writes it, which is what Receivers do, or as RFC 3339 has it.
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6})\d*)? ?(Z|[+-]\d\d:?\d\d)"
)


class Standing(Enum):
    """Where an object stands with its controller."""

    READY = "it is Ready"
    FAILED = "it is not Ready, and its conditions say why"
    UNDER_WAY = "it is being reconciled"
    LEFT_ALONE = "its controller has not looked at it for too long"


def standing(
    found: FluxObject,
    *,
    now: datetime.datetime,
    grace: datetime.timedelta,
    timeout: datetime.timedelta = datetime.timedelta(0),
) -> Standing:
    """Return where an object stands, by its condition Ready.

    Args:
        grace: for how long what is under way may last.
        timeout: for how long beside that its controller may be at it.
    """
    ready = found.condition("Ready")
    if not ready or not is_current(found, ready):
        began, limit = found.changed_at or found.created_at, grace
    elif ready.get("status") == "True":
        return Standing.READY
    elif ready.get("status") == "False":
        return Standing.FAILED
    else:
        began, limit = since(ready), grace + timeout
    return Standing.LEFT_ALONE if began and now - began > limit else Standing.UNDER_WAY


def is_current(found: FluxObject, condition: Mapping[str, Any]) -> bool:
    """Return whether a condition is about the newest version of its object."""
    observed = condition.get("observedGeneration")
    return not found.generation or not observed or int(observed) >= found.generation


def since(condition: Mapping[str, Any]) -> datetime.datetime | None:
    """Return since when a condition has its status; None where it does not say."""
    return time(condition.get("lastTransitionTime"))


def is_true(found: FluxObject, kind: str) -> bool:
    """Return whether a condition is True, and about the newest version of its object."""
    condition = found.condition(kind)
    return condition.get("status") == "True" and is_current(found, condition)


def quoted(found: FluxObject, kind: str = "Ready") -> str:
    """Return a condition as evidence; "it has no condition …" where there is none."""
    condition = found.condition(kind)
    if not condition:
        return f"{found} has no condition {kind}"
    reason = condition.get("reason") or "without a reason"
    message = one_line(str(condition.get("message") or ""))
    told = f"{kind} is {condition.get('status')}, {reason}"
    return f"{told}: {message}" if message else told


def message(found: FluxObject, kind: str = "Ready") -> str:
    """Return a condition's message as its controller wrote it; may hold what is secret."""
    return str(found.condition(kind).get("message") or "")


def reason(found: FluxObject, kind: str = "Ready") -> str:
    """Return a condition's reason; "" where there is none."""
    return str(found.condition(kind).get("reason") or "")


def one_line(text: str) -> str:
    """Return `text` for people: without what is secret, on one line, and not too long."""
    line = " ".join(_CREDENTIALS.sub("***@", mask(text)).split())
    return line if len(line) <= _HEAD + _TAIL else f"{line[:_HEAD]} … {line[-_TAIL:]}"


def requested_at(found: FluxObject) -> datetime.datetime | None:
    """Return when an object was last asked to reconcile; None where it never was."""
    return time(found.annotations.get(REQUESTED_AT))


def unheard(
    found: FluxObject, *, now: datetime.datetime, grace: datetime.timedelta
) -> datetime.timedelta | None:
    """Return for how long a request to reconcile has not been heeded; None where none is due."""
    asked = found.annotations.get(REQUESTED_AT, "")
    at = requested_at(found)
    if not asked or asked == found.status.get("lastHandledReconcileAt") or at is None:
        return None
    return now - at if now - at > grace else None


def timeout_of(found: FluxObject, default: float) -> datetime.timedelta:
    """Return ``spec.timeout``, `default` seconds where it has none."""
    try:
        return datetime.timedelta(seconds=durations.seconds(str(found.spec.get("timeout") or "")))
    except ValueError:
        return datetime.timedelta(seconds=default)


def time(value: Any) -> datetime.datetime | None:
    """Return the time that a controller wrote; None where that is none."""
    found = _TIME.match(str(value or ""))
    if not found:
        return None
    day, clock, fraction, zone = found.groups()
    return datetime.datetime.fromisoformat(f"{day}T{clock}.{fraction or '0':0<6}{zone}")


def lasting(span: datetime.timedelta) -> str:
    """Return a span for people, in its largest unit."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
