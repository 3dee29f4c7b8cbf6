"""GitHub's side of the pair: the webhook of a repository or of an organisation."""

import os
from collections.abc import Mapping
from typing import Any, Final

import pulumi

from fluxhooks.errors import ArgumentError, IncompleteUpdateError
from fluxhooks.flux.hook_path import path_of

_ORGANIZATION_WEBHOOK: Final = "github:index/organizationWebhook:OrganizationWebhook"


def repository_or_organization_webhook(
    name: str,
    *,
    at: Mapping[str, pulumi.Input[str]],
    events: pulumi.Input[list[str]],
    url: pulumi.Output[str],
    secret: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Register the webhook and return its ID, known when the forge took the webhook.

    URL and secret travel in one request, on creation and on every change: GitHub drops a secret
    that a change of the configuration does not repeat.

    Args:
        at: ``repository`` or ``organization``.

    Raises (in the Output):
        IncompleteUpdateError: this update left the webhook out, and it calls another path.
        ArgumentError: the webhook is that of another organisation.
    """
    # The SDK is loaded by the programs that use GitHub, and by no other.
    import pulumi_github

    organization = at.get("organization")
    kind: Any = pulumi_github.RepositoryWebhook
    if organization is not None:
        kind = pulumi_github.OrganizationWebhook
        events = pulumi.Output.all(
            events=events, named=organization, owners=_owners(opts.parent)
        ).apply(_events_where_owned)
    webhook = kind(
        name,
        active=True,
        configuration={
            "content_type": "json",
            "insecure_ssl": False,
            "secret": secret,
            "url": url,
        },
        events=events,
        opts=opts,
        # An organisation's has no such argument: it is its provider's owner.
        **{key: value for key, value in at.items() if key == "repository"},
    )
    # A write that failed under --continue-on-error leaves the ID known, and nothing else.
    taken = pulumi.Output.all(
        active=webhook.active,
        address=webhook.url if organization is not None else None,
        calls=webhook.configuration.apply(lambda known: known and known.url),
        id=webhook.id,
        name=name,
        named=organization,
        url=url,
    )
    return pulumi.Output.unsecret(taken.apply(_id_where_it_calls))


def _owners(component: pulumi.Resource | None) -> pulumi.Input[list[str | None]]:
    """Return what may name the owner of the provider that a component's children have.

    Which of them counts is for the provider's version to say: 6.13 prefers the environment, and
    the next major one is announced to prefer what it was given.
    """
    provider: Any = component and component.get_provider(_ORGANIZATION_WEBHOOK)
    environment = [os.environ.get(name) for name in ("GITHUB_OWNER", "GITHUB_ORGANIZATION")]
    if provider is None:
        config = pulumi.Config("github")
        return [config.get("owner"), config.get("organization"), *environment]
    # The provider of a program in another language is a name and no more.
    owner: pulumi.Output[str | None] = pulumi.Output.from_input(getattr(provider, "owner", None))
    return owner.apply(lambda given: [given, *environment] if given else [])


def _events_where_owned(known: dict[str, Any]) -> list[str]:
    # Before the webhook is made: it would be made, and GitHub told its secret.
    _check_owner(known["named"], [owner for owner in known["owners"] if owner])
    events: list[str] = known["events"]
    return events


def _check_owner(named: str, owners: list[str]) -> None:
    if owners and named.lower() not in {owner.lower() for owner in owners}:
        raise ArgumentError(
            "github.organization",
            f"{named!r} is not the owner of the GitHub provider, which is {owners[0]!r} and would "
            f"have the webhook; set it there: pulumi config set github:owner {named}",
        )


def _id_where_it_calls(known: dict[str, Any]) -> str:
    if path_of(known["calls"] or "") != path_of(known["url"]):
        # What --target leaves out stays as it is, and the engine says no word of it.
        raise IncompleteUpdateError(
            f"{known['name']} is left out of this update and still calls another generation; "
            "nothing was deleted, run pulumi up without --target"
        )
    if known["named"] is not None:
        # Where nothing told it beforehand, or two things did.
        _check_owner(known["named"], [_organization_of(known["address"])])
    return str(known["id"])


def _organization_of(address: str) -> str:
    """Return whose webhook has an address as in https://api.github.com/orgs/acme/hooks/1."""
    return address.partition("/orgs/")[2].partition("/")[0]
