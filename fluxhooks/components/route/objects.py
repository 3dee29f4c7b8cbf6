"""The Kubernetes objects of a route, as thin resources of the Kubernetes provider."""

from typing import Any, Final

import pulumi

from fluxhooks.components.kubernetes import DELETION, versioned
from fluxhooks.components.route.annotations import SKIP_AWAIT
from fluxhooks.components.route.checks import Checked, Gateway, Ingress
from fluxhooks.flux.hook_path import PREFIX
from fluxhooks.flux.labels import object_labels

# Waits until the Gateway's controller has decided, either way. There is none where nothing has
# that Gateway's class, and then nothing is ever written.
_WAIT_FOR: Final = (
    "jsonpath={.status.parents[*].conditions[?@.type=='Accepted' && !(@.status=='Unknown')]}"
)

_GATEWAY_API: Final = "gateway.networking.k8s.io"

# Of notification-controller's Pods, in the standard install and in Flux's Helm chart.
_PODS: Final = {"app": "notification-controller"}
_RECEIVER_PORT: Final = 9292
_METRICS_PORT: Final = 8080

# Every namespace has it. An empty selector means all as well, where nobody drops what is empty.
_NAME_OF_NAMESPACE: Final = "kubernetes.io/metadata.name"
_ALL_PODS: Final = {
    "namespaceSelector": {
        "matchExpressions": [{"key": _NAME_OF_NAMESPACE, "operator": "Exists"}],
    }
}


class HTTPRoute(pulumi.CustomResource):
    """The ``gateway.networking.k8s.io/v1`` HTTPRoute, done when its controller has decided.

    It matches one host and the prefix /hook/, at a listener that terminates TLS; it has no
    filter, so that nothing is rewritten or redirected. A change makes another one before this
    one goes: the conditions of one that is changed in place may be those of before.
    """

    metadata: pulumi.Output[dict[str, Any]]
    status: pulumi.Output[dict[str, Any] | None]

    def __init__(
        self, name: str, args: Checked, gateway: Gateway, *, opts: pulumi.ResourceOptions
    ) -> None:
        parent = {
            "group": _GATEWAY_API,
            "kind": "Gateway",
            "name": gateway.name,
            "namespace": args.namespace if gateway.namespace is None else gateway.namespace,
            "sectionName": gateway.section_name,
        }
        annotations: dict[str, str] = {**DELETION}
        timeouts = None
        if args.accept_timeout:
            annotations["pulumi.com/waitFor"] = _WAIT_FOR
            # The provider counts whole seconds, and takes 0 for its own ten minutes.
            lasting = f"{max(1, round(args.accept_timeout))}s"
            timeouts = pulumi.CustomTimeouts(create=lasting, update=lasting)
        props = {
            "apiVersion": f"{_GATEWAY_API}/v1",
            "kind": "HTTPRoute",
            "metadata": _metadata(name, args, annotations),
            "spec": {
                "hostnames": [args.hostname],
                "parentRefs": [parent],
                "rules": [
                    {
                        "backendRefs": [{"name": args.service, "port": args.port}],
                        "matches": [{"path": {"type": "PathPrefix", "value": PREFIX}}],
                    }
                ],
            },
            "status": None,
        }
        others = pulumi.ResourceOptions(replace_on_changes=["spec"], custom_timeouts=timeouts)
        super().__init__(
            f"kubernetes:{_GATEWAY_API}/v1:HTTPRoute",
            name,
            props,
            versioned(pulumi.ResourceOptions.merge(opts, others)),
        )


class ReceiverIngress(pulumi.CustomResource):
    """The ``networking.k8s.io/v1`` Ingress: one host, the prefix /hook/, TLS.

    It is not waited for: it has no conditions, and an address of a load balancer, which Pulumi
    waits for otherwise, is something that many ingress controllers never write. Another host
    makes another one before this one goes; all else is changed in place, as ingress-nginx refuses
    two of the same host and path.
    """

    metadata: pulumi.Output[dict[str, Any]]

    def __init__(
        self, name: str, args: Checked, ingress: Ingress, *, opts: pulumi.ResourceOptions
    ) -> None:
        tls: dict[str, Any] = {"hosts": [args.hostname]}
        if ingress.tls_secret_name is not None:
            tls["secretName"] = ingress.tls_secret_name
        backend = {"service": {"name": args.service, "port": {"number": args.port}}}
        path = {"backend": backend, "path": PREFIX, "pathType": "Prefix"}
        spec: dict[str, Any] = {
            "rules": [{"host": args.hostname, "http": {"paths": [path]}}],
            "tls": [tls],
        }
        if ingress.class_name is not None:
            spec["ingressClassName"] = ingress.class_name
        props = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": _metadata(
                name, args, {**ingress.annotations, **DELETION, SKIP_AWAIT: "true"}
            ),
            "spec": spec,
        }
        others = pulumi.ResourceOptions(replace_on_changes=["spec.rules[0].host"])
        super().__init__(
            "kubernetes:networking.k8s.io/v1:Ingress",
            name,
            props,
            versioned(pulumi.ResourceOptions.merge(opts, others)),
        )


class ReceiverNetworkPolicy(pulumi.CustomResource):
    """The ``networking.k8s.io/v1`` NetworkPolicy that lets some reach the receiver port.

    A Pod that any policy selects is reached by nobody whom none lets in. Where this is the only
    one it must not cut off other controllers' events and Prometheus, so it lets them in as Flux's
    own policies allow-egress and allow-scraping do.
    Source: flux2 ``manifests/policies``.
    """

    metadata: pulumi.Output[dict[str, Any]]

    def __init__(self, name: str, args: Checked, *, opts: pulumi.ResourceOptions) -> None:
        senders = [_pods_of(namespace) for namespace in args.namespaces]
        senders += [{"ipBlock": {"cidr": cidr}} for cidr in args.cidrs]
        props = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": _metadata(name, args, {**DELETION}),
            "spec": {
                "ingress": [
                    {"from": senders, "ports": [_tcp(_RECEIVER_PORT)]},
                    {"from": [_pods_of(args.namespace)]},
                    {"from": [_ALL_PODS], "ports": [_tcp(_METRICS_PORT)]},
                ],
                "podSelector": {"matchLabels": dict(_PODS)},
                "policyTypes": ["Ingress"],
            },
        }
        super().__init__(
            "kubernetes:networking.k8s.io/v1:NetworkPolicy", name, props, versioned(opts)
        )


def _pods_of(namespace: pulumi.Input[str]) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {_NAME_OF_NAMESPACE: namespace}}}


def _tcp(port: int) -> dict[str, Any]:
    return {"port": port, "protocol": "TCP"}


def _metadata(name: str, args: Checked, annotations: dict[str, Any]) -> dict[str, Any]:
    labels = object_labels(name, project=pulumi.get_project(), stack=pulumi.get_stack())
    return {"annotations": annotations, "labels": labels, "namespace": args.namespace}
