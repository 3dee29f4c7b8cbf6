"""What applies the source, wrong one by one."""

from typing import Any

import pytest

from fluxhooks.observe.doctor.faults import Fault
from tests.matrix.chain import APP, CONFIG_MAP, GITHUB, GITLAB, Chain
from tests.matrix.conftest import Judge
from tests.matrix.rows import BOTH, Row, Rows

rows = Rows()

HELM: Any = {"applied_by": "HelmRelease"}

HEALTH = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "current": "data.pushed != 'broken'",
    "failed": "data.pushed == 'broken'",
}
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nobody/nothing}]}
"""


def broken(chain: Chain, kind: str, says: str = "", **spec: object) -> None:
    """Change the applier's spec, wait until it fails so, and push."""
    chain.patch(kind, **spec)
    chain.await_condition(kind, says=says)
    chain.push()
    chain.await_fetched()
    chain.await_condition(kind, says=says)


@rows(
    Fault.APPLIER_NONE,
    "the Kustomization names a source that does not exist",
    at=BOTH,
    cure=r"sourceRef",
)
def applier_of_no_source(chain: Chain) -> None:
    chain.patch("Kustomization", sourceRef={"kind": "GitRepository", "name": "ap"})
    chain.await_condition("Kustomization", says="ArtifactFailed")
    chain.push()
    chain.await_fetched()


@rows(
    Fault.APPLIER_SUSPENDED,
    "the Kustomization is suspended",
    at=BOTH,
    cure=r"flux resume kustomization app -n NS",
)
def kustomization_suspended(chain: Chain) -> None:
    chain.patch("Kustomization", suspend=True)
    chain.push()
    chain.await_fetched()


@rows(
    Fault.APPLIER_SUSPENDED,
    "the HelmRelease is suspended",
    cure=r"flux resume helmrelease app -n NS",
    **HELM,
)
def helmrelease_suspended(chain: Chain) -> None:
    chain.patch("HelmRelease", suspend=True)
    chain.push()
    chain.await_fetched()


@rows(
    Fault.APPLIER_DEPENDENCY,
    "the Kustomization depends on another source's, which cannot be applied",
    at=BOTH,
    cure=r"base",
)
def dependency_not_ready(chain: Chain) -> None:
    chain.copy_source(chain.namespace, "platform")
    source = {"kind": "GitRepository", "name": "platform"}
    chain.make_applier("base", path="./nowhere", sourceRef=source)
    chain.await_condition("Kustomization", "base", says="ArtifactFailed")
    broken(chain, "Kustomization", says="DependencyNotReady", dependsOn=[{"name": "base"}])


@rows(
    Fault.APPLIER_PATH,
    "the Kustomization depends on one of the same source, whose path is not there",
    cure=r"edit kustomization base",
)
def dependency_without_path(chain: Chain) -> None:
    chain.make_applier("base", path="./nowhere")
    chain.await_condition("Kustomization", "base", says="ArtifactFailed")
    broken(chain, "Kustomization", says="DependencyNotReady", dependsOn=[{"name": "base"}])


@rows(
    Fault.APPLIER_DEPENDENCY_MISSING,
    "the Kustomization depends on one that does not exist",
    at=BOTH,
    cure=r"dependsOn",
)
def dependency_missing(chain: Chain) -> None:
    broken(chain, "Kustomization", says="DependencyNotReady", dependsOn=[{"name": "base"}])


@rows(
    Fault.APPLIER_DEPENDENCY_MISSING,
    "the HelmRelease depends on one that does not exist",
    cure=r"dependsOn",
    **HELM,
)
def helm_dependency_missing(chain: Chain) -> None:
    broken(chain, "HelmRelease", says="DependencyNotReady", dependsOn=[{"name": "base"}])


@rows(
    Fault.APPLIER_PATH,
    "the Kustomization's path is not in the repository",
    at=BOTH,
    cure=r"path",
    sample=GITHUB,
)
def kustomization_path(chain: Chain) -> None:
    broken(chain, "Kustomization", path="./deployments")


@rows(
    Fault.APPLIER_BUILD,
    "a pushed kustomization.yaml names a file that is not there",
    at=BOTH,
    cure=r"(flux|kustomize) build",
)
def kustomization_build(chain: Chain) -> None:
    chain.push({"deploy/kustomization.yaml": "resources: [configmap.yml]\n"})
    chain.await_fetched()
    chain.await_condition("Kustomization")


@rows(
    Fault.APPLIER_BUILD,
    "what was pushed is no YAML",
    cure=r"(flux|kustomize) build",
)
def kustomization_no_yaml(chain: Chain) -> None:
    chain.push({"deploy/broken.yaml": "a: [b\n"})
    chain.await_fetched()
    chain.await_condition("Kustomization")


