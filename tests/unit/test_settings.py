"""The settings of the ready program: what is read, and what is told of a wrong one."""

import contextvars
import json
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest

from fluxhooks import FluxhooksError, SettingError, WebhookReceiverArgs
from stacks.settings import LIBRARYS, ReceiverSettings, Settings
from tests.unit.recording_engine import RecordingEngine, hidden, plain

_RECEIVERS = {"app": {"repository": "app", "sources": [{"name": "app"}]}}
_LEAST = {"host": "flux.example.com", "receivers": _RECEIVERS}

_STACK = Path(__file__).parents[2] / "stacks"


def _stored(settings: dict[str, Any]) -> dict[str, str]:
    # As Pulumi hands a stack's configuration over: texts as they are, all else as JSON.
    return {
        f"fluxhooks:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in settings.items()
    }


def _read(settings: dict[str, Any], *, secret: bool = False) -> Settings:
    def read() -> Settings:
        # Where one value within is a secret, Pulumi says so of the whole.
        secrets = ["fluxhooks:receivers"] if secret else []
        pulumi.runtime.set_all_config(_stored(settings), secrets)
        return Settings.from_config(pulumi.Config("fluxhooks"))

    return contextvars.copy_context().run(read)


def _app(**changes: Any) -> dict[str, Any]:
    return {"app": {**_RECEIVERS["app"], **changes}}


def test_the_least_a_stack_needs() -> None:
    """A host and one receiver; the component's own defaults fill the rest in."""
    settings = _read(_LEAST)

    assert {
        "drain": "30s",
        "github": {"repository": "app"},
        "host": "flux.example.com",
        "namespace": "flux-system",
        "resources": [{"kind": "GitRepository", "name": "app"}],
        "verify": True,
        "verify_timeout": "60s",
    } == settings.args_of(settings.receivers["app"])


def test_every_setting_reaches_the_component() -> None:
    """Nothing that is set is lost."""
    settings = _read(
        {
            "host": "flux.example.com",
            "namespace": "apps",
            "drain": "1m",
            "verify": False,
            "verify_timeout": "5s",
            "interval": "1h",
            "schedule": {"every": "12w", "since": "2026-01-31"},
            "receivers": _app(
                events=["push", "release"],
                resource_filter="req.ref == 'refs/heads/main'",
                schedule={"every": "90d", "since": "2026-01-31", "extra": 1},
                sources=[
                    {"name": "app", "namespace": "apps"},
                    {
                        "kind": "OCIRepository",
                        "name": "*",
                        "match_labels": {"team": "a"},
                        "api_version": "source.toolkit.fluxcd.io/v1beta2",
                        "filter": "req.a == 1",
                    },
                ],
                retained=[1],
            ),
        }
    )

    assert {
        "drain": "1m",
        "events": ["push", "release"],
        "github": {"repository": "app"},
        "host": "flux.example.com",
        "interval": "1h",
        "namespace": "apps",
        "resource_filter": "req.ref == 'refs/heads/main'",
        "resources": [
            {"kind": "GitRepository", "name": "app", "namespace": "apps"},
            {
                "kind": "OCIRepository",
                "name": "*",
                "match_labels": {"team": "a"},
                "api_version": "source.toolkit.fluxcd.io/v1beta2",
                "filter": "req.a == 1",
            },
        ],
        "retained": [1],
        "schedule": {"every": "90d", "since": "2026-01-31", "extra": 1},
        "verify": False,
        "verify_timeout": "5s",
    } == settings.args_of(settings.receivers["app"])


def test_a_schedule_of_the_stack_is_that_of_each_receiver_without_one() -> None:
    """One setting rotates them all."""
    settings = _read({**_LEAST, "schedule": {"every": "12w", "since": "2026-01-31"}})

    assert {"every": "12w", "since": "2026-01-31", "extra": 0} == (
        settings.args_of(settings.receivers["app"])["schedule"]
    )


