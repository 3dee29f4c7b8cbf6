"""Which fault of an applier its conditions speak of; the texts are its controller's own."""

from typing import Any

import pytest

from fluxhooks.observe.doctor.diagnosis import State
from fluxhooks.observe.doctor.evidence import FluxObject
from fluxhooks.observe.doctor.links.applier import examine
from tests.unit.flux_evidence import (
    NOW,
    condition,
    evidence,
    helm_chart,
    helm_release,
    kustomization,
    labels,
    receiver,
    source,
    stamp,
)

MISSING_PATH = condition(
    "False",
    "ArtifactFailed",
    "kustomization path not found: stat /tmp/kustomization-1/nope: no such file or directory",
)
NEWER = {"artifact": {"revision": "main@sha1:ffffffff", "lastUpdateTime": stamp(600)}}
INSTALL = "Helm install failed for release apps/app with chart chart@0.1.0: "


@pytest.mark.parametrize(
    ("reason", "message", "expected"),
    [
        pytest.param(
            "ArtifactFailed",
            "kustomization path not found: stat /tmp/kustomization-1/nope: no such file or "
            "directory",
            ["applier-path"],
            id="no such path",
        ),
        pytest.param(
            "ArtifactFailed",
            "failed to download archive: GET http://source-controller./gitrepository/apps/app.tar.gz"
            " giving up after 10 attempt(s)",
            ["applier-not-ready"],
            id="source-controller does not answer",
        ),
        pytest.param(
            "BuildFailed",
            "failed to decode Kubernetes YAML from /tmp/kustomization-2/deploy/cm.yaml: "
            "MalformedYAMLError: yaml: line 4: did not find expected node content",
            ["applier-build"],
            id="no YAML",
        ),
        pytest.param(
            "BuildFailed",
            "kustomize build failed: accumulating resources: accumulation err='accumulating "
            "resources from 'nope.yaml': open nope.yaml: no such file or directory'",
            ["applier-build"],
            id="a resource that is not there",
        ),
        pytest.param(
            "ReconciliationFailed",
            "Secret/apps/app is SOPS encrypted, configuring decryption is required for this "
            "secret to be reconciled",
            ["applier-build"],
            id="encrypted",
        ),
        pytest.param(
            "HealthCheckFailed",
            "health check failed after 30.059907226s: timeout waiting for: [Deployment/apps/web "
            "status: 'InProgress']",
            ["applier-unhealthy"],
            id="not healthy",
        ),
        pytest.param("HealthCheckCanceled", "New reconciliation triggered", [], id="begun anew"),
        pytest.param(
            "ArtifactFailed", "Source artifact not found, retrying in 30s", [], id="no artifact yet"
        ),
        pytest.param(
            "AccessDenied",
            "can't access 'GitRepository/other/app', cross-namespace references have been blocked",
            ["applier-not-ready"],
            id="another namespace",
        ),
        pytest.param(
            "ReconciliationFailed",
            'ConfigMap/apps/shown dry-run failed (Forbidden): configmaps "shown" is forbidden: '
            'User "system:serviceaccount:apps:weak" cannot patch resource "configmaps" in API '
            'group "" in the namespace "apps"',
            [],
            id="refused by the API server",
        ),
    ],
)
def test_why_a_kustomization_is_not_ready(reason: str, message: str, expected: list[str]) -> None:
    """What the API server refuses is left to the next link."""
    failed = kustomization(condition("False", reason, message))
    found = examine(evidence(receiver(), source(), failed))

    assert expected == labels(found)
    assert (State.BROKEN if expected else State.OK) is found.state


