"""The arguments of a ReceiverRoute: their types for every Pulumi language."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi


class GatewayArgs(TypedDict):
    """The listener of a Gateway (gateway.networking.k8s.io) that a ReceiverRoute is attached to."""

    name: pulumi.Input[str]
    """The Gateway's name."""

    section_name: pulumi.Input[str]
    """The name of its listener that terminates TLS, as in "https". It is needed: without it a
    route is attached to the listener of plain HTTP too."""

    namespace: NotRequired[pulumi.Input[str]]
    """The Gateway's namespace; the route's when absent. From another one, the listener's
    allowedRoutes must let routes of the route's namespace in."""


class IngressArgs(TypedDict):
    """How a ReceiverRoute is made as an Ingress (networking.k8s.io/v1).

    Where its certificate comes from is one of tls_secret_name, cluster_issuer and
    default_certificate."""

    class_name: NotRequired[pulumi.Input[str]]
    """The IngressClass; the cluster's default one when absent."""

    tls_secret_name: NotRequired[pulumi.Input[str]]
    """The Secret with the host's certificate, in the route's namespace; with cluster_issuer the
    one cert-manager makes, which is "<host>-tls" when absent."""

    cluster_issuer: NotRequired[pulumi.Input[str]]
    """The ClusterIssuer of cert-manager that issues the certificate."""

    default_certificate: NotRequired[bool]
    """True where the ingress controller brings the host's certificate itself: its default one, or
    a cloud's."""

    annotations: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Further annotations of the Ingress. Those that rewrite paths, redirect, ask for credentials
    or bring rules from elsewhere are refused: Flux serves exactly the path that it is called at,
    and a forge takes a redirect for success."""


class NetworkPolicyArgs(TypedDict):
    """Who may reach the receiver port of notification-controller: some namespaces, addresses."""

    namespaces: NotRequired[Sequence[pulumi.Input[str]]]
    """Namespaces whose Pods may: the ingress controller's or the Gateway's."""

    cidrs: NotRequired[Sequence[pulumi.Input[str]]]
    """Address ranges that may, as in "10.0.0.0/16": of load balancers that call Pods directly, and
    of nodes where the ingress controller has the host's network. Flux's own policy lets Pods in
    and nobody else."""


class ReceiverRouteArgs(TypedDict):
    """The arguments of a ReceiverRoute."""

    host: pulumi.Input[str]
    """The public host that senders call, as in "flux.example.com", with a port where that is not
    443."""

    gateway: NotRequired[GatewayArgs]
    """The Gateway that takes the route, as an HTTPRoute. This or ingress is needed."""

    ingress: NotRequired[IngressArgs]
    """How the route is made as an Ingress."""

    namespace: NotRequired[pulumi.Input[str]]
    """The namespace of Flux's Service, and so of the route; "flux-system" when absent."""

    service: NotRequired[pulumi.Input[str]]
    """The name of Flux's Service for webhooks; "webhook-receiver" when absent."""

    port: NotRequired[int]
    """The Service's port; 80 when absent."""

    network_policy: NotRequired[NetworkPolicyArgs]
    """Makes a NetworkPolicy that lets only these reach the receiver port, and leaves what Flux's
    own policies allow beside that: other controllers' events, and metrics. Policies add up: it
    narrows nothing while Flux's allow-webhooks is there, which lets all Pods reach all ports.
    None is made when absent."""

    accept_timeout: NotRequired[str]
    """How long the Gateway's controller is waited for, until it says whether it takes the route;
    "2m" when absent, and "0s" waits for nothing. Of an Ingress nothing is said, nor waited for."""