_ISSUER: dict[str, Any] = {
    "issuer_url": "https://token.actions.githubusercontent.com",
    "audience": "flux",
    "variables": [{"name": "owner", "expression": "claims.repository_owner"}],
    "validations": [{"expression": "vars.owner == 'acme'", "message": "not ours"}],
}


@pytest.mark.parametrize(
    ("sender", "args"),
    [
        pytest.param(
            {"organization": "acme"}, {"github": {"organization": "acme"}}, id="organisation"
        ),
        pytest.param(
            {"project": "acme/app", "push_events_branch_filter": "main"},
            {"gitlab": {"project": "acme/app", "push_events_branch_filter": "main"}},
            id="a GitLab project",
        ),
        pytest.param({"project": 17}, {"gitlab": {"project": "17"}}, id="a project's ID"),
        pytest.param({"group": "acme"}, {"gitlab": {"group": "acme"}}, id="a GitLab group"),
        pytest.param(
            {"gitea": {"url": "https://git.example.com", "owner": "acme", "repository": "app"}},
            {"gitea": {"url": "https://git.example.com", "owner": "acme", "repository": "app"}},
            id="a repository at Gitea",
        ),
        pytest.param(
            {"gitea": {"url": "https://a.test", "organization": "acme", "branch_filter": "main"}},
            {"gitea": {"url": "https://a.test", "organization": "acme", "branch_filter": "main"}},
            id="an organisation at Gitea",
        ),
        pytest.param({"type": "generic-hmac"}, {"type": "generic-hmac"}, id="one told by hand"),
        pytest.param(
            {"type": "gcr", "gcr": {"email": "push@acme.example", "audience": "flux"}},
            {"type": "gcr", "gcr": {"email": "push@acme.example", "audience": "flux"}},
            id="Google's registry",
        ),
        pytest.param(
            {"type": "generic-oidc", "oidc_providers": [_ISSUER]},
            {"type": "generic-oidc", "oidc_providers": [_ISSUER]},
            id="whoever an issuer speaks for",
        ),
    ],
)
def test_senders_other_than_a_repository(sender: dict[str, Any], args: dict[str, Any]) -> None:
    """Each is one setting, as the repository is."""
    settings = _read({**_LEAST, "receivers": _app(repository=None, **sender)})

    given = settings.args_of(settings.receivers["app"])
    assert args == {
        key: value
        for key, value in given.items()
        if key in ("gcr", "gitea", "github", "gitlab", "oidc_providers", "type")
    }


_STORE = {"store": "vault", "key": "flux/app/{generation}"}


@pytest.mark.parametrize(
    "tokens",
    [
        pytest.param({"token": "t0ken"}, id="given"),
        pytest.param({"token_secret": "app-token-{generation}"}, id="in a Secret"),
        pytest.param({"token_from": _STORE}, id="in a store"),
        pytest.param(
            {"token_to": {**_STORE, "store_kind": "ClusterSecretStore", "property": "token"}},
            id="copied to a store",
        ),
        pytest.param({"token": "t0ken", "token_to": _STORE}, id="given and copied"),
    ],
)
def test_where_the_token_comes_from_and_goes(tokens: dict[str, Any]) -> None:
    """As the component takes it; a given one is there as a secret, and no repr shows it."""
    settings = _read({**_LEAST, "receivers": _app(**tokens)}, secret=True)

    given = settings.args_of(settings.receivers["app"])
    assert tokens == {key: value for key, value in given.items() if key.startswith("token")}
    assert "t0ken" not in repr(settings)


@pytest.mark.parametrize(
    ("key", "of_all", "its_own"),
    [
        pytest.param("drain", "1m", "2m", id="drain"),
        pytest.param("host", "flux.example.com", "other.example.com", id="host"),
        pytest.param("interval", "1h", "2h", id="interval"),
        pytest.param("namespace", "apps", "team-a", id="namespace"),
        pytest.param("verify", True, False, id="verify"),
        pytest.param("verify_timeout", "5s", "10s", id="verify_timeout"),
    ],
)
def test_a_receiver_may_differ_from_the_others(key: str, of_all: Any, its_own: Any) -> None:
    """What the stack says of all holds where a receiver says nothing."""
    receivers = {**_app(**{key: its_own}), "web": _app(repository="web")["app"]}
    settings = _read({**_LEAST, key: of_all, "receivers": receivers})

    assert {"app": its_own, "web": of_all} == {
        name: settings.args_of(receiver)[key]  # type: ignore[literal-required]
        for name, receiver in settings.receivers.items()
    }


