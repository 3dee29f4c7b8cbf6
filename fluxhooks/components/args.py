"""The arguments of a WebhookReceiver: their types for every Pulumi language."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi

from fluxhooks.flux.receiver_types import ReceiverType


class ResourceRef(TypedDict):
    """What a delivery reconciles: one object, or all of a kind that carry certain labels."""

    kind: pulumi.Input[str]
    """A source: Bucket, GitRepository, HelmChart, HelmRepository, ImageRepository, OCIRepository.
    Kustomization and HelmRelease, which follow their source, are taken with a warning; the other
    kinds a Receiver may name without one."""

    name: pulumi.Input[str]
    """The object's name, or "*" for all of the kind that match match_labels."""

    namespace: NotRequired[pulumi.Input[str]]
    """The object's namespace; the Receiver's when absent."""

    match_labels: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Labels an object must carry; with the name "*" only, and needed there."""

    api_version: NotRequired[pulumi.Input[str]]
    """The object's apiVersion; that of Flux 2.7 for the kind when absent."""

    filter: NotRequired[pulumi.Input[str]]
    """A CEL expression over req and res, as resource_filter is, for this target alone: as in
    req.repository.full_name == 'acme/app' where one webhook speaks for many repositories. Flux
    2.9 and newer."""


class GitHubArgs(TypedDict):
    """Where on GitHub the webhook is registered: a repository or an organisation, one of them."""

    repository: NotRequired[pulumi.Input[str]]
    """The repository's bare name; its owner is the GitHub provider's."""

    organization: NotRequired[pulumi.Input[str]]
    """The organisation's name, which must be the GitHub provider's owner. Its webhook hears of
    all its repositories: a filter of each target, as in req.repository.full_name == 'acme/app',
    says which one reconciles it."""


class GitLabArgs(TypedDict):
    """Where on GitLab the webhook is registered: a project, a group or the instance, one of
    them."""

    project: NotRequired[pulumi.Input[str]]
    """The project's ID or full path, as in "acme/app"."""

    group: NotRequired[pulumi.Input[str]]
    """The group's ID or full path; its webhook hears of all its projects. GitLab Premium has
    them."""

    system_hook: NotRequired[bool]
    """True for the webhook of a self-managed instance, which hears of all its projects: a filter
    of each target, as in req.project.path_with_namespace == 'acme/app', says which one reconciles
    it. GITLAB_TOKEN is an administrator's."""

    push_events_branch_filter: NotRequired[pulumi.Input[str]]
    """The branches whose pushes are sent, with wildcards as in "release-*"; all when absent."""


class GiteaArgs(TypedDict):
    """Where on a Gitea or Forgejo the webhook is registered: a repository, by owner and
    repository, or an organisation."""

    url: pulumi.Input[str]
    """The server's address as people open it: "https://gitea.example.com". Its token is that of
    GITEA_TOKEN, else of FORGEJO_TOKEN, in the environment of the update."""

    owner: NotRequired[pulumi.Input[str]]
    """The user or organisation that has the repository."""

    repository: NotRequired[pulumi.Input[str]]
    """The repository's bare name."""

    organization: NotRequired[pulumi.Input[str]]
    """The organisation's name. Its webhook hears of all its repositories: a filter of each
    target, as in req.repository.full_name == 'acme/app', says which one reconciles it."""

    branch_filter: NotRequired[pulumi.Input[str]]
    """The branches whose pushes are sent, as a glob: "main", "release/*", "{main,dev}"; all when
    absent."""


class GcrArgs(TypedDict):
    """Which Pub/Sub subscription a Receiver of the type gcr believes."""

    email: pulumi.Input[str]
    """The e-mail of the service account that the subscription authenticates as."""

    audience: pulumi.Input[str]
    """The audience of the subscription's push configuration. Set one there: Google's default is
    the URL, which changes with each rotation."""


class OidcVariable(TypedDict):
    """A CEL expression that others may use by its name."""

    name: pulumi.Input[str]
    """A CEL identifier; the expression is vars.<name> from then on."""

    expression: pulumi.Input[str]
    """A CEL expression over claims and earlier vars."""


class OidcValidation(TypedDict):
    """What must be true of whoever sends."""

    expression: pulumi.Input[str]
    """A CEL expression over claims and vars, as in claims.repository_owner == 'acme'."""

    message: pulumi.Input[str]
    """What the controller's log says where it is false."""


class OidcProvider(TypedDict):
    """An OpenID Connect issuer whose tokens a Receiver of the type generic-oidc believes."""

    issuer_url: pulumi.Input[str]
    """The issuer, as tokens name it: "https://token.actions.githubusercontent.com"."""

    audience: NotRequired[pulumi.Input[str]]
    """The audience a token must have; "notification-controller" when absent."""

    variables: NotRequired[pulumi.Input[Sequence[pulumi.Input[OidcVariable]]]]
    """Expressions that validations share; none when absent."""

    validations: pulumi.Input[Sequence[pulumi.Input[OidcValidation]]]
    """All must be true; at least one, as a public issuer gives tokens to everybody."""


