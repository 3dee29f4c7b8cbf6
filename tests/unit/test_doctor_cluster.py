"""What the API server refuses, in its own words as appliers repeat them."""

import pytest

from fluxhooks.observe.doctor.diagnosis import State
from fluxhooks.observe.doctor.links.cluster import examine
from tests.unit.flux_evidence import (
    condition,
    evidence,
    helm_chart,
    helm_release,
    kustomization,
    labels,
    receiver,
    source,
)

INSTALL = "Helm install failed for release apps/app with chart chart@0.1.0: "
USER = 'User "system:serviceaccount:apps:weak" cannot patch resource "configmaps" in API group ""'


@pytest.mark.parametrize(
    ("message", "expected", "wrong", "cure"),
    [
        pytest.param(
            'Service/apps/shown dry-run failed (Invalid): Service "shown" is invalid: '
            "[spec.ports[0].port: Invalid value: 99999: must be between 1 and 65535, inclusive]",
            "cluster-invalid",
            "the API server finds Service apps/shown not valid",
            "kubectl apply --dry-run=server",
            id="invalid",
        ),
        pytest.param(
            "ConfigMap/apps/shown dry-run failed: failed to create typed patch object (apps/shown; "
            "/v1, Kind=ConfigMap): .data.a: expected string, got &value.valueUnstructured{}",
            "cluster-invalid",
            "the API server finds ConfigMap apps/shown not valid",
            "correct ConfigMap apps/shown",
            id="another type",
        ),
        pytest.param(
            'Foo/apps/shown dry-run failed: no matches for kind "Foo" in version "example.com/v1"',
            "cluster-no-such-kind",
            "the cluster does not have the kind Foo",
            "CRD of the kind Foo",
            id="no such kind",
        ),
        pytest.param(
            f'ConfigMap/apps/shown dry-run failed (Forbidden): configmaps "shown" is forbidden: '
            f'{USER} in the namespace "apps"',
            "cluster-forbidden",
            "the applier may not patch ConfigMap apps/shown",
            "`kubectl auth can-i patch configmaps -n apps --as=system:serviceaccount:apps:weak`",
            id="forbidden",
        ),
        pytest.param(
            'ConfigMap/apps/shown dry-run failed (Forbidden): configmaps "shown" is forbidden: '
            "ValidatingAdmissionPolicy 'no-shown' with binding 'no-shown' denied request: no",
            "cluster-denied",
            "ValidatingAdmissionPolicy 'no-shown' denies ConfigMap apps/shown",
            "what ValidatingAdmissionPolicy 'no-shown' asks for",
            id="denied by a policy",
        ),
        pytest.param(
            'Pod/apps/shown dry-run failed: admission webhook "policy.example.com" denied the '
            "request: no",
            "cluster-denied",
            'admission webhook "policy.example.com" denies Pod apps/shown',
            "have Pod apps/shown meet",
            id="denied by a webhook",
        ),
        pytest.param(
            'Pod/apps/shown dry-run failed (Forbidden): pods "shown" is forbidden: exceeded quota: '
            "pods, requested: pods=1, used: pods=1, limited: pods=1",
            "cluster-denied",
            "exceeded quota: pods denies Pod apps/shown",
            "meet what exceeded quota: pods asks for",
            id="a quota",
        ),
        pytest.param(
            'ConfigMap/nowhere/shown not found: namespaces "nowhere" not found',
            "cluster-no-namespace",
            "the namespace nowhere of ConfigMap nowhere/shown does not exist",
            "`kubectl create namespace nowhere`",
            id="no namespace",
        ),
        pytest.param(
            'ConfigMap/apps/shown dry-run failed (Invalid): ConfigMap "shown" is invalid: data: '
            "Forbidden: field is immutable when `immutable` is set",
            "cluster-immutable",
            "a field of ConfigMap apps/shown was changed that cannot be changed",
            "spec.force",
            id="immutable",
        ),
        pytest.param(
            "ConfigMap/apps/shown dry-run failed (InternalError): Internal error occurred: failed "
            'calling webhook "policy.example.com": connection refused',
            "cluster-refused",
            "the API server refuses ConfigMap apps/shown, as the admission webhook "
            '"policy.example.com" does not answer',
            "`kubectl get validatingwebhookconfigurations",
            id="an admission that does not answer",
        ),
    ],
)
def test_what_is_refused_to_a_kustomization(
    message: str, expected: str, wrong: str, cure: str
) -> None:
    """What is refused is named, and so is the cure."""
    failed = kustomization(condition("False", "ReconciliationFailed", message))
    found = examine(evidence(receiver(), source(), failed))

    assert (State.BROKEN, [expected]) == (found.state, labels(found))
    assert wrong == found.findings[0].wrong
    assert cure in found.findings[0].cure


@pytest.mark.parametrize(
    ("reason", "message", "expected"),
    [
        pytest.param(
            "InstallFailed",
            f"{INSTALL}server-side apply failed for object apps/shown /v1, Kind=Service: Service "
            '"shown" is invalid: [spec.ports[0].port: Invalid value: 99999]',
            ["cluster-invalid"],
            id="invalid",
        ),
        pytest.param(
            "InstallFailed",
            f"{INSTALL}unable to build kubernetes objects from release manifest: resource mapping "
            'not found for name: "shown" namespace: "" from "": no matches for kind "Foo" in '
            'version "example.com/v1" ensure CRDs are installed first',
            ["cluster-no-such-kind"],
            id="no such kind",
        ),
        pytest.param(
            "InstallFailed",
            f"{INSTALL}server-side apply failed for object nowhere/app /v1, Kind=ConfigMap: "
            'namespaces "nowhere" not found',
            ["cluster-no-namespace"],
            id="no namespace",
        ),
        pytest.param(
            "StateError",
            "Could not determine release state: failed to retrieve last release from storage: "
            "query: failed to query with labels: secrets is forbidden: User "
            '"system:serviceaccount:apps:weak" cannot list resource "secrets" in API group "" in '
            'the namespace "apps"',
            ["cluster-forbidden"],
            id="forbidden",
        ),
        pytest.param(
            "InstallFailed",
            f"{INSTALL}execution error at (chart/templates/cm.yaml:1:3): x is forbidden by me",
            ["cluster-forbidden"],
            id="a template that says what the API server says",
        ),
        pytest.param("InstallFailed", f"{INSTALL}no way", [], id="Helm's own"),
        pytest.param(
            "SourceNotReady", "HelmChart 'apps/apps-app' is not ready: is invalid", [], id="before"
        ),
    ],
)
def test_what_is_refused_to_a_helm_release(reason: str, message: str, expected: list[str]) -> None:
    """What is no matter of the API server's is the applier's."""
    kind = "Released" if reason == "InstallFailed" else "Ready"
    conditions = [condition("False", reason, message)]
    if kind == "Released":
        conditions.append(condition("False", reason, message, kind=kind))
    failed = helm_release(*conditions)

    assert expected == labels(examine(evidence(receiver(), source(), failed, helm_chart())))


def test_nothing_is_refused() -> None:
    """Or nothing is applied."""
    assert State.OK is examine(evidence(receiver(), source(), kustomization())).state
    assert State.ABSENT is examine(evidence(receiver(), source())).state
