"""Checks of a ReceiverRoute's arguments, before anything is registered where a value is known."""

import functools
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi

from fluxhooks.components.route.annotations import check_annotation
from fluxhooks.components.route.args import (
    GatewayArgs,
    IngressArgs,
    NetworkPolicyArgs,
    ReceiverRouteArgs,
)
from fluxhooks.components.values import (
    OBJECT_NAME,
    component_name,
    entry,
    label,
    plain,
    seconds,
    text,
    when_known,
    whole,
)
from fluxhooks.errors import ArgumentError

SERVICE: Final = "webhook-receiver"
PORT: Final = 80

_LABEL: Final = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?=.{{1,259}}\Z){_LABEL}(\.{_LABEL})*(:\d{{1,5}})?")
_SECTION: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")

# Flux's Services that lead to something else, which answers in a way that hides the mistake.
_OTHER_SERVICES: Final = {
    "notification-controller": "events, which answers deliveries 400 or 202 and does nothing",
    "source-controller": "artifacts",
}
# Of notification-controller's Pod: config/manager/deployment.yaml.
_OTHER_PORTS: Final = {
    8080: "that of metrics",
    9090: "that of events",
    9292: "the Pod's",
    9440: "that of health checks",
}


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """Where an HTTPRoute is attached; `namespace` is None for the route's own."""

    name: pulumi.Input[str]
    section_name: pulumi.Input[str]
    namespace: pulumi.Input[str] | None


