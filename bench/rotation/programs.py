"""The programs whose rotations are compared; raising `rotation` rotates.

The third one is `sandbox.in_place`.
"""

OURS = '''\
"""The component, as the README shows it."""

import pulumi

from fluxhooks import WebhookReceiver

config = pulumi.Config()

WebhookReceiver(
    config.require("name"),
    {
        "host": config.require("host"),
        "github": {"repository": config.require("repository")},
        "resources": [{"kind": "GitRepository", "name": config.require("source")}],
        "generation": config.get_int("rotation") or 1,
        "drain": config.require("drain"),
    },
)
'''

NAIVE = '''\
"""Pulumi's own replacement: new token, Secret and Receiver with names of Pulumi's choice.

The path is read from the Receiver's status, as Flux's guide does it. The old Receiver is deleted
as soon as the webhook points at the new one.
"""

import pulumi
import pulumi_github as github
import pulumi_kubernetes as kubernetes
import pulumi_random as random

config = pulumi.Config()
name = config.require("name")


class Receiver(pulumi.CustomResource):
    """What crd2pulumi makes of the kind, cut down to what is used here."""

    status: pulumi.Output[dict]

    def __init__(self, name, *, metadata, spec, opts):
        props = {
            "apiVersion": "notification.toolkit.fluxcd.io/v1",
            "kind": "Receiver",
            "metadata": metadata,
            "spec": spec,
            "status": None,
        }
        super().__init__("kubernetes:notification.toolkit.fluxcd.io/v1:Receiver", name, props, opts)


# There is no garbage collector in an API server that runs alone.
deletion = {"pulumi.com/deletionPropagationPolicy": "background"}

token = random.RandomPassword(
    "token", length=40, special=False, keepers={"rotation": config.get("rotation") or "1"}
)
secret = kubernetes.core.v1.Secret(
    name,
    metadata={"namespace": "flux-system", "annotations": deletion},
    string_data={"token": token.result},
)
receiver = Receiver(
    name,
    metadata={
        "namespace": "flux-system",
        "annotations": {
            **deletion,
            "pulumi.com/waitFor": '["jsonpath={.status.webhookPath}","condition=Ready"]',
        },
    },
    spec={
        "type": "github",
        "events": ["ping", "push"],
        "secretRef": {"name": secret.metadata["name"]},
        "resources": [{"kind": "GitRepository", "name": config.require("source")}],
    },
    opts=pulumi.ResourceOptions(replace_on_changes=["spec.secretRef.name"]),
)
github.RepositoryWebhook(
    "webhook",
    repository=config.require("repository"),
    events=["push"],
    configuration={
        "url": pulumi.Output.concat(
            "https://", config.require("host"), receiver.status["webhookPath"]
        ),
        "secret": token.result,
        "content_type": "json",
    },
)
'''
