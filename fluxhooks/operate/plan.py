"""What a rotation will do, decided from state, configuration and options alone.

A rotation that was begun is finished before another one starts, and a live generation is never
lowered but to one that is retained. An update concerns the whole stack, so components that nobody
named are looked at too: what was begun on them is finished, and a configuration that has fallen
behind is brought up to the state.
"""

import dataclasses
import datetime
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fluxhooks.errors import RefusedError
from fluxhooks.observe.configuration import Configuration, Entry
from fluxhooks.observe.state import DeclaredReceiver, StackState


class Action(StrEnum):
    """What is done to one WebhookReceiver."""

    ROTATE = "rotate"
    RESUME = "resume"
    BACK = "back"
    RETIRE = "retire"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was asked for.

    Attributes:
        names: the WebhookReceivers; the only one of the stack when empty.
        everything: all of the stack.
        older_than: those whose live or retained secrets are older.
        revoke: cut all older generations off at once.
        back: return to the generation before, which must be retained.
        finish: retire what is retained, and rotate nothing.
        retain: keep the generation that was live.
    """

    names: tuple[str, ...] = ()
    everything: bool = False
    older_than: datetime.timedelta | None = None
    revoke: bool = False
    back: bool = False
    finish: bool = False
    retain: bool = False


@dataclass(frozen=True, kw_only=True)
class Move:
    """What will happen to one WebhookReceiver.

    Attributes:
        live: the generation that is live now; None where none was ever finished.
        target: the one that will be.
        retained, retired: older or newer ones that stay, and that go.
        reason: why, in words.
        by_hand: whether somebody has to tell the sender of it, as no webhook is made here.
        verifies_again: whether cluster or forge showed otherwise after the rotation to `target`.
    """

    name: str
    action: Action
    live: int | None
    target: int
    retained: tuple[int, ...] = ()
    retired: tuple[int, ...] = ()
    reason: str = ""
    by_hand: bool = False
    verifies_again: bool = False

    @property
    def entry(self) -> Entry:
        """What the configuration has to say for it."""
        return Entry(live=self.target, retained=self.retained, unverified=self.verifies_again)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run will do.

    Attributes:
        skipped: by name, why a WebhookReceiver that was meant is left alone.
        configuration: what will be written into the stack's configuration; empty when nothing.
        entries: what the configuration then says of each component.
        revokes: whether older generations are cut off at once in this run.
        notes: what else should be known before.
    """

    moves: tuple[Move, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    configuration: Mapping[str, object] = field(default_factory=dict)
    entries: Mapping[str, Entry] = field(default_factory=dict)
    revokes: bool = False
    notes: tuple[str, ...] = ()


def plan(
    state: StackState,
    configuration: Configuration,
    options: Options,
    *,
    cluster: str,
    now: datetime.datetime,
) -> Plan:
    """Return what `options` mean for the stack.

    Args:
        cluster: the UID of the cluster at hand.
        now: the time, with its zone, by which ages are judged.

    Raises:
        RefusedError: it is not safe, or nothing such can be done; says what to do instead.
    """
    same_cluster(configuration, cluster)
    selected = _selected(state, options)
    moves: list[Move] = []
    skipped: dict[str, str] = {}
    entries = dict(configuration.generations)
    notes: list[str] = []
    asked_and_behind = False
    for name, receiver in sorted(state.receivers.items()):
        if receiver.authority != "configuration":
            if name in selected:
                _others_decide(name, receiver.authority, options, skipped)
            continue
        revokes = options.revoke and name in selected
        situation = _Situation(receiver, entries.get(name, Entry()), revokes=revokes)
        move = situation.asked(options, now) if name in selected else situation.pending()
        if move is not None:
            moves.append(move)
            if name not in selected:
                notes.append(f"{name} was not asked for; what was begun there is finished too")
            if move.entry != entries.get(name, Entry()):
                entries[name] = move.entry
        elif situation.behind:
            entries[name] = situation.kept
            asked_and_behind |= name in selected
            notes.append(
                f"{name}: the configuration says generation {situation.entry.live}, but "
                f"{receiver.live} is live; the configuration is corrected"
            )
        elif name in selected and options.finish:
            skipped[name] = "nothing older is retained"
        elif name in selected and situation.too_old(options, now):
            skipped[name] = (
                "a secret of its is too old, and its sender is told by hand; give it the live URL "
                "and token, then fluxhooks rotate --finish"
            )
    if skipped and not moves and set(skipped) == selected and not options.finish:
        raise RefusedError("; ".join(f"{name}: {why}" for name, why in skipped.items()))
    values: dict[str, object] = {}
    if (moves or asked_and_behind) and entries != dict(configuration.generations):
        values |= _generations(entries)
    if moves and not configuration.cluster:
        values["fluxhooks:cluster"] = cluster
        notes.append(f"the cluster {cluster} is recorded as this stack's")
    if moves and options.revoke:
        notes.append(
            "older generations are cut off at once: deliveries that are queued or retried for "
            "them are answered 404; one delivery of ours reconciles the targets instead"
        )
    notes += [
        f"{move.name}: no webhook is made here: "
        + (
            "all deliveries are refused until its sender has the new URL and token"
            if options.revoke and move.name in selected
            else f"generation {move.live} is kept until its sender has the new URL and token"
        )
        for move in moves
        if move.by_hand
    ]
    return Plan(
        moves=tuple(moves),
        skipped=skipped,
        configuration=values,
        entries=entries,
        revokes=options.revoke,
        notes=tuple(notes),
    )


def seen(planned: Plan, failed: Container[str]) -> dict[str, object]:
    """Return what has to be written into the stack's configuration after a verification.

    What failed is verified again by the next run, before it rotates anything; {} where the
    configuration says all that already.

    Args:
        failed: the WebhookReceivers of which something that was looked at is wrong.
    """
    entries = dict(planned.entries)
    for move in planned.moves:
        entry = dataclasses.replace(move.entry, unverified=move.name in failed)
        if entry != entries.get(move.name, Entry()):
            entries[move.name] = entry
    return {} if entries == planned.entries else _generations(entries)


class _Situation:
    """Where one WebhookReceiver stands: what is live, what is wanted, what was begun."""

    def __init__(self, receiver: DeclaredReceiver, entry: Entry, *, revokes: bool) -> None:
        self.receiver = receiver
        self.entry = entry
        self.revokes = revokes
        self.present = set(receiver.generations)
        self.live = receiver.live

    @property
    def behind(self) -> bool:
        """Whether the configuration names a generation below the live one, and not on purpose."""
        return self.live is not None and self.entry.live < self.live and not self._going_back

    @property
    def kept(self) -> Entry:
        """What the configuration must say for nothing to change."""
        assert self.live is not None  # noqa: S101
        return Entry(live=self.live, retained=self._retained(self.live))

    def too_old(self, options: Options, now: datetime.datetime) -> bool:
        """Whether a secret is older than asked for, and only the sender's change can mend it."""
        if options.older_than is None or self.receiver.managed:
            return False
        limit = now - options.older_than
        return any(not self._made_after(number, limit) for number in self.present)

    def pending(self, *, retained: tuple[int, ...] | None = None) -> Move | None:
        """Return the move that finishes what was begun, or None where nothing was."""
        target, reason = self._begun()
        if target is None and self.entry.unverified:
            target, reason = self.live, "cluster or forge showed otherwise after its last rotation"
        if target is None:
            return None
        return self._move(Action.RESUME, target, reason, retained)

    def asked(self, options: Options, now: datetime.datetime) -> Move | None:
        """Return the move that `options` ask for, or None where there is nothing to do."""
        if options.back:
            return self._back()
        nothing_older = () if options.revoke or options.finish else None
        begun = self.pending(retained=nothing_older)
        # Nothing is newer than a leak where there is only something to be verified again.
        leaked = options.revoke and self._begun()[0] is None
        if begun is not None and not leaked:
            if options.retain and self.live is not None and self.live != begun.target:
                retained = tuple(sorted({*begun.retained, self.live} & self.present))
                return self._move(Action.RESUME, begun.target, begun.reason, retained)
            return begun
        assert self.live is not None  # noqa: S101
        if options.finish:
            if not self.entry.retained:
                return None
            return self._move(Action.RETIRE, self.live, "nothing older is wanted any more", ())
        if options.older_than is not None:
            return self._aged(options, now - options.older_than, now)
        reason = "its older secrets are revoked" if options.revoke else "asked for"
        return self._rotate(options, reason, self._retained(self.live))

    def _begun(self) -> tuple[int | None, str]:
        if self.live is None:
            return self.entry.live, "its first update was not finished"
        if self.entry.live > self.live:
            return self.entry.live, f"the configuration already says {self.entry.live}"
        if self._going_back:
            return self.entry.live, f"it was going back to {self.entry.live}"
        ahead = {n for n in self.present if n > self.live and n not in self.entry.retained}
        if ahead:
            return max(ahead), f"generation {max(ahead)} was begun"
        if self.receiver.managed and (self.receiver.webhook is None or self.receiver.repointing):
            return self.live, "the webhook does not point at it"
        if self.present - {self.live, *self.entry.retained} and not self.behind:
            return self.live, "older generations were not deleted"
        if self.live not in self.present:
            return self.live, "its Secret or Receiver is missing"
        return None, ""

    @property
    def _going_back(self) -> bool:
        return (
            self.live is not None
            and self.entry.live < self.live
            and self.entry.live in self.present
            and self.live in self.entry.retained
        )

    def _back(self) -> Move:
        begun, reason = self._begun()
        if begun is not None and self._going_back:
            return self._move(Action.RESUME, begun, reason, None)
        if self.live is not None and begun is not None and begun > self.live in self.present:
            retained = tuple(sorted({*self._retained(self.live), begun} & self.present))
            reason = f"the rotation to {begun} is given up"
            return self._move(Action.BACK, self.live, reason, retained)
        older = [n for n in self._retained(self.live or 0) if n < (self.live or 0)]
        if self.live is None or not older:
            raise RefusedError(
                f"{self.receiver.name}: no older generation is retained to go back to; "
                "fluxhooks rotate --retain keeps the one that was live"
            )
        retained = tuple(sorted(({*self.entry.retained, self.live} - {older[-1]}) & self.present))
        return self._move(Action.BACK, older[-1], "asked for", retained)

    def _aged(
        self, options: Options, limit: datetime.datetime, now: datetime.datetime
    ) -> Move | None:
        assert self.live is not None  # noqa: S101
        if not self.receiver.managed and not self.revokes and self._retained(self.live):
            # Its sender was not told yet, and would be told of one after the other.
            return None
        # Retained tokens are as good as live ones to whoever has one.
        young = tuple(n for n in self._retained(self.live) if self._made_after(n, limit))
        if not self._made_after(self.live, limit):
            created = self.receiver.created_at
            age = "of unknown age" if created is None else f"{(now - created).days} days old"
            return self._rotate(options, f"its secret is {age}", young)
        if young != self._retained(self.live):
            return self._move(Action.RETIRE, self.live, "what it retains is too old", young)
        return None

    def _made_after(self, number: int, limit: datetime.datetime) -> bool:
        created = self.receiver.generations[number].created_at
        return created is not None and created > limit

    def _rotate(self, options: Options, reason: str, retained: tuple[int, ...]) -> Move:
        assert self.live is not None  # noqa: S101
        target = max({self.live, *self.present}) + 1
        if options.revoke:
            retained = ()
        elif options.retain:
            retained = tuple(sorted({*retained, self.live}))
        return self._move(Action.ROTATE, target, reason, retained)

    def _retained(self, target: int) -> tuple[int, ...]:
        wanted = set(self.entry.retained)
        if self.behind and not self.receiver.managed:
            # The configuration was lost, and what was called before may be called still.
            wanted = self.present
        # One that is gone would come back with another token, to nobody's use.
        return tuple(sorted(wanted & self.present - {target}))

    def _move(
        self, action: Action, target: int, reason: str, retained: tuple[int, ...] | None
    ) -> Move:
        kept = self._retained(target) if retained is None else retained
        by_hand = not self.receiver.managed and self.live is not None and self.live != target
        if by_hand and not self.revokes:
            kept = tuple(sorted({*kept, self.live or 0} & self.present))
        return Move(
            name=self.receiver.name,
            action=action,
            live=self.live,
            target=target,
            retained=kept,
            retired=tuple(sorted(self.present - {target, *kept})),
            reason=reason,
            by_hand=by_hand,
            verifies_again=self.entry.unverified and target == self.entry.live,
        )


def same_cluster(configuration: Configuration, cluster: str) -> None:
    """Refuse another cluster than the one that the stack's configuration has recorded.

    Raises:
        RefusedError: it is another one.
    """
    if configuration.cluster not in ("", cluster):
        raise RefusedError(
            f"this is another cluster: its namespace kube-system has the UID {cluster}, and the "
            f"stack's is {configuration.cluster}; set KUBECONFIG to the stack's cluster, or "
            f"pulumi config set fluxhooks:cluster {cluster} if it was moved"
        )


def _selected(state: StackState, options: Options) -> set[str]:
    known = ", ".join(sorted(state.receivers)) or "none"
    unknown = sorted(set(options.names) - set(state.receivers))
    if unknown:
        raise RefusedError(
            f"{unknown[0]!r} is no WebhookReceiver of the stack {state.stack}; it has: {known}"
        )
    if options.names:
        return set(options.names)
    if options.everything or options.older_than is not None:
        return set(state.receivers)
    if len(state.receivers) != 1:
        raise RefusedError(
            f"the stack {state.stack} has several WebhookReceivers or none ({known}); name those "
            "that are meant, or give --all"
        )
    return set(state.receivers)


def _others_decide(name: str, authority: str, options: Options, skipped: dict[str, str]) -> None:
    why = _WHY[authority]
    if name in options.names:
        raise RefusedError(f"{name}: {why}")
    skipped[name] = why


_WHY = {
    "program": "the program names its generation; raise it there, or remove the argument and let "
    "the configuration decide",
    "schedule": "its schedule names its generation, and the next pulumi up after it is due "
    "rotates; raise the schedule's extra by one to rotate out of turn",
}


def _generations(entries: Mapping[str, Entry]) -> dict[str, object]:
    return {"fluxhooks:generations": {name: _mapping(e) for name, e in sorted(entries.items())}}


def _mapping(entry: Entry) -> dict[str, object]:
    mapping: dict[str, object] = {"live": entry.live}
    if entry.retained:
        mapping["retained"] = list(entry.retained)
    if entry.unverified:
        mapping["unverified"] = True
    return mapping
