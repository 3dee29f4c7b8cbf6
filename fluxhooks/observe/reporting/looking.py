"""Gathers what a report is made of; a part that cannot be seen is told, and the others are."""

import datetime
from collections.abc import Callable

from fluxhooks.errors import ObservationError
from fluxhooks.observe import coverage as coverages
from fluxhooks.observe import status as statuses
from fluxhooks.observe.cluster import ClusterView
from fluxhooks.observe.configuration import Configuration
from fluxhooks.observe.coverage import Coverage, Policy
from fluxhooks.observe.doctor.doctor import diagnose
from fluxhooks.observe.doctor.settings import Settings
from fluxhooks.observe.doctor.subjects import OfCluster, OfStack
from fluxhooks.observe.forges import Forges
from fluxhooks.observe.reporting.report import Report


def look(
    wanted: OfStack | OfCluster,
    *,
    configuration: Configuration,
    connect: Callable[[], ClusterView],
    forges: Forges,
    settings: Settings,
    policy: Policy,
    say: Callable[[str], None] = lambda _: None,
) -> Report:
    """Return the chains, coverage and, of a stack, generations; nothing is changed or reconciled.

    Args:
        configuration: the stack's.
        connect: connects to the cluster.
        policy: what is asked of sources and Receivers.
        say: is told what is under way.

    Raises:
        ObservationError: the report is a cluster's, and it could not be asked.
    """
    diagnosis = diagnose(wanted, cluster=connect, forges=forges, settings=settings, say=say)
    unseen: list[str] = []
    say("looking at the sources")
    try:
        coverage = _coverage(wanted, configuration, connect(), forges, policy)
    except ObservationError as error:
        coverage = None
        unseen.append(str(error))
    status = None
    if isinstance(wanted, OfStack):
        say("looking at the generations")
        status = statuses.status(wanted.state, configuration, connect=connect, forges=forges)
    return Report(
        of=f"the stack {wanted.state.stack}" if isinstance(wanted, OfStack) else _named(wanted),
        made_at=datetime.datetime.now(datetime.UTC),
        diagnosis=diagnosis,
        coverage=coverage,
        status=status,
        unseen=tuple(unseen),
    )


def _coverage(
    wanted: OfStack | OfCluster,
    configuration: Configuration,
    cluster: ClusterView,
    forges: Forges,
    policy: Policy,
) -> Coverage:
    listing, unseen, stack = cluster.sources_and_receivers(), [], None
    if isinstance(wanted, OfStack):
        try:
            stack = coverages.stack_webhooks(
                wanted.state, configuration, cluster=cluster, forges=forges
            )
        except ObservationError as error:
            unseen.append(str(error))
    now = datetime.datetime.now(datetime.UTC)
    return coverages.coverage(listing, policy, now=now, stack=stack, unseen=unseen)


def _named(wanted: OfCluster) -> str:
    if wanted.receiver:
        return f"the Receiver {wanted.receiver}"
    return "the cluster" if wanted.namespace == "*" else f"the namespace {wanted.namespace}"
