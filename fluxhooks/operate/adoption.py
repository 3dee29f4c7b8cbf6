"""What an adoption will do, decided from program, state, forge and cluster alone."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fluxhooks.errors import RefusedError
from fluxhooks.flux.targets import APPLIERS
from fluxhooks.observe.configuration import Begun
from fluxhooks.observe.declaration import Declaration, Planned
from fluxhooks.observe.forges import SeenWebhook
from fluxhooks.observe.hand_made import HandMade
from fluxhooks.observe.listing import Target
from fluxhooks.observe.state import COMPONENT_TYPE, DeclaredReceiver, DeclaredWebhook, StackState

KEY = "fluxhooks:adopting"
"""Of the stack's configuration: what is being taken over, until it is."""


class Way(StrEnum):
    """How a WebhookReceiver gets what was made by hand."""

    EDIT = "edit"
    """The webhook is taken into the state and edited: it keeps its ID."""

    REPLACE = "replace"
    """One of ours is made, and the hand-made one deleted when ours is seen to work."""

    BY_HAND = "by hand"
    """No webhook is made here; somebody tells the sender."""


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """What will happen to one WebhookReceiver.

    Attributes:
        before: the hand-made webhook; None where there is none, or none any more.
        begun: what of it the configuration keeps until it is done.
        receiver: the hand-made Receiver; None where there is none, or none any more.
        resumes: whether it was begun by an earlier run.
        taken_in: whether the hand-made webhook is in the state already.
        notes: what should be known before.
    """

    planned: Planned
    way: Way
    begun: Begun
    before: SeenWebhook | None = field(default=None, repr=False)
    receiver: HandMade | None = None
    resumes: bool = False
    taken_in: bool = False
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The WebhookReceiver's."""
        return self.planned.name


def named(declaration: Declaration, name: str | None) -> Planned:
    """Return the WebhookReceiver that is meant, the only one where none is named.

    Raises:
        RefusedError: the program declares none of that name, or several.
    """
    known = ", ".join(sorted(declaration.receivers)) or "none"
    if name is None and len(declaration.receivers) == 1:
        (only,) = declaration.receivers.values()
        return only
    if name is None:
        raise RefusedError(
            f"the program declares several WebhookReceivers or none ({known}); name the one that "
            "is meant"
        )
    if name not in declaration.receivers:
        raise RefusedError(f"the program declares no WebhookReceiver {name!r}; it has: {known}")
    return declaration.receivers[name]


def adoption(
    planned: Planned,
    state: StackState,
    *,
    webhooks: Sequence[SeenWebhook],
    made_by_hand: Sequence[HandMade],
    ours: Mapping[str, str],
    begun: Begun | None,
    webhook: str = "",
    receiver: str = "",
) -> Adoption | None:
    """Return what is to be done; None where there is nothing to take over any more.

    Args:
        webhooks: those of the place where the program has its own.
        made_by_hand: the cluster's Receivers that are none of ours.
        ours: the stack labels of the cluster's other Receivers, by the path they serve.
        begun: what the configuration says, where an earlier run was not finished.
        webhook, receiver: what is to be taken over, where its user names it.

    Raises:
        RefusedError: it is not safe, or cannot be known; says what to do instead.
    """
    declared = state.receivers.get(planned.name)
    if planned.webhook is None:
        return _told_by_hand(planned, declared, made_by_hand, begun, receiver)
    own = declared.webhook if declared is not None else None
    if begun is not None:
        found = next((each for each in webhooks if each.id == begun.webhook), None)
    else:
        found = _chosen(planned, state, webhooks, made_by_hand, ours, webhook)
        if found is None:
            if own is not None:
                return None
            raise RefusedError(
                f"{planned.name}: no webhook of {_place(planned)} calls a Receiver of this cluster "
                "that was made by hand; pulumi up makes a new one. --webhook names one that calls "
                "elsewhere"
            )
    wanted = receiver or (begun.receiver if begun else "")
    taken = _receiver(made_by_hand, wanted, found, asked=bool(receiver))
    _loses_no_target(planned, taken)
    is_own = found is not None and own is not None and own.id == found.id
    edits = planned.webhook.declared.scope.forge == "github" and (own is None or is_own)
    return Adoption(
        planned=planned,
        way=Way.EDIT if edits else Way.REPLACE,
        begun=begun
        or Begun(webhook=found.id if found else "", receiver=taken.key if taken else ""),
        before=found,
        receiver=taken,
        resumes=begun is not None,
        taken_in=is_own,
        notes=tuple(_notes(planned, found, taken, webhooks, is_own=is_own)),
    )