def test_every_argument_of_the_component_can_be_set() -> None:
    """But the generation, which `fluxhooks rotate` keeps beside them."""
    elsewhere = {"generation"}
    under_other_names = {"github": "repository", "gitlab": "project", "resources": "sources"}

    assert set(WebhookReceiverArgs.__annotations__) - elsewhere <= {
        *ReceiverSettings.model_fields,
        *(
            argument
            for argument, key in under_other_names.items()
            if key in ReceiverSettings.model_fields
        ),
    }


def test_a_schedule_of_all_leaves_out_who_is_told_by_hand() -> None:
    """Nobody would hear that the day has come."""
    schedule = {"every": "90d", "since": "2026-01-31"}
    by_hand = _app(repository=None, type="nexus")["app"]
    settings = _read({**_LEAST, "schedule": schedule, "receivers": {**_app(), "ci": by_hand}})

    assert {"app": True, "ci": False} == {
        name: "schedule" in settings.args_of(receiver)
        for name, receiver in settings.receivers.items()
    }


def test_settings_of_others_are_left_alone() -> None:
    """Component and command line read some themselves."""
    own = {
        "adopting": {"app": {"webhook": "7"}},
        "cluster": "uid",
        "generations": {"app": {"live": 2}},
        "rotate_every": "90d",
    }

    assert set(own) == LIBRARYS
    assert (
        ReceiverSettings.model_validate(_RECEIVERS["app"])
        == (_read({**_LEAST, **own}).receivers["app"])
    )


@pytest.mark.parametrize("module", ["fluxhooks", "stacks"])
def test_every_key_the_library_reads_is_one_of_its_own(module: str) -> None:
    """A new one that is not listed would be refused by the ready program."""
    text = "".join(path.read_text() for path in (_STACK.parent / module).rglob("*.py"))
    read = set(re.findall(r"fluxhooks:([a-z_]+)\b", text)) - {"index"}

    assert read <= LIBRARYS | set(Settings.model_fields), read