@pytest.mark.parametrize(
    ("ready", "released", "expected"),
    [
        pytest.param(
            (
                "SourceNotReady",
                "HelmChart 'apps/apps-app' is not ready: invalid chart reference: stat "
                "/tmp/helmchart-1/source/nope: no such file or directory",
            ),
            None,
            ["applier-chart"],
            id="no chart",
        ),
        pytest.param(
            ("ArtifactFailed", "Could not load chart: failed to download archive"),
            None,
            ["applier-chart"],
            id="a chart that cannot be loaded",
        ),
        pytest.param(
            (
                "ValuesError",
                "could not resolve ConfigMap chart values reference 'apps/nope' with key "
                "'values.yaml': configmaps \"nope\" not found",
            ),
            None,
            ["applier-values"],
            id="no values",
        ),
        pytest.param(
            ("InstallFailed", f"{INSTALL}values don't meet the specifications of the schema(s) in"),
            None,
            ["applier-values"],
            id="values that the chart refuses",
        ),
        pytest.param(
            (
                "UninstallSucceeded",
                "Helm uninstall remediation for release apps/app.v1 with chart chart@0.1.0 "
                "succeeded",
            ),
            ("InstallFailed", f"{INSTALL}execution error at (chart/templates/cm.yaml:1:3): no way"),
            ["applier-release-failed"],
            id="a template that fails, and was uninstalled",
        ),
        pytest.param(
            (
                "InstallFailed",
                f"{INSTALL}timeout waiting for: [Deployment/apps/web status: 'InProgress']",
            ),
            None,
            ["applier-unhealthy"],
            id="not healthy",
        ),
        pytest.param(
            ("RollbackSucceeded", "Helm rollback to previous release apps/app.v1 succeeded"),
            ("UpgradeFailed", 'Service "shown" is invalid: spec.ports[0].port: Invalid value'),
            [],
            id="refused by the API server, and rolled back",
        ),
        pytest.param(
            (
                "DependencyNotReady",
                "unable to get 'apps/nope' dependency: helmreleases.helm.toolkit.fluxcd.io \"nope\""
                " not found",
            ),
            ("InstallFailed", f"{INSTALL}execution error"),
            ["applier-dependency"],
            id="waits now, and failed before",
        ),
        pytest.param(
            ("RESTClientError", "could not get KubeConfig secret 'apps/nope'"),
            None,
            ["applier-not-ready"],
            id="anything else",
        ),
    ],
)
def test_why_a_helm_release_is_not_ready(
    ready: tuple[str, str], released: tuple[str, str] | None, expected: list[str]
) -> None:
    """Ready says what became of it in the end, Released why it was needed."""
    conditions = [condition("False", *ready)]
    if released:
        conditions.append(condition("False", *released, kind="Released"))
    failed = helm_release(*conditions)

    assert expected == labels(examine(evidence(receiver(), source(), failed, helm_chart())))


def test_what_does_not_become_ready() -> None:
    """What can be sick goes before what was only not looked at in time."""
    text = (
        "health check failed after 3s: timeout waiting for: [ConfigMap/apps/shown status: "
        "'Unknown', Deployment/apps/web status: 'InProgress']"
    )
    failed = kustomization(condition("False", "HealthCheckFailed", text))
    (finding,) = examine(evidence(receiver(), source(), failed)).findings

    assert "what it applied does not become ready: Deployment apps/web" == finding.wrong
    assert "see why: `kubectl -n apps describe deployment web`" == finding.cure


def test_a_chart_that_fails_behind_a_release_that_is_ready() -> None:
    """It stays at the chart it has, and says nothing."""
    text = "chart package error: no way"
    chart = helm_chart(condition("False", "ChartPackageError", text))
    found = examine(evidence(receiver(), source(), helm_release(), chart))

    assert ["applier-chart"] == labels(found)
    assert f"HelmChart apps/apps-app: Ready is False, ChartPackageError: {text}" in (
        found.findings[0].evidence
    )


def test_one_that_tries_again_has_failed() -> None:
    """Although its condition Ready is Unknown for the moment."""
    again = condition("Unknown", "Progressing", "Running 'install' action", ago=1)
    failed = condition("False", "InstallFailed", f"{INSTALL}no way", kind="Released")

    assert ["applier-release-failed"] == labels(
        examine(evidence(receiver(), source(), helm_release(again, failed), helm_chart()))
    )


@pytest.mark.parametrize(
    ("applier", "expected"),
    [
        pytest.param(kustomization(), [], id="sound"),
        pytest.param(helm_release(), [], id="a HelmRelease"),
        pytest.param(kustomization(namespace="other"), [], id="of another app"),
        pytest.param(kustomization(spec={"suspend": True}), ["applier-suspended"], id="suspended"),
        pytest.param(
            kustomization(
                namespace="other",
                spec={
                    "suspend": True,
                    "sourceRef": {"kind": "GitRepository", "name": "app", "namespace": "apps"},
                },
            ),
            ["applier-suspended"],
            id="of another namespace",
        ),
        pytest.param(helm_release(spec={"suspend": True}), ["applier-suspended"], id="HelmRelease"),
        pytest.param(
            kustomization(spec={"sourceRef": {"kind": "GitRepository", "name": "ap"}}),
            ["applier-none"],
            id="names a source that does not exist",
        ),
        pytest.param(
            kustomization(condition("Unknown", "Progressing", ago=600)),
            [],
            id="at it for no longer than its interval",
        ),
        pytest.param(
            kustomization(condition("Unknown", "Progressing", ago=600), spec={"timeout": "1m"}),
            ["applier-not-reconciled"],
            id="at it for longer than its timeout",
        ),
        pytest.param(kustomization(generation=2, changed_at=NOW), [], id="just edited"),
        pytest.param(kustomization(generation=2), ["applier-not-reconciled"], id="edited"),
    ],
)
def test_what_its_spec_says(applier: FluxObject, expected: list[str]) -> None:
    """Where its conditions are fine."""
    assert expected == labels(examine(evidence(receiver(), source(), applier, helm_chart())))


