"""What type checkers must accept, know and refuse of a route and a monitor; never run."""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from typing import assert_type

import pulumi

from fluxhooks import (
    GatewayArgs,
    ReceiverMonitor,
    ReceiverMonitorArgs,
    ReceiverRoute,
    ReceiverRouteArgs,
)

text: pulumi.Output[str] = pulumi.Output.from_input("x")

route = ReceiverRoute(
    "flux",
    ReceiverRouteArgs(
        host="flux.example.com",
        gateway=GatewayArgs(name="public", namespace="infra", section_name="https"),
    ),
)

assert_type(route.host, pulumi.Output[str])
assert_type(route.route_name, pulumi.Output[str])
assert_type(route.url, pulumi.Output[str])

ReceiverRoute(
    "flux",
    {
        "host": text,
        "ingress": {
            "annotations": {"external-dns.alpha.kubernetes.io/ttl": text},
            "class_name": text,
            "cluster_issuer": text,
            "tls_secret_name": text,
        },
        "namespace": text,
        "network_policy": {"cidrs": [text], "namespaces": [text]},
        "port": 80,
        "service": text,
        "accept_timeout": "30s",
    },
)

monitor = ReceiverMonitor(
    "watch",
    ReceiverMonitorArgs(
        alert_rules={"exporter": True, "labels": {"release": text}, "without": ["FluxhooksSlow"]},
        blackbox={"prober": text, "host": route.host},
        probe_job={"image": text, "host": route.host, "secret_names": [text]},
    ),
)

assert_type(monitor.cron_job_name, pulumi.Output[str])
assert_type(monitor.rule_name, pulumi.Output[str])

# A listener is needed, a path is none of the arguments, and neither is a rule of one's own.
ReceiverRoute("flux", {"host": "h", "gateway": {"name": "public"}})  # type: ignore[typeddict-item]
ReceiverRoute("flux", {"host": "h", "path": "/"})  # type: ignore[typeddict-unknown-key]
ReceiverMonitor("watch", {"rules": []})  # type: ignore[typeddict-unknown-key]
