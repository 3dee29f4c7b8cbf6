"""Tokens and the External Secrets Operator: one is read from a store, one is copied to it.

With the generation in the key, a rotation finds the next token beside the live one.
"""

import pulumi

from fluxhooks import WebhookReceiver, WebhookReceiverArgs

config = pulumi.Config()
host = config.require("host")

WebhookReceiver(
    "shop",
    WebhookReceiverArgs(
        host=host,
        github={"repository": "shop"},
        resources=[{"kind": "GitRepository", "name": "shop"}],
        token_from={"store": "vault", "key": "flux/shop/{generation}"},
    ),
)

WebhookReceiver(
    "blog",
    WebhookReceiverArgs(
        host=host,
        github={"repository": "blog"},
        resources=[{"kind": "GitRepository", "name": "blog"}],
        token_to={"store": "vault", "key": "flux/blog/{generation}"},
    ),
)
