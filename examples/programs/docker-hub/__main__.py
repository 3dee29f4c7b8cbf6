"""Docker Hub has no API for webhooks: the URL is pasted there, and shown by

pulumi stack output hook_url --show-secrets
"""

import pulumi

from fluxhooks import ReceiverType, WebhookReceiver, WebhookReceiverArgs

config = pulumi.Config()

hook = WebhookReceiver(
    "images",
    WebhookReceiverArgs(
        host=config.require("host"),
        type=ReceiverType.DOCKERHUB,
        resources=[{"kind": "ImageRepository", "name": "app", "namespace": "apps"}],
        # Docker Hub shows nothing but the path: this is what keeps others' images out.
        resource_filter="req.repository.repo_name == 'acme/app'",
    ),
)
pulumi.export("hook_url", hook.hook_url)
