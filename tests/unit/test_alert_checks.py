"""Every bad argument of ReceiverAlerts is told of early, by name, with the cure, and no secret."""

from typing import Any

import pytest

from fluxhooks import AlertProviderType, ArgumentError
from fluxhooks.components.alert_checks import check_alerts
from fluxhooks.flux.alert_filters import DEFAULT_EXCLUSIONS, NODE_REPLACEMENT
from fluxhooks.flux.alert_providers import (
    ALERT_PROVIDERS,
    Address,
    Channel,
    Credential,
    Purpose,
)
from tests.unit.alerts import PROVIDER, STATUS, args, program
from tests.unit.program import Later
from tests.unit.recording_engine import RecordingEngine

_TYPES = (
    "alertmanager, azuredevops, azureeventhub, bitbucket, bitbucketserver, datadog, discord, "
    "generic, generic-hmac, gitea, giteapullrequestcomment, github, githubdispatch, "
    "githubpullrequestcomment, gitlab, gitlabmergerequestcomment, googlechat, googlepubsub, "
    "grafana, lark, matrix, msteams, nats, opsgenie, otel, pagerduty, rocket, sentry, slack, "
    "telegram, webex, zulip"
)
_KINDS = (
    "ArtifactGenerator, Bucket, ExternalArtifact, GitRepository, HelmChart, HelmRelease, "
    "HelmRepository, ImagePolicy, ImageRepository, ImageUpdateAutomation, Kustomization, "
    "OCIRepository"
)
_APP = {"app_id": "1", "installation_id": "2", "private_key": "-----BEGIN"}


def _slack(**changes: Any) -> dict[str, Any]:
    return {"provider": {**PROVIDER, **changes}}


def _to(type_: str, **given: Any) -> dict[str, Any]:
    return {"provider": {"type": type_, **given}}


def _status(**changes: Any) -> dict[str, Any]:
    sources = [{"kind": "Kustomization", "name": "app"}]
    return {"provider": {**STATUS, **changes}, "resources": None, "event_sources": sources}


