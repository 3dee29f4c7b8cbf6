"""A stand-in for the controllers of Gateways and Ingresses: it routes by what the API server holds.

The objects and their definitions are real. It does what the specifications of Gateway API and
Ingress say of the few fields it knows; an HTTPRoute with others it does not accept, and an Ingress
with others, or with annotations it has not heard of, it does not serve. NetworkPolicies are held by
the API server and enforced by nobody.
"""

import base64
import contextlib
import datetime
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final, Self

import lightkube
import trustme
import yaml
from lightkube import ApiError, codecs
from lightkube.generic_resource import create_global_resource, create_namespaced_resource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.models.networking_v1 import IngressClassSpec
from lightkube.resources.core_v1 import Namespace, Secret, Service
from lightkube.resources.networking_v1 import Ingress as IngressObject
from lightkube.resources.networking_v1 import IngressClass
from lightkube.types import PatchType

from sandbox import toolchain
from sandbox.cluster import Cluster
from sandbox.ingress import certificates
from sandbox.ingress.ingress import Ingress
from sandbox.ingress.rules import Answer, Request

STAND_IN = (
    "Gateway and ingress controller: routes by the HTTPRoutes and Ingresses of the API server, "
    "made after their specifications"
)

CONTROLLER: Final = "fluxhooks.dev/sandbox"
CLASS: Final = "sandbox"
INFRA: Final = "infra"
GATEWAY: Final = "public"
TLS_SECRET: Final = "localhost-tls"  # noqa: S105
FLUX: Final = "flux-system"

_GROUP: Final = "gateway.networking.k8s.io"
_POLL_SECONDS: Final = 0.1

HTTPRoute = create_namespaced_resource(_GROUP, "v1", "HTTPRoute", "httproutes")
Gateway = create_namespaced_resource(_GROUP, "v1", "Gateway", "gateways")
GatewayClass = create_global_resource(_GROUP, "v1", "GatewayClass", "gatewayclasses")

# What ingress controllers leave to others.
_KNOWN_ANNOTATIONS: Final = ("cert-manager.io/", "pulumi.com/")

_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "spec": frozenset({"hostnames", "parentRefs", "rules"}),
    "parentRefs": frozenset({"group", "kind", "name", "namespace", "sectionName"}),
    "rules": frozenset({"backendRefs", "matches", "name"}),
    "matches": frozenset({"path"}),
    "backendRefs": frozenset({"group", "kind", "name", "port", "weight"}),
}
_INGRESS_FIELDS: Final = frozenset({"ingressClassName", "rules", "tls"})


class UnknownFieldError(Exception):
    """An object says something that this stand-in does not understand."""


@dataclass(frozen=True)
class Route:
    """One line of the routing table; `port` is None where the backend is missing."""

    host: str
    path: str
    exact: bool
    port: int | None
    certificate: tuple[bytes, bytes]
    """Certificate and key, as PEM."""

    def matches(self, host: str, path: str) -> bool:
        """Whether it is for a request: a prefix is one of whole elements of the path."""
        if host != self.host:
            return False
        if self.exact:
            return path == self.path
        prefix = self.path.rstrip("/")
        return path == prefix or path.startswith(f"{prefix}/")


