"""GitHub's side of the pair: a repository's webhook."""

from typing import Any

import pulumi

from fluxhooks.errors import IncompleteUpdateError
from fluxhooks.flux.hook_path import path_of


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

    Raises (in the Output):
        IncompleteUpdateError: this update left the webhook out, and it calls another path.
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
    taken = pulumi.Output.all(
        active=webhook.active,
        calls=webhook.configuration.apply(lambda known: known and known.url),
        id=webhook.id,
        name=name,
        url=url,
    )
    return pulumi.Output.unsecret(taken.apply(_id_where_it_calls))


def _id_where_it_calls(known: dict[str, Any]) -> str:
    if path_of(known["calls"] or "") != path_of(known["url"]):
        # What --target leaves out stays as it is, and the engine says no word of it.
        raise IncompleteUpdateError(
            f"{known['name']} is left out of this update and still calls another generation; "
            "nothing was deleted, run pulumi up without --target"
        )
    return str(known["id"])
