"""The way a webhook's secret is rotated today, as public examples do it, to be compared with.

Fixed names, the path computed from the token, and a token that is replaced in place. The Secret
changes at once, the Receiver is not touched, and the controller goes on serving the old path
until it reads the Secret again.
"""

PROGRAM = '''\
"""A Receiver and its webhook with fixed names; raising `rotation` replaces the token in place."""

import hashlib

import pulumi
import pulumi_github as github
import pulumi_kubernetes as kubernetes
import pulumi_random as random

config = pulumi.Config()
name, namespace = config.require("name"), "flux-system"

token = random.RandomPassword(
    "token", length=40, special=False, keepers={"rotation": config.get("rotation") or "1"}
)
metadata = {
    "name": name,
    "namespace": namespace,
    # There is no garbage collector in an API server that runs alone.
    "annotations": {"pulumi.com/deletionPropagationPolicy": "background"},
}
secret = kubernetes.core.v1.Secret(
    "secret", metadata=metadata, string_data={"token": token.result}
)
receiver = kubernetes.apiextensions.CustomResource(
    "receiver",
    api_version="notification.toolkit.fluxcd.io/v1",
    kind="Receiver",
    metadata={
        **metadata,
        "annotations": {**metadata["annotations"], "pulumi.com/waitFor": "condition=Ready"},
    },
    spec={
        "type": "github",
        "events": ["ping", "push"],
        "secretRef": {"name": secret.metadata["name"]},
        "resources": [{"kind": "GitRepository", "name": config.require("source")}],
    },
)
digest = token.result.apply(
    lambda value: hashlib.sha256(f"{value}{name}{namespace}".encode()).hexdigest()
)
github.RepositoryWebhook(
    "webhook",
    repository=config.require("repository"),
    events=["push"],
    configuration={
        "url": pulumi.Output.concat("https://", config.require("host"), "/hook/", digest),
        "secret": token.result,
        "content_type": "json",
    },
    opts=pulumi.ResourceOptions(depends_on=[receiver]),
)
'''
