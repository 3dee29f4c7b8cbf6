"""What a ReceiverRoute registers, and what it refuses before it registers anything."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from google.protobuf import json_format

from fluxhooks import ArgumentError, ReceiverRoute, RouteNotAcceptedError, SettingError
from fluxhooks.components.route.checks import check_args
from tests.unit.program import Later, now
from tests.unit.recording_engine import RecordingEngine

GATEWAY = {"name": "public", "namespace": "infra", "section_name": "https"}
INGRESS = {"class_name": "nginx", "tls_secret_name": "flux-tls"}
HOST = "flux.example.com"
STACK = {
    "app.kubernetes.io/managed-by": "fluxhooks",
    "fluxhooks/component": "flux",
    "fluxhooks/stack": "fluxhooks.test",
}
BACKGROUND = {"pulumi.com/deletionPropagationPolicy": "background"}


def given(**changes: Any) -> Any:
    """Return the least that works, with `changes`; None leaves a key out."""
    args = {"host": HOST, "gateway": GATEWAY, **changes}
    return {key: value for key, value in args.items() if value is not None}


def ingress(**changes: Any) -> Any:
    """Return arguments of an Ingress with its own `changes`; None leaves a key out."""
    of = {key: value for key, value in {**INGRESS, **changes}.items() if value is not None}
    return given(gateway=None, ingress=of)


def program(args: Any, name: str = "flux") -> Callable[[], None]:
    """Return a program that declares one route and exports its outputs."""

    def declare() -> None:
        route = ReceiverRoute(name, now(args))
        pulumi.export("host", route.host)

    return declare


def registered(args: Any, **options: Any) -> RecordingEngine:
    """Run the program against an engine."""
    return RecordingEngine(**options).run(program(args))


def sent(engine: RecordingEngine, type_: str) -> dict[str, Any]:
    """Return the one object of a type, as it was sent."""
    (request,) = engine.of(type_)
    found: dict[str, Any] = json_format.MessageToDict(request.object)
    return found


def test_an_http_route_has_one_host_one_prefix_one_backend_and_no_filter() -> None:
    """Whatever else is served at the Gateway, only /hook/ of this host comes to Flux."""
    engine = registered(given())

    assert {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "annotations": {
                **BACKGROUND,
                "pulumi.com/waitFor": "jsonpath={.status.parents[*].conditions"
                "[?@.type=='Accepted' && !(@.status=='Unknown')]}",
            },
            "labels": STACK,
            "namespace": "flux-system",
        },
        "spec": {
            "hostnames": [HOST],
            "parentRefs": [
                {
                    "group": "gateway.networking.k8s.io",
                    "kind": "Gateway",
                    "name": "public",
                    "namespace": "infra",
                    "sectionName": "https",
                }
            ],
            "rules": [
                {
                    "backendRefs": [{"name": "webhook-receiver", "port": 80}],
                    "matches": [{"path": {"type": "PathPrefix", "value": "/hook/"}}],
                }
            ],
        },
    } == sent(engine, ":HTTPRoute")
    assert {"host": HOST, "route_name": "flux-0a1b2c3d", "url": f"https://{HOST}"} == (
        engine.outputs["flux"]
    )
    (request,) = engine.of(":HTTPRoute")
    # Made anew, and waited for no longer than is said.
    assert ["spec"] == list(request.replaceOnChanges)
    assert ("120s", "120s") == (request.customTimeouts.create, request.customTimeouts.update)


def test_an_ingress_has_one_host_one_prefix_one_backend_and_tls() -> None:
    """It is not waited for: the official plugin would, ten minutes long, for an address."""
    engine = registered(ingress())

    assert {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {
            "annotations": {**BACKGROUND, "pulumi.com/skipAwait": "true"},
            "labels": STACK,
            "namespace": "flux-system",
        },
        "spec": {
            "ingressClassName": "nginx",
            "rules": [
                {
                    "host": HOST,
                    "http": {
                        "paths": [
                            {
                                "backend": {
                                    "service": {"name": "webhook-receiver", "port": {"number": 80}}
                                },
                                "path": "/hook/",
                                "pathType": "Prefix",
                            }
                        ]
                    },
                }
            ],
            "tls": [{"hosts": [HOST], "secretName": "flux-tls"}],
        },
    } == sent(engine, ":Ingress")
    (request,) = engine.of(":Ingress")
    assert ["spec.rules[0].host"] == list(request.replaceOnChanges)


@pytest.mark.parametrize(
    ("args", "tls", "annotations"),
    [
        pytest.param(
            ingress(tls_secret_name=None, cluster_issuer="letsencrypt"),
            {"hosts": [HOST], "secretName": "flux.example.com-tls"},
            {"cert-manager.io/cluster-issuer": "letsencrypt"},
            id="of cert-manager",
        ),
        pytest.param(
            ingress(tls_secret_name="own", cluster_issuer=Later("letsencrypt")),
            {"hosts": [HOST], "secretName": "own"},
            {"cert-manager.io/cluster-issuer": "letsencrypt"},
            id="of cert-manager in a Secret by name",
        ),
        pytest.param(
            ingress(
                tls_secret_name=None,
                default_certificate=True,
                annotations={"alb.ingress.kubernetes.io/scheme": "internet-facing"},
            ),
            {"hosts": [HOST]},
            {"alb.ingress.kubernetes.io/scheme": "internet-facing"},
            id="of the controller",
        ),
    ],
)
def test_the_certificate_comes_from_where_it_is_said(
    args: Any, tls: dict[str, Any], annotations: dict[str, str]
) -> None:
    """A Secret, cert-manager, or the ingress controller itself."""
    found = sent(registered(args), ":Ingress")

    assert [tls] == found["spec"]["tls"]
    assert annotations.items() <= found["metadata"]["annotations"].items()


def test_a_port_belongs_to_what_senders_call_and_not_to_the_objects() -> None:
    """Host names have none there; the URL of the webhook has."""
    engine = registered(given(host=Later(f"{HOST}:8443")))

    assert [HOST] == sent(engine, ":HTTPRoute")["spec"]["hostnames"]
    assert (f"{HOST}:8443", f"https://{HOST}:8443") == (
        engine.outputs["flux"]["host"],
        engine.outputs["flux"]["url"],
    )


def test_a_network_policy_opens_the_receiver_port_and_nothing_that_was_closed() -> None:
    """Beside it stands only what Flux's own policies allow; else events would be cut off."""
    policy = {"namespaces": ["ingress-nginx"], "cidrs": ["10.0.0.0/16"]}
    found = sent(registered(given(network_policy=policy)), ":NetworkPolicy")

    def pods_of(namespace: str) -> dict[str, Any]:
        return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}

    everybody = {
        "namespaceSelector": {
            "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "Exists"}]
        }
    }
    assert {
        "ingress": [
            {
                "from": [pods_of("ingress-nginx"), {"ipBlock": {"cidr": "10.0.0.0/16"}}],
                "ports": [{"port": 9292, "protocol": "TCP"}],
            },
            {"from": [pods_of("flux-system")]},
            {"from": [everybody], "ports": [{"port": 8080, "protocol": "TCP"}]},
        ],
        "podSelector": {"matchLabels": {"app": "notification-controller"}},
        "policyTypes": ["Ingress"],
    } == found["spec"]


