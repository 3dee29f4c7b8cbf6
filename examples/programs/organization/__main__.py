"""One webhook of a GitHub organisation; each source hears of its own repository alone."""

import pulumi

from fluxhooks import ResourceRef, WebhookReceiver, WebhookReceiverArgs

config = pulumi.Config()
organization = config.require("organization")


def source(repository: str) -> ResourceRef:
    """The GitRepository that follows a repository of the same name."""
    return {
        "kind": "GitRepository",
        "name": repository,
        "filter": f"req.repository.full_name == '{organization}/{repository}'",
    }


hook = WebhookReceiver(
    organization,
    WebhookReceiverArgs(
        host=config.require("host"),
        github={"organization": organization},
        resources=[source(name) for name in config.require_object("repositories")],
    ),
)
pulumi.export("webhook_id", hook.webhook_id)
