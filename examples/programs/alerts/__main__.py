"""What became of a push: people hear of failures, and the commit at GitHub has a status."""

import pulumi

from fluxhooks import ReceiverAlerts, WebhookReceiver

config = pulumi.Config()
owner, repository = config.require("owner"), config.require("repository")
resources = [{"kind": "GitRepository", "name": "app"}]

WebhookReceiver(
    "app",
    {
        "host": config.require("host"),
        "github": {"repository": repository},
        "resources": resources,
    },
)
people = ReceiverAlerts(
    "people",
    {
        "provider": {"type": "slack", "address": config.require_secret("slack")},
        # What Slack does not take is here all the same.
        "second": {
            "type": "alertmanager",
            "address": "http://alertmanager.monitoring:9093/api/v2/alerts/",
        },
        "resources": resources,
        "event_metadata": {"cluster": "production"},
    },
)
status = ReceiverAlerts(
    "app-status",
    {
        "provider": {
            "type": "github",
            "address": f"https://github.com/{owner}/{repository}",
            "token": config.require_secret("statuses"),
        },
        # Of this repository only: no other has the commit.
        "event_sources": [{"kind": "Kustomization", "name": "app"}],
    },
)
pulumi.export("alert", people.alert_name)
pulumi.export("status", status.alert_name)
