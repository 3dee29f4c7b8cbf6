"""Admission policies for the namespace of one chain: what some administrator forbids."""

from typing import Any

from tests.matrix.chain import Chain

_API = "/apis/admissionregistration.k8s.io/v1"


def deny(
    chain: Chain,
    group: str,
    version: str,
    resource: str,
    *,
    operations: tuple[str, ...] = ("UPDATE",),
    unless: str = "false",
    message: str = "not in this namespace",
) -> None:
    """Deny writes of a kind in the chain's namespace, until the chain is over.

    Returns when the API server does so.
    """
    name = f"{chain.name}-{resource.replace('/', '-')}"
    rule = {
        "apiGroups": [group],
        "apiVersions": [version],
        "operations": list(operations),
        "resources": [resource],
    }
    namespace = {"matchLabels": {"kubernetes.io/metadata.name": chain.name}}
    policy: dict[str, Any] = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [rule]},
            "validations": [{"expression": unless, "message": message}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": namespace},
        },
    }
    chain.apply(f"{_API}/validatingadmissionpolicies", policy)
    chain.apply(f"{_API}/validatingadmissionpolicybindings", binding)
    chain.after(lambda: chain.remove(f"{_API}/validatingadmissionpolicybindings/{name}"))
    chain.until(lambda: _denied(chain, group, version, resource, operations), f"{name} holds")


def _denied(
    chain: Chain, group: str, version: str, resource: str, operations: tuple[str, ...]
) -> bool:
    """Whether a write that would change nothing is denied, asked without doing it."""
    plural, _, subresource = resource.partition("/")
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    path = f"{root}/namespaces/{chain.name}/{plural}"
    if "CREATE" in operations:
        kind = {"configmaps": "ConfigMap"}[plural]
        document = {"apiVersion": version, "kind": kind, "metadata": {"generateName": "try-"}}
        answer = chain.http.post(path, params={"dryRun": "All"}, json=document)
    else:
        answer = chain.http.patch(
            "/".join(filter(None, (path, "app", subresource))),
            params={"dryRun": "All"},
            headers={"Content-Type": "application/merge-patch+json"},
            json={"metadata": {"annotations": {"try": "this"}}},
        )
    return answer.status_code in (403, 422)