def _told_by_hand(
    planned: Planned,
    declared: DeclaredReceiver | None,
    made_by_hand: Sequence[HandMade],
    begun: Begun | None,
    receiver: str,
) -> Adoption | None:
    wanted = receiver or (begun.receiver if begun else "")
    taken = _receiver(made_by_hand, wanted, None, asked=bool(receiver))
    if taken is None and begun is None:
        alike = [
            each
            for each in made_by_hand
            if each.type == planned.type and set(each.targets) & set(planned.targets)
        ]
        if not alike and declared is not None and declared.live is not None:
            return None
        if len(alike) != 1:
            names = ", ".join(sorted(each.key for each in alike)) or "none"
            raise RefusedError(
                f"{planned.name}: which hand-made Receiver of the type {planned.type} is meant is "
                f"not clear (with one of its resources: {names}); name it with --receiver"
            )
        taken = alike[0]
    _loses_no_target(planned, taken)
    return Adoption(
        planned=planned,
        way=Way.BY_HAND,
        begun=begun or Begun(receiver=taken.key if taken else ""),
        receiver=taken,
        resumes=begun is not None,
    )


def _chosen(
    planned: Planned,
    state: StackState,
    webhooks: Sequence[SeenWebhook],
    made_by_hand: Sequence[HandMade],
    ours: Mapping[str, str],
    wanted: str,
) -> SeenWebhook | None:
    by_hand = {each.path for each in made_by_hand if each.path}
    if wanted:
        found = next((each for each in webhooks if each.id == wanted), None)
        if found is None:
            known = ", ".join(each.id for each in webhooks) or "none"
            raise RefusedError(f"{_place(planned)} has no webhook {wanted}; it has: {known}")
        owner = next(
            (n for n, each in state.receivers.items() if each.webhook and found.id == _id(each)), ""
        )
        if owner and owner != planned.name:
            raise RefusedError(f"webhook {wanted} is that of the WebhookReceiver {owner}")
        if found.path in ours:
            raise RefusedError(
                f"webhook {wanted} calls a Receiver of the stack {ours[found.path]}; it was not "
                "made by hand"
            )
        return None if owner else found
    known_to_state = {key for _, key in state.hook_keys}
    candidates = [
        each for each in webhooks if each.path in by_hand and each.id not in known_to_state
    ]
    # One that was taken in, and not recorded so, as pulumi import does by hand.
    own = state.receivers.get(planned.name)
    if own is not None and own.live is None and own.webhook is not None:
        candidates += [
            each for each in webhooks if each.id == own.webhook.id and each.path in by_hand
        ]
    if len(candidates) > 1:
        serving = {each.path: each for each in made_by_hand}
        listed = "; ".join(f"{each.id} calls {serving[each.path]}" for each in candidates)
        raise RefusedError(
            f"{planned.name}: several webhooks of {_place(planned)} call Receivers that were made "
            f"by hand ({listed}); name the one that is meant with --webhook"
        )
    return candidates[0] if candidates else None


def _id(receiver: DeclaredReceiver) -> str:
    return receiver.webhook.id if receiver.webhook else ""


def _receiver(
    made_by_hand: Sequence[HandMade], wanted: str, webhook: SeenWebhook | None, *, asked: bool
) -> HandMade | None:
    if not wanted:
        called = webhook.path if webhook is not None else ""
        return next((each for each in made_by_hand if called and each.path == called), None)
    found = next((each for each in made_by_hand if wanted in (each.key, each.name)), None)
    if found is None and asked:
        known = ", ".join(sorted(each.key for each in made_by_hand)) or "none"
        raise RefusedError(
            f"the cluster has no Receiver {wanted!r} that was made by hand; it has: {known}"
        )
    return found


