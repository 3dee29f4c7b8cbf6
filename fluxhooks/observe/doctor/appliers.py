"""What applies the sources of a chain, and in which words an applier complains.

Sources: kustomize-controller v1.9.1 ``internal/controller/kustomization_controller.go``;
helm-controller v1.6.1 ``internal/controller/helmrelease_controller.go`` and
``internal/reconcile/{install,upgrade,release,uninstall_remediation,rollback_remediation}.go``;
fluxcd/pkg ``ssa/errors/errors.go`` for what the API server refuses in a dry run.
"""

import datetime
import re
from typing import Final

from fluxhooks.flux import durations
from fluxhooks.observe.doctor.conditions import (
    Standing,
    is_current,
    message,
    one_line,
    reason,
    standing,
    timeout_of,
)
from fluxhooks.observe.doctor.evidence import Evidence, FluxObject
from fluxhooks.observe.doctor.faults import Fault
from fluxhooks.observe.doctor.reached import sources


def appliers(evidence: Evidence) -> list[FluxObject]:
    """Return the Kustomizations and HelmReleases of all namespaces that use a chain's sources."""
    cluster = evidence.cluster
    if cluster is None:
        return []
    found = {
        applier.key: applier
        for source in sources(evidence)
        for applier in cluster.applied.get(source.key, ())
    }
    return list(found.values())


def where_it_stands(applier: FluxObject, evidence: Evidence) -> Standing:
    """Return where an applier stands; one that tries again after a failure has failed."""
    stands = standing(applier, now=evidence.now, grace=evidence.grace, timeout=_timeout(applier))
    released = applier.condition("Released")
    if (
        stands is Standing.UNDER_WAY
        and released.get("status") == "False"
        and is_current(applier, released)
    ):
        return Standing.FAILED
    return stands


def _timeout(applier: FluxObject) -> datetime.timedelta:
    # A Kustomization takes as long as its interval where it has no timeout: ``GetTimeout`` in
    # ``api/v1/kustomization_types.go``. A HelmRelease takes 5 minutes.
    default = 300.0
    if applier.kind == "Kustomization":
        try:
            default = durations.seconds(str(applier.spec.get("interval") or ""))
        except ValueError:
            default = 600.0
    return timeout_of(applier, default)


def complaint(applier: FluxObject) -> tuple[str, str, str]:
    """Return the condition that says why an applier has failed, its reason and its message.

    A HelmRelease whose failed release was rolled back or uninstalled says of that in Ready, and
    why the release had failed in Released.
    """
    released = applier.condition("Released")
    if (
        applier.kind == "HelmRelease"
        and released.get("status") == "False"
        and reason(applier) not in _BEFORE_THE_RELEASE
    ):
        return "Released", reason(applier, "Released"), message(applier, "Released")
    return "Ready", reason(applier), message(applier)


_BEFORE_THE_RELEASE: Final = {
    "AccessDenied",
    "ArtifactFailed",
    "ChartMutateError",
    "DependencyNotReady",
    "FactoryError",
    "InvalidCELExpression",
    "RESTClientError",
    "ResourceManagerError",
    "SourceNotReady",
    "ValuesError",
}


def quoted_complaint(applier: FluxObject) -> str:
    """Return why an applier has failed, as evidence."""
    kind, why, text = complaint(applier)
    told = f"{kind} is {applier.condition(kind).get('status')}, {why}"
    return f"{told}: {one_line(text)}" if text else told


def refused(applier: FluxObject) -> Fault | None:
    """Return why the API server refuses what an applier that has failed applies.

    None where it is not the API server that refuses.
    """
    _, why, text = complaint(applier)
    if why not in _WHILE_APPLYING:
        return None
    return next((fault for fault, pattern in _REFUSALS if pattern.search(text)), None)


_WHILE_APPLYING: Final = {
    "InstallFailed",
    "PruneFailed",
    "ReconcileError",
    "ReconciliationFailed",
    "RollbackFailed",
    "StateError",
    "UninstallFailed",
    "UpgradeFailed",
}

# The first that fits: admission and namespaces are refused as forbidden and not found too.
_REFUSALS: Final = tuple(
    (fault, re.compile(pattern, re.IGNORECASE))
    for fault, pattern in (
        (
            Fault.CLUSTER_IMMUTABLE,
            r"is immutable|immutable field|may not change once set|cannot change roleRef"
            r"|updates to statefulset spec for fields other than",
        ),
        (
            Fault.CLUSTER_DENIED,
            r"denied (?:the )?request|violates PodSecurity|exceeded quota"
            r"|(?:maximum|minimum) \S+ usage per",
        ),
        (
            Fault.CLUSTER_NO_NAMESPACE,
            r'namespaces? "[^"]+" not found|namespace not specified|it is being terminated',
        ),
        (
            Fault.CLUSTER_NO_SUCH_KIND,
            r"no matches for kind|resource mapping not found|ensure CRDs are installed"
            r"|could not find the requested resource",
        ),
        (Fault.CLUSTER_FORBIDDEN, r"is forbidden|\(Forbidden\)|cannot \w+ resource"),
        (
            Fault.CLUSTER_INVALID,
            r'\(Invalid\)|\(BadRequest\)|" is invalid:|field not declared in schema'
            r"|error validating|unknown field|strict decoding error|failed to create typed patch",
        ),
        (
            Fault.CLUSTER_REFUSED,
            r"dry-run failed|\bapply failed|failed calling webhook|FieldManagerConflict",
        ),
    )
)
