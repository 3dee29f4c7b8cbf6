"""A webhook whose way in is a route at a Gateway, with alert rules and a scheduled probe."""

import pulumi

from fluxhooks import ReceiverMonitor, ReceiverRoute, WebhookReceiver

config = pulumi.Config()

route = ReceiverRoute(
    "flux",
    {
        "host": config.require("host"),
        "gateway": {
            "name": config.require("gateway"),
            "namespace": config.require("gateway_namespace"),
            "section_name": "https",
        },
    },
)
hook = WebhookReceiver(
    "app",
    {
        "host": route.host,
        "github": {"repository": config.require("repository")},
        "resources": [{"kind": "GitRepository", "name": "app"}],
    },
)
monitor = ReceiverMonitor(
    "flux",
    {
        # Those by which the Prometheus operator finds rules.
        "alert_rules": {"labels": {"release": "kube-prometheus-stack"}},
        "probe_job": {
            "host": route.host,
            "image": config.require("image"),
            # Its flux-system has no other Receivers; else leave this out.
            "secret_names": [hook.secret_name],
        },
    },
)
pulumi.export("url", route.url)
pulumi.export("cron_job", monitor.cron_job_name)
