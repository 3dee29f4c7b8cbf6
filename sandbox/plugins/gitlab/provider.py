"""The resource provider: what each of the engine's questions is answered with."""

import os
import re
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Final

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from sandbox.plugins import autonaming
from sandbox.plugins.autonaming import Mode
from sandbox.plugins.errors import PluginError, UnsupportedError
from sandbox.plugins.gitlab.api import Api, ApiError
from sandbox.plugins.gitlab.hooks import (
    REFUSED,
    SECRETS,
    STRATEGIES,
    HookType,
    hook_type,
    split_id,
)
from sandbox.plugins.properties import (
    UNKNOWN,
    Secret,
    has_unknown,
    read_struct,
    reveal,
    write_struct,
)

_DEFAULTS: Final = "__defaults"
_SUFFIX_LENGTH: Final = 7
_FOLLOWED: Final = ("baseUrl", "earlyAuthCheck", "token", "version")
_UNCONFIGURED: Final = (
    "No GitLab token configured, either use the `token` provider argument or set it as "
    "`GITLAB_TOKEN` environment variable"
)

Properties = dict[str, Any]


class Provider:
    """One configured provider; what follows `configure` needs it."""

    plugin = "gitlab"

    def __init__(self) -> None:
        self.version = version("pulumi-gitlab")
        self._api: Api | None = None

    def cancel(self) -> None:
        """Send nothing again from now on."""
        if self._api is not None:
            self._api.cancel()

    async def check_config(self, request: provider_pb2.CheckRequest) -> Any:
        """Accept the provider's inputs as they are."""
        return provider_pb2.CheckResponse(inputs=request.news)

    async def diff_config(self, request: provider_pb2.DiffRequest) -> Any:
        """Say which of the provider's inputs changed; none of them replaces what it made."""
        old, new = reveal(read_struct(request.olds)), reveal(read_struct(request.news))
        changed = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        some = provider_pb2.DiffResponse.DIFF_SOME
        none = provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=some if changed else none, diffs=changed)

    async def configure(self, request: provider_pb2.ConfigureRequest) -> Any:
        """Find GitLab and ask it who the token belongs to, unless that is switched off."""
        variables = {
            key.removeprefix("gitlab:config:"): value for key, value in request.variables.items()
        }
        given = read_struct(request.args) | variables
        for key, value in given.items():
            if key not in _FOLLOWED and value:
                raise UnsupportedError(f"the provider argument '{key}'")
        if not request.acceptSecrets:
            raise UnsupportedError("an engine that does not accept secrets")
        if not has_unknown(given):
            await self._connect(reveal(given))
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    async def check(self, request: provider_pb2.CheckRequest) -> Any:
        """Name the webhook if the program does not, and refuse what the schema does not allow."""
        kind = hook_type(request.urn)
        news = read_struct(request.news)
        for key in REFUSED:
            if news.get(key):
                raise UnsupportedError(f"the property '{key}'")
        left_out = [flag for flag in kind.flags if news.get(flag) is None]
        if not kind.parent and left_out:
            raise UnsupportedError(f"a system hook without '{left_out[0]}'")
        failures = _failures(kind, reveal(news))
        if news.get("name") is None:
            name = _name(request, read_struct(request.olds))
            if name is not None:
                news |= {"name": name, _DEFAULTS: ["name"]}
        for key in SECRETS:
            if news.get(key) is not None and not isinstance(news[key], Secret):
                news[key] = Secret(news[key])
        return provider_pb2.CheckResponse(
            inputs=write_struct(news),
            failures=[
                provider_pb2.CheckFailure(property=key, reason=reason)
                for key, reason in failures.items()
            ],
        )

    async def diff(self, request: provider_pb2.DiffRequest) -> Any:
        """Compare a webhook's state with what is planned for it."""
        kind = hook_type(request.urn)
        state = reveal(read_struct(request.olds))
        planned = _planned(kind, reveal(read_struct(request.news)))
        changed = [
            key
            for key in sorted(planned)
            if planned[key] != state.get(key) and key not in request.ignoreChanges
        ]
        replacing = changed if kind.replaced_by_any_change else kind.replacing
        replaces = [key for key in changed if key in replacing]
        kinds = provider_pb2.PropertyDiff.Kind
        some = provider_pb2.DiffResponse.DIFF_SOME
        none = provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some if changed else none,
            diffs=changed,
            replaces=replaces,
            detailedDiff={
                key: provider_pb2.PropertyDiff(
                    kind=kinds.UPDATE_REPLACE if key in replaces else kinds.UPDATE
                )
                for key in changed
            },
            hasDetailedDiff=True,
        )

    async def create(self, request: provider_pb2.CreateRequest) -> Any:
        """Make a webhook, or preview that."""
        kind = hook_type(request.urn)
        news = read_struct(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=write_struct(_previewed(kind, news)))
        inputs = reveal(news)
        parent = inputs[kind.parent] if kind.parent else ""
        try:
            hook = await self._connected().ask(
                "POST", *kind.path(parent), parameters=kind.parameters(inputs)
            )
        except ApiError as error:
            raise PluginError(f"Error creating {kind.title}: {error}") from None
        state = kind.state(hook, parent=parent, token=_token(inputs))
        return provider_pb2.CreateResponse(
            id=state["id"], properties=write_struct(_marked(state, news))
        )

    async def read(self, request: provider_pb2.ReadRequest) -> Any:
        """Read a webhook that the state knows, or one to import that only its ID names."""
        kind = hook_type(request.urn)
        parent, number = split_id(kind, request.id)
        old_state, old_inputs = read_struct(request.properties), read_struct(request.inputs)
        try:
            hook = await self._connected().ask("GET", *kind.path(parent, number))
        except ApiError as error:
            if error.not_found:
                return provider_pb2.ReadResponse()
            raise PluginError(f"Error reading {kind.title}: {error}") from None
        state = kind.state(hook, parent=parent, token=_token(reveal(old_state)))
        imported = not old_inputs
        inputs = {
            key: state.get(key, value)
            for key, value in (_importable(kind, state) if imported else old_inputs).items()
        }
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=write_struct(_marked(state, old_state)),
            inputs=write_struct(_marked(inputs, old_inputs)),
        )

    async def update(self, request: provider_pb2.UpdateRequest) -> Any:
        """Change a webhook, or preview that; URL and token are always sent together."""
        kind = hook_type(request.urn)
        parent, number = split_id(kind, request.id)
        news = read_struct(request.news)
        if request.preview:
            state = _previewed(kind, news) | {"id": request.id}
            return provider_pb2.UpdateResponse(properties=write_struct(state))
        inputs = reveal(news)
        token = _token(inputs) or _token(reveal(read_struct(request.olds)))
        planned = _planned(kind, inputs) | ({"token": token} if token else {})
        try:
            hook = await self._connected().ask(
                "PUT", *kind.path(parent, number), parameters=kind.parameters(planned)
            )
        except ApiError as error:
            # The text is the provider's own.
            raise PluginError(f"Error creating {kind.title}: {error}") from None
        state = kind.state(hook, parent=parent, token=token)
        return provider_pb2.UpdateResponse(properties=write_struct(_marked(state, news)))

    async def delete(self, request: provider_pb2.DeleteRequest) -> Any:
        """Delete a webhook, which must exist."""
        kind = hook_type(request.urn)
        parent, number = split_id(kind, request.id)
        try:
            await self._connected().ask("DELETE", *kind.path(parent, number))
        except ApiError as error:
            raise PluginError(f"Error deleting {kind.title}: {error}") from None
        return empty_pb2.Empty()

    async def _connect(self, given: Mapping[str, Any]) -> None:
        token = given.get("token") or os.environ.get("GITLAB_TOKEN")
        base_url = given.get("baseUrl") or os.environ.get("GITLAB_BASE_URL")
        early = given.get("earlyAuthCheck") or os.environ.get("GITLAB_EARLY_AUTH_CHECK")
        if not token:
            raise PluginError(_UNCONFIGURED)
        if not base_url:
            raise UnsupportedError("GitLab.com, as neither baseUrl nor GITLAB_BASE_URL is set,")
        if not base_url.endswith("/"):
            raise PluginError("the GitLab base URL must end with a slash")
        self._api = Api(base_url, token, version=self.version)
        if str(early).lower() == "false":
            return
        try:
            await self._api.ask("GET", "user")
        except ApiError as error:
            raise PluginError(f"The GitLab provider cannot be used: {error}") from None

    def _connected(self) -> Api:
        if self._api is None:
            raise PluginError("the provider is not configured")
        return self._api


