"""The settings of a stack: ``fluxhooks:host``, ``fluxhooks:receivers`` and their defaults."""

import difflib
import json
from typing import Any, Final, Self, cast

import pulumi
from pulumi.runtime import config as stored
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from fluxhooks import ReceiverType, SettingError, WebhookReceiverArgs

# What the component and the command line read themselves.
LIBRARYS = frozenset({"adopting", "cluster", "generations", "rotate_every"})


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def given(self) -> dict[str, Any]:
        """Return what is set, as arguments of the component."""
        return self.model_dump(exclude_none=True)


class Source(_Model):
    """What a delivery reconciles; see `fluxhooks.ResourceRef`."""

    kind: str = "GitRepository"
    name: str
    namespace: str | None = None
    match_labels: dict[str, str] | None = None
    api_version: str | None = None
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


class Gitea(_Model):
    """Where on a Gitea or Forgejo the webhook is; see `fluxhooks.GiteaArgs`."""

    url: str
    owner: str | None = None
    repository: str | None = None
    organization: str | None = None
    branch_filter: str | None = None


class Store(_Model):
    """Where a token lies in a store; see `fluxhooks.TokenStoreArgs`."""

    store: str
    store_kind: str | None = None
    key: str
    property: str | None = None


class ReceiverSettings(_Model):
    """One sender and the sources that follow it.

    Attributes:
        repository, organization: at GitHub, or
        project, group, system_hook: at GitLab, or
        gitea: at a Gitea or Forgejo; one of the six, or
        type: of a sender that is given URL and token by hand.
        gcr, oidc_providers: who sends, with these types.
        token: the live generation's, where it is neither generated nor one of the next two; it is
            taken as a secret of the configuration only.
        token_secret, token_from, token_to: where the token lies, and where a copy of it goes.
        retained: older generations that are kept beside one that a schedule names.
        host, namespace, drain, verify, verify_timeout, interval: those of the stack when absent.
    """

    repository: str | None = None
    organization: str | None = None
    project: str | None = Field(default=None, coerce_numbers_to_str=True)
    group: str | None = Field(default=None, coerce_numbers_to_str=True)
    system_hook: bool | None = None
    gitea: Gitea | None = None
    type: ReceiverType | None = None
    push_events_branch_filter: str | None = None
    gcr: Gcr | None = None
    oidc_providers: list[Issuer] | None = None
    token: SecretStr | None = None
    token_secret: str | None = None
    token_from: Store | None = None
    token_to: Store | None = None
    sources: list[Source] = Field(min_length=1)
    events: list[str] | None = None
    resource_filter: str | None = None
    schedule: Schedule | None = None
    retained: list[int] | None = None
    host: str | None = None
    namespace: str | None = None
    drain: str | None = None
    verify: bool | None = None
    verify_timeout: str | None = None
    interval: str | None = None

    @model_validator(mode="after")
    def _one_sender(self) -> Self:
        given = [key for key in _SENDERS if getattr(self, key) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "no sender"
            raise PydanticCustomError(
                "sender",
                "names {found}; give one of repository, organization, project, group, system_hook, "
                "gitea, type",
                {"found": found},
            )
        return self


_SENDERS = ("repository", "organization", "project", "group", "system_hook", "gitea", "type")


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

    All but `receivers` and `host` are also settings of each receiver, for itself.
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
        secrets = {key for key in values if stored.is_config_secret(f"{config.name}:{key}")}
        try:
            settings = cls.model_validate(values)
        except ValidationError as error:
            raise SettingError(_cures(error, secrets)) from None
        _check(settings, secrets)
        return settings

    def args_of(self, receiver: ReceiverSettings) -> WebhookReceiverArgs:
        """Return the component's arguments for one of `receivers`."""
        given = receiver.given()
        args = {key: value for key, value in given.items() if key not in _RENAMED}
        for key in _OF_EACH_OR_ALL:
            value = getattr(self, key)
            if value is not None:
                args.setdefault(key, value)
        args["resources"] = given["sources"]
        for forge, keys in _FORGES.items():
            if at := {key: given[key] for key in keys if key in given}:
                args[forge] = at
        if receiver.token is not None:
            args["token"] = receiver.token.get_secret_value()
        if schedule := self.schedule_of(receiver):
            args["schedule"] = schedule.given()
        return cast(WebhookReceiverArgs, args)

    def schedule_of(self, receiver: ReceiverSettings) -> Schedule | None:
        """Return what names the generation of one of `receivers`; None where nothing here does."""
        # A sender that is told by hand does not hear of a day that has come.
        return receiver.schedule or (self.schedule if receiver.type is None else None)


# What a receiver has, and all of them where it does not.
_OF_EACH_OR_ALL: Final = ("drain", "host", "interval", "namespace", "verify", "verify_timeout")

# What the component has under its forge.
_FORGES: Final = {
    "github": ("repository", "organization"),
    "gitlab": ("project", "group", "system_hook", "push_events_branch_filter"),
}
_RENAMED: Final = {"sources", *(key for keys in _FORGES.values() for key in keys)}


def _check(settings: Settings, secrets: set[str]) -> None:
    for name, receiver in settings.receivers.items():
        path = f"receivers.{name}"
        if receiver.token is not None and "receivers" not in secrets:
            raise SettingError(
                f"fluxhooks:{path}.token: is in plain text, for all who read the file; give "
                f"another one, as pulumi config set --secret --path '{path}.token' does"
            )
        if receiver.retained is not None and settings.schedule_of(receiver) is None:
            raise SettingError(
                f"fluxhooks:{path}.retained: is for a receiver with a schedule; what else is "
                "retained stands beside the live generation, where fluxhooks rotate keeps it: "
                f"pulumi config rm --path '{path}.retained', and pulumi config set --path "
                f"'generations.{name}.retained[0]' {next(iter(receiver.retained), 1)}"
            )


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

# Commands that ask for what they set, so that it is in no shell's history.
_SECRET: Final = "token"  # noqa: S105

# Where a text that `pulumi config set` can give stands in a list.
_FIRST = {"events": "[0]", "retained": "[0]", "sources": "[0].name"}


def _cures(error: ValidationError, secrets: set[str]) -> str:
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
            cure = f"{problem['msg'].lower()}{_shown(problem, secrets)}; {_example(problem, path)}"
        lines.append(f"fluxhooks:{path}: {cure}")
    return "\n".join(lines)


def _shown(problem: ErrorDetails, secrets: set[str]) -> str:
    """Return the value that is wrong in parentheses, unless a secret may be in it."""
    value, place = problem["input"], problem["loc"]
    # Pulumi says of a whole setting, and no closer, that there is a secret in it.
    hidden = place[0] in secrets or _SECRET in place or (value and isinstance(value, list | dict))
    return "" if hidden or problem["type"] == "missing" else f" (it is {value!r})"


def _example(problem: ErrorDetails, path: str) -> str:
    if problem["loc"][-1] == _SECRET:
        return f"pulumi config set --secret --path '{path}'"
    place = path + _FIRST.get(str(problem["loc"][-1]), "")
    return _EXAMPLES.get(path, f"pulumi config set --path '{place}' <value>")


def _suggestion(path: str) -> str:
    models = (
        Settings,
        ReceiverSettings,
        Source,
        Store,
        Schedule,
        Gcr,
        Gitea,
        Issuer,
        Variable,
        Validation,
    )
    known = {*LIBRARYS, *(name for model in models for name in model.model_fields)}
    near = difflib.get_close_matches(path.rpartition(".")[2], sorted(known), n=1)
    return f", did you mean {near[0]!r}?" if near else ""