# What may also be hidden in an Output.
_BAD_VALUES = [
    # where alerts are sent
    pytest.param(
        _slack(address="hooks.slack.com/secret"),
        "provider.address: is not a URL for the type slack, as in "
        "'https://slack.com/api/chat.postMessage'",
        id="address that is no URL, not quoted",
    ),
    pytest.param(
        _status(address="https://github.com/acme"),
        "provider.address: 'https://github.com/acme' is not the repository's web address for the "
        "type github, as in 'https://github.com/acme/app'",
        id="address of an owner",
    ),
    pytest.param(
        _status(address="https://me:secret@github.com/acme/app"),
        "provider.address: has a user or a password in it; give those as token",
        id="repository's address with a password",
    ),
    pytest.param(
        _to("gitlab", address="https://gitlab.com/app", token="t")
        | {"resources": None, "event_sources": [{"kind": "Kustomization", "name": "app"}]},
        "provider.address: 'https://gitlab.com/app' is not the repository's web address for the "
        "type gitlab, as in 'https://gitlab.com/acme/app'",
        id="project without its group",
    ),
    pytest.param(_slack(token=""), "provider.token: is empty, or no text", id="empty token"),
    pytest.param(
        _slack(channel=""), "provider.channel: '' is empty, or no text", id="empty channel"
    ),
    pytest.param(
        _to("zulip", address="https://a.io", username="u", password="p", channel="flux"),
        "provider.channel: 'flux' is not a channel and a topic, as in 'flux/alerts'",
        id="Zulip's channel without a topic",
    ),
    pytest.param(
        _to("pagerduty", address="https://events.pagerduty.com", channel=5),
        "provider.channel: is empty, or no text",
        id="PagerDuty's key, not quoted",
    ),
    pytest.param(
        _slack(timeout="1h"),
        "provider.timeout: is not a time of seconds or minutes, as in '30s'",
        id="timeout of hours",
    ),
    pytest.param(
        _slack(timeout="soon"),
        "provider.timeout: is not a time of seconds or minutes, as in '30s'",
        id="timeout that is none",
    ),
    pytest.param(
        _slack(certificate_secret_name="CA"),
        "provider.certificate_secret_name: 'CA' is not the name of a Secret",
        id="certificate's Secret",
    ),
    pytest.param(
        _status(commit_status_expr=" "),
        "provider.commit_status_expr: ' ' is empty",
        id="empty expression",
    ),
    pytest.param(
        _status(commit_status_expr="event.involvedObject.kind"),
        "provider.commit_status_expr: 'event.involvedObject.kind' may give anything, and must give "
        "a text, as string(…) does",
        id="expression that may be no text",
    ),
    pytest.param(
        _status(token=None, github_app={**_APP, "app_id": "mine"}),
        "provider.github_app.app_id: 'mine' is not an ID, as in '12345'",
        id="App's ID",
    ),
    pytest.param(
        _status(token=None, github_app={**_APP, "private_key": ""}),
        "provider.github_app.private_key: is empty, or no text",
        id="App's key",
    ),
    pytest.param(
        _to("generic", address="https://a.io", headers={"X-Key": 5}),
        "provider.headers.X-Key: is no text",
        id="header that is a number",
    ),
    # which events
    pytest.param(
        {"resources": [{"kind": "Receiver", "name": "app"}]},
        "resources[0].kind: 'Receiver' is not a kind whose events Flux sends; they are " + _KINDS,
        id="a Receiver",
    ),
    pytest.param(
        {"event_sources": [{"kind": "Kustomisation", "name": "app"}]},
        "event_sources[0].kind: 'Kustomisation' is not a kind whose events Flux sends, did you "
        f"mean 'Kustomization'?; they are {_KINDS}",
        id="misspelled kind",
    ),
    pytest.param(
        {"event_sources": [{"kind": "Kustomization", "name": "App"}]},
        "event_sources[0].name: 'App' is not the name of an object, nor '*'",
        id="name with a capital",
    ),
    pytest.param(
        {"event_sources": [{"kind": "Kustomization", "name": "a", "match_labels": {"a": "b"}}]},
        "event_sources[0].match_labels: needs the name '*', and it is 'a'",
        id="labels with a name",
    ),
    pytest.param(
        {"resources": [], "event_sources": []},
        "event_sources: is empty, and so is resources; nothing would be sent",
        id="nothing to hear of",
    ),
    pytest.param(
        _status() | {"event_sources": [{"kind": "GitRepository", "name": "app"}]},
        "event_sources[0].kind: 'GitRepository' applies no commit that could have a status; name "
        "the Kustomization that does, or a HelmRelease with the annotation "
        "event.toolkit.fluxcd.io/commit",
        id="status of a source",
    ),
    pytest.param(
        {"exclusion_list": ["ok", "(?!a)b"]},
        "exclusion_list[1]: '(?!a)b' has '(?!a', which Go does not have; Flux would pass it over",
        id="exclusion that Go does not know",
    ),
    pytest.param(
        {"inclusion_list": [""]},
        "inclusion_list[0]: '' is empty, or no text",
        id="inclusion that is empty",
    ),
    pytest.param(
        {"inclusion_list": "succeeded"},
        "inclusion_list: 'succeeded' is no list with something in it",
        id="inclusion that is a text",
    ),
    pytest.param(
        {"event_metadata": {"cluster": 1}}, "event_metadata.cluster: is no text", id="metadata"
    ),
    pytest.param(
        {"namespace": "Flux"},
        "namespace: 'Flux' is not a Kubernetes name; use lower-case letters, digits and '-'",
        id="namespace",
    ),
]

