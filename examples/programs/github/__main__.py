"""Several GitHub repositories, each with a webhook and a Receiver of its own."""

import pulumi

from fluxhooks import WebhookReceiver, WebhookReceiverArgs

config = pulumi.Config()

for repository in config.require_object("repositories"):
    hook = WebhookReceiver(
        repository,
        WebhookReceiverArgs(
            host=config.require("host"),
            github={"repository": repository},
            resources=[{"kind": "GitRepository", "name": repository}],
        ),
    )
    pulumi.export(repository, {"generation": hook.generation, "webhook_id": hook.webhook_id})
