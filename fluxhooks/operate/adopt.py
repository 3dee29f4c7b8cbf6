"""An adoption from beginning to end: look, decide, ask, record, take in, update, verify, tidy.

What is being taken over is recorded in the stack's configuration first. The component reads it
there, so any update proves the new generation before the webhook calls it; and the same command
finishes what was stopped.
"""

import dataclasses
import datetime
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fluxhooks.components.overrides import Overrides
from fluxhooks.errors import ObservationError
from fluxhooks.flux.labels import STACK
from fluxhooks.observe import cluster as clusters
from fluxhooks.observe.cluster import ClusterView
from fluxhooks.observe.forges import Forges
from fluxhooks.observe.hand_made import HandMade, hand_made
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings, StackState
from fluxhooks.operate.adoption import (
    KEY,
    Adoption,
    Way,
    adoption,
    as_setting,
    named,
    resources_to_take_in,
)
from fluxhooks.operate.plan import Action, Move, Plan, same_cluster
from fluxhooks.operate.rotate import repointed_at
from fluxhooks.operate.stack import Progress, PulumiStack, Report, Update
from fluxhooks.operate.verify import Check, verify


@dataclass(frozen=True, kw_only=True)
class Adopted:
    """What a run planned, did and saw.

    Attributes:
        adoption: None where there was nothing to take over.
        update: None where none was run.
        webhook: the ID of the one that is there now; "" where none is made here.
        left: what somebody has to do now, with the commands for it.
    """

    stack: str
    name: str
    adoption: Adoption | None = None
    update: Update | None = None
    webhook: str = ""
    checks: list[Check] = field(default_factory=list)
    left: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether nothing that was looked at is wrong."""
        return all(check.ok is not False for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """Return it for machines; holds no secret."""
        planned = self.adoption
        receiver = planned.receiver if planned else None
        return {
            "stack": self.stack,
            "name": self.name,
            "done": self.update is not None and self.verified,
            "verified": self.verified if self.update else None,
            "way": str(planned.way) if planned else None,
            "resumed": planned.resumes if planned else False,
            "webhook": {
                "before": (planned.begun.webhook or None) if planned else None,
                "now": self.webhook or None,
            },
            "receiver": None
            if receiver is None
            else {
                "namespace": receiver.namespace,
                "name": receiver.name,
                "secret": receiver.secret or None,
                "owner": receiver.owner or None,
            },
            "notes": list(planned.notes) if planned else [],
            "left": list(self.left),
            "seconds": round(self.update.seconds, 1) if self.update else None,
            "steps": list(self.update.steps) if self.update else [],
            "checks": [
                {"name": check.name, "what": check.what, "ok": check.ok, "seen": check.seen}
                for check in self.checks
            ],
        }


def adopt(
    stack: PulumiStack,
    name: str | None,
    *,
    confirm: Callable[[Adoption], bool],
    webhook: str = "",
    receiver: str = "",
    drain: float = 30.0,
    report: Report = lambda progress: None,
    connect: Callable[[ProviderSettings], ClusterView] = clusters.connect,
) -> Adopted:
    """Have a declared WebhookReceiver take the place of what was made by hand.

    Args:
        name: the WebhookReceiver; the program's only one when absent.
        confirm: is shown what will happen and says whether to go on.
        webhook, receiver: what is to be taken over, where it cannot be found alone.
        drain: how long the hand-made Receiver is waited for, when its webhook was deleted, before
            its removal is advised; seconds.
        report: gets what happens.

    Raises:
        RefusedError: it is not safe; nothing was changed.
        PulumiError, LockedError: the update failed; the same command finishes it.
        ObservationError: cluster or forge could not be asked.
    """
    reach = Overrides.read().verify
    declaration = stack.preview()
    planned = named(declaration, name)
    nothing = StackState(project=declaration.project, stack=declaration.stack)
    before = stack.export(nothing=nothing)
    providers = _merged(before.providers, declaration.providers)
    cluster, forges = connect(providers), Forges(providers)
    configuration = stack.configuration(declaration.stack)
    uid = cluster.uid()
    same_cluster(configuration, uid)
    place = planned.webhook.declared if planned.webhook else None
    receivers = _receivers(cluster)
    decided = adoption(
        planned,
        before,
        webhooks=forges.of(place).webhooks(place) if place is not None else (),
        made_by_hand=hand_made(receivers),
        ours=_ours(receivers),
        begun=configuration.adopting.get(planned.name),
        webhook=webhook,
        receiver=receiver,
    )
    known = before.receivers.get(planned.name)
    result = Adopted(
        stack=declaration.stack,
        name=planned.name,
        adoption=decided,
        webhook=known.webhook.id if known and known.webhook else "",
    )
    if decided is None or not confirm(decided):
        return result
    stack.configure(
        {
            KEY: as_setting(configuration.adopting, planned.name, decided.begun),
            **({} if configuration.cluster else {"fluxhooks:cluster": uid}),
        }
    )
    started = datetime.datetime.now(datetime.UTC)
    if decided.way is Way.EDIT and decided.before is not None and not decided.taken_in:
        stack.take_in(resources_to_take_in(decided, before.urns))
    own = known.webhook if known else None
    # An update of what was deleted at the forge meanwhile fails.
    gone = own is not None and own.id == decided.begun.webhook and decided.before is None
    update = stack.up(refresh=gone)
    after = stack.export()
    checks = verify(
        before,
        after,
        _plan(decided, after),
        cluster=cluster,
        forges=Forges(after.providers),
        since=repointed_at(after, [planned.name], update) or started,
        reach=reach,
    )
    declared = after.receivers.get(planned.name)
    own = declared.webhook if declared else None
    result = dataclasses.replace(
        result, update=update, checks=checks, webhook=own.id if own else ""
    )
    if not result.verified:
        return result
    if own is not None:
        if _delete_hand_made(decided, own, forges):
            report(
                Progress(
                    text=f"webhook {decided.begun.webhook} is deleted; its Receiver answers for "
                    f"{drain:g} s more",
                    at=time.time(),
                )
            )
            time.sleep(drain)
        checks = [*checks, _only_one(decided, own, forges)]
    _forget(stack, planned.name)
    return dataclasses.replace(result, checks=checks, left=_left(decided, after))


def _merged(known: ProviderSettings, declared: ProviderSettings) -> ProviderSettings:
    # A preview hides the secrets of explicit providers, which a state has.
    return ProviderSettings(
        **{
            each.name: getattr(known, each.name) or getattr(declared, each.name)
            for each in dataclasses.fields(ProviderSettings)
        }
    )


def _receivers(cluster: ClusterView) -> list[Mapping[str, Any]]:
    status, found = cluster.all_of("Receiver")
    if status != 200:
        raise ObservationError(
            f"the cluster refused the Receivers: {status}; adopt lists all of them, to know which "
            "was made by hand"
        )
    return found


def _ours(receivers: list[Mapping[str, Any]]) -> dict[str, str]:
    labelled = (
        (str((item.get("status") or {}).get("webhookPath", "")), item["metadata"].get("labels"))
        for item in receivers
    )
    return {path: labels[STACK] for path, labels in labelled if path and STACK in (labels or {})}


def _plan(decided: Adoption, after: StackState) -> Plan:
    declared = after.receivers.get(decided.name)
    live = declared.live if declared and declared.live else decided.planned.generation
    retained = tuple(n for n in sorted(declared.generations) if n != live) if declared else ()
    move = Move(name=decided.name, action=Action.ROTATE, live=None, target=live, retained=retained)
    return Plan(moves=(move,))


def _delete_hand_made(decided: Adoption, own: DeclaredWebhook, forges: Forges) -> bool:
    if decided.way is not Way.REPLACE or decided.begun.webhook in ("", own.id):
        return False
    # Its address stays: it says who owns the repository, where the name does not.
    seen = forges.of(own).webhook(dataclasses.replace(own, id=decided.begun.webhook, url=""))
    if seen is None:
        return False
    forges.of(own).delete(seen, own)
    return True


def _only_one(decided: Adoption, own: DeclaredWebhook, forges: Forges) -> Check:
    webhooks = forges.of(own).webhooks(own)
    live = [each.id for each in webhooks if each.path == own.path]
    path = decided.receiver.path if decided.receiver else ""
    left = [each.id for each in webhooks if path and each.path == path]
    wrong = live != [own.id]
    seen = f"{own.id} alone" if not wrong else f"{', '.join(live) or 'none'} instead of {own.id}"
    if left:
        seen += f"; {', '.join(left)} still calls the hand-made Receiver"
    ok = False if wrong else (None if left else True)
    return Check(name=decided.name, what="webhooks that call it", ok=ok, seen=seen)


def _forget(stack: PulumiStack, name: str) -> None:
    # Read anew: another run may have begun or ended one meanwhile.
    state = stack.export()
    others = as_setting(stack.configuration(state.stack).adopting, name, None)
    if others:
        stack.configure({KEY: others})
    else:
        stack.unset(KEY)


def _left(decided: Adoption, after: StackState) -> tuple[str, ...]:
    lines: list[str] = []
    if decided.way is Way.BY_HAND:
        lines.append(
            f"{decided.name}: no webhook is made here; give its sender the new URL and token: "
            f"fluxhooks instructions {after.stack} {decided.name} --show-secrets"
        )
    receiver = decided.receiver
    if receiver is None:
        return tuple(lines)
    when = "when its sender calls the new URL" if decided.way is Way.BY_HAND else "now"
    lines.append(
        f"{receiver} was not touched and may go {when}, if nobody else calls it:"
        if not receiver.owner
        else f"{receiver} was not touched and may go {when}, if nobody else calls it. It belongs "
        f"to {receiver.owner}, which would bring it back: remove it there, then"
    )
    lines += _removal(receiver, decided)
    return tuple(lines)


def _removal(receiver: HandMade, decided: Adoption) -> list[str]:
    lines = []
    kind, _, where = receiver.owner.partition(" ")
    if kind == "Kustomization":
        namespace, _, name = where.partition("/")
        lines += [
            f"  flux -n {receiver.namespace} trace receiver {receiver.name}    "
            "# where its manifest is",
            f"  flux -n {namespace} reconcile kustomization {name} --with-source    "
            "# deletes it, with prune: true",
        ]
    lines.append(f"  kubectl -n {receiver.namespace} delete receiver {receiver.name}")
    why = _why_the_secret_stays(receiver, decided)
    if why:
        lines.append(f"  (its Secret {receiver.secret} stays: {why})")
    elif receiver.secret:
        lines.append(f"  kubectl -n {receiver.namespace} delete secret {receiver.secret}")
    return lines


def _why_the_secret_stays(receiver: HandMade, decided: Adoption) -> str:
    if receiver.secret_is_shared:
        return "another Receiver reads it"
    same = receiver.namespace == decided.planned.namespace
    if same and receiver.secret and receiver.secret in decided.planned.secrets:
        return f"{decided.name} reads it"
    return ""
