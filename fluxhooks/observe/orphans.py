"""What cluster and forge have of ours that no state knows: what a killed run can leave behind."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from fluxhooks.flux.hook_path import HOOK_PATH
from fluxhooks.flux.labels import stack_label
from fluxhooks.observe.cluster import ClusterObject
from fluxhooks.observe.forges import SeenWebhook
from fluxhooks.observe.state import StackState


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """An object or webhook that belongs to no declared generation.

    Attributes:
        found: what it is.
        why: how it is known to be one.
        since: when it was made or last changed; None where that is not told.
    """

    found: ClusterObject | SeenWebhook
    why: str
    since: datetime.datetime | None

    @property
    def kind(self) -> str:
        """ "Receiver", "Secret", "Alert", "Provider" or "webhook"."""
        return self.found.kind if isinstance(self.found, ClusterObject) else "webhook"

    @property
    def name(self) -> str:
        """Namespace and name, or repository, project or group and ID."""
        if isinstance(self.found, ClusterObject):
            return f"{self.found.namespace}/{self.found.name}"
        return f"{self.found.scope.name}/{self.found.id}"


def orphans(
    state: StackState,
    *,
    objects: Iterable[ClusterObject],
    receivers: Iterable[ClusterObject],
    webhooks: Iterable[SeenWebhook],
) -> list[Orphan]:
    """Return what belongs to `state`'s stack and is not in it, in the order in which it can go.

    Args:
        objects: Secrets, Receivers, Alerts and Providers with our labels; those of other stacks
            are passed over.
        receivers: all Receivers of the cluster: a webhook that calls one of somebody else's is
            theirs.
        webhooks: those of the stack's repositories, projects and groups.
    """
    label = stack_label(state.project, state.stack)
    unknown = [
        Orphan(
            found=found,
            why=f"{_part(found)}{found.component}, unknown to the stack",
            since=found.created_at,
        )
        for found in sorted(objects, key=lambda found: found.key)
        if found.stack == label and found.key not in state.objects
    ]
    hosts = {_host(declared.host) for declared in state.webhooks} - {""}
    serving = {found.path: found for found in receivers if found.path}
    by_hand = {
        generation.path
        for receiver in state.receivers.values()
        if not receiver.managed
        for generation in receiver.generations.values()
    }
    for webhook in webhooks:
        if webhook.key in state.hook_keys or webhook.path in by_hand:
            continue
        receiver = serving.get(webhook.path)
        # After a first creation that failed, the state does not know our host.
        ours = _host(webhook.host) in hosts or (receiver and receiver.stack == label)
        if not ours or not HOOK_PATH.fullmatch(webhook.path):
            continue
        if receiver is None:
            why = "calls our host on a path that no Receiver serves"
        elif receiver.stack == label:
            why = f"calls {receiver.namespace}/{receiver.name}, unknown to the stack"
            if receiver.key in state.objects:
                why = f"calls {receiver.namespace}/{receiver.name} beside the stack's own webhook"
        else:
            continue
        unknown.append(Orphan(found=webhook, why=why, since=webhook.changed_at))
    return sorted(unknown, key=lambda orphan: (orphan.kind != "webhook", orphan.kind, orphan.name))


def _part(found: ClusterObject) -> str:
    # Alerting has no generations.
    return f"generation {found.generation} of " if found.generation else "of "


def _host(host: str) -> str:
    return host.lower().removesuffix(":443")
