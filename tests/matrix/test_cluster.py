"""What the API server refuses of what is applied, one by one."""

from typing import Any

import pytest

from fluxhooks.observe.doctor.faults import Fault
from tests.matrix import admission
from tests.matrix.chain import GITLAB, Chain
from tests.matrix.conftest import Judge
from tests.matrix.rows import BOTH, Row, Rows

rows = Rows()

HELM: Any = {"applied_by": "HelmRelease"}

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: {namespace}}}
spec: {{ports: [{{port: 123456}}]}}
"""
WIDGET = """\
apiVersion: example.org/v1
kind: Widget
metadata: {{name: web, namespace: {namespace}}}
"""
ELSEWHERE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: elsewhere, namespace: m-nowhere}
"""
IMMUTABLE = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: settled, namespace: {namespace}}}
immutable: true
data: {{value: "{value}"}}
"""


def pushed(chain: Chain, text: str, **values: str) -> None:
    """Push a file that is applied, and wait until that fails."""
    text = text.format(namespace=chain.name, **values) if "{{" in text else text
    folder = "deploy" if chain.applied_by == "Kustomization" else "chart/templates"
    chain.push({f"{folder}/pushed.yaml": text})
    chain.await_fetched()
    chain.await_condition(chain.applied_by)


@rows(
    Fault.CLUSTER_INVALID,
    "a Service with a port that is none is pushed",
    at=BOTH,
    cure=r"Service",
)
def cluster_invalid(chain: Chain) -> None:
    pushed(chain, SERVICE)


@rows(
    Fault.CLUSTER_INVALID,
    "a Service with a port that is none is pushed, in a chart",
    at=GITLAB,
    cure=r"Service",
    **HELM,
)
def cluster_invalid_in_chart(chain: Chain) -> None:
    pushed(chain, SERVICE)


@rows(
    Fault.CLUSTER_NO_SUCH_KIND,
    "an object is pushed whose CRD is not there",
    at=BOTH,
    cure=r"CRD|CustomResourceDefinition",
    sample=GITLAB,
)
def cluster_no_such_kind(chain: Chain) -> None:
    pushed(chain, WIDGET)


@rows(
    Fault.CLUSTER_NO_SUCH_KIND,
    "an object is pushed whose CRD is not there, in a chart",
    cure=r"CRD|CustomResourceDefinition",
    **HELM,
)
def cluster_no_such_kind_in_chart(chain: Chain) -> None:
    pushed(chain, WIDGET)


@rows(
    Fault.CLUSTER_FORBIDDEN,
    "the Kustomization applies as a ServiceAccount without rights",
    at=BOTH,
    cure=r"kubectl .*rolebinding.*nobody|nobody",
)
def cluster_forbidden(chain: Chain) -> None:
    chain.client.create(account("nobody", chain.name))
    chain.patch("Kustomization", serviceAccountName="nobody")
    chain.await_condition("Kustomization", says="forbidden")
    chain.push()
    chain.await_fetched()


@rows(
    Fault.CLUSTER_DENIED,
    "an admission policy denies ConfigMaps",
    at=BOTH,
    cure=r"policy|m-cluster-denied",
)
def cluster_denied(chain: Chain) -> None:
    admission.deny(chain, "", "v1", "configmaps", operations=("CREATE", "UPDATE"))
    chain.push()
    chain.await_fetched()
    chain.await_condition("Kustomization")


@rows(
    Fault.CLUSTER_DENIED,
    "an admission policy denies ConfigMaps, also a chart's",
    cure=r"policy|m-cluster-denied",
    **HELM,
)
def cluster_denied_in_chart(chain: Chain) -> None:
    admission.deny(chain, "", "v1", "configmaps", operations=("CREATE", "UPDATE"))
    chain.push()
    chain.await_fetched()
    chain.await_condition("HelmRelease")


@rows(
    Fault.CLUSTER_NO_NAMESPACE,
    "an object of a namespace that is not there is pushed",
    at=BOTH,
    cure=r"namespace m-nowhere",
)
def cluster_no_namespace(chain: Chain) -> None:
    pushed(chain, ELSEWHERE)


@rows(
    Fault.CLUSTER_IMMUTABLE,
    "another value of an immutable ConfigMap is pushed",
    at=BOTH,
    cure=r"settled|force",
)
def cluster_immutable(chain: Chain) -> None:
    text = IMMUTABLE.format(namespace=chain.name, value="one")
    chain.push({"deploy/pushed.yaml": text})
    chain.await_applied()
    pushed(chain, IMMUTABLE, value="two")


@rows(
    Fault.CLUSTER_REFUSED,
    "a validating webhook for ConfigMaps is not there",
    at=BOTH,
    cure=r"webhook|m-cluster-refused",
)
def cluster_refused(chain: Chain) -> None:
    api = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["configmaps"],
    }
    hook = {
        "name": "policy.example.org",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": "https://127.0.0.1:9/validate"},
        "failurePolicy": "Fail",
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": chain.name}},
        "rules": [rule],
        "sideEffects": "None",
        "timeoutSeconds": 1,
    }
    document = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": chain.name},
        "webhooks": [hook],
    }
    chain.apply(api, document)
    chain.after(lambda: chain.remove(f"{api}/{chain.name}"))
    chain.push()
    chain.await_fetched()
    chain.await_condition("Kustomization")


def account(name: str, namespace: str) -> Any:
    """A ServiceAccount, which may nothing."""
    from lightkube.models.meta_v1 import ObjectMeta
    from lightkube.resources.core_v1 import ServiceAccount

    return ServiceAccount(metadata=ObjectMeta(name=name, namespace=namespace))


@pytest.mark.parametrize("row", rows.all)
def test_what_the_api_server_refuses_is_named(row: Row, judge: Judge) -> None:
    """It is what broke, not the applier."""
    judge(row)
