"""The webhook at the forge that the arguments name."""

from pathlib import Path

import pulumi

from fluxhooks.components.checks import Checked
from fluxhooks.components.forges import gitea, github
from fluxhooks.components.forges.gitlab import gitlab_webhook
from fluxhooks.flux.generations import generation_name


def check_forge(args: Checked) -> None:
    """Check what a webhook needs besides its arguments, before anything is registered.

    Raises:
        ArgumentError: it cannot be made.
    """
    if args.gitea is not None:
        from fluxhooks.components.forges.gitea_python import check_python

        check_python(Path.cwd())


def webhook_at_forge(
    component: pulumi.ComponentResource,
    name: str,
    args: Checked,
    *,
    url: pulumi.Output[str],
    token: pulumi.Output[str],
) -> pulumi.Output[str]:
    """Register the webhook that calls `url`, and return its ID, known when the forge took it.

    Without a forge there is none, and the ID is empty.
    """
    opts = pulumi.ResourceOptions(parent=component)
    if args.github is not None:
        return github.repository_or_organization_webhook(
            f"{name}-webhook",
            at=args.github,
            events=args.events,
            url=url,
            secret=token,
            opts=opts,
        )
    if args.gitlab is not None:
        return gitlab_webhook(
            f"{generation_name(name, args.live)}-webhook",
            at=args.gitlab,
            events=args.events,
            url=url,
            token=token,
            opts=opts,
        )
    if args.gitea is not None:
        return gitea.repository_or_organization_webhook(
            f"{generation_name(name, args.live)}-webhook",
            at=args.gitea,
            events=args.events,
            url=url,
            secret=token,
            opts=opts,
        )
    # Known when the URL is, so that nothing is finished with one that did not prove itself.
    return pulumi.Output.unsecret(url.apply(lambda _: ""))
