"""Checks of ReceiverAlerts' arguments, before anything is registered where a value is known.

Every check names the argument, the value and the cure; values that may be secrets are not quoted.
"""

import functools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import pulumi

from fluxhooks.components.alert_args import (
    AlertProviderArgs,
    EventSource,
    GitHubAppArgs,
    ReceiverAlertsArgs,
)
from fluxhooks.components.args import ResourceRef
from fluxhooks.components.values import (
    ANYTHING,
    EXPRESSION,
    OBJECT_NAME,
    component_name,
    entry,
    expression,
    items,
    known_keys,
    label,
    listed,
    plain,
    suggestion,
    text,
    when_known,
)
from fluxhooks.errors import ArgumentError
from fluxhooks.flux import cel, durations, go_regexp, targets
from fluxhooks.flux.alert_filters import DEFAULT_EXCLUSIONS, NODE_REPLACEMENT
from fluxhooks.flux.alert_providers import (
    ALERT_PROVIDERS,
    Address,
    AlertProviderType,
    AlertSeverity,
    Channel,
    Credential,
    ProviderFacts,
    Purpose,
)


@dataclass(frozen=True, kw_only=True)
class CheckedProvider:
    """One Provider with its Secret.

    Attributes:
        type: its type.
        spec: its ``spec``, without ``secretRef``; nothing in it is marked secret yet.
        secret: what its Secret holds, all of it secret; empty where none is made.
        secret_name: the Secret that is made elsewhere; None where there is none.
    """

    type: AlertProviderType
    spec: Mapping[str, Any]
    secret: Mapping[str, pulumi.Input[str]]
    secret_name: pulumi.Input[str] | None


@dataclass(frozen=True, kw_only=True)
class CheckedAlerts:
    """ReceiverAlerts' arguments with defaults filled in, each known value known to be good.

    Attributes:
        first, second: where alerts are sent.
        spec: the Alerts' ``spec``, without ``providerRef``.
    """

    namespace: pulumi.Input[str]
    first: CheckedProvider
    second: CheckedProvider | None
    spec: Mapping[str, Any]


def check_alerts(name: str, args: ReceiverAlertsArgs) -> CheckedAlerts:
    """Return `args` checked and completed.

    Args:
        name: the component's logical name, from which its objects are named.
        args: the arguments, as a mapping; other languages' programs send a plain one.

    Raises:
        ArgumentError: a known value cannot work.
    """
    plain("args", args, Mapping)
    values: dict[str, Any] = {key: value for key, value in args.items() if value is not None}
    known_keys("args", values, ReceiverAlertsArgs.__annotations__)
    component_name(name)
    if "provider" not in values:
        raise ArgumentError("provider", f"is missing; give {_EXAMPLE}")
    first = _provider("provider", values["provider"])
    second = _provider("second", values["second"]) if "second" in values else None
    if second is not None:
        _independent(first, second)
    statuses = any(
        one is not None and ALERT_PROVIDERS[one.type].purpose is Purpose.COMMIT_STATUS
        for one in (first, second)
    )
    namespace = when_known(values.get("namespace", "flux-system"), lambda v: label("namespace", v))
    facts = ALERT_PROVIDERS[first.type]
    spec = {
        "eventMetadata": _if_given(values, "event_metadata", _event_metadata),
        "eventSeverity": str(_severity(values.get("severity", facts.severity))),
        "eventSources": _event_sources(values, namespace, statuses=statuses),
        "exclusionList": _exclusions(values, by_default=facts.purpose is Purpose.PEOPLE),
        "inclusionList": _if_given(
            values, "inclusion_list", lambda v: _expressions("inclusion_list", v)
        ),
        "suspend": plain("suspend", values["suspend"], bool) if "suspend" in values else None,
    }
    return CheckedAlerts(namespace=namespace, first=first, second=second, spec=spec)


_EXAMPLE: Final = '{"type": "slack", "address": "https://hooks.slack.com/services/..."}'


def _severity(value: Any) -> AlertSeverity:
    if plain("severity", value, str) not in set(AlertSeverity):
        raise ArgumentError(
            "severity",
            f"{value!r} is not a severity; give 'error' for failures only, 'info' for everything",
        )
    return AlertSeverity(value)