def test_settings_of_other_projects_are_not_looked_at() -> None:
    """A stack's configuration has those of its providers, too."""

    def read() -> Settings:
        stored = {**_stored(_LEAST), "github:owner": "acme", "other:hots": "x"}
        pulumi.runtime.set_all_config(stored)
        return Settings.from_config(pulumi.Config("fluxhooks"))

    assert "flux.example.com" == contextvars.copy_context().run(read).host


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param(
            {},
            "fluxhooks:host: field required; pulumi config set host flux.example.com\n"
            "fluxhooks:receivers: field required; "
            "pulumi config set --path 'receivers.app.repository' app && "
            "pulumi config set --path 'receivers.app.sources[0].name' app",
            id="nothing",
        ),
        pytest.param(
            {**_LEAST, "receivers": {}},
            "fluxhooks:receivers: dictionary should have at least 1 item after validation, not 0 "
            "(it is {}); pulumi config set --path 'receivers.app.repository' app && "
            "pulumi config set --path 'receivers.app.sources[0].name' app",
            id="no receiver",
        ),
        pytest.param(
            {**_LEAST, "receivers": {"app": {"sources": [{"name": "app"}]}}},
            "fluxhooks:receivers.app: names no sender; give one of repository, organization, "
            "project, group, system_hook, gitea, type, as in pulumi config set --path "
            "'receivers.app.repository' app",
            id="no sender",
        ),
        pytest.param(
            {**_LEAST, "receivers": _app(project="acme/app")},
            "fluxhooks:receivers.app: names repository and project; give one of repository, "
            "organization, project, group, system_hook, gitea, type, as in pulumi config set "
            "--path 'receivers.app.repository' app",
            id="two senders",
        ),
        pytest.param(
            {**_LEAST, "receivers": {"app": {"repository": "app"}}},
            "fluxhooks:receivers.app.sources: field required; "
            "pulumi config set --path 'receivers.app.sources[0].name' <value>",
            id="no sources",
        ),
        pytest.param(
            {**_LEAST, "receivers": _app(sources=[])},
            "fluxhooks:receivers.app.sources: list should have at least 1 item after validation, "
            "not 0 (it is []); pulumi config set --path 'receivers.app.sources[0].name' <value>",
            id="empty sources",
        ),
        pytest.param(
            {**_LEAST, "receivers": _app(sources=[{"name": "a"}, {"kind": "Bucket"}])},
            "fluxhooks:receivers.app.sources[1].name: field required; "
            "pulumi config set --path 'receivers.app.sources[1].name' <value>",
            id="second source without a name",
        ),
        pytest.param(
            {**_LEAST, "receivers": _app(events="push")},
            "fluxhooks:receivers.app.events: input should be a valid list (it is 'push'); "
            "pulumi config set --path 'receivers.app.events[0]' <value>",
            id="events without a list",
        ),
        pytest.param(
            {**_LEAST, "receivers": _app(repo="app")},
            "fluxhooks:receivers.app.repo: no such setting; "
            "pulumi config rm --path 'receivers.app.repo'",
            id="unknown setting",
        ),
        pytest.param(
            {**_LEAST, "hots": "flux.example.com"},
            "fluxhooks:hots: no such setting, did you mean 'host'?; pulumi config rm --path 'hots'",
            id="misspelled setting",
        ),
        pytest.param(
            {**_LEAST, "generation": {"app": {"live": 2}}},
            "fluxhooks:generation: no such setting, did you mean 'generations'?; "
            "pulumi config rm --path 'generation'",
            id="misspelled setting of the component's",
        ),
        pytest.param(
            {**_LEAST, "schedule": {"every": "90d"}},
            "fluxhooks:schedule.since: field required; "
            "pulumi config set --path 'schedule.since' <value>",
            id="schedule without a beginning",
        ),
        pytest.param(
            {**_LEAST, "verify": "perhaps"},
            "fluxhooks:verify: input should be a valid boolean, unable to interpret input "
            "(it is 'perhaps'); pulumi config set --path 'verify' <value>",
            id="verify that is neither",
        ),
        pytest.param(
            {**_LEAST, "drain": 30},
            "fluxhooks:drain: input should be a valid string (it is 30); "
            "pulumi config set --path 'drain' <value>",
            id="drain without a unit",
        ),
        pytest.param(
            {**_LEAST, "receivers": _app(token="t0ken")},
            "fluxhooks:receivers.app.token: is in plain text, for all who read the file; give "
            "another one, as pulumi config set --secret --path 'receivers.app.token' does",
            id="token in plain text",
        ),
        pytest.param(
            {**_LEAST, "receivers": _app(token=["t0ken"])},
            "fluxhooks:receivers.app.token: input should be a valid string; "
            "pulumi config set --secret --path 'receivers.app.token'",
            id="token that is no text",
        ),
        pytest.param(
            {**_LEAST, "receivers": [_app(token="t0ken")]},
            "fluxhooks:receivers: input should be a valid dictionary; "
            "pulumi config set --path 'receivers.app.repository' app && "
            "pulumi config set --path 'receivers.app.sources[0].name' app",
            id="receivers that are a list",
        ),
        pytest.param(
            {**_LEAST, "receivers": _app(token_from={"store": "vault"})},
            "fluxhooks:receivers.app.token_from.key: field required; "
            "pulumi config set --path 'receivers.app.token_from.key' <value>",
            id="store without a key",
        ),
        pytest.param(
            {**_LEAST, "receivers": _app(token_to={**_STORE, "store_knd": "SecretStore"})},
            "fluxhooks:receivers.app.token_to.store_knd: no such setting, did you mean "
            "'store_kind'?; pulumi config rm --path 'receivers.app.token_to.store_knd'",
            id="misspelled setting of a store",
        ),
        pytest.param(
            {**_LEAST, "receivers": _app(retained=[2])},
            "fluxhooks:receivers.app.retained: is for a receiver with a schedule; what else is "
            "retained stands beside the live generation, where fluxhooks rotate keeps it: pulumi "
            "config rm --path 'receivers.app.retained', and pulumi config set --path "
            "'generations.app.retained[0]' 2",
            id="retained without a schedule",
        ),
    ],
)
def test_wrong_settings_name_the_command_that_cures_them(
    settings: dict[str, Any], message: str
) -> None:
    """All of them at once, one line each, ready to be copied."""
    with pytest.raises(SettingError) as caught:
        _read(settings)

    assert message == str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_nothing_is_shown_of_settings_with_a_secret_among_them() -> None:
    """The token may stand in the wrong place; where, and what belongs there, is enough."""
    with pytest.raises(SettingError) as caught:
        _read({**_LEAST, "receivers": _app(token_from="t0ken")}, secret=True)

    assert (
        "fluxhooks:receivers.app.token_from: input should be a valid dictionary or instance of "
        "store; pulumi config set --path 'receivers.app.token_from' <value>"
    ) == str(caught.value)


