"""The settings of a stack: ``fluxhooks:host``, ``fluxhooks:receivers`` and their defaults."""

import difflib
import json
from typing import Any, Self

import pulumi
from pulumi.runtime import config as stored
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from fluxhooks import (
    GcrArgs,
    GitHubArgs,
    GitLabArgs,
    OidcProvider,
    OidcValidation,
    OidcVariable,
    ReceiverType,
    ResourceRef,
    ScheduleArgs,
    SettingError,
    WebhookReceiverArgs,
)

# What the component and the command line read themselves.
LIBRARYS = frozenset({"cluster", "generations", "rotate_every"})


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Model):
    """What a delivery reconciles; see `fluxhooks.ResourceRef`."""

    kind: str = "GitRepository"
    name: str
    namespace: str | None = None
    match_labels: dict[str, str] | None = None
    filter: str | None = None


class Schedule(_Model):
    """When a secret is rotated; see `fluxhooks.ScheduleArgs`."""

    every: str
    since: str
    extra: int = 0


class Gcr(_Model):
    """Whom a Receiver of the type gcr believes; see `fluxhooks.GcrArgs`."""

    email: str
    audience: str


class Variable(_Model):
    """A CEL expression with a name; see `fluxhooks.OidcVariable`."""

    name: str
    expression: str


class Validation(_Model):
    """What must be true of a sender; see `fluxhooks.OidcValidation`."""

    expression: str
    message: str


class Issuer(_Model):
    """Whom a Receiver of the type generic-oidc believes; see `fluxhooks.OidcProvider`."""

    issuer_url: str
    audience: str | None = None
    variables: list[Variable] | None = None
    validations: list[Validation] = Field(min_length=1)


