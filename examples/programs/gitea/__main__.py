"""A repository at a Gitea or Forgejo of one's own; only pushes to its main branch are sent."""

import pulumi

from fluxhooks import WebhookReceiver, WebhookReceiverArgs

config = pulumi.Config()

hook = WebhookReceiver(
    "app",
    WebhookReceiverArgs(
        host=config.require("host"),
        gitea={
            "url": config.require("server"),
            "owner": config.require("owner"),
            "repository": config.require("repository"),
            "branch_filter": "main",
        },
        resources=[{"kind": "GitRepository", "name": "app"}],
    ),
)
pulumi.export("webhook_id", hook.webhook_id)
