"""The appliers of the chain's sources: whether each acts on what was fetched.

What the API server refuses is the next link's. Sources, for reasons and texts: kustomize-controller
v1.9.1 ``internal/controller/kustomization_controller.go``; helm-controller v1.6.1
``internal/controller/helmrelease_controller.go`` and ``internal/reconcile/*.go``; fluxcd/pkg
``ssa/manager_wait.go`` for health, ``chartutil/values.go`` for values.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fluxhooks.flux.targets import APPLIERS
from fluxhooks.observe.doctor.appliers import (
    appliers,
    complaint,
    quoted_complaint,
    refused,
    where_it_stands,
)
from fluxhooks.observe.doctor.conditions import (
    Standing,
    lasting,
    quoted,
    reason,
    since,
    standing,
    time,
    unheard,
)
from fluxhooks.observe.doctor.diagnosis import Examined, Finding, State, Sure
from fluxhooks.observe.doctor.evidence import ClusterEvidence, Evidence, FluxObject
from fluxhooks.observe.doctor.faults import Fault, Link
from fluxhooks.observe.doctor.links.source import command
from fluxhooks.observe.doctor.reached import sources


def examine(evidence: Evidence) -> Examined:
    """Judge it by what was seen."""
    cluster = evidence.cluster
    if cluster is None or evidence.receiver_object is None:
        return _told(State.UNSEEN, "the cluster was not asked")
    hidden = [why for kind in APPLIERS if (why := cluster.unseen.get(kind))]
    found = appliers(evidence)
    if not found:
        if hidden:
            return _told(State.UNSEEN, "; ".join(hidden))
        if lost := tuple(_lost(evidence, cluster)):
            return _told(State.BROKEN, findings=lost)
        return _told(State.OK, "nothing applies what the Receiver reaches")
    judged = [_judged(applier, evidence, cluster) for applier in found]
    findings = tuple(_causes(judged))
    if findings:
        return _told(State.BROKEN, findings=findings)
    seen = "; ".join(each.seen for each in judged[:3])
    if len(judged) > 3:
        seen += f"; and {len(judged) - 3} more"
    return _told(State.OK, "; ".join((seen, *hidden)))


def _told(state: State, seen: str = "", findings: tuple[Finding, ...] = ()) -> Examined:
    return Examined(link=Link.APPLIER, state=state, seen=seen, findings=findings)


@dataclass(frozen=True)
class _Judged:
    """An applier: what is wrong with it, or what was seen; and the dependency it waits for."""

    applier: FluxObject
    finding: Finding | None = None
    seen: str = ""
    waits_for: FluxObject | None = None


def _causes(judged: list[_Judged]) -> Iterator[Finding]:
    """Return what is wrong; of what waits for another of the chain's appliers, that one's alone."""
    own = {each.applier.key for each in judged}
    for each in judged:
        root = each.waits_for
        if each.finding and (root is None or root == each.applier or root.key not in own):
            yield each.finding


def _lost(evidence: Evidence, cluster: ClusterEvidence) -> Iterator[Finding]:
    """Return the appliers that may be meant to use a source of the chain, and name none."""
    source = next((each for each in sources(evidence) if each.kind in _APPLIED), None)
    if source is None:
        return
    for kind in APPLIERS:
        for applier in cluster.by_place.get((kind, source.namespace), ()):
            key = [*cluster.origins(applier)][-1:]
            if key and key[0] not in cluster.objects and cluster.sees(*key[0][:2]):
                yield _nothing(applier, source, "{} {}/{}".format(*key[0]))


_APPLIED: Final = {"Bucket", "GitRepository", "HelmRepository", "OCIRepository"}


def _nothing(applier: FluxObject, source: FluxObject, named: str) -> Finding:
    field = "spec.sourceRef" if applier.kind == "Kustomization" else "spec.chart or spec.chartRef"
    return Finding(
        fault=Fault.APPLIER_NONE,
        where=str(applier),
        wrong=f"it names {named}, which does not exist, and nothing applies {source}",
        evidence=(f"the cluster has no {named}", quoted(applier)),
        cure=f"set its {field} to {source.kind} {source.name}: {_edit(applier)}",
        sure=Sure.LIKELY,
    )


def _judged(applier: FluxObject, evidence: Evidence, cluster: ClusterEvidence) -> _Judged:
    if applier.suspended:
        return _Judged(applier, _suspended(applier))
    stands = where_it_stands(applier, evidence)
    late = unheard(applier, now=evidence.now, grace=evidence.grace)
    if stands is Standing.LEFT_ALONE:
        return _Judged(applier, _not_reconciled(applier, quoted(applier)))
    if stands is Standing.UNDER_WAY:
        return _Judged(applier, seen=f"{applier} is being reconciled")
    if late is not None:
        asked = f"it was asked to reconcile {lasting(late)} ago, and nothing came of it"
        return _Judged(applier, _not_reconciled(applier, asked))
    if stands is Standing.READY:
        chart = _chart(applier, cluster)
        if chart is not None and standing(chart, now=evidence.now, grace=evidence.grace) is (
            Standing.FAILED
        ):
            return _Judged(applier, _finding(applier, Fault.APPLIER_CHART, "", chart))
        behind = _behind(applier, evidence, cluster)
        if behind:
            return _Judged(applier, _not_reconciled(applier, behind))
        return _Judged(applier, seen=f"{applier} has applied {_revision(applier)}")
    if refused(applier):
        return _Judged(applier, seen=f"{applier} is refused by the API server, see cluster")
    return _failed(applier, evidence, cluster)


def _suspended(applier: FluxObject) -> Finding:
    return Finding(
        fault=Fault.APPLIER_SUSPENDED,
        where=str(applier),
        wrong="the applier is suspended: it applies nothing until it is resumed",
        evidence=("spec.suspend is true",),
        cure=f"`flux resume {command(applier)}`",
    )


def _not_reconciled(applier: FluxObject, shown: str) -> Finding:
    controller = "kustomize-controller" if applier.kind == "Kustomization" else "helm-controller"
    return Finding(
        fault=Fault.APPLIER_NOT_RECONCILED,
        where=str(applier),
        wrong=f"{controller} does not act on what was fetched",
        evidence=(shown,),
        cure="see whether the controller runs: `kubectl -n flux-system get deployment "
        f"{controller}` and `flux logs --kind={applier.kind} --name={applier.name} -n "
        f"{applier.namespace}`",
    )


def _edit(applier: FluxObject) -> str:
    return f"`kubectl -n {applier.namespace} edit {applier.kind.lower()} {applier.name}`"


def _revision(applier: FluxObject) -> str:
    status = applier.status
    known = status.get("lastAppliedRevision") or status.get("lastAttemptedRevision") or "it"
    return re.sub(r"((?:sha1|sha256):[0-9a-f]{8})[0-9a-f]+", r"\1", str(known))


def _behind(applier: FluxObject, evidence: Evidence, cluster: ClusterEvidence) -> str:
    """Return how far an applier that is Ready lags behind its source or chart; "" where not."""
    origin = cluster.objects.get(next(cluster.origins(applier), ("", "", "")))
    if origin is None or not origin.revision:
        return ""
    fetched = time((origin.status.get("artifact") or {}).get("lastUpdateTime"))
    if fetched is None or evidence.now - fetched <= evidence.grace:
        return ""
    status = applier.status
    if applier.kind == "Kustomization":
        has, wants = status.get("lastAppliedRevision"), origin.revision
    elif origin.kind == "HelmChart":
        has, wants = status.get("lastAttemptedRevision"), origin.revision
    else:
        has, wants = status.get("lastAttemptedRevisionDigest"), origin.revision.rpartition("@")[2]
    if not has or has == wants:
        return ""
    age = lasting(evidence.now - fetched)
    return f"{origin} has had {origin.revision} for {age}, and {applier} is at {_revision(applier)}"


# Why it has failed


def _failed(applier: FluxObject, evidence: Evidence, cluster: ClusterEvidence) -> _Judged:
    _, why, text = complaint(applier)
    if why == "DependencyNotReady":
        return _waiting(applier, text, evidence, cluster)
    if why == "HealthCheckCanceled" or "artifact not found" in text:
        return _Judged(applier, seen=f"{applier} is being reconciled")
    chart = _chart(applier, cluster)
    if why == "SourceNotReady" and chart is not None and not chart.condition("Ready"):
        return _Judged(applier, seen=f"{applier} waits for {chart}, which is being reconciled")
    return _Judged(applier, _finding(applier, _named(applier.kind, why, text), text, chart))


def _finding(applier: FluxObject, fault: Fault, text: str, chart: FluxObject | None) -> Finding:
    wrong, cure = _TOLD[fault]
    shown = [quoted_complaint(applier)]
    if chart is not None and fault is Fault.APPLIER_CHART and not chart.ready:
        shown.append(f"{chart}: {quoted(chart)}")
    words = _words(applier, text)
    return Finding(
        fault=fault,
        where=str(applier),
        wrong=wrong.format(**words),
        evidence=tuple(shown),
        cure=cure.format(**words),
    )


def _named(kind: str, why: str, text: str) -> Fault:
    for reasons, pattern, fault in _FAULTS[kind]:
        if (why in reasons or not reasons) and re.search(pattern, text, re.IGNORECASE):
            return fault
    return Fault.APPLIER_NOT_READY


_RELEASING: Final = {
    "InstallFailed",
    "PendingRelease",
    "ReconcileError",
    "RollbackFailed",
    "StateError",
    "TestFailed",
    "UninstallFailed",
    "UpgradeFailed",
}
_NOT_IN_TIME: Final = (
    r"timeout waiting for|timed out waiting|deadline exceeded|failed early due to stalled"
    r"|status: '?(?:InProgress|Failed)|would exceed context deadline"
)

# Reasons (all where none is given), what is in the message, and the fault; the first that fits.
_FAULTS: Final[dict[str, tuple[tuple[set[str], str, Fault], ...]]] = {
    "Kustomization": (
        ({"ArtifactFailed"}, r"kustomization path not found", Fault.APPLIER_PATH),
        ({"BuildFailed"}, "", Fault.APPLIER_BUILD),
        (set(), r"is SOPS encrypted", Fault.APPLIER_BUILD),
        ({"HealthCheckFailed"}, "", Fault.APPLIER_UNHEALTHY),
        ({"ReconciliationFailed"}, _NOT_IN_TIME, Fault.APPLIER_UNHEALTHY),
    ),
    "HelmRelease": (
        (
            {"ArtifactFailed", "SourceNotReady", "ChartMutateError"},
            "",
            Fault.APPLIER_CHART,
        ),
        ({"ValuesError"}, "", Fault.APPLIER_VALUES),
        (
            _RELEASING,
            r"values don't meet the specifications of the schema|invalid values",
            Fault.APPLIER_VALUES,
        ),
        (_RELEASING, _NOT_IN_TIME, Fault.APPLIER_UNHEALTHY),
        (_RELEASING, "", Fault.APPLIER_RELEASE_FAILED),
    ),
}

_TOLD: Final = {
    Fault.APPLIER_PATH: (
        "its path {path} is not in {origin}",
        "set spec.path to a folder of the source, or push {path}: {edit}",
    ),
    Fault.APPLIER_BUILD: (
        "what is in {path} cannot be built",
        "mend it and push; `kustomize build {path}` says beforehand whether it can be built",
    ),
    Fault.APPLIER_CHART: (
        "its chart cannot be had",
        "correct spec.chart (or spec.chartRef), or what its chart is made of, then {again}",
    ),
    Fault.APPLIER_VALUES: (
        "its values cannot be put together, or its chart refuses them",
        "correct spec.values and spec.valuesFrom, and what they name: {edit}",
    ),
    Fault.APPLIER_RELEASE_FAILED: (
        "Helm could not install or upgrade the release",
        "mend what Helm says in chart or values and push; `flux reconcile helmrelease {name} -n "
        "{namespace} --reset --force` tries again when no attempt is left",
    ),
    Fault.APPLIER_UNHEALTHY: (
        "what it applied does not become ready: {sick}",
        "see why: `kubectl{where} describe {what}`",
    ),
    Fault.APPLIER_NOT_READY: (
        "the applier is not Ready",
        "mend what its condition Ready says, then {again}",
    ),
}


def _words(applier: FluxObject, text: str) -> dict[str, str]:
    # Others may only not have been looked at in time.
    sick = sorted(_SICK.findall(text), key=lambda each: each[0] not in _WORKLOADS)
    kind, namespace, name = sick[0] if sick else ("", "", "")
    ref = applier.spec.get("sourceRef") or {}
    place = ref.get("namespace") or applier.namespace
    return {
        "again": f"`flux reconcile {command(applier)}`",
        "edit": _edit(applier),
        "name": applier.name,
        "namespace": applier.namespace,
        "origin": f"{ref.get('kind')} {place}/{ref.get('name')}",
        "path": str(applier.spec.get("path") or "./"),
        "sick": f"{kind} {namespace}/{name}" if kind else "an object of it",
        "what": f"{kind.lower()} {name}" if kind else f"{applier.kind.lower()} {applier.name}",
        "where": f" -n {namespace or applier.namespace}",
    }


_WORKLOADS: Final = {
    "DaemonSet",
    "Deployment",
    "HelmRelease",
    "Job",
    "Kustomization",
    "Pod",
    "ReplicaSet",
    "StatefulSet",
}

# As fluxcd/pkg ssa writes it: Kind/namespace/name status: 'InProgress'.
_SICK: Final = re.compile(r"([A-Za-z]+)/([^/\s]+)/(\S+?)(?: status:| not ready|\]|,)")


def _chart(applier: FluxObject, cluster: ClusterEvidence) -> FluxObject | None:
    keys = (key for key in cluster.origins(applier) if key[0] == "HelmChart")
    return next((cluster.objects[key] for key in keys if key in cluster.objects), None)


# Dependencies


def _waiting(
    applier: FluxObject, text: str, evidence: Evidence, cluster: ClusterEvidence
) -> _Judged:
    root, why = _root(applier, evidence, cluster, (applier.key,))
    if why:
        fault = Fault.APPLIER_DEPENDENCY if root else Fault.APPLIER_DEPENDENCY_MISSING
        finding = _dependent(applier, fault, root, why)
        return _Judged(applier, finding, f"{applier} waits: {why}", waits_for=root)
    began = since(applier.condition("Ready"))
    lasts = began is not None and evidence.now - began > evidence.grace
    if lasts or "readyExpr" in text:
        told = "its dependencies are Ready, and are not taken for it"
        return _Judged(applier, _dependent(applier, Fault.APPLIER_DEPENDENCY, None, told))
    return _Judged(applier, seen=f"{applier} waits for its dependencies")


def _dependent(applier: FluxObject, fault: Fault, root: FluxObject | None, why: str) -> Finding:
    cure = f"correct spec.dependsOn: {_edit(applier)}"
    if fault is Fault.APPLIER_DEPENDENCY_MISSING:
        cure = f"make what it depends on, or {cure}"
    elif root is not None and root.suspended:
        cure = f"`flux resume {command(root)}`"
    elif root is not None:
        cure = f"mend {root} first: `flux get {root.kind.lower()}s {root.name} -n {root.namespace}`"
    return Finding(
        fault=fault,
        where=str(applier),
        wrong=f"it waits for what it depends on: {why}",
        evidence=tuple(
            dict.fromkeys((quoted(applier), *((f"{root}: {_state(root)}",) if root else ())))
        ),
        cure=cure,
    )


def _state(root: FluxObject) -> str:
    return "spec.suspend is true" if root.suspended else quoted_complaint(root)


def _dependencies(applier: FluxObject) -> Iterator[tuple[str, str, str]]:
    for each in applier.spec.get("dependsOn") or ():
        yield (
            applier.kind,
            str(each.get("namespace") or applier.namespace),
            str(each.get("name", "")),
        )


def _named_missing(applier: FluxObject, cluster: ClusterEvidence) -> list[str]:
    return [
        f"{kind} {namespace}/{name}"
        for kind, namespace, name in _dependencies(applier)
        if (kind, namespace, name) not in cluster.objects and cluster.sees(kind, namespace)
    ]


def _root(
    applier: FluxObject,
    evidence: Evidence,
    cluster: ClusterEvidence,
    path: tuple[tuple[str, str, str], ...],
) -> tuple[FluxObject | None, str]:
    """Return what an applier waits for in the end, and why that is not ready; "" for no reason.

    What does not exist is no object, and told in the reason.
    """
    if missing := _named_missing(applier, cluster):
        return None, f"{missing[0]} does not exist"
    for key in _dependencies(applier):
        other = cluster.objects.get(key)
        if other is None:
            continue
        if key in path:
            return other, f"{other} waits for itself in the end"
        stands = where_it_stands(other, evidence)
        if other.suspended and (stands is not Standing.READY or _lags(applier, other, cluster)):
            return other, f"{other} is suspended"
        if stands is Standing.FAILED and reason(other) == "DependencyNotReady":
            deeper, why = _root(other, evidence, cluster, (*path, key))
            if why:
                return deeper or other, why
        elif stands in (Standing.FAILED, Standing.LEFT_ALONE):
            return other, f"{other} is not Ready"
    return None, ""


def _lags(applier: FluxObject, other: FluxObject, cluster: ClusterEvidence) -> bool:
    """Return whether a Kustomization has not applied what another, which uses it too, waits for."""
    source = cluster.objects.get(next(cluster.origins(applier), ("", "", "")))
    return (
        applier.kind == "Kustomization"
        and source is not None
        and source.key in cluster.origins(other)
        and source.revision != other.status.get("lastAppliedRevision")
    )
