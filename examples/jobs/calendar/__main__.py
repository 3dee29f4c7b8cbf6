"""A webhook receiver whose secret rotates by the calendar: run `pulumi up` every day."""

import pulumi

from fluxhooks import WebhookReceiver, WebhookReceiverArgs

config = pulumi.Config()
repository = config.require("repository")

hook = WebhookReceiver(
    repository,
    WebhookReceiverArgs(
        host=config.require("host"),
        github={"repository": repository},
        resources=[{"kind": "GitRepository", "name": repository}],
        # Raise extra by one to rotate out of turn, as after a leak.
        schedule={"every": "90d", "since": "2026-01-31", "extra": 0},
    ),
)
pulumi.export("generation", hook.generation)
pulumi.export("due_at", hook.due_at)