# What must be known when the program runs.
_BAD_ARGUMENTS = [
    pytest.param(
        {"provider": None},
        'provider: is missing; give {"type": "slack", '
        '"address": "https://hooks.slack.com/services/..."}',
        id="no provider",
    ),
    pytest.param({"provider": {}}, f"provider.type: is missing; Flux has {_TYPES}", id="no type"),
    pytest.param(
        _to("slak"),
        "provider.type: 'slak' is not a type of Provider, did you mean 'slack'?; "
        f"Flux has {_TYPES}",
        id="misspelled type",
    ),
    pytest.param(
        _to("slack"),
        "provider.address: is missing, and the type slack needs a URL, as in "
        "'https://slack.com/api/chat.postMessage'",
        id="no address",
    ),
    pytest.param(
        _to("telegram", address="https://a.io", token="t", channel="@c"),
        "provider.address: is given, and the type telegram does not use it; remove it",
        id="address that is not used",
    ),
    pytest.param(
        _to("msteams", address="https://a.io", channel="general"),
        "provider.channel: is given, and the type msteams does not use it; remove it",
        id="channel that is not used",
    ),
    pytest.param(
        _to("discord", address="https://a.io", certificate_secret_name="ca"),
        "provider.certificate_secret_name: is given, and the type discord does not use it; remove "
        "it",
        id="certificate that is not used, whatever the documentation says",
    ),
    pytest.param(
        _to("matrix", address="https://a.io", token="t"),
        "provider.channel: is missing, and the type matrix needs it: "
        "!jezptmDwEeLapMLjOc:matrix.org",
        id="no room",
    ),
    pytest.param(
        _to("generic-hmac", address="https://a.io"),
        "provider.token: is missing, and the type generic-hmac needs token; give it, or "
        "secret_name, a Secret made elsewhere",
        id="no key to sign with",
    ),
    pytest.param(
        _status(token=None),
        "provider.token: is missing, and the type github needs token or github_app; give it, or "
        "secret_name, a Secret made elsewhere",
        id="no credential",
    ),
    pytest.param(
        _status(github_app=_APP),
        "provider.github_app: is given beside token; one of them is used: remove the other",
        id="two credentials",
    ),
    pytest.param(
        _slack(password="p", username="u"),
        "provider.password: is given, and the type slack takes token; remove it",
        id="credential of another type",
    ),
    pytest.param(
        _to("generic", address="https://a.io", token="t"),
        "provider.token: is given, and the type generic takes no credential; remove it",
        id="token that nobody sends",
    ),
    pytest.param(
        _to("alertmanager", address="https://a.io", username="u"),
        "provider.password: is missing, and a username alone is no use",
        id="username alone",
    ),
    pytest.param(
        _to("alertmanager", address="https://a.io", password="p"),
        "provider.username: is missing beside password",
        id="password alone",
    ),
    pytest.param(
        _status(token=None, github_app={"app_id": "1", "private_key": "k"}),
        "provider.github_app.installation_id: is needed, or installation_owner, and not both: "
        "which installation is it?",
        id="App without an installation",
    ),
    pytest.param(
        _status(token=None, github_app={"app_id": "1", "installation_id": "2"}),
        "provider.github_app.private_key: is missing; GitHub shows it with the App",
        id="App without a key",
    ),
    pytest.param(
        _slack(secret_name="slack", token="t"),
        "provider.secret_name: is given beside token; put that into the Secret, or remove one",
        id="Secret beside a token",
    ),
    pytest.param(
        _slack(secret="slack"),
        "provider.secret: is not an argument, did you mean 'secret_name'?; known are address, "
        "certificate_secret_name, channel, commit_status_expr, creds, github_app, headers, nkey, "
        "password, proxy_secret_name, secret_name, service_account_name, timeout, token, type, "
        "username",
        id="unknown argument of a provider",
    ),
    pytest.param(
        {"second": PROVIDER},
        "second: sends where provider does: the type is 'slack' and the address the same; what "
        "fails there would fail twice: give another system",
        id="second that is the first",
    ),
    pytest.param(
        {"second": {**PROVIDER, "channel": 5, "address": "x"}},
        "second.address: is not a URL for the type slack, as in "
        "'https://slack.com/api/chat.postMessage'",
        id="bad second",
    ),
    pytest.param(
        {"resources": None},
        "resources: is missing; give the resources of the WebhookReceiver, or event_sources",
        id="no events",
    ),
    pytest.param(
        _status() | {"event_sources": None},
        'event_sources: is missing; give [{"kind": "Kustomization", "name": "app"}], what applies '
        "the repository at the address",
        id="no events for a status",
    ),
    pytest.param(
        _status() | {"resources": [{"kind": "GitRepository", "name": "app"}]},
        "resources: cannot be with commit statuses: all Kustomizations of a namespace would mark "
        "commits of a repository that is perhaps not theirs; name them in event_sources",
        id="resources for a status",
    ),
    pytest.param(
        {"severity": "warning"},
        "severity: 'warning' is not a severity; give 'error' for failures only, 'info' for "
        "everything",
        id="severity",
    ),
    pytest.param(
        {"default_exclusions": "no"}, "default_exclusions: 'no' is not true or false", id="switch"
    ),
    pytest.param({"suspend": 1}, "suspend: 1 is not true or false", id="suspend"),
    pytest.param(
        {"exclusions": []},
        "exclusions: is not an argument, did you mean 'exclusion_list'?; known are "
        "default_exclusions, event_metadata, event_sources, exclude_node_replacement, "
        "exclusion_list, inclusion_list, namespace, provider, resources, second, severity, suspend",
        id="unknown argument",
    ),
]