def _loses_no_target(planned: Planned, receiver: HandMade | None) -> None:
    lost = [each for each in _uncovered(planned, receiver) if each.kind not in APPLIERS]
    if receiver is not None and lost:
        raise RefusedError(
            f"{planned.name}: {receiver} also reconciles {_listed(lost)}, which the program does "
            "not name, and no delivery would any more; add it to resources, or remove it from the "
            "hand-made Receiver first"
        )


def _uncovered(planned: Planned, receiver: HandMade | None) -> list[Target]:
    return [
        target
        for target in (receiver.targets if receiver else ())
        if not any(_covers(each, target) for each in planned.targets)
    ]


def _covers(declared: Target, target: Target) -> bool:
    if (declared.kind, declared.namespace) != (target.kind, target.namespace):
        return False
    if declared.name == "*" and not declared.labels:
        return True
    return (declared.name, declared.labels) == (target.name, target.labels)


def _listed(targets: Iterable[Target]) -> str:
    return ", ".join(f"{each.kind} {each.namespace}/{each.name}" for each in targets)


def _place(planned: Planned) -> str:
    assert planned.webhook is not None  # noqa: S101
    scope = planned.webhook.declared.scope
    return f"{scope.kind} {scope.name}"


def _notes(
    planned: Planned,
    webhook: SeenWebhook | None,
    receiver: HandMade | None,
    webhooks: Iterable[SeenWebhook],
    *,
    is_own: bool,
) -> Iterable[str]:
    if appliers := _uncovered(planned, receiver):
        yield (
            f"{_listed(appliers)} is reconciled by the hand-made Receiver and not named in the "
            "program; it follows its source, and needs no webhook"
        )
    if webhook is None:
        return
    if receiver is None and not is_own:
        yield (
            f"no Receiver of this cluster serves what the webhook calls at {webhook.host}: if it "
            "is another cluster's, that one gets no deliveries any more"
        )
    lost = sorted(webhook.events - {*planned.events, "ping"}) if planned.events else []
    if lost:
        named = "all events" if lost == ["*"] else ", ".join(lost)
        yield f"the hand-made webhook sends {named}, which is not asked for any more"
    for other in webhooks:
        if receiver is not None and other.id != webhook.id and other.path == receiver.path:
            yield (
                f"webhook {other.id} calls {receiver} too; give it to adopt with --webhook when "
                "this one is done"
            )


def as_setting(others: Mapping[str, Begun], name: str, begun: Begun | None) -> dict[str, Any]:
    """Return the value of the configuration with `begun` for `name`, or without it."""
    entries = {each: entry for each, entry in others.items() if each != name}
    if begun is not None:
        entries[name] = begun
    return {
        each: {"webhook": entry.webhook, "receiver": entry.receiver}
        for each, entry in sorted(entries.items())
    }


def resources_to_take_in(
    adopted: Adoption, known: Collection[str]
) -> dict[str, list[dict[str, Any]] | dict[str, str]]:
    """Return the content of the file for ``pulumi import`` that takes the webhook in.

    Args:
        known: the URNs in the state, where the component may be already.
    """
    webhook = adopted.planned.webhook
    assert webhook is not None  # noqa: S101
    names, resources = dict[str, str](), list[dict[str, Any]]()
    parent = ""
    for number, (urn, type_, name) in enumerate(
        [*adopted.planned.above, (adopted.planned.urn, COMPONENT_TYPE, adopted.name)]
    ):
        key = f"component{number}"
        if urn in known:
            names[key] = urn
        else:
            resources.append(
                {
                    "type": type_,
                    "name": key,
                    "logicalName": name,
                    "component": True,
                    **({"parent": parent} if parent else {}),
                }
            )
        parent = key
    imported: dict[str, Any] = {
        "type": webhook.type,
        "name": "webhook",
        "logicalName": webhook.name,
        "id": _import_id(webhook.declared, adopted.begun.webhook),
        "parent": parent,
    }
    if webhook.provider in known:
        names["provider"] = webhook.provider
        imported["provider"] = "provider"
    elif webhook.provider_version:
        imported["version"] = webhook.provider_version
    return {"nameTable": names, "resources": [*resources, imported]}


def _import_id(declared: DeclaredWebhook, webhook: str) -> str:
    # As the resources' pages say; a repository's bare name.
    if declared.scope.kind == "organization":
        return webhook
    return f"{declared.scope.name.rpartition('/')[2]}/{webhook}"
