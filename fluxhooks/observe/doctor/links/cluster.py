"""The cluster: whether the API server takes what the chain's appliers apply.

What it refuses stands in the appliers' conditions, in the words of the API server: see
``appliers``.
"""

import re
from typing import Final

from fluxhooks.observe.doctor.appliers import (
    appliers,
    complaint,
    quoted_complaint,
    refused,
    where_it_stands,
)
from fluxhooks.observe.doctor.conditions import Standing
from fluxhooks.observe.doctor.diagnosis import Examined, Finding, State
from fluxhooks.observe.doctor.evidence import Evidence, FluxObject
from fluxhooks.observe.doctor.faults import Fault, Link


def examine(evidence: Evidence) -> Examined:
    """Judge it by what was seen."""
    if evidence.cluster is None or evidence.receiver_object is None:
        return _told(State.UNSEEN, "the cluster was not asked")
    found = [applier for applier in appliers(evidence) if not applier.suspended]
    if not found:
        return _told(State.ABSENT, "nothing applies what the Receiver reaches")
    findings = tuple(
        _finding(applier, fault)
        for applier in found
        if where_it_stands(applier, evidence) is Standing.FAILED and (fault := refused(applier))
    )
    if findings:
        return _told(State.BROKEN, findings=findings)
    return _told(State.OK, "the API server takes what is applied")


def _told(state: State, seen: str = "", findings: tuple[Finding, ...] = ()) -> Examined:
    return Examined(link=Link.CLUSTER, state=state, seen=seen, findings=findings)


def _finding(applier: FluxObject, fault: Fault) -> Finding:
    _, _, text = complaint(applier)
    wrong, cure = _TOLD[fault]
    webhook = _SILENT.search(text)
    if fault is Fault.CLUSTER_REFUSED and webhook:
        wrong = f"the API server refuses {{subject}}, as the admission webhook {webhook.group(1)} "
        wrong += "does not answer"
        cure = "see to the Service and the Pods of that webhook: `kubectl get "
        cure += "validatingwebhookconfigurations,mutatingwebhookconfigurations`, then {again}"
    subject = _subject(applier, text)
    found = _NAMES[fault].search(text) if fault in _NAMES else None
    named = next((name for name in found.groups() if name), "") if found else ""
    return Finding(
        fault=fault,
        where=str(applier),
        wrong=wrong.format(subject=subject, named=named or _UNNAMED[fault], verb=_verb(text)),
        evidence=(quoted_complaint(applier),),
        cure=cure.format(
            subject=subject,
            named=named or _UNNAMED[fault],
            who=_who(applier, text),
            force="spec.upgrade.force" if applier.kind == "HelmRelease" else "spec.force",
            again=f"`flux reconcile {applier.kind.lower()} {applier.name} -n {applier.namespace}`",
        ),
    )


def _subject(applier: FluxObject, text: str) -> str:
    """Return which object it is about, as far as the message says."""
    found = _SUBJECT.match(text)
    if found:
        kind, _, name = found.group(1).partition("/")
        return f"{kind} {name}"
    for pattern in _SUBJECTS:
        if found := pattern.search(text):
            return " ".join(each for each in found.groups() if each)
    if found := _USER.search(text):
        return found.group(3)
    return f"an object of {applier}"


def _verb(text: str) -> str:
    found = _USER.search(text)
    return found.group(2) if found else "write"


# As fluxcd/pkg ssa writes it, in front of the API server's message: Kind/namespace/name.
_SUBJECT: Final = re.compile(
    r"([A-Za-z0-9]+/[^\s:]+)(?=:? (?:dry-run failed|not found|namespace not specified|apply failed"
    r"|immutable field))"
)
_SUBJECTS: Final = (
    re.compile(r'no matches for (kind) "([^"]+)"'),
    re.compile(r'information about the resource (\w+) "([^"]+)"'),
    re.compile(r'cannot patch "[^"]+" with kind (\w+)'),
    re.compile(r'([\w.]+) "([^"]+)" is (?:invalid|forbidden)'),
)


def _who(applier: FluxObject, text: str) -> str:
    found = _USER.search(text)
    if found:
        user, verb, kind, group = found.groups()
        namespace = f" -n {where.group(1)}" if (where := _WITHIN.search(text)) else ""
        kinds = f"{kind}.{group}" if group else kind
        return f"`kubectl auth can-i {verb} {kinds}{namespace} --as={user}`"
    account = applier.spec.get("serviceAccountName") or "ACCOUNT"
    who = f"system:serviceaccount:{applier.namespace}:{account}"
    return f"`kubectl auth can-i --list -n {applier.namespace} --as={who}`"


_USER: Final = re.compile(r'User "([^"]+)" cannot (\w+) resource "([^"]+)" in API group "([^"]*)"')
_WITHIN: Final = re.compile(r'in the namespace "([^"]+)"')

_SILENT: Final = re.compile(r'failed calling webhook ("[^"]+")')

_NAMES: Final = {
    Fault.CLUSTER_NO_SUCH_KIND: re.compile(r'kind "([^"]+)"'),
    Fault.CLUSTER_NO_NAMESPACE: re.compile(r'namespaces? "([^"]+)" not found'),
    Fault.CLUSTER_DENIED: re.compile(
        r"(ValidatingAdmissionPolicy '[^']+')|(admission webhook \"[^\"]+\")"
        r"|(exceeded quota: [^,]+)|(PodSecurity)"
    ),
}
_UNNAMED: Final = {
    **dict.fromkeys((fault for fault in Fault if fault.link is Link.CLUSTER), ""),
    Fault.CLUSTER_DENIED: "an admission plugin",
    Fault.CLUSTER_NO_NAMESPACE: "it is in",
    Fault.CLUSTER_NO_SUCH_KIND: "it has",
}

# What is wrong, and what mends it.
_TOLD: Final = {
    Fault.CLUSTER_INVALID: (
        "the API server finds {subject} not valid",
        "correct {subject} in the repository and push; `kubectl apply --dry-run=server -f FILE` "
        "says beforehand what the API server says",
    ),
    Fault.CLUSTER_NO_SUCH_KIND: (
        "the cluster does not have the kind {named}",
        "apply the CRD of the kind {named} first, in an applier this one has in spec.dependsOn, or "
        "correct its apiVersion",
    ),
    Fault.CLUSTER_FORBIDDEN: (
        "the applier may not {verb} {subject}",
        "give it the right by a Role and RoleBinding, so that {who} says yes, then {again}",
    ),
    Fault.CLUSTER_DENIED: (
        "{named} denies {subject}",
        "have {subject} meet what {named} asks for and push, or change what it asks for",
    ),
    Fault.CLUSTER_NO_NAMESPACE: (
        "the namespace {named} of {subject} does not exist",
        "make it: `kubectl create namespace {named}`, or have the repository make it, or correct "
        "metadata.namespace or spec.targetNamespace",
    ),
    Fault.CLUSTER_IMMUTABLE: (
        "a field of {subject} was changed that cannot be changed",
        "take the change back; or delete {subject} and have it made anew by {again}; or have the "
        "applier do that, by {force}",
    ),
    Fault.CLUSTER_REFUSED: (
        "the API server refuses {subject}",
        "mend what the API server says, then {again}",
    ),
}
