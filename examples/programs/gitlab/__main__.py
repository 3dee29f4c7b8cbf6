"""A GitLab project; only pushes to its release branches are sent."""

import pulumi

from fluxhooks import WebhookReceiver, WebhookReceiverArgs

config = pulumi.Config()

hook = WebhookReceiver(
    "app",
    WebhookReceiverArgs(
        host=config.require("host"),
        gitlab={"project": config.require("project"), "push_events_branch_filter": "release-*"},
        resources=[{"kind": "GitRepository", "name": "app"}],
    ),
)
pulumi.export("webhook_id", hook.webhook_id)