def _independent(first: CheckedProvider, second: CheckedProvider) -> None:
    addresses = [one.secret.get("address", one.spec.get("address")) for one in (first, second)]
    known = not any(isinstance(address, pulumi.Output) for address in addresses)
    if first.type == second.type and known and addresses[0] == addresses[1]:
        raise ArgumentError(
            "second",
            f"sends where provider does: the type is {str(first.type)!r} and the address the same; "
            "what fails there would fail twice: give another system",
        )


# Where alerts are sent


def _provider(path: str, value: Any) -> CheckedProvider:
    given = entry(path, value, AlertProviderArgs)
    type_ = _type(path, given)
    facts = ALERT_PROVIDERS[type_]
    _unused(path, type_, facts, given)
    credentials = _credentials(path, type_, facts, given)
    secret = {**credentials, **_headers(path, given)}
    elsewhere = _name(path, "secret_name", given)
    address = _address(path, type_, facts, given)
    in_secret = facts.address.secret and elsewhere is None
    if address is not None and in_secret:
        secret["address"] = address
    if elsewhere is not None and secret:
        key = next(k for k in (*_IN_SECRETS, "headers") if k in given)
        raise ArgumentError(
            f"{path}.secret_name", f"is given beside {key}; put that into the Secret, or remove one"
        )
    if facts.needs_credential and not credentials and elsewhere is None:
        raise ArgumentError(
            f"{path}.{facts.credentials[0].value[0]}",
            f"is missing, and the type {type_} needs {_credentials_of(facts)}; give it, or "
            "secret_name, a Secret made elsewhere",
        )
    spec = {
        "address": None if in_secret else address,
        "certSecretRef": _ref(_name(path, "certificate_secret_name", given)),
        "channel": _channel(path, type_, facts, given),
        "commitStatusExpr": _if_given(
            given, "commit_status_expr", lambda v: _commit_status(f"{path}.commit_status_expr", v)
        ),
        "proxySecretRef": _ref(_name(path, "proxy_secret_name", given)),
        "serviceAccountName": _name(path, "service_account_name", given),
        "timeout": _if_given(given, "timeout", lambda v: _timeout(f"{path}.timeout", v)),
        "type": str(type_),
        "username": None
        if "password" in given
        else _checked(given, "username", path, ANYTHING, "is empty"),
    }
    return CheckedProvider(type=type_, spec=spec, secret=secret, secret_name=elsewhere)


def _commit_status(path: str, value: Any) -> str:
    checked = text(path, value, EXPRESSION, "is empty")
    return expression(path, checked, cel.COMMIT_STATUS, cel.Result.STRING)


def _type(path: str, given: Mapping[str, Any]) -> AlertProviderType:
    if "type" not in given:
        raise ArgumentError(f"{path}.type", f"is missing; Flux has {listed(AlertProviderType)}")
    value = plain(f"{path}.type", given["type"], str)
    if value not in set(AlertProviderType):
        raise ArgumentError(
            f"{path}.type",
            f"{value!r} is not a type of Provider{suggestion(value, AlertProviderType)}; "
            f"Flux has {listed(AlertProviderType)}",
        )
    return AlertProviderType(value)


def _unused(
    path: str, type_: AlertProviderType, facts: ProviderFacts, given: Mapping[str, Any]
) -> None:
    # What the controller would not look at: accepted, it would be believed to work.
    used = {
        "address": facts.address is not Address.NONE,
        "certificate_secret_name": facts.certificate,
        "channel": facts.channel is not Channel.NONE,
        "commit_status_expr": facts.purpose is Purpose.COMMIT_STATUS,
        "headers": facts.headers,
        "proxy_secret_name": facts.proxy,
        "service_account_name": facts.service_account,
        "username": facts.username or Credential.BASIC in facts.credentials,
    }
    for key, is_used in used.items():
        if key in given and not is_used:
            raise ArgumentError(
                f"{path}.{key}", f"is given, and the type {type_} does not use it; remove it"
            )


_IN_SECRETS: Final = ("token", "username", "password", "github_app", "creds", "nkey")