class ReceiverSettings(_Model):
    """One sender and the sources that follow it.

    Attributes:
        repository, organization: at GitHub, or
        project, group: at GitLab; one of the four, or
        type: of a sender that is given URL and token by hand.
        gcr, oidc_providers: who sends, with these types.
    """

    repository: str | None = None
    organization: str | None = None
    project: str | None = Field(default=None, coerce_numbers_to_str=True)
    group: str | None = Field(default=None, coerce_numbers_to_str=True)
    type: ReceiverType | None = None
    push_events_branch_filter: str | None = None
    gcr: Gcr | None = None
    oidc_providers: list[Issuer] | None = None
    sources: list[Source] = Field(min_length=1)
    events: list[str] | None = None
    resource_filter: str | None = None
    schedule: Schedule | None = None

    @model_validator(mode="after")
    def _one_sender(self) -> Self:
        given = [key for key in _SENDERS if getattr(self, key) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "no sender"
            raise PydanticCustomError(
                "sender",
                "names {found}; give one of repository, organization, project, group, type",
                {"found": found},
            )
        return self


_SENDERS = ("repository", "organization", "project", "group", "type")


class Settings(_Model):
    """All settings of a stack.

    Attributes:
        host: the public host of Flux's webhook-receiver Service.
        receivers: by component name.
        namespace: of Secrets and Receivers.
        drain: how long a retired generation still answers after a rotation.
        verify: whether a generation proves itself at its public URL before it goes live.
        verify_timeout: for how long that is tried.
        interval: how often Flux reads the Receivers' Secrets anew; Flux's 10m when absent.
        schedule: of all receivers that have none of their own and a webhook that is made here;
            `fluxhooks rotate` when absent.
    """

    host: str
    receivers: dict[str, ReceiverSettings] = Field(min_length=1)
    namespace: str = "flux-system"
    drain: str = "30s"
    verify: bool = True
    verify_timeout: str = "60s"
    interval: str | None = None
    schedule: Schedule | None = None

    @classmethod
    def from_config(cls, config: pulumi.Config) -> Self:
        """Read the stack's configuration.

        Raises:
            SettingError: values are missing or wrong; names the command that sets each.
        """
        values = {
            key: value
            for key in _keys(config)
            if key not in LIBRARYS and (value := _read(config, key)) is not None
        }
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise SettingError(_cures(error)) from None

    def args_of(self, receiver: ReceiverSettings) -> WebhookReceiverArgs:
        """Return the component's arguments for one of `receivers`."""
        args: WebhookReceiverArgs = {
            "host": self.host,
            "namespace": self.namespace,
            "drain": self.drain,
            "verify": self.verify,
            "verify_timeout": self.verify_timeout,
            "resources": [_resource(source) for source in receiver.sources],
        }
        if receiver.repository is not None:
            args["github"] = GitHubArgs(repository=receiver.repository)
        elif receiver.organization is not None:
            args["github"] = GitHubArgs(organization=receiver.organization)
        elif receiver.type is not None:
            args["type"] = receiver.type
        else:
            args["gitlab"] = _gitlab(receiver)
        if receiver.events is not None:
            args["events"] = receiver.events
        if receiver.resource_filter is not None:
            args["resource_filter"] = receiver.resource_filter
        if receiver.gcr is not None:
            args["gcr"] = GcrArgs(email=receiver.gcr.email, audience=receiver.gcr.audience)
        if receiver.oidc_providers is not None:
            args["oidc_providers"] = [_issuer(issuer) for issuer in receiver.oidc_providers]
        if self.interval is not None:
            args["interval"] = self.interval
        # A sender that is told by hand does not hear of a day that has come.
        of_all = self.schedule if receiver.type is None else None
        if schedule := receiver.schedule or of_all:
            args["schedule"] = ScheduleArgs(
                every=schedule.every, since=schedule.since, extra=schedule.extra
            )
        return args


def _gitlab(receiver: ReceiverSettings) -> GitLabArgs:
    at: GitLabArgs = {}
    if receiver.project is not None:
        at["project"] = receiver.project
    if receiver.group is not None:
        at["group"] = receiver.group
    if receiver.push_events_branch_filter is not None:
        at["push_events_branch_filter"] = receiver.push_events_branch_filter
    return at


def _issuer(issuer: Issuer) -> OidcProvider:
    provider = OidcProvider(
        issuer_url=issuer.issuer_url,
        validations=[
            OidcValidation(expression=one.expression, message=one.message)
            for one in issuer.validations
        ],
    )
    if issuer.audience is not None:
        provider["audience"] = issuer.audience
    if issuer.variables is not None:
        provider["variables"] = [
            OidcVariable(name=one.name, expression=one.expression) for one in issuer.variables
        ]
    return provider


def _resource(source: Source) -> ResourceRef:
    ref: ResourceRef = {"kind": source.kind, "name": source.name}
    if source.namespace is not None:
        ref["namespace"] = source.namespace
    if source.match_labels is not None:
        ref["match_labels"] = source.match_labels
    if source.filter is not None:
        ref["filter"] = source.filter
    return ref


def _keys(config: pulumi.Config) -> list[str]:
    # A Config tells of the keys it is asked for; a misspelled one is asked for by nobody.
    known = {**stored.get_config_env(), **stored.CONFIG.get()}
    prefix = f"{config.name}:"
    return sorted(key.removeprefix(prefix) for key in known if key.startswith(prefix))


def _read(config: pulumi.Config, key: str) -> Any:
    text = config.get(key)
    if text is None:
        return None
    # Pulumi keeps every structured value as JSON, and a plain text as it is.
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


_EXAMPLES = {
    "host": "pulumi config set host flux.example.com",
    "receivers": "pulumi config set --path 'receivers.app.repository' app && "
    "pulumi config set --path 'receivers.app.sources[0].name' app",
}

# Where a text that `pulumi config set` can give stands in a list.
_FIRST = {"events": "[0]", "sources": "[0].name"}


def _cures(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False):
        path = "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"]
        ).lstrip(".")
        if problem["type"] == "extra_forbidden":
            cure = f"no such setting{_suggestion(path)}; pulumi config rm --path '{path}'"
        elif problem["type"] == "sender":
            cure = f"{problem['msg']}, as in pulumi config set --path '{path}.repository' app"
        else:
            value = "" if problem["type"] == "missing" else f" (it is {problem['input']!r})"
            place = path + _FIRST.get(str(problem["loc"][-1]), "")
            example = _EXAMPLES.get(path, f"pulumi config set --path '{place}' <value>")
            cure = f"{problem['msg'].lower()}{value}; {example}"
        lines.append(f"fluxhooks:{path}: {cure}")
    return "\n".join(lines)


def _suggestion(path: str) -> str:
    models = (Settings, ReceiverSettings, Source, Schedule, Gcr, Issuer, Variable, Validation)
    known = {*LIBRARYS, *(name for model in models for name in model.model_fields)}
    near = difflib.get_close_matches(path.rpartition(".")[2], sorted(known), n=1)
    return f", did you mean {near[0]!r}?" if near else ""