class Routing:
    """Controllers, a Gateway `infra/public` and an IngressClass `sandbox`, while in the context.

    The Gateway has the listeners `http`, `https`, `other-host`, and `own-routes`, which lets in no
    routes of other namespaces. Flux's Services are there, as its own manifest has them.

    Attributes:
        ingress: where requests come in.
        refused: Ingresses that are not served, and why.
    """

    def __init__(self, cluster: Cluster, *, ca: trustme.CA) -> None:
        self._cluster = cluster
        self._certificate = certificates.good(ca)
        self._table: tuple[Route, ...] = ()
        self._presented = (b"", b"")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="routing", daemon=True)
        self._exits = contextlib.ExitStack()
        self.refused: dict[str, str] = {}
        self.ingress = Ingress(cluster.receiver_port, ca=ca, rule=self._route)

    def __enter__(self) -> Self:
        self._cluster.add_definitions(toolchain.gateway_api())
        with contextlib.ExitStack() as exits:
            self._client: lightkube.Client = exits.enter_context(self._cluster.client())
            for obj in self._objects():
                self._client.apply(obj, field_manager=CONTROLLER, force=True)
                metadata: Any = obj.metadata
                exits.callback(self._remove, type(obj), metadata.name, metadata.namespace)
            exits.enter_context(self.ingress)
            self._thread.start()
            exits.callback(self._thread.join)
            exits.callback(self._stop.set)
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()

    def _objects(self) -> Iterator[Any]:
        yield Namespace(metadata=ObjectMeta(name=INFRA))
        for namespace in (INFRA, FLUX):
            yield Secret(
                metadata=ObjectMeta(name=TLS_SECRET, namespace=namespace),
                type="kubernetes.io/tls",
                stringData={
                    "tls.crt": self._certificate.cert_chain_pems[0].bytes().decode(),
                    "tls.key": self._certificate.private_key_pem.bytes().decode(),
                },
            )
        for manifest in yaml.safe_load_all(toolchain.flux_services().read_text()):
            manifest["metadata"]["namespace"] = FLUX
            yield codecs.from_dict(manifest)
        yield IngressClass(
            metadata=ObjectMeta(name=CLASS), spec=IngressClassSpec(controller=CONTROLLER)
        )
        yield GatewayClass(metadata=ObjectMeta(name=CLASS), spec={"controllerName": CONTROLLER})
        https = {
            "port": 443,
            "protocol": "HTTPS",
            "tls": {"certificateRefs": [{"name": TLS_SECRET}]},
            "allowedRoutes": {"namespaces": {"from": "All"}},
        }
        listeners: list[dict[str, Any]] = [
            {**https, "name": "https"},
            {**https, "name": "other-host", "hostname": "other.example.com"},
            {**https, "name": "own-routes", "hostname": "own.example.com"},
            {"name": "http", "port": 80, "protocol": "HTTP"},
        ]
        del listeners[2]["allowedRoutes"]
        yield Gateway(
            metadata=ObjectMeta(name=GATEWAY, namespace=INFRA),
            spec={"gatewayClassName": CLASS, "listeners": listeners},
        )

    def _remove(self, kind: Any, name: str, namespace: str | None) -> None:
        if kind is Namespace:
            # Nothing here would end it.
            return
        with contextlib.suppress(ApiError):
            self._client.delete(kind, name, **({"namespace": namespace} if namespace else {}))

    # Requests

    def _route(self, request: Request) -> Request | Answer:
        host = request.headers.get("host", "").partition(":")[0]
        path = request.target.partition("?")[0]
        found = [route for route in self._table if route.matches(host, path)]
        if not found:
            return Answer(404, "<h1>no route</h1>")
        best = max(found, key=lambda route: (route.exact, len(route.path)))
        return replace(request, port=best.port) if best.port is not None else Answer(500)

    # Objects

    def _work(self) -> None:
        while not self._stop.wait(_POLL_SECONDS):
            # An object that went, or an API server that restarts: the next round sees what is.
            with contextlib.suppress(ApiError, OSError):
                self._round()

    def _round(self) -> None:
        verdicts = [
            (route, *self._judged(route)) for route in self._client.list(HTTPRoute, namespace="*")
        ]
        table = [line for _, lines, _ in verdicts for line in lines]
        refused = {}
        for obj in self._client.list(IngressObject, namespace="*"):
            try:
                table += self._lines(obj.to_dict())
            except UnknownFieldError as error:
                refused[f"{obj.metadata.namespace}/{obj.metadata.name}"] = str(error)  # type: ignore[union-attr]
        self.refused = refused
        self._serve(tuple(table))
        # Only what is served is accepted.
        for route, _, parents in verdicts:
            self._say(route, parents)

    def _serve(self, table: tuple[Route, ...]) -> None:
        self._table = table
        if table and table[0].certificate != self._presented:
            self._presented = table[0].certificate
            certificate, key = self._presented
            self.ingress.certificate = trustme.LeafCert(key, certificate, chain_to_ca=[])

    def _say(self, route: Any, parents: list[dict[str, Any]]) -> None:
        before = [
            [{**condition, "lastTransitionTime": ""} for condition in parent["conditions"]]
            for parent in (route.status or {}).get("parents", ())
        ]
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if before == [parent["conditions"] for parent in parents]:
            return
        for parent in parents:
            for condition in parent["conditions"]:
                condition["lastTransitionTime"] = now
        self._client.patch(
            HTTPRoute.Status,
            route.metadata.name,
            {"status": {"parents": parents}},
            namespace=route.metadata.namespace,
            patch_type=PatchType.MERGE,
        )

    # HTTPRoutes

    def _judged(self, route: Any) -> tuple[list[Route], list[dict[str, Any]]]:
        """What is served of an HTTPRoute, and what is said of each of its parents here."""
        spec, lines, parents = route.spec, list[Route](), list[dict[str, Any]]()
        for reference in spec.get("parentRefs") or ():
            gateway = self._gateway(reference, route.metadata.namespace)
            if gateway is None:
                continue
            accepted, certificate = self._accepted(reference, gateway, route)
            resolved, ports = self._resolved(spec, route.metadata.namespace)
            if accepted == ("Accepted", "") and certificate is not None:
                lines += [
                    Route(host, match["path"]["value"], _is_exact(match["path"]), port, certificate)
                    for host in spec.get("hostnames") or ()
                    for rule, port in zip(spec["rules"], ports, strict=True)
                    for match in rule["matches"]
                ]
            generation = route.metadata.generation
            parents.append(
                {
                    "conditions": [
                        _condition("Accepted", *accepted, generation=generation),
                        _condition("ResolvedRefs", *resolved, generation=generation),
                    ],
                    "controllerName": CONTROLLER,
                    "parentRef": reference,
                }
            )
        return lines, parents

    def _gateway(self, reference: dict[str, Any], namespace: str) -> Any:
        """The Gateway of a reference; None where it is not there, or is another controller's."""
        try:
            found = self._client.get(
                Gateway, reference["name"], namespace=reference.get("namespace", namespace)
            )
        except ApiError:
            return None
        return found if (found.spec or {}).get("gatewayClassName") == CLASS else None

    def _accepted(
        self, reference: dict[str, Any], gateway: Any, route: Any
    ) -> tuple[tuple[str, str], tuple[bytes, bytes] | None]:
        """Reason and message, and the certificate where requests come in by TLS."""
        try:
            _check_fields(route.spec)
        except UnknownFieldError as error:
            return ("UnsupportedValue", str(error)), None
        section = reference.get("sectionName")
        listeners = [each for each in gateway.spec["listeners"] if section in (None, each["name"])]
        if not listeners:
            return ("NoMatchingParent", f"no listener {section}"), None
        home = gateway.metadata.namespace
        listeners = [each for each in listeners if _lets_in(each, route.metadata.namespace, home)]
        if not listeners:
            return ("NotAllowedByListeners", "the listener lets in its own namespace"), None
        hosts = route.spec.get("hostnames") or ()
        listeners = [each for each in listeners if each.get("hostname") in (None, *hosts)]
        if not listeners:
            return ("NoMatchingListenerHostname", "no listener has the hostname"), None
        tls = [each["tls"] for each in listeners if each["protocol"] == "HTTPS"]
        names = [reference["name"] for each in tls for reference in each["certificateRefs"]]
        return ("Accepted", ""), self._pair(names[0], home) if names else None

    def _resolved(
        self, spec: dict[str, Any], namespace: str
    ) -> tuple[tuple[str, str], list[int | None]]:
        ports = []
        reason = ("ResolvedRefs", "")
        for rule in spec.get("rules") or ():
            port = None
            for backend in rule.get("backendRefs") or ():
                port = self._port(backend["name"], namespace, backend.get("port"))
                if port is None:
                    reason = ("BackendNotFound", f"no Service {namespace}/{backend['name']}")
            ports.append(port)
        return reason, ports

    # Ingresses

    def _lines(self, ingress: dict[str, Any]) -> list[Route]:
        metadata, spec = ingress["metadata"], ingress["spec"]
        if spec.get("ingressClassName") != CLASS:
            return []
        odd = [
            key
            for key in metadata.get("annotations") or ()
            if not key.startswith(_KNOWN_ANNOTATIONS)
        ]
        odd += sorted(spec.keys() - _INGRESS_FIELDS)
        if odd:
            raise UnknownFieldError(f"not known here: {', '.join(odd)}")
        secrets = {
            host: tls.get("secretName") for tls in spec.get("tls") or () for host in tls["hosts"]
        }
        lines = []
        for rule in spec["rules"]:
            pair = self._pair(secrets.get(rule["host"]) or "", metadata["namespace"])
            if pair is None:
                raise UnknownFieldError(f"{rule['host']} has no certificate")
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                port = self._port(
                    service["name"], metadata["namespace"], service["port"].get("number")
                )
                exact = path["pathType"] == "Exact"
                lines.append(Route(rule["host"], path["path"], exact, port, pair))
        return lines

    # What both refer to

    def _port(self, name: str, namespace: str, port: int | None) -> int | None:
        """Where a Service's port leads; None where there is no such port."""
        try:
            service = self._client.get(Service, name, namespace=namespace)
        except ApiError:
            return None
        pods = {
            ("http-webhook", "notification-controller"): self._cluster.receiver_port,
            ("http", "notification-controller"): self._cluster.events_port,
        }
        spec = service.spec
        assert spec is not None
        selected = (spec.selector or {}).get("app", "")
        for each in spec.ports or ():
            if each.port == port:
                return pods.get((str(each.targetPort), selected))
        return None

    def _pair(self, name: str, namespace: str) -> tuple[bytes, bytes] | None:
        try:
            data = self._client.get(Secret, name, namespace=namespace).data or {}
        except ApiError:
            return None
        return base64.b64decode(data["tls.crt"]), base64.b64decode(data["tls.key"])


