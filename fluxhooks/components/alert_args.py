"""The arguments of ReceiverAlerts: their types for every Pulumi language."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi

from fluxhooks.components.args import ResourceRef
from fluxhooks.flux.alert_providers import AlertProviderType, AlertSeverity


class GitHubAppArgs(TypedDict):
    """A GitHub App that may write what is sent: statuses, comments, or repository dispatches."""

    app_id: pulumi.Input[str]
    """The App's ID."""

    installation_id: NotRequired[pulumi.Input[str]]
    """The ID of its installation; one of this and installation_owner."""

    installation_owner: NotRequired[pulumi.Input[str]]
    """The organisation or user that installed it."""

    private_key: pulumi.Input[str]
    """The App's private key, as PEM; secret."""

    base_url: NotRequired[pulumi.Input[str]]
    """The API of an Enterprise Server, as in "https://github.example.com/api/v3"."""


class AlertProviderArgs(TypedDict):
    """Where alerts are sent: Flux's Provider, and its Secret."""

    type: AlertProviderType
    """Which of Flux's thirty-two: slack, msteams, generic-hmac, github, …"""

    address: NotRequired[pulumi.Input[str]]
    """The URL that takes the alerts; with types that write to a repository, its web address, as
    in "https://github.com/acme/app". It is secret and lies in the Secret, unless it is a
    repository's. Every type but telegram needs one."""

    token: NotRequired[pulumi.Input[str]]
    """What the type calls a token, an API key or, with generic-hmac, the key that signs; secret."""

    username: NotRequired[pulumi.Input[str]]
    """With a password, who sends; else the name under which it is posted, where the type has
    that."""

    password: NotRequired[pulumi.Input[str]]
    """The password of username; secret."""

    github_app: NotRequired[GitHubAppArgs]
    """A GitHub App, in the place of a token, with the types that write to GitHub."""

    creds: NotRequired[pulumi.Input[str]]
    """The contents of a .creds file, with the type nats; secret."""

    nkey: NotRequired[pulumi.Input[str]]
    """The seed of an NKey, with the type nats; secret."""

    headers: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Headers that are sent along, with generic, generic-hmac and otel; attributes of a message
    with googlepubsub; secret."""

    secret_name: NotRequired[pulumi.Input[str]]
    """The name of a Secret that is made elsewhere, in the place of all that would be kept in one;
    its keys are Flux's: address, token, username, password, headers, …"""

    certificate_secret_name: NotRequired[pulumi.Input[str]]
    """The name of a Secret with ca.crt, or tls.crt and tls.key, or all three: Flux's
    certSecretRef."""

    proxy_secret_name: NotRequired[pulumi.Input[str]]
    """The name of a Secret with the address, username and password of a proxy."""

    channel: NotRequired[pulumi.Input[str]]
    """The channel, room, topic, subject, or, with pagerduty, the integration's key."""

    service_account_name: NotRequired[pulumi.Input[str]]
    """The ServiceAccount whose identity at the cloud is used, with azuredevops, azureeventhub and
    googlepubsub; Flux's feature ObjectLevelWorkloadIdentity must be on."""

    commit_status_expr: NotRequired[pulumi.Input[str]]
    """A CEL expression over event, provider and alert that gives a commit status its name; when
    absent it is kind/name/<part of the Provider's UID>."""

    timeout: NotRequired[pulumi.Input[str]]
    """How long one alert may take to be sent, tries included, as in "30s"; Flux's 15s when
    absent."""


class EventSource(TypedDict):
    """Whose events are sent: one object's, or those of all of a kind."""

    kind: pulumi.Input[str]
    """Any of Flux's sources and appliers: GitRepository, Kustomization, HelmRelease, …"""

    name: pulumi.Input[str]
    """The object's name, or "*" for all of the kind in the namespace."""

    namespace: NotRequired[pulumi.Input[str]]
    """The objects' namespace; the Alert's when absent."""

    match_labels: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Labels an object must carry; with the name "*" only."""


class ReceiverAlertsArgs(TypedDict):
    """The arguments of ReceiverAlerts."""

    provider: AlertProviderArgs
    """Where alerts are sent."""

    second: NotRequired[AlertProviderArgs]
    """Where the same alerts are sent besides, by a Provider and an Alert of its own: what the
    first could not deliver is there."""

    resources: NotRequired[pulumi.Input[Sequence[pulumi.Input[ResourceRef]]]]
    """What a WebhookReceiver's resources are, the same list. An Alert cannot name a Receiver, so
    events are taken of these, and of whatever follows them: all Kustomizations and HelmReleases
    of their namespaces, with an ImageRepository all ImagePolicies and ImageUpdateAutomations. Not
    for commit statuses, which need the Kustomizations of one repository: name those in
    event_sources."""

    event_sources: NotRequired[pulumi.Input[Sequence[pulumi.Input[EventSource]]]]
    """Whose events are sent, by name; beside resources, or in their place."""

    severity: NotRequired[AlertSeverity]
    """error for failures only, info for everything. When absent: error where people read it; info
    where it is a commit's status, a comment or a record, and with pagerduty, whose incidents are
    resolved by it."""

    exclusion_list: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Go regular expressions; an event whose message one of them matches is not sent. Beside the
    default ones."""

    default_exclusions: NotRequired[bool]
    """Whether what passes by itself, or is told by another object too, is left out; true when
    absent where people read it, else false. docs/alerts.md lists it, with the reasons."""

    exclude_node_replacement: NotRequired[bool]
    """Whether what Flux cannot reach while Pods move to another node is left out too: admission
    webhooks, source-controller, DNS, the API server. Nothing is sent then when such a failure
    lasts, so something else must watch what stays not Ready; false when absent."""

    inclusion_list: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Go regular expressions; only events whose message one of them matches are sent. All when
    absent."""

    event_metadata: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """What is added to every event, as in {"cluster": "production", "summary": "…"}."""

    namespace: NotRequired[pulumi.Input[str]]
    """The namespace of all objects; "flux-system" when absent."""

    suspend: NotRequired[bool]
    """Whether nothing is sent for the time being; false when absent."""