def test_no_network_policy_is_made_unasked() -> None:
    """Flux's own lets Pods in."""
    assert [] == registered(given()).of(":NetworkPolicy")


def _condition(type_: str, status: str, reason: str = "", message: str = "") -> dict[str, str]:
    return {"type": type_, "status": status, "reason": reason, "message": message}


ACCEPTED, RESOLVED = _condition("Accepted", "True"), _condition("ResolvedRefs", "True")


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        pytest.param(
            [_condition("Accepted", "False", "NotAllowedByListeners", "Not allowed."), RESOLVED],
            "NotAllowedByListeners: Not allowed. Let routes of the namespace flux-system in: "
            "allowedRoutes of the listener https. ",
            id="another namespace",
        ),
        pytest.param(
            [_condition("Accepted", "False", "NoMatchingListenerHostname", "None"), RESOLVED],
            "NoMatchingListenerHostname: None. The listener https is for other hosts than "
            f"{HOST}. ",
            id="another host",
        ),
        pytest.param(
            [_condition("Accepted", "False", "NoMatchingParent", "None"), RESOLVED],
            "NoMatchingParent: None. Has the Gateway a listener https? kubectl -n infra get "
            "gateway public -o yaml. ",
            id="no listener",
        ),
        pytest.param(
            [ACCEPTED, _condition("ResolvedRefs", "False", "BackendNotFound", "None")],
            "BackendNotFound: None. Is Flux installed in flux-system, with a Service "
            "webhook-receiver? flux check. ",
            id="no Service",
        ),
        pytest.param(
            [_condition("Accepted", "False", "UnsupportedValue", "Odd"), RESOLVED],
            "UnsupportedValue: Odd. ",
            id="what else there is",
        ),
    ],
)
def test_what_the_gateways_controller_refuses_ends_the_run_with_its_reason(
    conditions: list[dict[str, str]], said: str
) -> None:
    """And with what mends it; nothing behind the route is made."""
    with pytest.raises(RouteNotAcceptedError) as caught:
        registered(given(), conditions=conditions)

    assert (
        "flux: the Gateway infra/public does not take HTTPRoute flux-system/flux-0a1b2c3d; its "
        f"controller says {said}Mend that and run pulumi up again, with --refresh where it was "
        "mended in the cluster"
    ) == str(caught.value)


