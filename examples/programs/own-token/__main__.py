"""The token is given: by `pulumi config set --secret token`, or by an environment of Pulumi ESC.

A rotation is a new token and the next generation, in one update.
"""

import pulumi

from fluxhooks import WebhookReceiver, WebhookReceiverArgs

config = pulumi.Config()

hook = WebhookReceiver(
    "app",
    WebhookReceiverArgs(
        host=config.require("host"),
        github={"repository": "app"},
        resources=[{"kind": "GitRepository", "name": "app"}],
        token=config.require_secret("token"),
        generation=config.get_int("generation") or 1,
    ),
)
pulumi.export("generation", hook.generation)