@rows(
    Fault.APPLIER_CHART,
    "the HelmRelease's chart is not in the repository",
    at=BOTH,
    cure=r"chart",
    **HELM,
)
def helm_chart_missing(chain: Chain) -> None:
    spec = dict(chain.get("HelmRelease").spec["chart"]["spec"])
    chain.patch("HelmRelease", chart={"spec": {**spec, "chart": "./charts/web"}})
    chain.await_condition("HelmRelease", says="HelmChart")
    chain.push()
    chain.await_fetched()


@rows(
    Fault.APPLIER_CHART,
    "a push breaks the chart's Chart.yaml",
    cure=r"chart",
    **HELM,
)
def helm_chart_invalid(chain: Chain) -> None:
    chain.push({"chart/Chart.yaml": "apiVersion: v2\nname: chart\n"})
    chain.await_fetched()
    chain.await_condition("HelmChart", f"{chain.namespace}-{APP}")


@rows(
    Fault.APPLIER_VALUES,
    "the HelmRelease takes values from a ConfigMap that does not exist",
    at=BOTH,
    cure=r"valuesFrom|ConfigMap",
    **HELM,
)
def helm_values_missing(chain: Chain) -> None:
    broken(chain, "HelmRelease", valuesFrom=[{"kind": "ConfigMap", "name": "settings"}])


@rows(
    Fault.APPLIER_RELEASE_FAILED,
    "a pushed template fails",
    at=BOTH,
    cure=r"helm template|flux .*helmrelease app -n NS|template",
    sample=GITLAB,
    **HELM,
)
def helm_template_fails(chain: Chain) -> None:
    chain.push({"chart/templates/broken.yaml": '{{ fail "no" }}\n'})
    chain.await_fetched()
    chain.await_condition("HelmRelease", says="UpgradeFailed")


@rows(
    Fault.APPLIER_UNHEALTHY,
    "what is pushed says of itself that it is broken",
    at=BOTH,
    cure=r"kubectl",
    applier={"wait": True, "healthCheckExprs": [HEALTH]},
)
def kustomization_unhealthy(chain: Chain) -> None:
    text = CONFIG_MAP.format(name="deployed", namespace=chain.name, pushed="broken")
    chain.push({"deploy/configmap.yaml": text})
    chain.await_fetched()
    chain.await_condition("Kustomization", says="HealthCheckFailed")


@rows(
    Fault.APPLIER_UNHEALTHY,
    "a chart with a Deployment is pushed whose Pods never become ready",
    cure=r"kubectl",
    applier={"timeout": "2s"},
    **HELM,
)
def helm_unhealthy(chain: Chain) -> None:
    chain.push({"chart/templates/web.yaml": DEPLOYMENT})
    chain.await_fetched()
    chain.await_condition("HelmRelease", says="UpgradeFailed")


@rows(
    Fault.APPLIER_NOT_READY,
    "the Kustomization's health check is no CEL",
    cure=r"kustomization app -n NS|kustomization/app",
)
def kustomization_not_ready(chain: Chain) -> None:
    check = {"apiVersion": "v1", "kind": "ConfigMap", "current": "data.pushed =="}
    chain.patch("Kustomization", healthCheckExprs=[check], wait=True)
    chain.await_condition("Kustomization")
    chain.push()
    chain.await_fetched()


@rows(
    Fault.APPLIER_NOT_RECONCILED,
    "kustomize-controller is down",
    at=BOTH,
    cure=r"kustomize-controller",
)
def kustomize_controller_down(chain: Chain) -> None:
    chain.sandbox.cluster.stop("kustomize-controller")
    chain.after(lambda: chain.sandbox.cluster.start("kustomize-controller"))
    chain.push()
    chain.await_fetched()


@rows(
    Fault.APPLIER_NOT_RECONCILED,
    "helm-controller is down",
    at=GITLAB,
    cure=r"helm-controller",
    **HELM,
)
def helm_controller_down(chain: Chain) -> None:
    chain.sandbox.cluster.stop("helm-controller")
    chain.after(lambda: chain.sandbox.cluster.start("helm-controller"))
    chain.push()
    chain.await_fetched()
    chain.until(
        lambda: chain.head()[:12] in str(chain.status("HelmChart", f"{chain.name}-{APP}")),
        "the chart is made of the newest commit",
    )


@pytest.mark.parametrize("row", rows.all)
def test_the_appliers_fault_is_named(row: Row, judge: Judge) -> None:
    """What kustomize- and helm-controller say is read, and said with its cure."""
    judge(row)