def test_a_route_that_is_taken_gives_its_host() -> None:
    """Whatever else its status says."""
    conditions = [ACCEPTED, RESOLVED, _condition("Programmed", "False")]

    assert HOST == registered(given(), conditions=conditions).outputs["flux"]["host"]


def test_a_preview_knows_the_host_and_asks_nobody() -> None:
    """The webhooks behind it are previewed as they will be."""
    assert HOST == registered(given(), preview=True).outputs["flux"]["host"]


def test_without_patience_nothing_is_waited_for_or_judged() -> None:
    """Where the controller is installed later."""
    refused = [_condition("Accepted", "False", "NoMatchingParent")]
    engine = registered(given(accept_timeout="0s"), conditions=refused)

    assert BACKGROUND == sent(engine, ":HTTPRoute")["metadata"]["annotations"]
    assert HOST == engine.outputs["flux"]["host"]


def test_a_silence_is_told_before_it_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin says no word of what it waits for."""

    class Silent(RecordingEngine):
        def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
            if request.type.endswith(":HTTPRoute"):
                time.sleep(0.5)
            return super().RegisterResource(request, context)

    monkeypatch.setattr("fluxhooks.components.receiver_route._SILENCE", 0.1)
    said = [
        (
            "warning",
            "no controller has said yet whether it takes the HTTPRoute; is the Gateway "
            "there, and does the controller of its class run? kubectl get "
            "gatewayclasses,gateways -A. It is waited for, 120 s in all",
        )
    ]

    assert said == Silent().run(program(given())).said
    assert [] == Silent().run(program(given(accept_timeout="0s"))).said
    assert [] == RecordingEngine().run(program(given())).said


def test_autonaming_that_is_disabled_is_refused() -> None:
    """The object would have no name."""
    config = {"pulumi:autonaming": '{"mode": "disabled"}'}
    engine = RecordingEngine(config=config)
    with pytest.raises(SettingError):
        engine.run(program(given()))

    assert [] == engine.of("ReceiverRoute")


@pytest.mark.parametrize("page", ["monitor.md", "route.md"])
def test_the_programs_of_the_documentation_run(page: str) -> None:
    """A reader who copies one has what the page is about."""
    text = (Path(__file__).parents[2] / "docs" / page).read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    made = [
        request.type.rpartition(":")[2]
        for block in blocks
        for request in RecordingEngine()
        .run(lambda block=block: exec(compile(block, page, "exec"), {}))  # type: ignore[misc]
        .requests
    ]

    assert 1 == len(blocks)
    assert ("ReceiverRoute" if page == "route.md" else "ReceiverMonitor") in made


HOST_CURES = [
    pytest.param(
        "*.example.com",
        "'*.example.com' is a wildcard; give the one host that senders call, as in "
        "'flux.example.com'",
        id="wildcard",
    ),
    pytest.param(
        f"https://{HOST}",
        f"'https://{HOST}' has a scheme; give the bare host, as in 'flux.example.com' (https is "
        "always used)",
        id="scheme",
    ),
    pytest.param(
        f"{HOST}/flux",
        f"'{HOST}/flux' has a path; give the bare host: the path is always /hook/",
        id="path",
    ),
    pytest.param(
        "10.0.0.1:8443",
        "'10.0.0.1:8443' is an address; a route is for a name, as in 'flux.example.com'",
        id="address",
    ),
    pytest.param(
        "[::1]",
        "'[::1]' is an address; a route is for a name, as in 'flux.example.com'",
        id="address of IPv6",
    ),
    pytest.param(
        "Flux.example.com",
        "'Flux.example.com' is not a host in lower-case letters, such as 'flux.example.com'",
        id="upper case",
    ),
    pytest.param(
        "", "'' is not a host in lower-case letters, such as 'flux.example.com'", id="none"
    ),
    pytest.param(
        7, "7 is not a host in lower-case letters, such as 'flux.example.com'", id="no text"
    ),
]


@pytest.mark.parametrize(("host", "reason"), HOST_CURES)
@pytest.mark.parametrize("later", [False, True])
def test_a_host_that_cannot_be_called_is_refused(host: Any, reason: str, later: bool) -> None:
    """At once, or when it is known."""
    engine = RecordingEngine()
    with pytest.raises(ArgumentError) as caught:
        engine.run(program(given(host=Later(host) if later else host)))

    assert f"host: {reason}" == str(caught.value)
    assert [] == engine.of(":HTTPRoute")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        pytest.param(
            given(host=None),
            'host: is missing; give the public host, as in "flux.example.com"',
            id="no host",
        ),
        pytest.param(
            given(gateway=None),
            'gateway: is missing, as in {"name": "public", "namespace": "infra", "section_name": '
            '"https"}, or ingress {"class_name": "nginx", "cluster_issuer": "letsencrypt"}',
            id="neither",
        ),
        pytest.param(
            given(ingress=INGRESS),
            'gateway: is given beside ingress; give one, as in {"name": "public", "namespace": '
            '"infra", "section_name": "https"}',
            id="both",
        ),
        pytest.param(
            given(gateway={"name": "public"}),
            "gateway.section_name: is missing; without it the route would be attached to the "
            'listener of plain HTTP too; give {"name": "public", "namespace": "infra", '
            '"section_name": "https"}',
            id="no listener",
        ),
        pytest.param(
            given(gateway={**GATEWAY, "port": 443}),
            "gateway.port: is not an argument; known are name, namespace, section_name",
            id="a port of a Gateway",
        ),
        pytest.param(
            given(gateway={**GATEWAY, "name": "Public"}),
            "gateway.name: 'Public' is not a Kubernetes name",
            id="a name that is none",
        ),
        pytest.param(
            given(path="/"),
            "path: is not an argument; known are accept_timeout, gateway, "
            "host, ingress, namespace, network_policy, port, service",
            id="a path of one's own",
        ),
        pytest.param(
            given(service="notification-controller"),
            "service: 'notification-controller' leads to Flux's port for events, which answers "
            "deliveries 400 or 202 and does nothing; Receivers are behind 'webhook-receiver': "
            "remove it",
            id="the Service of events",
        ),
        pytest.param(
            given(service="source-controller"),
            "service: 'source-controller' leads to Flux's port for artifacts; Receivers are "
            "behind 'webhook-receiver': remove it",
            id="the Service of artifacts",
        ),
        pytest.param(
            given(port=9292),
            "port: 9292 is the Pod's, and a route leads to a Service: webhook-receiver has 80; "
            "remove it",
            id="the Pod's port",
        ),
        pytest.param(
            given(port=9090),
            "port: 9090 is that of events, and a route leads to a Service: webhook-receiver has "
            "80; remove it",
            id="the port of events",
        ),
        pytest.param(
            given(port=0), "port: 0 is not a port; the Service has 80", id="a port that is none"
        ),
        pytest.param(
            ingress(tls_secret_name=None),
            "ingress: has no certificate, and forges send to https only; give tls_secret_name, or "
            "cluster_issuer of cert-manager, or default_certificate: true where the ingress "
            "controller brings one itself",
            id="no TLS",
        ),
        pytest.param(
            ingress(default_certificate=True),
            "ingress.default_certificate: is given beside tls_secret_name; a host has one "
            "certificate",
            id="two certificates",
        ),
        pytest.param(
            given(network_policy={}),
            'network_policy: lets nobody in; give {"namespaces": ["ingress-nginx"]}, or remove it',
            id="a policy for nobody",
        ),
        pytest.param(
            given(network_policy={"namespaces": "ingress-nginx"}),
            "network_policy.namespaces: 'ingress-nginx' is not a list of texts",
            id="one namespace that is no list",
        ),
        pytest.param(
            given(network_policy={"cidrs": ["10.0.0.1/8"]}),
            "network_policy.cidrs[0]: '10.0.0.1/8' is not a range of addresses such as "
            "'10.0.0.0/16'",
            id="a range that is none",
        ),
        pytest.param(
            given(accept_timeout="2 min"),
            "accept_timeout: '2 min' is not a duration such as '30s', '1m30s' or '2h'",
            id="a time that is none",
        ),
    ],
)
def test_arguments_that_cannot_work_are_refused_before_anything_is_registered(
    args: Any, message: str
) -> None:
    """One error, with the argument, the value and the cure."""
    engine = RecordingEngine()
    with pytest.raises(ArgumentError) as caught:
        engine.run(program(args))

    assert message == str(caught.value)
    assert [] == engine.of("ReceiverRoute")


PATHS = "changes paths, and Flux serves exactly /hook/ and the digest"
RULES = "brings rules from elsewhere, which may rewrite, redirect or refuse"
REDIRECTS = "redirects, and a forge takes a redirect for success and follows none"
CREDENTIALS = "asks for credentials that no forge has; the Receiver checks its senders"
ELSEWHERE = "sends deliveries, and what proves their sender, elsewhere"


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("nginx.ingress.kubernetes.io/rewrite-target", "/$1", f"{PATHS}; remove it"),
        ("nginx.ingress.kubernetes.io/use-regex", "true", f"{PATHS}; remove it"),
        ("nginx.ingress.kubernetes.io/app-root", "/app", f"{PATHS}; remove it"),
        ("haproxy.org/path-rewrite", "/", f"{PATHS}; remove it"),
        ("nginx.org/rewrites", "serviceName=x rewrite=/", f"{PATHS}; remove it"),
        ("konghq.com/strip-path", "true", f"{PATHS}; remove it"),
        ("appgw.ingress.kubernetes.io/backend-path-prefix", "/", f"{PATHS}; remove it"),
        ("traefik.ingress.kubernetes.io/router.pathmatcher", "Path", f"{PATHS}; remove it"),
        ("nginx.ingress.kubernetes.io/configuration-snippet", "x", f"{RULES}; remove it"),
        ("nginx.ingress.kubernetes.io/server-snippet", "x", f"{RULES}; remove it"),
        ("haproxy-ingress.github.io/config-backend", "x", f"{RULES}; remove it"),
        ("traefik.ingress.kubernetes.io/router.middlewares", "x", f"{RULES}; remove it"),
        ("alb.ingress.kubernetes.io/actions.forward", "{}", f"{RULES}; remove it"),
        ("konghq.com/plugins", "x", f"{RULES}; remove it"),
        ("nginx.ingress.kubernetes.io/force-ssl-redirect", "true", f"{REDIRECTS}; remove it"),
        ("nginx.ingress.kubernetes.io/permanent-redirect", "/x", f"{REDIRECTS}; remove it"),
        ("alb.ingress.kubernetes.io/ssl-redirect", "443", f"{REDIRECTS}; remove it"),
        ("nginx.ingress.kubernetes.io/auth-url", "https://x", f"{CREDENTIALS}; remove it"),
        ("alb.ingress.kubernetes.io/auth-type", "oidc", f"{CREDENTIALS}; remove it"),
        ("nginx.ingress.kubernetes.io/mirror-target", "https://x", f"{ELSEWHERE}; remove it"),
        ("nginx.ingress.kubernetes.io/canary", "true", f"{ELSEWHERE}; remove it"),
        (
            "nginx.ingress.kubernetes.io/server-alias",
            "x",
            "makes it answer for further hosts; remove it",
        ),
        (
            "nginx.ingress.kubernetes.io/ssl-passthrough",
            "true",
            "hands TLS to Flux, which speaks plain HTTP; remove it",
        ),
        (
            "nginx.ingress.kubernetes.io/custom-http-errors",
            "404",
            "replaces Flux's answers, which tell forge and probe what went wrong; remove it",
        ),
        (
            "nginx.ingress.kubernetes.io/backend-protocol",
            "HTTPS",
            "'HTTPS' is not what Flux speaks, which is HTTP; remove it",
        ),
        ("kubernetes.io/ingress.class", "nginx", "is what class_name is for; give that instead"),
        ("pulumi.com/skipAwait", "false", "is set by the component; remove it"),
        ("example.com/a", 1, '1 is not a text; annotations are, as in "true"'),
    ],
)
def test_annotations_that_break_a_webhook_are_refused(key: str, value: Any, reason: str) -> None:
    """Those that rewrite, redirect, ask for credentials, or may do any of it."""
    with pytest.raises(ArgumentError) as caught:
        check_args("flux", ingress(annotations={key: value}))

    assert f"ingress.annotations[{key!r}]: {reason}" == str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("acme.cert-manager.io/http01-override-ingress-name", "x"),
        ("alb.ingress.kubernetes.io/certificate-arn", "arn:aws:acm:x"),
        ("alb.ingress.kubernetes.io/listen-ports", '[{"HTTPS": 443}]'),
        ("external-dns.alpha.kubernetes.io/alias", "true"),
        ("kubernetes.io/ingress.allow-http", "false"),
        ("nginx.ingress.kubernetes.io/backend-protocol", "HTTP"),
        ("nginx.ingress.kubernetes.io/enable-global-auth", "false"),
        ("nginx.ingress.kubernetes.io/proxy-body-size", "3m"),
        ("nginx.ingress.kubernetes.io/ssl-redirect", "false"),
        ("nginx.ingress.kubernetes.io/whitelist-source-range", "192.30.252.0/22"),
        ("traefik.ingress.kubernetes.io/router.entrypoints", "websecure"),
    ],
)
def test_other_annotations_are_taken_as_they_are(key: str, value: str) -> None:
    """Certificates, DNS, addresses, sizes, and what switches off what would break it."""
    checked = check_args("flux", ingress(annotations={key: value}))

    assert checked.ingress is not None
    assert {key: value} == checked.ingress.annotations
