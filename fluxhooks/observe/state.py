"""What a stack declares, read from its exported deployment.

The deployment holds secrets in clear. They are kept out of every `repr` here; whoever prints a
text of Pulumi's masks it besides (see ``masking``).
"""

import base64
import datetime
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

from fluxhooks.errors import ObservationError
from fluxhooks.flux.hook_path import host_of, path_of
from fluxhooks.flux.labels import GENERATION
from fluxhooks.flux.receiver_types import DEFAULT_AUDIENCE, ReceiverType

COMPONENT_TYPE: Final = "fluxhooks:index:WebhookReceiver"

_SECRET_TYPE: Final = "kubernetes:core/v1:Secret"  # noqa: S105
RECEIVER_TYPE: Final = "kubernetes:notification.toolkit.fluxcd.io/v1:Receiver"
_ALERTING: Final = tuple(
    f"kubernetes:notification.toolkit.fluxcd.io/v1beta3:{kind}" for kind in ("Alert", "Provider")
)
_OURS: Final = (_SECRET_TYPE, RECEIVER_TYPE, *_ALERTING)
_GITHUB_WEBHOOK_TYPE: Final = "github:index/repositoryWebhook:RepositoryWebhook"
_GITHUB_ORGANIZATION_HOOK_TYPE: Final = "github:index/organizationWebhook:OrganizationWebhook"
_GITLAB_PROJECT_HOOK_TYPE: Final = "gitlab:index/projectHook:ProjectHook"
_GITLAB_GROUP_HOOK_TYPE: Final = "gitlab:index/groupHook:GroupHook"
_GITLAB_SYSTEM_HOOK_TYPE: Final = "gitlab:index/systemHook:SystemHook"
_GITEA_WEBHOOK_TYPE: Final = "pulumi-python:dynamic/gitea:Webhook"

# What has webhooks, by forge; at Gitea they are called as at GitHub.
FORGES: Final = {
    "repository": "github",
    "organization": "github",
    "project": "gitlab",
    "group": "gitlab",
}

# The type of Receiver that a forge sends to.
SENDS_TO: Final = {"gitea": "github", "github": "github", "gitlab": "gitlab"}

# Marks a secret in a deployment; the value lies beside it as JSON.
_SECRET_MARK: Final = "4dabf18193072939515e22adb298388d"  # noqa: S105


@dataclass(frozen=True, kw_only=True)
class DeclaredGeneration:
    """One generation's objects, as far as the state has them.

    Attributes:
        receiver, secret: ``metadata.name``; "" where the state has no such object.
        path: the path its Receiver serves; "" where unknown.
        events: those its Receiver accepts; empty where all.
        resource_filter: its Receiver's ``spec.resourceFilter``; "" where none.
        email, audience: whom its Receiver believes, where its type is gcr; "" for others.
        audiences: what its Receiver asks of tokens, by issuer, where its type is generic-oidc.
        created_at: when its Secret was made, or its Receiver where it has none.
        secret_is_ours: whether the stack makes its Secret; else it is made elsewhere, and token
            and `created_at` are as the last run read them.
    """

    number: int
    namespace: str = ""
    receiver: str = ""
    secret: str = ""
    secret_is_ours: bool = True
    path: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    events: tuple[str, ...] = ()
    resource_filter: str = ""
    email: str = ""
    audience: str = ""
    audiences: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime.datetime | None = None


@dataclass(frozen=True)
class Scope:
    """What at a forge has webhooks.

    Attributes:
        forge: "github", "gitlab" or "gitea", which is Forgejo too.
        kind: what it is there: "repository", "organization", "project", "group" or
            "instance".
        name: a repository's with or without its owner, an organisation's; ID or full path at
            GitLab, and "GitLab" for its instance; "" for an organisation that nothing names.
        server: the address of a Gitea, of which there is one in each place; "" elsewhere.
    """

    forge: str
    kind: str
    name: str
    server: str = ""

    @property
    def site(self) -> str:
        """What answers for it, as in "github" or "gitea git.example.com"."""
        return f"{self.forge} {host_of(self.server)}" if self.server else self.forge


