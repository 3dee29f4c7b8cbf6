"""The way from the internet to Flux's webhook receiver: an HTTPRoute or an Ingress."""

import asyncio
from typing import Any, Final

import pulumi

from fluxhooks.components.autonaming import check_autonaming
from fluxhooks.components.route.args import ReceiverRouteArgs
from fluxhooks.components.route.checks import Checked, Gateway, check_args
from fluxhooks.components.route.objects import HTTPRoute, ReceiverIngress, ReceiverNetworkPolicy
from fluxhooks.components.token import name_in
from fluxhooks.errors import RouteNotAcceptedError

# After that a controller that is there has long said something.
_SILENCE: Final = 15.0

_TYPES: Final = (
    "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute",
    "kubernetes:networking.k8s.io/v1:Ingress",
    "kubernetes:networking.k8s.io/v1:NetworkPolicy",
)


class ReceiverRoute(pulumi.ComponentResource):
    """The public host of Flux's webhook receiver: TLS, the path /hook/, and nothing else.

    Give its output `host` to the WebhookReceivers behind it: they are made when the route is
    there, and go before it. Another host makes another route, repoints the webhooks, and only
    then deletes the route before.
    """

    host: pulumi.Output[str]
    """The host as senders call it, known when the Gateway's controller has taken the route."""

    url: pulumi.Output[str]
    """https:// and the host."""

    route_name: pulumi.Output[str]
    """The name of the HTTPRoute or Ingress in the cluster."""

    def __init__(
        self,
        name: str,
        args: ReceiverRouteArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the route.

        Args:
            name: the component's name; Kubernetes objects are named after it.
            args: see ReceiverRouteArgs.
            opts: options of the component.

        Raises:
            ArgumentError: an argument cannot work; nothing is registered then.
            SettingError: pulumi:autonaming cannot work; the same.
            RouteNotAcceptedError: (in the outputs) the Gateway's controller does not take it.
        """
        check_autonaming(pulumi.Config("pulumi").get_object("autonaming"), types=_TYPES)
        checked = check_args(name, args)
        super().__init__("fluxhooks:index:ReceiverRoute", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        inputs: dict[str, Any] = {"host": checked.host}
        if checked.namespaces or checked.cidrs:
            inputs["policy"] = ReceiverNetworkPolicy(name, checked, opts=child).metadata
        if checked.gateway is not None:
            route = HTTPRoute(name, checked, checked.gateway, opts=child)
            self.route_name = name_in(route.metadata, f"the HTTPRoute {name}")
            inputs |= self._accepted(name, checked, checked.gateway, route)
        elif checked.ingress is not None:
            ingress = ReceiverIngress(name, checked, checked.ingress, opts=child)
            self.route_name = name_in(ingress.metadata, f"the Ingress {name}")
        inputs["name"] = self.route_name
        self.host = pulumi.Output.all(**inputs).apply(lambda known: str(known["host"]))
        self.url = pulumi.Output.concat("https://", self.host)
        self.register_outputs({"host": self.host, "route_name": self.route_name, "url": self.url})

    def _accepted(
        self, name: str, args: Checked, gateway: Gateway, route: HTTPRoute
    ) -> dict[str, Any]:
        if pulumi.runtime.is_dry_run() or not args.accept_timeout:
            return {}
        given: pulumi.Output[dict[str, Any]] = pulumi.Output.all(
            gateway=gateway.name,
            gateway_namespace=args.namespace if gateway.namespace is None else gateway.namespace,
            hostname=args.hostname,
            namespace=args.namespace,
            section=gateway.section_name,
            service=args.service,
        )
        # Before all of it is known, nobody can have said anything.
        waiting = given.apply(
            lambda _: asyncio.get_running_loop().call_later(
                _SILENCE, self._warn_of_silence, args.accept_timeout
            )
        )
        known = pulumi.Output.all(
            given=given, route=self.route_name, status=route.status, waiting=waiting
        )

        def accepted(all_known: dict[str, Any]) -> None:
            all_known["waiting"].cancel()
            found = {**all_known["given"], **all_known}
            if refusal := _refusal(found["status"] or {}):
                raise RouteNotAcceptedError(_not_accepted(name, refusal, found))

        return {"accepted": known.apply(accepted)}

    def _warn_of_silence(self, timeout: float) -> None:
        pulumi.log.warn(
            "no controller has said yet whether it takes the HTTPRoute; is the Gateway there, and "
            "does the controller of its class run? kubectl get gatewayclasses,gateways -A. It is "
            f"waited for, {timeout:g} s in all",
            self,
        )


def _refusal(status: dict[str, Any]) -> dict[str, str]:
    """Return the condition that says why the route is not taken; {} where it is."""
    conditions = [
        condition
        for parent in status.get("parents") or ()
        for condition in parent.get("conditions") or ()
    ]
    for type_ in ("Accepted", "ResolvedRefs"):
        for condition in conditions:
            if (condition.get("type"), condition.get("status")) == (type_, "False"):
                return dict(condition)
    return {}


def _not_accepted(name: str, refusal: dict[str, str], known: dict[str, Any]) -> str:
    reason = str(refusal.get("reason"))
    cure = _CURES.get(reason, "").format_map(known)
    return (
        f"{name}: the Gateway {known['gateway_namespace']}/{known['gateway']} does not take "
        f"HTTPRoute {known['namespace']}/{known['route']}; its controller says {reason}: "
        f"{str(refusal.get('message')).rstrip('.')}. {cure}Mend that and run pulumi up again, with "
        "--refresh where it was mended in the cluster"
    )


# https://gateway-api.sigs.k8s.io/reference/spec/#routeconditionreason
_CURES: Final = {
    "BackendNotFound": "Is Flux installed in {namespace}, with a Service {service}? flux check. ",
    "NoMatchingListenerHostname": "The listener {section} is for other hosts than {hostname}. ",
    "NoMatchingParent": "Has the Gateway a listener {section}? kubectl -n {gateway_namespace} get "
    "gateway {gateway} -o yaml. ",
    "NotAllowedByListeners": "Let routes of the namespace {namespace} in: allowedRoutes of the "
    "listener {section}. ",
}