@pytest.mark.parametrize(
    ("applier", "fetched", "expected"),
    [
        pytest.param(kustomization(), 600, ["applier-not-reconciled"], id="behind"),
        pytest.param(kustomization(), 30, [], id="behind for a moment"),
        pytest.param(
            kustomization(had={"lastAppliedRevision": "main@sha1:ffffffff"}), 600, [], id="not"
        ),
        pytest.param(
            helm_release(had={"lastAttemptedRevision": "0.0.9"}),
            600,
            ["applier-not-reconciled"],
            id="a HelmRelease behind its chart",
        ),
    ],
)
def test_whether_its_controller_acts(
    applier: FluxObject, fetched: float, expected: list[str]
) -> None:
    """It has had what was fetched for long enough."""
    artifact = {"revision": "main@sha1:ffffffff", "lastUpdateTime": stamp(fetched)}
    found = source(had={"artifact": artifact})

    assert expected == labels(examine(evidence(receiver(), found, applier, helm_chart())))


def waiting(on: str = "other", **more: Any) -> FluxObject:
    """Return a Kustomization that waits for another."""
    text = f"dependency 'apps/{on}' is not ready"
    depends = {"dependsOn": [{"name": on}], **more.pop("spec", {})}
    failed = condition("False", "DependencyNotReady", text, ago=more.pop("ago", 86400))
    return kustomization(failed, spec=depends, **more)


ELSEWHERE = {"sourceRef": {"kind": "GitRepository", "name": "elsewhere"}}


@pytest.mark.parametrize(
    ("objects", "expected", "told"),
    [
        pytest.param(
            [waiting()], ["applier-dependency-missing"], "apps/other does not exist", id="missing"
        ),
        pytest.param(
            [waiting(), kustomization(MISSING_PATH, name="other", spec=ELSEWHERE)],
            ["applier-dependency"],
            "Kustomization apps/other is not Ready",
            id="not ready",
        ),
        pytest.param(
            [
                waiting(ago=30),
                waiting("third", name="other", spec=ELSEWHERE),
                kustomization(name="third", spec={**ELSEWHERE, "suspend": True}, had={}),
            ],
            [],
            "waits for its dependencies",
            id="what it waits for in the end is ready",
        ),
        pytest.param(
            [
                waiting(),
                waiting("third", name="other", spec=ELSEWHERE),
                kustomization(MISSING_PATH, name="third", spec={**ELSEWHERE, "suspend": True}),
            ],
            ["applier-dependency"],
            "Kustomization apps/third is suspended",
            id="the root is suspended",
        ),
        pytest.param(
            [waiting(), waiting("app", name="other", spec=ELSEWHERE)],
            ["applier-dependency"],
            "waits for itself in the end",
            id="a circle",
        ),
        pytest.param(
            [waiting(), kustomization(MISSING_PATH, name="other")],
            ["applier-path"],
            "its path ./deploy is not in GitRepository apps/app",
            id="one cause, one finding",
        ),
        pytest.param(
            [waiting(ago=30), kustomization(name="other", spec=ELSEWHERE)],
            [],
            "waits for its dependencies",
            id="about to be looked at again",
        ),
        pytest.param(
            [waiting(), kustomization(name="other", spec={"suspend": True})],
            ["applier-suspended"],
            "suspended",
            id="one that stays behind, as it is suspended",
        ),
    ],
)
def test_what_it_waits_for(objects: list[FluxObject], expected: list[str], told: str) -> None:
    """The root is named, with its own reason."""
    found = examine(
        evidence(receiver(), source(had=NEWER if "suspended" == told else {}), *objects)
    )

    assert expected == labels(found)
    assert told in "".join((found.seen, *(each.wrong for each in found.findings)))


def test_nothing_applies_it() -> None:
    """As of a repository that only images are written to."""
    found = examine(evidence(receiver(), source()))

    assert (State.OK, "nothing applies what the Receiver reaches") == (found.state, found.seen)


def test_appliers_that_may_not_be_listed() -> None:
    """Then it cannot be told whether one is broken."""
    refused = dict.fromkeys(("Kustomization", "HelmRelease"), "403")

    assert State.UNSEEN is examine(evidence(receiver(), source(), unseen=refused)).state


def test_a_chart_of_an_oci_repository() -> None:
    """A HelmRelease names it as its chart."""
    ref = {"chartRef": {"kind": "OCIRepository", "name": "app"}, "chart": None, "suspend": True}
    found = examine(
        evidence(
            receiver(resources=[{"kind": "OCIRepository", "name": "app"}]),
            source(kind="OCIRepository"),
            helm_release(spec=ref),
        )
    )

    assert ["applier-suspended"] == labels(found)