@pytest.mark.parametrize(
    ("stored", "read"), [("true", True), ("false", False), ("on", True), ("off", False)]
)
def test_words_for_true_and_false(stored: str, read: bool) -> None:
    """Configuration is text; what people write for yes and no is understood."""
    assert read == _read({**_LEAST, "verify": stored}).verify


def test_settings_are_fixed_once_read() -> None:
    """Settings come from the stack's configuration and from nowhere else."""
    with pytest.raises(ValueError, match="frozen"):
        _read(_LEAST).host = "other.example.com"


def _run(engine: RecordingEngine) -> RecordingEngine:
    # A directory runs as `pulumi up` runs it: its own modules are found first.
    def stack() -> None:
        sys.modules.pop("settings", None)
        runpy.run_path(str(_STACK), run_name="__main__")

    return engine.run(stack)


def test_the_program_declares_a_component_for_each_receiver() -> None:
    """And exports what a person or another stack asks for, and no secret."""
    settings = {**_LEAST, "receivers": {**_app(), "web": _app(repository="site")["app"]}}

    engine = _run(RecordingEngine(config=_stored(settings)))

    assert {"app", "web"} == set(engine.named("WebhookReceiver"))
    assert {
        name: {
            "generation": 1.0,
            "receiver": f"{name}-g1-0a1b2c3d",
            "webhook_id": f"{name}-webhook-id",
        }
        for name in ("app", "web")
    } == plain(engine.outputs["fluxhooks-test"])
    assert "/hook/" not in json.dumps(engine.outputs["fluxhooks-test"])


def test_what_a_sender_is_told_by_hand_is_exported_as_a_secret() -> None:
    """`pulumi stack output --show-secrets` shows it to whoever may."""
    receivers = _app(repository=None, type="generic-hmac")

    engine = _run(RecordingEngine(config=_stored({**_LEAST, "receivers": receivers})))

    exported = engine.outputs["fluxhooks-test"]["app"]
    assert {"generation", "hook_url", "receiver", "token", "webhook_id"} == set(plain(exported))
    assert ["***", "***"] == [hidden(exported)[key] for key in ("hook_url", "token")]


def test_the_program_rotates_by_the_stacks_configuration() -> None:
    """The command in the documentation does what it says."""
    settings = {**_LEAST, "generations": {"app": {"live": 2}}}

    engine = _run(RecordingEngine(config=_stored(settings)))

    assert ["app-g2"] == engine.named(":Receiver")


def test_the_program_ends_with_one_line_when_settings_are_missing() -> None:
    """A SettingError is no traceback, and nothing is registered."""
    engine = RecordingEngine()

    with pytest.raises(FluxhooksError, match="pulumi config set host"):
        _run(engine)

    assert [] == engine.of("WebhookReceiver")