def _failures(kind: HookType, inputs: Properties) -> dict[str, str]:
    """What the schema does not allow, by property."""
    failures = {
        key: f"Missing required argument. The argument '{key}' is required"
        for key in kind.replacing
        if inputs.get(key) is None
    }
    for key, value in inputs.items():
        if value is None or value is UNKNOWN or key == _DEFAULTS:
            continue
        if key not in kind.inputs:
            failures[key] = f"Unsupported argument. An argument named '{key}' is not expected here"
        elif key in kind.flags and not isinstance(value, bool):
            failures[key] = "expected a boolean"
        elif key in kind.texts and not isinstance(value, str):
            failures[key] = "expected a string"
        elif key == "url" and re.search(r"\s", value):
            failures[key] = "The URL may not contain whitespace"
        elif key == "branchFilterStrategy" and value not in STRATEGIES:
            failures[key] = f"value must be one of: {', '.join(STRATEGIES)}"
    return failures


def _name(request: provider_pb2.CheckRequest, olds: Properties) -> str | None:
    """The name of a webhook that the program does not name, None when it is to have none."""
    if "name" in (olds.get(_DEFAULTS) or ()):
        return str(olds["name"])
    asked = autonaming.requested(request)
    if asked is not None:
        return None if asked.mode is Mode.DISABLE else asked.proposed
    suffix = autonaming.random_suffix(request.randomSeed, length=_SUFFIX_LENGTH)
    return f"{autonaming.logical_name(request.urn)}-{suffix}"


def _planned(kind: HookType, inputs: Properties) -> Properties:
    """What a webhook is to be: the inputs, and the defaults of flags the program does not give."""
    flags = {flag: kind.default(flag) for flag in kind.flags}
    given = {
        key: value for key, value in inputs.items() if value is not None and key in kind.inputs
    }
    return flags | given


def _previewed(kind: HookType, news: Properties) -> Properties:
    return {**dict.fromkeys((*kind.outputs, "id"), UNKNOWN), **_planned(kind, news)}


def _importable(kind: HookType, state: Properties) -> Properties:
    """The inputs that make a program's webhook the same as an existing one."""
    return {
        key: state[key]
        for key in sorted(kind.inputs & state.keys())
        if key in kind.replacing
        or (key in kind.flags and state[key] != kind.default(key))
        or (key in kind.texts and state[key])
    }


def _token(properties: Properties) -> str | None:
    token = properties.get("token")
    return str(token) if token else None


def _marked(properties: Properties, like: Properties) -> Properties:
    """The properties, with what was secret as such, and the token in any case."""
    return {
        key: Secret(value)
        if not isinstance(value, Secret) and (key in SECRETS or isinstance(like.get(key), Secret))
        else value
        for key, value in properties.items()
    }
