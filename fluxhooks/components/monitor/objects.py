"""The Kubernetes objects of a monitor, as thin resources of the Kubernetes provider."""

from collections.abc import Mapping
from typing import Any, Final

import pulumi

from fluxhooks.components.kubernetes import DELETION, versioned
from fluxhooks.components.monitor.checks import AlertRules, Blackbox, ProbeJob
from fluxhooks.components.monitor.rules import JOB
from fluxhooks.flux.hook_path import UNKNOWN_PATH
from fluxhooks.flux.labels import object_labels

_MONITORING: Final = "monitoring.coreos.com"
_RBAC: Final = "rbac.authorization.k8s.io"

# Nobody, as the image's own user is.
_USER: Final = 65532


class KubernetesObject(pulumi.CustomResource):
    """One object; what it is, its type says."""

    metadata: pulumi.Output[dict[str, Any]]

    def __init__(
        self,
        name: str,
        api_version: str,
        kind: str,
        *,
        namespace: pulumi.Input[str],
        labels: Mapping[str, pulumi.Input[str]] | None = None,
        body: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
    ) -> None:
        ours = object_labels(name, project=pulumi.get_project(), stack=pulumi.get_stack())
        props = {
            "apiVersion": api_version,
            "kind": kind,
            "metadata": {
                "annotations": {**DELETION},
                "labels": {**(labels or {}), **ours},
                "namespace": namespace,
            },
            **body,
        }
        version = api_version if "/" in api_version else f"core/{api_version}"
        super().__init__(f"kubernetes:{version}:{kind}", name, props, versioned(opts))


def prometheus_rule(
    name: str, rules: AlertRules, *, opts: pulumi.ResourceOptions
) -> KubernetesObject:
    """Declare the PrometheusRule."""
    return KubernetesObject(
        name,
        f"{_MONITORING}/v1",
        "PrometheusRule",
        namespace=rules.namespace,
        labels=rules.labels,
        body={"spec": {"groups": rules.groups}},
        opts=opts,
    )


def pod_monitor(
    name: str,
    rules: AlertRules,
    *,
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> KubernetesObject:
    """Declare the PodMonitor of notification-controller, which is in `namespace`."""
    return KubernetesObject(
        name,
        f"{_MONITORING}/v1",
        "PodMonitor",
        namespace=rules.namespace,
        labels=rules.labels,
        body={
            "spec": {
                "namespaceSelector": {"matchNames": [namespace]},
                "podMetricsEndpoints": [{"port": "http-prom"}],
                "selector": {"matchLabels": {"app": "notification-controller"}},
            }
        },
        opts=opts,
    )


def blackbox_probe(
    name: str, blackbox: Blackbox, *, opts: pulumi.ResourceOptions
) -> KubernetesObject:
    """Declare the Probe of the public host, at a path that no Receiver has."""
    url = pulumi.Output.concat("https://", blackbox.host, UNKNOWN_PATH)
    return KubernetesObject(
        name,
        f"{_MONITORING}/v1",
        "Probe",
        namespace=blackbox.namespace,
        labels=blackbox.labels,
        body={
            "spec": {
                "interval": "1m",
                "jobName": JOB,
                "module": blackbox.module,
                "prober": {"url": blackbox.prober},
                "targets": {"staticConfig": {"static": [url]}},
            }
        },
        opts=opts,
    )


def probe_job(
    name: str,
    job: ProbeJob,
    *,
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> KubernetesObject:
    """Declare the CronJob in `namespace`, and what it may do where the Receivers are."""
    account = KubernetesObject(
        name, "v1", "ServiceAccount", namespace=namespace, body={}, opts=opts
    ).metadata["name"]
    secrets: dict[str, Any] = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    if job.secret_names:
        secrets["resourceNames"] = list(job.secret_names)
    receivers = {
        "apiGroups": ["notification.toolkit.fluxcd.io"],
        "resources": ["receivers"],
        "verbs": ["list"],
    }
    role = KubernetesObject(
        name,
        f"{_RBAC}/v1",
        "Role",
        namespace=job.receivers_namespace,
        body={"rules": [receivers, secrets]},
        opts=opts,
    )
    bound = KubernetesObject(
        name,
        f"{_RBAC}/v1",
        "RoleBinding",
        namespace=job.receivers_namespace,
        body={
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": role.metadata["name"]},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": namespace}],
        },
        opts=opts,
    )
    return KubernetesObject(
        name,
        "batch/v1",
        "CronJob",
        namespace=namespace,
        body={"spec": _cron_job(name, job, account)},
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[bound])),
    )


def _cron_job(name: str, job: ProbeJob, account: pulumi.Output[str]) -> dict[str, Any]:
    container: dict[str, Any] = {
        "args": [
            "probe",
            "--cluster",
            pulumi.Output.concat("--namespace=", job.receivers_namespace),
            pulumi.Output.concat("--host=", job.host),
        ],
        "image": job.image,
        "name": "probe",
        "resources": {
            "limits": {"memory": "256Mi"},
            "requests": {"cpu": "20m", "memory": "128Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    if job.heartbeat_secret is not None:
        variable = "FLUXHOOKS_HEARTBEAT"
        container["args"].append(f"--heartbeat-env={variable}")
        key = {"key": "url", "name": job.heartbeat_secret}
        container["env"] = [{"name": variable, "valueFrom": {"secretKeyRef": key}}]
    pod: dict[str, Any] = {
        "containers": [container],
        "restartPolicy": "Never",
        "securityContext": {
            "runAsGroup": _USER,
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "serviceAccountName": account,
    }
    if job.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": each} for each in job.image_pull_secrets]
    return {
        "concurrencyPolicy": "Forbid",
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {
            "spec": {
                "activeDeadlineSeconds": 300,
                # 10, 20 and 40 s apart: a rotation that is under way has ended by then.
                "backoffLimit": 3,
                "template": {
                    "metadata": {"labels": {"app.kubernetes.io/name": name}},
                    "spec": pod,
                },
            }
        },
        "schedule": job.schedule,
        "successfulJobsHistoryLimit": 1,
    }