def _check_fields(spec: dict[str, Any]) -> None:
    def check(kind: str, value: Mapping[str, Any]) -> None:
        if odd := sorted(value.keys() - _FIELDS[kind]):
            raise UnknownFieldError(f"not known here: {', '.join(odd)} in {kind}")

    def check_all(kind: str, values: Iterable[Mapping[str, Any]]) -> None:
        for value in values:
            check(kind, value)

    check("spec", spec)
    check_all("parentRefs", spec["parentRefs"])
    check_all("rules", spec["rules"])
    for rule in spec["rules"]:
        check_all("matches", rule["matches"])
        check_all("backendRefs", rule["backendRefs"])
        if any(match["path"]["type"] not in ("Exact", "PathPrefix") for match in rule["matches"]):
            raise UnknownFieldError("not known here: another type of path")
        if len(rule["backendRefs"]) != 1 or rule["backendRefs"][0]["kind"] != "Service":
            raise UnknownFieldError("not known here: anything but one Service")


def _lets_in(listener: dict[str, Any], namespace: str, home: str) -> bool:
    allowed = listener["allowedRoutes"]["namespaces"]["from"]
    return allowed == "All" or (allowed == "Same" and namespace == home)


def _is_exact(path: Mapping[str, Any]) -> bool:
    return bool(path["type"] == "Exact")


def _condition(type_: str, reason: str, message: str, *, generation: int) -> dict[str, Any]:
    return {
        "lastTransitionTime": "",
        "message": message,
        "observedGeneration": generation,
        "reason": reason,
        "status": "True" if reason == type_ else "False",
        "type": type_,
    }