@pytest.mark.parametrize(("changes", "message"), [*_BAD_VALUES, *_BAD_ARGUMENTS])
def test_a_bad_argument_is_told_before_anything_is_registered(
    changes: dict[str, Any], message: str
) -> None:
    """The whole message, and an engine that heard of nothing."""
    engine = RecordingEngine()

    with pytest.raises(ArgumentError) as error:
        engine.run(program(**changes))

    assert message == str(error.value)
    assert [] == engine.named("ReceiverAlerts")


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: v if k == "type" else _hidden(v) for k, v in value.items()}
    return value if value is None else Later(value)


@pytest.mark.parametrize(("changes", "message"), _BAD_VALUES)
def test_a_bad_value_in_an_output_is_told_when_it_is_known(
    changes: dict[str, Any], message: str
) -> None:
    """The same message, and no Provider or Alert is made of it."""
    engine = RecordingEngine()

    with pytest.raises(ArgumentError) as error:
        engine.run(program(**_hidden(changes)))

    assert message == str(error.value)


@pytest.mark.parametrize("name", ["App", "a_b", "-a", "a" * 51])
def test_a_name_must_name_objects(name: str) -> None:
    """As a WebhookReceiver's."""
    with pytest.raises(ArgumentError) as error:
        check_alerts(name, args())

    assert (
        f"name: {name!r} cannot name Kubernetes objects; use at most 50 lower-case letters, "
        "digits and '-', with a letter or digit at both ends" == str(error.value)
    )


def _least(type_: AlertProviderType) -> dict[str, Any]:
    """The least that a type needs."""
    facts = ALERT_PROVIDERS[type_]
    values = {"token": "user:password", "github_app": _APP}
    return {
        "type": type_,
        **({} if facts.address is Address.NONE else {"address": facts.example}),
        **({"channel": facts.channel_example} if facts.channel is Channel.NEEDED else {}),
        **(
            {key: values.get(key, "known") for key in facts.credentials[0].value}
            if facts.needs_credential
            else {}
        ),
    }


@pytest.mark.parametrize("type_", AlertProviderType)
def test_every_type_is_taken_with_the_least_it_needs(type_: AlertProviderType) -> None:
    """Its example is a good address; what may send is kept in the Secret, and nowhere else."""
    facts = ALERT_PROVIDERS[type_]
    sources = [{"kind": "Kustomization", "name": "app"}]
    checked = check_alerts(
        "app", args(provider=_least(type_), resources=None, event_sources=sources)
    )

    given = {key: value for key, value in checked.first.spec.items() if value is not None}
    kept = set(checked.first.secret)
    assert ("address" in kept) == (facts.address.secret and "address" in _least(type_))
    assert ("address" in given) == (facts.address is Address.REPOSITORY)
    assert str(type_) == given["type"]
    assert str(facts.severity) == checked.spec["eventSeverity"]


@pytest.mark.parametrize("type_", AlertProviderType)
def test_every_credential_of_a_type_becomes_keys_that_flux_reads(
    type_: AlertProviderType,
) -> None:
    """Each way it may show who it is, and the least beside."""
    facts = ALERT_PROVIDERS[type_]
    keys = {
        Credential.TOKEN: {"token"},
        Credential.BASIC: {"username", "password"},
        Credential.GITHUB_APP: {
            "githubAppID",
            "githubAppInstallationID",
            "githubAppPrivateKey",
        },
        Credential.NATS_CREDENTIALS: {"creds"},
        Credential.NATS_KEY: {"nkey"},
    }
    sources = [{"kind": "Kustomization", "name": "app"}]
    for credential in facts.credentials:
        values = {"token": "user:password", "github_app": _APP}
        least = {
            key: value
            for key, value in _least(type_).items()
            if key in ("type", "address", "channel")
        }
        shown = {key: values.get(key, "known") for key in credential.value}
        checked = check_alerts(
            "app", args(provider={**least, **shown}, resources=None, event_sources=sources)
        )
        assert keys[credential] == set(checked.first.secret) - {"address"}
        assert checked.first.spec["username"] is None


