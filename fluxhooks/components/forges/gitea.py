"""Gitea's and Forgejo's side of the pair: the webhook of a repository or of an organisation."""

import functools
from collections.abc import Mapping

import pulumi

from fluxhooks.errors import IncompleteUpdateError


def repository_or_organization_webhook(
    name: str,
    *,
    at: Mapping[str, pulumi.Input[str]],
    events: pulumi.Input[list[str]],
    url: pulumi.Output[str],
    secret: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Register the webhook and return its ID, known when Gitea took it.

    Args:
        name: one for each generation. Gitea's API gives no webhook another secret; a new name is
            a plain create, and the old one a plain delete, after it.
        at: ``url`` of the server, ``owner`` and ``repository``, or ``organization``, and
            ``branch_filter`` where one is wanted.
    """
    # Loaded by the programs that use Gitea, and by no other.
    from pulumi import dynamic

    from fluxhooks.components.forges.gitea_provider import GiteaWebhookProvider

    class Webhook(dynamic.Resource, module="gitea", name="Webhook"):
        """A webhook of Gitea's, by code of this package: no package of Pulumi's has it."""

        hook_id: pulumi.Output[str | None]

    hook = Webhook(
        GiteaWebhookProvider(),
        name,
        {
            "server": at["url"],
            "owner": at.get("owner"),
            "repository": at.get("repository"),
            "organization": at.get("organization"),
            "url": url,
            "secret": secret,
            "events": events,
            "branch_filter": at.get("branch_filter", ""),
            "active": True,
            "content_type": "json",
            "hook_id": None,
        },
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                additional_secret_outputs=["secret", "url"], protect=False, retain_on_delete=False
            ),
        ),
    )
    return pulumi.Output.unsecret(hook.hook_id.apply(functools.partial(_made, name)))


def _made(name: str, hook_id: str | None) -> str:
    if hook_id is None:
        # What --target leaves out is not made, and the engine says no word of it.
        raise IncompleteUpdateError(
            f"{name} is not made in this update, which leaves it out; nothing was deleted, run "
            "pulumi up without --target"
        )
    return hook_id
