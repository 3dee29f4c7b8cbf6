"""The removal of what a killed run left: no state has it, so it goes past Pulumi."""

import datetime
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fluxhooks.errors import RefusedError
from fluxhooks.observe import cluster as clusters
from fluxhooks.observe.cluster import ClusterObject, ClusterView
from fluxhooks.observe.forges import Forges
from fluxhooks.observe.orphans import Orphan
from fluxhooks.observe.state import DeclaredWebhook, ProviderSettings, Scope
from fluxhooks.observe.status import Seen, where
from fluxhooks.operate.stack import PulumiStack


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """What was found, and what became of it.

    Attributes:
        found: all orphans.
        young: those that may be of an update which is running now; never removed.
        removed: those that were.
    """

    stack: str
    found: tuple[Orphan, ...] = ()
    young: tuple[Orphan, ...] = ()
    removed: tuple[Orphan, ...] = ()


def prune(
    stack: PulumiStack,
    *,
    remove: bool,
    min_age: datetime.timedelta,
    scopes: Iterable[Scope] = (),
    connect: Callable[[ProviderSettings], ClusterView] = clusters.connect,
) -> Pruning:
    """Find the stack's orphans and, if `remove`, delete those older than `min_age`.

    Args:
        scopes: where to look besides what state and configuration name.

    Raises:
        RefusedError: the cluster is not the stack's; nothing was removed.
        ObservationError: cluster or forge could not be asked; nothing is removed on a guess.
    """
    state = stack.export()
    cluster = connect(state.providers)
    forges = Forges(state.providers)
    seen = Seen()
    seen.look_at_cluster(state, cluster)
    configuration = stack.configuration(state.stack)
    recorded = configuration.cluster
    if recorded not in ("", seen.cluster):
        raise RefusedError(
            f"this is another cluster: its namespace kube-system has the UID {seen.cluster}, and "
            f"the stack's is {recorded}; set KUBECONFIG to the stack's cluster"
        )
    places = where(state, configuration, scopes)
    seen.look_at_forges(places, forges)
    found = seen.orphans(state)
    limit = datetime.datetime.now(datetime.UTC) - min_age
    young = [orphan for orphan in found if orphan.since is None or orphan.since > limit]
    removed = [orphan for orphan in found if orphan not in young] if remove else []
    for orphan in removed:
        _remove(orphan, places, cluster, forges)
    return Pruning(
        stack=state.stack, found=tuple(found), young=tuple(young), removed=tuple(removed)
    )


def _remove(
    orphan: Orphan, places: Iterable[DeclaredWebhook], cluster: ClusterView, forges: Forges
) -> None:
    found = orphan.found
    if isinstance(found, ClusterObject):
        cluster.delete(found)
        return
    for declared in places:
        if declared.scope == found.scope:
            forges.of(declared).delete(found, declared)
            return