@dataclass(frozen=True, kw_only=True)
class Ingress:
    """How an Ingress is made.

    Attributes:
        class_name: None for the default class.
        tls_secret_name: None where the controller brings the certificate.
        annotations: all but those of Pulumi's.
    """

    class_name: pulumi.Input[str] | None
    tls_secret_name: pulumi.Input[str] | None
    annotations: Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A ReceiverRoute's arguments with defaults filled in.

    Attributes:
        host: as senders call it, with a port where one was given.
        hostname: without it, as the objects have it.
        gateway: None where an Ingress is made.
        ingress: None where an HTTPRoute is.
        namespaces, cidrs: who may reach the port; both empty where no policy is made.
        accept_timeout: seconds.
    """

    host: pulumi.Input[str]
    hostname: pulumi.Input[str]
    gateway: Gateway | None
    ingress: Ingress | None
    namespace: pulumi.Input[str]
    service: pulumi.Input[str]
    port: int
    namespaces: tuple[pulumi.Input[str], ...]
    cidrs: tuple[pulumi.Input[str], ...]
    accept_timeout: float


def check_args(name: str, args: ReceiverRouteArgs) -> Checked:
    """Return `args` checked and completed.

    Raises:
        ArgumentError: a known value cannot work.
    """
    values = entry("args", args, ReceiverRouteArgs)
    component_name(name)
    if "host" not in values:
        raise ArgumentError("host", 'is missing; give the public host, as in "flux.example.com"')
    host = when_known(values["host"], _host)
    hostname = when_known(host, _without_port)
    by = [key for key in ("gateway", "ingress") if key in values]
    if len(by) != 1:
        raise ArgumentError(
            "gateway",
            f"{'is given beside ingress; give one' if by else 'is missing'}, as in "
            f"{_EXAMPLES['gateway']}{'' if by else ', or ingress ' + _EXAMPLES['ingress']}",
        )
    namespaces, cidrs = _network_policy(values.get("network_policy"))
    service = when_known(values.get("service", SERVICE), _service)
    return Checked(
        host=host,
        hostname=hostname,
        gateway=_gateway(values["gateway"]) if "gateway" in by else None,
        ingress=_ingress(values["ingress"], hostname) if "ingress" in by else None,
        namespace=when_known(
            values.get("namespace", "flux-system"), functools.partial(label, "namespace")
        ),
        service=service,
        port=_port(values.get("port", PORT), service),
        namespaces=namespaces,
        cidrs=cidrs,
        accept_timeout=seconds("accept_timeout", values.get("accept_timeout", "2m")),
    )


_EXAMPLES: Final = {
    "gateway": '{"name": "public", "namespace": "infra", "section_name": "https"}',
    "ingress": '{"class_name": "nginx", "cluster_issuer": "letsencrypt"}',
    "network_policy": '{"namespaces": ["ingress-nginx"]}',
}


def _host(value: Any) -> str:
    given = value if isinstance(value, str) else ""
    cure = "is not a host in lower-case letters, such as 'flux.example.com'"
    if "*" in given:
        cure = "is a wildcard; give the one host that senders call, as in 'flux.example.com'"
    elif "://" in given:
        cure = "has a scheme; give the bare host, as in 'flux.example.com' (https is always used)"
    elif "/" in given:
        cure = "has a path; give the bare host: the path is always /hook/"
    elif _is_address(given):
        raise ArgumentError(
            "host", f"{value!r} is an address; a route is for a name, as in 'flux.example.com'"
        )
    return text("host", value, _HOST, cure)


def _is_address(value: str) -> bool:
    for candidate in (value, value.rpartition(":")[0]):
        try:
            ipaddress.ip_address(candidate.strip("[]"))
        except ValueError:
            continue
        return True
    return False


def _without_port(host: str) -> str:
    return host.partition(":")[0]


def _named(path: str) -> Callable[[Any], str]:
    return lambda value: text(path, value, OBJECT_NAME, "is not a Kubernetes name")


def _gateway(value: Any) -> Gateway:
    given = entry("gateway", value, GatewayArgs)
    for key in sorted(GatewayArgs.__required_keys__):
        if key not in given:
            why = (
                "; without it the route would be attached to the listener of plain HTTP too"
                if key == "section_name"
                else ""
            )
            raise ArgumentError(f"gateway.{key}", f"is missing{why}; give {_EXAMPLES['gateway']}")
    return Gateway(
        name=when_known(given["name"], _named("gateway.name")),
        section_name=when_known(
            given["section_name"],
            lambda v: text("gateway.section_name", v, _SECTION, "is not the name of a listener"),
        ),
        namespace=when_known(given["namespace"], functools.partial(label, "gateway.namespace"))
        if "namespace" in given
        else None,
    )


def _ingress(value: Any, hostname: pulumi.Input[str]) -> Ingress:
    given = entry("ingress", value, IngressArgs)
    own = plain("ingress.default_certificate", given.get("default_certificate", False), bool)
    issuer, secret = given.get("cluster_issuer"), given.get("tls_secret_name")
    if own and (issuer is not None or secret is not None):
        other = "cluster_issuer" if issuer is not None else "tls_secret_name"
        raise ArgumentError(
            "ingress.default_certificate", f"is given beside {other}; a host has one certificate"
        )
    if not own and issuer is None and secret is None:
        raise ArgumentError(
            "ingress",
            "has no certificate, and forges send to https only; give tls_secret_name, or "
            "cluster_issuer of cert-manager, or default_certificate: true where the ingress "
            "controller brings one itself",
        )
    annotations = {
        str(key): when_known(
            item, functools.partial(check_annotation, "ingress.annotations", str(key))
        )
        for key, item in plain("ingress.annotations", given.get("annotations", {}), Mapping).items()
    }
    if issuer is not None:
        annotations["cert-manager.io/cluster-issuer"] = when_known(
            issuer, _named("ingress.cluster_issuer")
        )
        if secret is None:
            secret = when_known(hostname, lambda name: f"{name}-tls")
    return Ingress(
        class_name=when_known(given["class_name"], _named("ingress.class_name"))
        if "class_name" in given
        else None,
        tls_secret_name=None
        if secret is None
        else when_known(secret, _named("ingress.tls_secret_name")),
        annotations=annotations,
    )


def _service(value: Any) -> str:
    if value in _OTHER_SERVICES:
        raise ArgumentError(
            "service",
            f"{value!r} leads to Flux's port for {_OTHER_SERVICES[value]}; Receivers are behind "
            f"{SERVICE!r}: remove it",
        )
    return text("service", value, OBJECT_NAME, "is not a Kubernetes name")


def _port(value: Any, service: pulumi.Input[str]) -> int:
    port = whole("port", value)
    if not 1 <= port <= 65535:
        raise ArgumentError("port", f"{port} is not a port; the Service has {PORT}")
    if service == SERVICE and port in _OTHER_PORTS:
        raise ArgumentError(
            "port",
            f"{port} is {_OTHER_PORTS[port]}, and a route leads to a Service: {SERVICE} has "
            f"{PORT}; remove it",
        )
    return port


def _network_policy(
    value: Any,
) -> tuple[tuple[pulumi.Input[str], ...], tuple[pulumi.Input[str], ...]]:
    if value is None:
        return (), ()
    given = entry("network_policy", value, NetworkPolicyArgs)
    found = {}
    for key, check in (("namespaces", label), ("cidrs", _cidr)):
        path = f"network_policy.{key}"
        items = given.get(key, ())
        if isinstance(items, str) or not isinstance(items, Sequence):
            raise ArgumentError(path, f"{items!r} is not a list of texts")
        found[key] = tuple(
            when_known(item, functools.partial(check, f"{path}[{index}]"))
            for index, item in enumerate(items)
        )
    if not found["namespaces"] and not found["cidrs"]:
        raise ArgumentError(
            "network_policy",
            f"lets nobody in; give {_EXAMPLES['network_policy']}, or remove it",
        )
    return found["namespaces"], found["cidrs"]


def _cidr(path: str, value: Any) -> str:
    try:
        return str(ipaddress.ip_network(value if isinstance(value, str) else ""))
    except ValueError:
        raise ArgumentError(
            path, f"{value!r} is not a range of addresses such as '10.0.0.0/16'"
        ) from None
