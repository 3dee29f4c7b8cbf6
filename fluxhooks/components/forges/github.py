"""GitHub's side of the pair: a repository's webhook."""

import pulumi


def repository_webhook(
    name: str,
    *,
    repository: pulumi.Input[str],
    events: pulumi.Input[list[str]],
    url: pulumi.Output[str],
    secret: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Register `repository`'s webhook and return its ID, known when the forge took the webhook.

    URL and secret travel in one request, on creation and on every change: GitHub drops a secret
    that a change of the configuration does not repeat.
    """
    # The SDK is loaded by the programs that use GitHub, and by no other.
    import pulumi_github

    webhook = pulumi_github.RepositoryWebhook(
        name,
        active=True,
        configuration={
            "content_type": "json",
            "insecure_ssl": False,
            "secret": secret,
            "url": url,
        },
        events=events,
        repository=repository,
        opts=opts,
    )
    # A write that failed under --continue-on-error leaves the ID known, and nothing else.
    return pulumi.Output.all(webhook.id, webhook.active).apply(lambda known: str(known[0]))