class TokenStoreArgs(TypedDict):
    """Where a token lies in a store, as the External Secrets Operator names it."""

    store: pulumi.Input[str]
    """The name of the SecretStore, in the Receiver's namespace, or of the ClusterSecretStore."""

    store_kind: NotRequired[pulumi.Input[str]]
    """SecretStore, which it is when absent, or ClusterSecretStore."""

    key: pulumi.Input[str]
    """The key in the store, with {generation} in it, as in "flux/app/{generation}": the next
    generation's token lies beside the live one."""

    property: NotRequired[pulumi.Input[str]]
    """Which part of what lies there, in stores that have parts; all of it when absent."""


class ScheduleArgs(TypedDict):
    """A rotation every so often: the first update of a new period makes the next generation."""

    every: str
    """How long a period is, in days or weeks: "90d", "12w"."""

    since: str
    """The day on which the first period begins, in UTC, as in "2026-01-31"."""

    extra: NotRequired[int]
    """Rotations out of turn so far; raising it by one rotates at once, as after a leak. 0 when
    absent; never lowered."""


class WebhookReceiverArgs(TypedDict):
    """The arguments of a WebhookReceiver."""

    host: pulumi.Input[str]
    """The public host of Flux's webhook-receiver Service, with a port where it is not 443:
    "flux.example.com". Deliveries are sent to https://<host>/hook/<digest>."""

    resources: pulumi.Input[Sequence[pulumi.Input[ResourceRef]]]
    """What a delivery reconciles: at least one source."""

    github: NotRequired[GitHubArgs]
    """The GitHub repository or organisation that sends."""

    gitlab: NotRequired[GitLabArgs]
    """The GitLab project or group that sends."""

    gitea: NotRequired[GiteaArgs]
    """The repository or organisation at a Gitea or Forgejo that sends. With none of the three
    forges no webhook is made: its sender is given hook_url and token by other means, and an older
    generation stays until it is retired on purpose."""

    type: NotRequired[ReceiverType]
    """The Receiver's type; that of the forge when absent: github also for gitea. Needed where no
    forge is named, and then any of Flux's."""

    gcr: NotRequired[GcrArgs]
    """Who sends, with the type gcr; needed there, and an error elsewhere."""

    oidc_providers: NotRequired[pulumi.Input[Sequence[pulumi.Input[OidcProvider]]]]
    """Who may send, with the type generic-oidc; needed there, and an error elsewhere. Such a
    Receiver has no token and no Secret."""

    token: NotRequired[pulumi.Input[str]]
    """The live generation's token, from wherever it is kept; generated when neither this nor
    token_secret nor token_from is given. It changes with the generation and with nothing else;
    older generations keep theirs."""

    token_secret: NotRequired[pulumi.Input[str]]
    """The name of a Secret in the Receiver's namespace that is made elsewhere and holds the token
    under the key token; it is read and never written. With {generation} in it, as in
    "app-token-{generation}", each generation has its own; without, a rotation needs another."""

    token_from: NotRequired[TokenStoreArgs]
    """Where the External Secrets Operator takes the token from, into a Secret that it makes once
    for each generation."""

    token_to: NotRequired[TokenStoreArgs]
    """Where the External Secrets Operator puts a copy of a token that is generated or given here,
    before the generation goes live. What is there of older generations stays."""

    namespace: NotRequired[pulumi.Input[str]]
    """The namespace of Secret and Receiver; "flux-system" when absent."""

    events: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """The forge's events that are sent and accepted, as in "push" (GitHub, Gitea) or "Push Hook"
    (GitLab); those that tell of a change in resources when absent. GitHub's ping is accepted
    besides."""

    generation: NotRequired[int]
    """The live generation, from 1. Raising it by one rotates the secret. When absent: the stack's
    configuration fluxhooks:generations ({"<name>": {"live": 2, "retained": [1]}}), else 1."""

    schedule: NotRequired[ScheduleArgs]
    """Names the live generation by the calendar, in place of generation."""

    retained: NotRequired[Sequence[int]]
    """Older generations that are kept, by number; none when absent."""

    drain: NotRequired[str]
    """How long after a repointing the old generation still answers, as in "30s", which it is when
    absent. Longer than the forge may hold a queued delivery back. FLUXHOOKS_DRAIN=0s in the
    environment of one run overrides it for that run."""

    verify: NotRequired[bool]
    """Whether a new generation must answer a signed probe at its public URL before the webhook
    is pointed at it; true when absent. FLUXHOOKS_VERIFY=off in the environment of one run
    switches it off for that run."""

    verify_timeout: NotRequired[str]
    """How long the probe is repeated while an answer may still settle (404, 502 to 504, refused
    connections); "60s" when absent."""

    interval: NotRequired[pulumi.Input[str]]
    """How often Flux reads the Receiver's Secret anew; Flux's 10m when absent."""

    resource_filter: NotRequired[pulumi.Input[str]]
    """A CEL expression over req, the delivery's body, and res, the target; a delivery reaches
    the targets for which it is true. Joined with the filter that keeps probes harmless; the
    types generic and harbor have no filter without it, as any filter answers 500 to senders of
    empty bodies or arrays, and their generations are proved by an unsigned GET.
    Change it together with the generation: one that Flux refuses then never goes live, where a
    change in place would stop the live Receiver too."""
