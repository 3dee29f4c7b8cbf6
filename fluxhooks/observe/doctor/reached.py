"""What a Receiver's targets come to among the objects that were gathered."""

from collections.abc import Iterator

from fluxhooks.flux.targets import APPLIERS, SOURCES
from fluxhooks.observe import listing, reach
from fluxhooks.observe.doctor.evidence import ClusterEvidence, Evidence, FluxObject
from fluxhooks.observe.listing import Target


def targets(receiver: FluxObject) -> tuple[Target, ...]:
    """Return a Receiver's targets."""
    return listing.targets(receiver.spec)


def reached(target: Target, namespace: str, cluster: ClusterEvidence) -> list[FluxObject]:
    """Return what a target of a Receiver in `namespace` reaches."""
    if target.name != "*":
        found = cluster.objects.get((target.kind, target.namespace or namespace, target.name))
        return [found] if found else []
    here = cluster.by_place.get((target.kind, target.namespace or namespace), ())
    return reach.reached(target, namespace, here)


def sources(evidence: Evidence) -> list[FluxObject]:
    """Return the sources that a chain's Receiver reaches, each once; none where it is not there."""
    receiver, cluster = evidence.receiver_object, evidence.cluster
    if receiver is None or cluster is None:
        return []
    found = {
        source.key: source
        for target in targets(receiver)
        if target.kind in SOURCES and not reach.refusal(target, receiver.namespace)
        for source in reached(target, receiver.namespace, cluster)
        if fetches(source)
    }
    return list(found.values())


def fetches(source: FluxObject) -> bool:
    """Return whether anything is fetched for a source: not for HelmRepositories of type oci.

    Source: source-controller ``internal/controller/helmrepository_controller.go``,
    ``migrationToStatic``.
    """
    return not (source.kind == "HelmRepository" and source.spec.get("type") == "oci")


def like(target: Target, cluster: ClusterEvidence) -> Iterator[FluxObject]:
    """Return whatever has a target's kind, or its name: what may have been meant."""
    for kind in (*SOURCES, *APPLIERS):
        for found in cluster.of(kind):
            if kind == target.kind or found.name == target.name:
                yield found
