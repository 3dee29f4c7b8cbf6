"""The ready program: the stack's settings in, one WebhookReceiver per entry out."""

import pulumi
from settings import Settings

from fluxhooks import WebhookReceiver

settings = Settings.from_config(pulumi.Config("fluxhooks"))

for name, receiver in settings.receivers.items():
    component = WebhookReceiver(name, settings.args_of(receiver))
    outputs = {
        "generation": component.generation,
        "receiver": component.receiver_name,
        "webhook_id": component.webhook_id,
    }
    if receiver.type is not None:
        # For whoever gives them to the sender: pulumi stack output --show-secrets
        outputs |= {"hook_url": component.hook_url, "token": component.token}
    pulumi.export(name, outputs)