def _credentials(
    path: str, type_: AlertProviderType, facts: ProviderFacts, given: Mapping[str, Any]
) -> dict[str, pulumi.Input[str]]:
    shown = [c for c in Credential if c.value[-1] in given]
    for credential in shown:
        if credential not in facts.credentials:
            raise ArgumentError(
                f"{path}.{credential.value[-1]}",
                f"is given, and the type {type_} takes {_credentials_of(facts)}; remove it",
            )
    if len(shown) > 1:
        raise ArgumentError(
            f"{path}.{shown[1].value[-1]}",
            f"is given beside {shown[0].value[-1]}; one of them is used: remove the other",
        )
    if "username" in given and "password" not in given and not facts.username:
        raise ArgumentError(f"{path}.password", "is missing, and a username alone is no use")
    if not shown:
        return {}
    if shown == [Credential.GITHUB_APP]:
        return _github_app(f"{path}.github_app", given["github_app"])
    for key in shown[0].value:
        if key not in given:
            raise ArgumentError(f"{path}.{key}", f"is missing beside {shown[0].value[-1]}")
    return {
        key: when_known(
            given[key],
            functools.partial(_hidden, f"{path}.{key}", form=_FORMS.get((type_, key), _ANY_TEXT)),
        )
        for key in shown[0].value
    }


_ANY_TEXT: Final = (re.compile(r"(?s).*\S.*"), "is empty, or no text")
_FORMS: Final = {
    (AlertProviderType.BITBUCKET, "token"): (
        re.compile(r"[^:\s]+:[^:\s]+"),
        "is not <user>:<app password>, which Bitbucket's token is here",
    )
}


def _hidden(path: str, value: Any, *, form: tuple[re.Pattern[str], str]) -> str:
    pattern, complaint = form
    # Never quoted: it may be wrong, and a secret all the same.
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ArgumentError(path, complaint)
    return value


def _credentials_of(facts: ProviderFacts) -> str:
    named = [" and ".join(credential.value) for credential in facts.credentials]
    return " or ".join(named) if named else "no credential"


def _github_app(path: str, value: Any) -> dict[str, pulumi.Input[str]]:
    given = entry(path, value, GitHubAppArgs)
    for key in sorted(GitHubAppArgs.__required_keys__):
        if key not in given:
            raise ArgumentError(f"{path}.{key}", "is missing; GitHub shows it with the App")
    if ("installation_id" in given) == ("installation_owner" in given):
        raise ArgumentError(
            f"{path}.installation_id",
            "is needed, or installation_owner, and not both: which installation is it?",
        )
    return {
        _APP_KEYS[key]: when_known(item, functools.partial(_app_value, path, key))
        for key, item in given.items()
    }


# https://fluxcd.io/flux/components/source/gitrepositories/#github
_APP_KEYS: Final = {
    "app_id": "githubAppID",
    "base_url": "githubAppBaseURL",
    "installation_id": "githubAppInstallationID",
    "installation_owner": "githubAppInstallationOwner",
    "private_key": "githubAppPrivateKey",
}
_NUMBER: Final = re.compile(r"[0-9]+")


def _app_value(path: str, key: str, value: Any) -> str:
    if key in ("app_id", "installation_id"):
        return text(f"{path}.{key}", value, _NUMBER, "is not an ID, as in '12345'")
    return _hidden(f"{path}.{key}", value, form=_ANY_TEXT)


def _headers(path: str, given: Mapping[str, Any]) -> dict[str, pulumi.Input[str]]:
    if "headers" not in given:
        return {}
    # YAML is what Flux reads, and JSON is YAML.
    return {"headers": when_known(given["headers"], lambda v: _texts(f"{path}.headers", v))}


def _texts(path: str, value: Any) -> str:
    plain(path, value, Mapping)
    for key, item in value.items():
        if not isinstance(key, str) or not isinstance(item, str):
            raise ArgumentError(f"{path}.{key}", "is no text")
    return json.dumps(dict(value), sort_keys=True)


def _address(
    path: str, type_: AlertProviderType, facts: ProviderFacts, given: Mapping[str, Any]
) -> pulumi.Input[str] | None:
    if "address" not in given:
        if facts.address is Address.NONE or (facts.address.secret and "secret_name" in given):
            return None
        raise ArgumentError(
            f"{path}.address",
            f"is missing, and the type {type_} needs {facts.address.value[0]}, as in "
            f"{facts.example!r}",
        )
    checked: pulumi.Input[str] = when_known(
        given["address"], lambda v: _good_address(f"{path}.address", type_, facts, v)
    )
    return checked