@dataclass(frozen=True, kw_only=True)
class DeclaredWebhook:
    """A webhook as the state has it.

    Attributes:
        scope: what has it.
        id: at the forge; "" for one whose creation was interrupted.
        urn: its resource's; "" where it has none.
        api_url: where the forge's API has it; "" where unknown.
        url: what it calls.
    """

    scope: Scope
    id: str
    urn: str = ""
    api_url: str = ""
    url: str = field(default="", repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """Forge and ID, which no two webhooks share."""
        return (self.scope.site, self.id)

    @property
    def host(self) -> str:
        """The host it calls, with a port where one is given."""
        return host_of(self.url)

    @property
    def path(self) -> str:
        """The path it calls; a credential."""
        return path_of(self.url)


@dataclass(frozen=True, kw_only=True)
class DeclaredReceiver:
    """A WebhookReceiver of the stack.

    Attributes:
        type: the Receiver's type.
        live: the generation of the last rotation that was finished, drain included; None when
            the component was never finished.
        authority: who names the generation: "configuration", "program" or "schedule".
        due_at: when the next rotation is due, by what the last finished run knew.
        finished_url: the URL that was live then.
        generations: by number, all that are in the state.
        webhook: the one that is being made, where a rotation was not finished.
        managed: whether the stack makes its webhook; else its sender is told by other means.
    """

    name: str
    urn: str
    type: str = "github"
    live: int | None = None
    authority: str = "configuration"
    due_at: datetime.datetime | None = None
    finished_url: str = field(default="", repr=False)
    generations: Mapping[int, DeclaredGeneration] = field(default_factory=dict)
    webhook: DeclaredWebhook | None = None
    managed: bool = True

    @property
    def has_token(self) -> bool:
        """Whether Receivers of its type have a token, and with it a Secret."""
        return self.type != ReceiverType.GENERIC_OIDC

    @property
    def created_at(self) -> datetime.datetime | None:
        """When the live generation's Secret was made, or its Receiver where it has none."""
        generation = self.generations.get(self.live or 0)
        return generation.created_at if generation else None

    @property
    def finished_path(self) -> str:
        """The path that was live then; a credential."""
        return path_of(self.finished_url)

    @property
    def repointing(self) -> bool:
        """Whether the webhook was pointed elsewhere and that rotation was not finished."""
        return self.webhook is not None and self.webhook.url != self.finished_url


@dataclass(frozen=True, kw_only=True)
class ProviderSettings:
    """What the stack's providers were given explicitly; "" elsewhere.

    Attributes:
        kubeconfig: a kubeconfig file's path or text.
        github_app_auth: JSON with an App's ``id``, ``installationId`` and ``pemFile``.
    """

    kubeconfig: str = field(default="", repr=False)
    context: str = ""
    github_token: str = field(default="", repr=False)
    github_app_auth: str = field(default="", repr=False)
    github_base_url: str = ""
    github_owner: str = ""
    gitlab_token: str = field(default="", repr=False)
    gitlab_base_url: str = ""


@dataclass(frozen=True, kw_only=True)
class StackState:
    """A stack's deployment.

    Attributes:
        stack: its bare name.
        receivers: the WebhookReceivers, by name.
        objects: (kind, namespace, name) of all Secrets, Receivers, Alerts and Providers that it
            makes.
        hook_keys: forge and ID of all webhooks in the state.
        urns: of all resources in the state.
        interrupted_webhooks: those whose creation did not end, so that the forge may have them.
        pending_operations: the resources on which a step began and did not end, in words.
    """

    project: str
    stack: str
    receivers: Mapping[str, DeclaredReceiver] = field(default_factory=dict)
    objects: frozenset[tuple[str, str, str]] = frozenset()
    hook_keys: frozenset[tuple[str, str]] = frozenset()
    urns: frozenset[str] = frozenset()
    interrupted_webhooks: tuple[DeclaredWebhook, ...] = ()
    pending_operations: tuple[str, ...] = ()
    providers: ProviderSettings = field(default_factory=ProviderSettings)

    @property
    def webhooks(self) -> list[DeclaredWebhook]:
        """Every webhook the forge has, or may have, for this stack."""
        declared = [found.webhook for found in self.receivers.values() if found.webhook]
        return [*declared, *self.interrupted_webhooks]

    @property
    def namespaces(self) -> set[str]:
        """The namespaces of its objects."""
        return {namespace for _, namespace, _ in self.objects}

    @property
    def secrets(self) -> set[str]:
        """All tokens, for a mask."""
        return {
            generation.token
            for receiver in self.receivers.values()
            for generation in receiver.generations.values()
            if generation.token
        }


def parse(exported: str, *, nothing: StackState | None = None) -> StackState:
    """Return what ``pulumi stack export --show-secrets`` printed.

    Args:
        nothing: what is returned of a stack without resources; that is an error when absent.

    Raises:
        ObservationError: it is no deployment, or that of a stack which was never updated.
    """
    try:
        deployment = _plain(json.loads(exported)["deployment"] or {})
    except (KeyError, TypeError, ValueError):
        raise ObservationError("pulumi stack export did not print a deployment") from None
    resources = [Resource(record) for record in deployment.get("resources") or ()]
    pending = [
        (operation["type"], Resource(operation["resource"]))
        for operation in deployment.get("pending_operations") or ()
    ]
    if not resources and nothing is not None:
        return nothing
    if not resources:
        raise ObservationError("the stack has no resources yet; pulumi up makes them")
    # urn:pulumi:<stack>::<project>::<types>::<name>
    stack, project = resources[0].urn.removeprefix("urn:pulumi:").split("::")[:2]
    providers = providers_of(resources)
    receivers = {
        found.name: _receiver(found, [r for r in resources if r.parent == found.urn])
        for found in resources
        if found.type == COMPONENT_TYPE and not found.deleting
    }
    return StackState(
        project=project,
        stack=stack,
        receivers=receivers,
        objects=frozenset(
            (found.type.rpartition(":")[2], found.namespace, found.object_name)
            for found in resources
            if found.type in _OURS and not found.external
        ),
        hook_keys=frozenset(hook.key for hook in map(webhook_of, resources) if hook),
        urns=frozenset(found.urn for found in resources),
        interrupted_webhooks=tuple(
            placed(hook, providers)
            for kind, found in pending
            if kind == "creating" and (hook := webhook_of(found))
        ),
        pending_operations=tuple(f"{kind} {found.name}" for kind, found in pending),
        providers=providers,
    )


class Resource:
    """One record of a deployment, secrets in clear."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.urn: str = record["urn"]
        self.type: str = record["type"]
        self.id: str = record.get("id", "")
        self.parent: str = record.get("parent", "")
        self.provider: str = record.get("provider", "")
        self.deleting: bool = record.get("delete", False)
        self.external: bool = record.get("external", False)
        self.inputs: dict[str, Any] = record.get("inputs") or {}
        self.outputs: dict[str, Any] = record.get("outputs") or {}

    @property
    def name(self) -> str:
        return self.urn.rpartition("::")[2]

    @property
    def metadata(self) -> dict[str, Any]:
        return self.outputs.get("metadata") or self.inputs.get("metadata") or {}

    @property
    def namespace(self) -> str:
        return str(self.metadata.get("namespace", ""))

    @property
    def object_name(self) -> str:
        return str(self.metadata.get("name", ""))


def _receiver(component: Resource, children: list[Resource]) -> DeclaredReceiver:
    outputs = component.outputs
    live = outputs.get("generation")
    finished_url = outputs.get("hook_url") or ""
    webhooks = [hook for child in children if not child.deleting and (hook := webhook_of(child))]
    # At GitLab each generation has its own, and an unfinished rotation two.
    webhooks.sort(key=lambda hook: hook.url == finished_url)
    receivers = [child for child in children if child.type == RECEIVER_TYPE]
    return DeclaredReceiver(
        name=component.name,
        urn=component.urn,
        type=str(receivers[0].inputs.get("spec", {}).get("type", "github"))
        if receivers
        else "github",
        live=None if live is None else int(live),
        authority=outputs.get("generation_authority") or "configuration",
        due_at=_time(outputs.get("due_at")),
        finished_url=finished_url,
        generations={found.number: found for found in _generations(children)},
        webhook=webhooks[0] if webhooks else None,
        managed=bool(webhooks or outputs.get("webhook_id") or not finished_url),
    )


def _generations(children: list[Resource]) -> Iterator[DeclaredGeneration]:
    objects: dict[int, dict[str, Resource]] = {}
    for child in children:
        number = str((child.metadata.get("labels") or {}).get(GENERATION, ""))
        if child.type in (_SECRET_TYPE, RECEIVER_TYPE) and number.isdecimal():
            known = objects.setdefault(int(number), {})
            # One that waits for its deletion is listed beside the one that took its place.
            if child.type not in known or known[child.type].deleting:
                known[child.type] = child
    # What is made elsewhere has no labels of ours; its Receiver says which one it is.
    elsewhere = {(c.namespace, c.object_name): c for c in children if _is_read_secret(c)}
    for count, found in sorted(objects.items()):
        secret, receiver = found.get(_SECRET_TYPE), found.get(RECEIVER_TYPE)
        some = receiver or secret
        assert some is not None  # noqa: S101
        status = (receiver.outputs.get("status") if receiver else None) or {}
        spec = (receiver.inputs.get("spec") if receiver else None) or {}
        named = str((spec.get("secretRef") or {}).get("name", ""))
        secret = elsewhere.get((some.namespace, named), secret)
        yield DeclaredGeneration(
            number=count,
            namespace=some.namespace,
            receiver=receiver.object_name if receiver else "",
            secret=secret.object_name if secret else "",
            secret_is_ours=secret is None or not secret.external,
            path=status.get("webhookPath", ""),
            token=_kept(secret, "token"),
            events=tuple(spec.get("events") or ()),
            resource_filter=spec.get("resourceFilter") or "",
            email=_kept(secret, "email"),
            audience=_kept(secret, "audience"),
            audiences={
                str(provider["issuerURL"]): str(provider.get("audience") or DEFAULT_AUDIENCE)
                for provider in spec.get("oidcProviders") or ()
            },
            created_at=_time((secret or some).metadata.get("creationTimestamp")),
        )


def _is_read_secret(child: Resource) -> bool:
    return child.type == _SECRET_TYPE and child.external and not child.deleting


def _kept(secret: Resource | None, key: str) -> str:
    """Return what a Secret has under `key`; "" where it has nothing, or no text."""
    if secret is None:
        return ""
    data = secret.outputs.get("data") or secret.inputs.get("data") or {}
    try:
        return base64.b64decode(data.get(key, "")).decode()
    except ValueError:
        return ""


def _time(text: Any) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(text) if isinstance(text, str) and text else None


def webhook_of(found: Resource) -> DeclaredWebhook | None:
    """Return the webhook that a resource is; None where it is none."""
    read = _WEBHOOKS.get(found.type)
    return read(found) if read else None


def _github_webhook(found: Resource) -> DeclaredWebhook:
    values = found.outputs or found.inputs
    return DeclaredWebhook(
        scope=Scope("github", "repository", str(values.get("repository", ""))),
        id=found.id,
        urn=found.urn,
        api_url=str(found.outputs.get("url") or ""),
        url=str((values.get("configuration") or {}).get("url") or ""),
    )


def _gitlab_webhook(found: Resource) -> DeclaredWebhook:
    values = found.outputs or found.inputs
    kind = "project" if found.type == _GITLAB_PROJECT_HOOK_TYPE else "group"
    return DeclaredWebhook(
        scope=Scope("gitlab", kind, str(values.get(kind, ""))),
        # The resource's is that of project or group and the webhook's, with a colon between.
        id=found.id.rpartition(":")[2],
        urn=found.urn,
        url=str(values.get("url") or ""),
    )


def _gitlab_system_hook(found: Resource) -> DeclaredWebhook:
    values = found.outputs or found.inputs
    return DeclaredWebhook(
        scope=Scope("gitlab", "instance", "GitLab"),
        id=found.id,
        urn=found.urn,
        url=str(values.get("url") or ""),
    )


def _gitea_webhook(found: Resource) -> DeclaredWebhook:
    values = found.outputs or found.inputs
    kind = "organization" if values.get("organization") else "repository"
    name = values.get("organization") or f"{values.get('owner')}/{values.get('repository')}"
    server = str(values.get("server") or "")
    return DeclaredWebhook(
        scope=Scope("gitea", kind, str(name), server),
        id=found.id,
        urn=found.urn,
        url=str(values.get("url") or ""),
    )


def _github_organization_webhook(found: Resource) -> DeclaredWebhook:
    # The resource does not name it: it is its provider's owner, and stands in its address.
    api_url = str(found.outputs.get("url") or "")
    parts = urlsplit(api_url).path.split("/")
    name = parts[parts.index("orgs") + 1] if "orgs" in parts else ""
    values = found.outputs or found.inputs
    return DeclaredWebhook(
        scope=Scope("github", "organization", name),
        id=found.id,
        urn=found.urn,
        api_url=api_url,
        url=str((values.get("configuration") or {}).get("url") or ""),
    )


def placed(hook: DeclaredWebhook, providers: ProviderSettings) -> DeclaredWebhook:
    """Return a webhook with its organisation's name, which only the provider may know."""
    # What was not made has no address.
    if (hook.scope.forge, hook.scope.kind) != ("github", "organization") or hook.scope.name:
        return hook
    return replace(hook, scope=Scope("github", "organization", providers.github_owner))


_WEBHOOKS: Final = {
    _GITEA_WEBHOOK_TYPE: _gitea_webhook,
    _GITHUB_ORGANIZATION_HOOK_TYPE: _github_organization_webhook,
    _GITHUB_WEBHOOK_TYPE: _github_webhook,
    _GITLAB_GROUP_HOOK_TYPE: _gitlab_webhook,
    _GITLAB_PROJECT_HOOK_TYPE: _gitlab_webhook,
    _GITLAB_SYSTEM_HOOK_TYPE: _gitlab_system_hook,
}


def providers_of(resources: list[Resource]) -> ProviderSettings:
    """Return what the providers among `resources` were given."""

    def given(package: str, key: str) -> str:
        for found in resources:
            value = found.inputs.get(key)
            if found.type == f"pulumi:providers:{package}" and isinstance(value, str):
                return value
        return ""

    return ProviderSettings(
        kubeconfig=given("kubernetes", "kubeconfig"),
        context=given("kubernetes", "context"),
        github_token=given("github", "token"),
        github_app_auth=given("github", "appAuth"),
        github_base_url=given("github", "baseUrl"),
        github_owner=given("github", "owner"),
        gitlab_token=given("gitlab", "token"),
        gitlab_base_url=given("gitlab", "baseUrl"),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if _SECRET_MARK in value and "plaintext" in value:
            return _plain(json.loads(value["plaintext"]))
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
