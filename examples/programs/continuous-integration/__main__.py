"""A CI job signs what it posts, with a token that is handed over as a secret output.

See https://fluxcd.io/flux/components/notification/receivers/#generic-hmac
"""

import pulumi

from fluxhooks import ReceiverType, WebhookReceiver, WebhookReceiverArgs

config = pulumi.Config()

hook = WebhookReceiver(
    "built",
    WebhookReceiverArgs(
        host=config.require("host"),
        type=ReceiverType.GENERIC_HMAC,
        # All sources of the team, whatever their names.
        resources=[{"kind": "OCIRepository", "name": "*", "match_labels": {"team": "shop"}}],
    ),
)
pulumi.export("hook_url", hook.hook_url)
pulumi.export("token", hook.token)