def _good_address(path: str, type_: AlertProviderType, facts: ProviderFacts, value: Any) -> str:
    cure = f"is not {facts.address.value[0]} for the type {type_}, as in {facts.example!r}"
    if facts.address is Address.NAME:
        return _hidden(path, value, form=(ANYTHING, cure))
    if facts.address is Address.URL:
        return _hidden(path, value, form=(_URL, cure))
    split = urlsplit(value) if isinstance(value, str) else None
    path_of = facts.repository
    good = split and split.scheme in ("http", "https") and split.hostname and not split.query
    if split is not None and (split.username or split.password):
        raise ArgumentError(path, "has a user or a password in it; give those as token")
    if not good or split is None or path_of is None or not path_of.fullmatch(split.path):
        raise ArgumentError(path, f"{value!r} {cure}")
    return str(value)


_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/]\S*")


def _channel(
    path: str, type_: AlertProviderType, facts: ProviderFacts, given: Mapping[str, Any]
) -> pulumi.Input[str] | None:
    if "channel" not in given:
        if facts.channel is Channel.NEEDED:
            raise ArgumentError(
                f"{path}.channel",
                f"is missing, and the type {type_} needs it: {facts.channel_example}",
            )
        return None
    checked: pulumi.Input[str] = when_known(
        given["channel"], lambda v: _good_channel(f"{path}.channel", type_, facts, v)
    )
    return checked


def _good_channel(path: str, type_: AlertProviderType, facts: ProviderFacts, value: Any) -> str:
    if facts.channel_is_secret:
        return _hidden(path, value, form=(ANYTHING, "is empty, or no text"))
    if type_ is AlertProviderType.ZULIP:
        cure = f"is not a channel and a topic, as in {facts.channel_example!r}"
        return text(path, value, re.compile(r"[^/]+/.+"), cure)
    return text(path, value, ANYTHING, "is empty, or no text")


def _timeout(path: str, value: Any) -> str:
    try:
        durations.seconds(value if isinstance(value, str) else "")
    except ValueError:
        value = "h"
    if "h" in value:
        raise ArgumentError(path, "is not a time of seconds or minutes, as in '30s'")
    return str(value)


def _name(path: str, key: str, given: Mapping[str, Any]) -> pulumi.Input[str] | None:
    kind = "ServiceAccount" if key == "service_account_name" else "Secret"
    name: pulumi.Input[str] | None = _checked(
        given, key, path, OBJECT_NAME, f"is not the name of a {kind}"
    )
    return name


def _checked(
    given: Mapping[str, Any], key: str, path: str, pattern: re.Pattern[str], cure: str
) -> Any:
    return _if_given(given, key, lambda v: text(f"{path}.{key}", v, pattern, cure))


def _if_given(given: Mapping[str, Any], key: str, check: Callable[[Any], Any]) -> Any:
    # An Output of nothing would be sent as null.
    return when_known(given[key], check) if key in given else None


def _ref(name: pulumi.Input[str] | None) -> dict[str, pulumi.Input[str]] | None:
    return None if name is None else {"name": name}


# Which events are sent


def _event_sources(values: Mapping[str, Any], namespace: Any, *, statuses: bool) -> Any:
    if "resources" not in values and "event_sources" not in values:
        raise ArgumentError(
            "event_sources" if statuses else "resources",
            'is missing; give [{"kind": "Kustomization", "name": "app"}], what applies the '
            "repository at the address"
            if statuses
            else "is missing; give the resources of the WebhookReceiver, or event_sources",
        )
    if statuses and "resources" in values:
        raise ArgumentError(
            "resources",
            "cannot be with commit statuses: all Kustomizations of a namespace would mark commits "
            "of a repository that is perhaps not theirs; name them in event_sources",
        )
    given = {
        "event_sources": values.get("event_sources"),
        "namespace": namespace,
        "resources": values.get("resources"),
    }
    return when_known(given, lambda known: _known_sources(statuses=statuses, **known))


