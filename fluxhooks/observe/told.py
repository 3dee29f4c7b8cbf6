"""What senders have to be told whose webhooks a stack does not make, as its state has it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fluxhooks.errors import ArgumentError
from fluxhooks.flux.hook_path import host_of
from fluxhooks.flux.instructions import Sender, Told, senders
from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.observe.state import DeclaredReceiver, StackState

_HIDDEN = "***"


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """A WebhookReceiver whose sender is told by hand.

    Attributes:
        generation: the live one.
        earlier: those that are kept until the sender has the live one's URL and token.
        told: what it has to be told; secrets as ``***`` unless they were asked for.
        senders: those of its type, or the one that was asked for.
    """

    name: str
    type: ReceiverType
    generation: int
    earlier: tuple[int, ...]
    told: Told
    senders: tuple[Sender, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it for machines; holds secrets where they were asked for."""
        return {
            "name": self.name,
            "type": str(self.type),
            "generation": self.generation,
            "earlier": list(self.earlier),
            "url": self.told.url,
            "token": self.told.token,
            "events": list(self.told.events),
            "senders": [_as_json(sender, self.told) for sender in self.senders],
        }


def by_hand(
    state: StackState, names: Sequence[str], *, sender: str = "", secrets: bool = False
) -> list[ByHand]:
    """Return the WebhookReceivers whose senders are told by hand, with what they are told.

    Args:
        names: of those that are meant, which the stack has; all of that kind when empty.
        sender: the name of the sender that is meant; all of the type when "".
        secrets: whether URL and token are wanted in clear.

    Raises:
        ArgumentError: nobody is told by hand to whom one of them belongs, or no type of theirs
            has such a sender.
    """
    for name in names:
        if why := _why_not(state.receivers[name]):
            raise ArgumentError("NAME", f"{name}: {why}")
    chosen = [
        receiver
        for name, receiver in sorted(state.receivers.items())
        if (name in names if names else not _why_not(receiver))
    ]
    found = list(_by_hand(chosen, sender, secrets=secrets))
    if sender and not found:
        known = sorted({each.name for one in chosen for each in senders(ReceiverType(one.type))})
        raise ArgumentError(
            "--sender",
            f"{sender!r} is no sender to these WebhookReceivers; known are {', '.join(known)}",
        )
    return found


def _by_hand(
    receivers: Sequence[DeclaredReceiver], sender: str, *, secrets: bool
) -> Iterator[ByHand]:
    for receiver in receivers:
        kind = ReceiverType(receiver.type)
        meant = tuple(each for each in senders(kind) if sender in ("", each.name))
        if meant and receiver.live is not None:
            yield ByHand(
                name=receiver.name,
                type=kind,
                generation=receiver.live,
                earlier=tuple(sorted(set(receiver.generations) - {receiver.live})),
                told=_told(receiver, receiver.live, secrets=secrets),
                senders=meant,
            )


def _told(receiver: DeclaredReceiver, live: int, *, secrets: bool) -> Told:
    generation = receiver.generations[live]
    hidden = f"https://{host_of(receiver.finished_url)}/hook/{_HIDDEN}"
    return Told(
        name=receiver.name,
        url=receiver.finished_url if secrets else hidden,
        token=generation.token if secrets or not receiver.has_token else _HIDDEN,
        events=generation.events,
        email=generation.email,
        audience=generation.audience,
        audiences=generation.audiences,
    )


def _why_not(receiver: DeclaredReceiver) -> str:
    """Return why a sender has nothing to be told by hand; "" where it has."""
    if receiver.live not in receiver.generations:
        return "no generation of it is live yet; pulumi up makes one"
    if receiver.managed:
        where = f" at {receiver.webhook.scope.name}" if receiver.webhook else ""
        return f"the stack makes its webhook{where}, so there is nothing to paste"
    return ""


def _as_json(sender: Sender, told: Told) -> dict[str, Any]:
    instructions = sender.told(told)
    return {
        "sender": sender.name,
        "title": sender.title,
        "steps": [step.as_json() for step in instructions.steps],
        "rotated": instructions.rotated.as_json(),
        "mind": list(instructions.mind),
        "documentation": instructions.documentation,
    }