def test_headers_are_yaml_in_the_secret() -> None:
    """JSON is YAML, and quotes what a header may hold."""
    provider = {"type": "generic", "address": "https://a.io", "headers": {"A": "b: c"}}

    checked = check_alerts("app", args(provider=provider))

    assert {"address": "https://a.io", "headers": '{"A": "b: c"}'} == checked.first.secret


def test_with_a_secret_made_elsewhere_the_address_is_in_it_or_in_the_provider() -> None:
    """Flux looks into the Secret first."""
    provider = {"type": "slack", "secret_name": "slack"}

    without = check_alerts("app", args(provider=provider)).first
    given = check_alerts("app", args(provider={**provider, "address": "https://a.io"})).first

    assert ({}, "slack", None) == (without.secret, without.secret_name, without.spec["address"])
    assert ({}, "slack", "https://a.io") == (given.secret, given.secret_name, given.spec["address"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, len(DEFAULT_EXCLUSIONS), id="people"),
        pytest.param({"default_exclusions": False}, 0, id="people who want all"),
        pytest.param(
            {"exclude_node_replacement": True},
            len(DEFAULT_EXCLUSIONS) + len(NODE_REPLACEMENT),
            id="nodes come and go",
        ),
        pytest.param({"exclusion_list": ["a"]}, 1 + len(DEFAULT_EXCLUSIONS), id="one more"),
        pytest.param(_status(), 0, id="a commit's status"),
        pytest.param(_to("grafana", address="https://a.io/api"), 0, id="a record"),
        pytest.param(
            _to("pagerduty", address="https://a.io", channel="k"),
            len(DEFAULT_EXCLUSIONS),
            id="people who are woken",
        ),
    ],
)
def test_exclusions_are_for_people(changes: dict[str, Any], expected: int) -> None:
    """A record and a status are to be whole."""
    checked = check_alerts("app", args(**changes))

    assert expected == len(checked.spec["exclusionList"] or ())


def test_severity_follows_the_purpose() -> None:
    """People are told of failures; PagerDuty needs the good news to close an incident."""
    severities = {(facts.purpose, str(facts.severity)) for facts in ALERT_PROVIDERS.values()}

    assert {
        (Purpose.PEOPLE, "error"),
        (Purpose.PEOPLE, "info"),
        (Purpose.RECORD, "info"),
        (Purpose.COMMIT_STATUS, "info"),
        (Purpose.CHANGE_REQUEST, "info"),
    } == severities
    assert ["pagerduty"] == [
        str(type_)
        for type_, facts in ALERT_PROVIDERS.items()
        if (facts.purpose, str(facts.severity)) == (Purpose.PEOPLE, "info")
    ]


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        pytest.param(
            [{"kind": "GitRepository", "name": "app", "filter": "true"}],
            ["GitRepository app", "Kustomization *", "HelmRelease *"],
            id="a source and what applies it",
        ),
        pytest.param(
            [
                {"kind": "OCIRepository", "name": "*", "match_labels": {"team": "a"}},
                {"kind": "GitRepository", "name": "app", "namespace": "apps"},
            ],
            [
                "OCIRepository * team=a",
                "GitRepository apps/app",
                "Kustomization *",
                "HelmRelease *",
                "Kustomization apps/*",
                "HelmRelease apps/*",
            ],
            id="of every namespace",
        ),
        pytest.param(
            [{"kind": "ImageRepository", "name": "app"}],
            ["ImageRepository app", "ImagePolicy *", "ImageUpdateAutomation *"],
            id="images",
        ),
        pytest.param(
            [{"kind": "Kustomization", "name": "app"}], ["Kustomization app"], id="an applier"
        ),
    ],
)
def test_resources_of_a_receiver_become_event_sources(
    resources: list[dict[str, Any]], expected: list[str]
) -> None:
    """An Alert cannot name a Receiver."""
    sources = check_alerts("app", args(resources=resources)).spec["eventSources"]

    assert expected == [
        " ".join(
            (
                source["kind"],
                "/".join(
                    (*([source["namespace"]] if "namespace" in source else []), source["name"])
                ),
                *(f"{key}={value}" for key, value in source.get("matchLabels", {}).items()),
            )
        )
        for source in sources
    ]