def _known_sources(
    *, event_sources: Any, namespace: str, resources: Any, statuses: bool
) -> list[dict[str, Any]]:
    found = [
        _event_source(f"event_sources[{i}]", one, EventSource, statuses=statuses)
        for i, one in enumerate(_any_items("event_sources", event_sources))
    ]
    named = [
        _event_source(f"resources[{i}]", one, ResourceRef)
        for i, one in enumerate(_any_items("resources", resources))
    ]
    unique: list[dict[str, Any]] = []
    for source in (*found, *named, *_followers(named, namespace)):
        if source not in unique:
            unique.append(source)
    if not unique:
        raise ArgumentError("event_sources", "is empty, and so is resources; nothing would be sent")
    return unique


def _event_source(path: str, value: Any, kind_of: Any, *, statuses: bool = False) -> dict[str, Any]:
    given = entry(path, value, kind_of)
    for key in sorted(EventSource.__required_keys__):
        if key not in given:
            raise ArgumentError(f"{path}.{key}", "is missing")
    kind = given["kind"]
    if kind not in targets.KINDS:
        raise ArgumentError(
            f"{path}.kind",
            f"{kind!r} is not a kind whose events Flux sends{suggestion(kind, targets.KINDS)}; "
            f"they are {listed(targets.KINDS)}",
        )
    if statuses and kind not in targets.APPLIERS:
        raise ArgumentError(
            f"{path}.kind",
            f"{kind!r} applies no commit that could have a status; name the Kustomization that "
            "does, or a HelmRelease with the annotation event.toolkit.fluxcd.io/commit",
        )
    source = {"kind": kind}
    if given["name"] != "*":
        text(f"{path}.name", given["name"], OBJECT_NAME, "is not the name of an object, nor '*'")
        if "match_labels" in given:
            raise ArgumentError(
                f"{path}.match_labels", f"needs the name '*', and it is {given['name']!r}"
            )
    source["name"] = given["name"]
    if "namespace" in given:
        source["namespace"] = label(f"{path}.namespace", given["namespace"])
    if "match_labels" in given:
        source["matchLabels"] = dict(plain(f"{path}.match_labels", given["match_labels"], Mapping))
    return source


def _followers(named: Sequence[Mapping[str, Any]], namespace: str) -> list[dict[str, Any]]:
    """Return what follows sources inside the cluster: by kind, as nobody knows their names here."""
    found: dict[tuple[str, str], None] = {}
    for source in named:
        if source["kind"] not in targets.SOURCES:
            continue
        follows = (
            ("ImagePolicy", "ImageUpdateAutomation")
            if source["kind"] == "ImageRepository"
            else ("Kustomization", "HelmRelease")
        )
        for kind in follows:
            found[kind, source.get("namespace", namespace)] = None
    return [
        {"kind": kind, "name": "*", **({} if where == namespace else {"namespace": where})}
        for kind, where in found
    ]


def _exclusions(values: Mapping[str, Any], *, by_default: bool) -> Any:
    default = plain("default_exclusions", values.get("default_exclusions", by_default), bool)
    nodes = plain("exclude_node_replacement", values.get("exclude_node_replacement", False), bool)
    ours = [
        one.expression
        for one in (*(DEFAULT_EXCLUSIONS if default else ()), *(NODE_REPLACEMENT if nodes else ()))
    ]
    if "exclusion_list" not in values:
        return ours or None
    return when_known(
        values["exclusion_list"], lambda v: [*_expressions("exclusion_list", v), *ours]
    )


def _expressions(path: str, value: Any) -> list[str]:
    expressions = list(_any_items(path, value))
    for index, one in enumerate(expressions):
        where = f"{path}[{index}]"
        text(where, one, EXPRESSION, "is empty, or no text")
        if wrong := go_regexp.refusal(one):
            raise ArgumentError(where, f"{one!r} {wrong}; Flux would pass it over")
    return expressions


def _event_metadata(value: Any) -> dict[str, str]:
    _texts("event_metadata", value)
    return dict(value)


def _any_items(path: str, value: Any) -> Sequence[Any]:
    # An empty list is what a loop makes where there is nothing; absent keys are dropped.
    return () if value is None or value in ([], ()) else items(path, value)
