"""What a WebhookReceiver asks of the engine: resources, order, options, secrets, outputs."""

import functools
import json
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any

import httpx
import pulumi
import pytest
from google.protobuf import json_format

from fluxhooks import (
    ArgumentError,
    CatchUpError,
    FluxhooksError,
    IncompleteUpdateError,
    PathMismatchError,
    ReceiverNotProvedError,
    ReceiverNotReadyError,
    SettingError,
    WebhookReceiver,
)
from fluxhooks.components.kubernetes import ReceiverSecret
from fluxhooks.flux.hook_path import hook_path
from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.flux.signature import sign
from tests.unit.host import Host
from tests.unit.program import Later, program
from tests.unit.recording_engine import (
    CREATED_AT,
    HOOK_ID,
    UNKNOWN,
    RecordingEngine,
    hidden,
    is_secret,
    plain,
)

_TOKEN = "token-of-app-g1-token"
_PATH = hook_path(_TOKEN, "app-g1-0a1b2c3d", "flux-system")
_TOKEN_2 = "token-of-app-g2-token"
_PATH_2 = hook_path(_TOKEN_2, "app-g2-0a1b2c3d", "flux-system")

_GITEA = {"url": "https://git.example.com", "owner": "acme", "repository": "app"}

# What the run before a rotation left behind.
_ROTATED = {"app": {"hook_url": f"https://flux.example.com{_PATH}"}}

_SECRET_OUTPUTS = {"hook_path", "hook_url", "token"}

_EVERYTHING: dict[str, Any] = {
    "drain": "1s",
    "events": ["push", "release"],
    "generation": 3,
    "interval": "1h",
    "namespace": "apps",
    "resource_filter": "req.ref == 'refs/heads/main'",
    "resources": [
        {"kind": "GitRepository", "name": "app", "namespace": "apps"},
        {"kind": "OCIRepository", "name": "*", "match_labels": {"team": "a"}},
        {"kind": "HelmRelease", "name": "app", "api_version": "helm.toolkit.fluxcd.io/v2beta2"},
    ],
    "retained": [1, 2],
    "type": ReceiverType.GITHUB,
    "verify": False,
    "verify_timeout": "5s",
}


@pytest.fixture(autouse=True)
def unreachable(answering: Callable[[Host], Host]) -> Host:
    """The host of a test that names no other: asked by mistake, it makes the test fail."""
    return answering(Host(500))


# What is registered


def test_five_resources_make_the_pair() -> None:
    """One component, and under it token, Secret, Receiver and webhook: names are contract."""
    engine = RecordingEngine().run(program())

    component = "fluxhooks:index:WebhookReceiver"
    assert [
        (component, "app", ""),
        ("github:index/repositoryWebhook:RepositoryWebhook", "app-webhook", component),
        ("kubernetes:core/v1:Secret", "app-g1-token", component),
        ("kubernetes:notification.toolkit.fluxcd.io/v1:Receiver", "app-g1", component),
        ("random:index/randomPassword:RandomPassword", "app-g1-token", component),
    ] == sorted(
        (request.type, request.name, _parent(request))
        for request in engine.requests
        if request.type != "pulumi:pulumi:Stack"
    )


def test_the_token_is_long_and_of_letters_and_digits() -> None:
    """A sender's form field takes it unharmed, and nobody guesses it."""
    (password,) = RecordingEngine().run(program()).of("RandomPassword")

    assert {"length": 64.0, "special": False} == _inputs(password)


def test_the_secret_in_full() -> None:
    """Immutable, found by its labels, deleted without a garbage collector, auto-named."""
    (secret,) = RecordingEngine().run(program()).of("core/v1:Secret")

    assert {
        "apiVersion": "v1",
        "kind": "Secret",
        "immutable": True,
        "metadata": {
            "annotations": {"pulumi.com/deletionPropagationPolicy": "background"},
            "labels": {
                "app.kubernetes.io/managed-by": "fluxhooks",
                "fluxhooks/component": "app",
                "fluxhooks/generation": "1",
                "fluxhooks/stack": "fluxhooks.test",
                "reconcile.fluxcd.io/watch": "Enabled",
            },
            "namespace": "flux-system",
        },
        "stringData": {"token": _TOKEN},
    } == plain(_inputs(secret))


def test_the_receiver_in_full() -> None:
    """Done when Ready with a path; allows the ping besides the webhook's events."""
    (receiver,) = RecordingEngine().run(program()).of(":Receiver")

    assert {
        "apiVersion": "notification.toolkit.fluxcd.io/v1",
        "kind": "Receiver",
        "metadata": {
            "annotations": {
                "pulumi.com/deletionPropagationPolicy": "background",
                "pulumi.com/waitFor": "jsonpath={.status.conditions"
                "[?@.type=='Stalled' || @.type=='Ready' && @.status=='True']}",
            },
            "labels": {
                "app.kubernetes.io/managed-by": "fluxhooks",
                "fluxhooks/component": "app",
                "fluxhooks/generation": "1",
                "fluxhooks/stack": "fluxhooks.test",
            },
            "namespace": "flux-system",
        },
        "spec": {
            "events": ["ping", "push"],
            "resourceFilter": "!has(req.fluxhooksProbe) && !has(req.zen)",
            "resources": [
                {
                    "apiVersion": "source.toolkit.fluxcd.io/v1",
                    "kind": "GitRepository",
                    "name": "app",
                }
            ],
            "secretRef": {"name": "app-g1-token-0a1b2c3d"},
            "type": "github",
        },
    } == plain(_inputs(receiver))


def test_the_webhook_in_full() -> None:
    """Address and secret in one configuration, JSON over verified TLS, active."""
    (webhook,) = RecordingEngine().run(program()).of("RepositoryWebhook")

    assert {
        "active": True,
        "configuration": {
            "contentType": "json",
            "insecureSsl": False,
            "secret": _TOKEN,
            "url": f"https://flux.example.com{_PATH}",
        },
        "events": ["push"],
        "repository": "app",
    } == plain(_inputs(webhook))


def test_every_argument_reaches_its_resource() -> None:
    """What a user gives is what is sent, and nothing of it is lost on the way."""
    engine = RecordingEngine().run(program(**_EVERYTHING))

    receiver = _named(engine, "app-g3", ":Receiver")
    (webhook,) = engine.of("RepositoryWebhook")
    assert {
        "events": ["ping", "push", "release"],
        "interval": "1h",
        "resourceFilter": "!has(req.fluxhooksProbe) && !has(req.zen) && "
        "(has(req.fluxhooksCatchUp) || (req.ref == 'refs/heads/main'))",
        "resources": [
            {
                "apiVersion": "source.toolkit.fluxcd.io/v1",
                "kind": "GitRepository",
                "name": "app",
                "namespace": "apps",
            },
            {
                "apiVersion": "source.toolkit.fluxcd.io/v1",
                "kind": "OCIRepository",
                "matchLabels": {"team": "a"},
                "name": "*",
            },
            {
                "apiVersion": "helm.toolkit.fluxcd.io/v2beta2",
                "kind": "HelmRelease",
                "name": "app",
            },
        ],
        "secretRef": {"name": "app-g3-token-0a1b2c3d"},
        "type": "github",
    } == _inputs(receiver)["spec"]
    assert ["push", "release"] == _inputs(webhook)["events"]
    assert {"apps"} == {
        _inputs(request)["metadata"]["namespace"]
        for request in [*engine.of(":Receiver"), *engine.of(":Secret")]
    }


@pytest.mark.parametrize(
    "changes", [pytest.param({}, id="least"), pytest.param(_EVERYTHING, id="everything")]
)
def test_no_null_is_sent(changes: dict[str, Any]) -> None:
    """The API server refuses null on the second update: an absent key is dropped."""
    engine = RecordingEngine().run(program(**changes))

    assert [] == [
        (request.name, path)
        for request in engine.requests
        for path, value in _leaves(_inputs(request))
        if value is None
    ]


# Order


def test_dependencies_make_the_engine_create_in_order() -> None:
    """Token, Secret, Receiver, webhook; and deletes run in the opposite order."""
    engine = RecordingEngine().run(program())

    token, secret, receiver, webhook = _chain(engine)
    assert [] == list(token.dependencies)
    assert [_urn(token)] == list(secret.dependencies)
    assert [_urn(secret)] == list(receiver.dependencies)
    assert sorted([_urn(token), _urn(receiver)]) == sorted(webhook.dependencies)


def test_a_retained_generation_does_not_hold_the_webhook_up() -> None:
    """The webhook depends on the live generation, so retiring an old one never touches it."""
    engine = RecordingEngine().run(program(generation=2, retained=[1]))

    (webhook,) = engine.of("RepositoryWebhook")
    assert {"app-g2-token", "app-g2"} == {urn.rpartition("::")[2] for urn in webhook.dependencies}


# Options


def test_options_of_the_kubernetes_objects() -> None:
    """Status is secret, another Secret means another Receiver, waiting ends."""
    engine = RecordingEngine().run(program())

    _, secret, receiver, _ = _chain(engine)
    timeouts = receiver.customTimeouts
    assert ["status"] == list(receiver.additionalSecretOutputs)
    assert ["spec.secretRef.name"] == list(receiver.replaceOnChanges)
    assert ("2m", "2m", "2m") == (timeouts.create, timeouts.update, timeouts.delete)
    assert {metadata.version("pulumi-kubernetes")} == {secret.version, receiver.version}


def test_what_protects_the_component_does_not_keep_retired_generations_alive() -> None:
    """A rotation must be able to delete; the webhook, which stays, is protected."""
    opts = pulumi.ResourceOptions(protect=True, retain_on_delete=True)

    token, secret, receiver, webhook = _chain(RecordingEngine().run(program(opts=opts)))

    for request in (token, secret, receiver):
        # Set and false: unset would mean the parent's.
        assert (True, False) == (request.HasField("protect"), request.protect)
        assert (True, False) == (request.HasField("retainOnDelete"), request.retainOnDelete)
    assert not (webhook.HasField("protect") and not webhook.protect)
    assert not webhook.HasField("retainOnDelete")


def test_providers_of_the_component_reach_its_resources() -> None:
    """Which cluster and which owner is the caller's choice."""

    def declare() -> None:
        providers = [
            pulumi.ProviderResource(package, f"my-{package}", {})
            for package in ("github", "kubernetes", "random")
        ]
        program(opts=pulumi.ResourceOptions(providers=providers))()

    engine = RecordingEngine().run(declare)

    assert ["my-random", "my-kubernetes", "my-kubernetes", "my-github"] == [
        request.provider.split("::")[-2] for request in _chain(engine)
    ]


def test_a_component_can_be_a_child() -> None:
    """The caller's parent is the component's, and the resources stay the component's."""

    def declare() -> None:
        parent = pulumi.ComponentResource("my:index:Team", "team")
        program(opts=pulumi.ResourceOptions(parent=parent))()

    engine = RecordingEngine().run(declare)

    (component,) = engine.of("WebhookReceiver")
    assert "my:index:Team" == _parent(component)
    assert {"fluxhooks:index:WebhookReceiver"} == {_parent(child) for child in _chain(engine)}


# Secrets


def test_everything_secret_is_sent_as_a_secret() -> None:
    """Token and address are marked where they are inputs, so the state never shows them."""
    _, secret, _, webhook = _chain(RecordingEngine().run(program()))

    assert is_secret(_inputs(secret)["stringData"]["token"])
    assert is_secret(_inputs(webhook)["configuration"]["secret"])
    assert is_secret(_inputs(webhook)["configuration"]["url"])


def test_a_token_is_secret_wherever_it_comes_from() -> None:
    """Also one that nobody marked."""

    def declare() -> None:
        options = pulumi.ResourceOptions()
        ReceiverSecret("x", namespace="apps", labels={}, token="in clear", beside={}, opts=options)

    (secret,) = RecordingEngine().run(declare).of(":Secret")

    assert is_secret(_inputs(secret)["stringData"]["token"])


@pytest.mark.parametrize(
    ("changes", "finished"),
    [
        pytest.param({}, {}, id="created"),
        pytest.param(_EVERYTHING, {}, id="everything"),
        pytest.param({"generation": 2, "drain": "0s"}, _ROTATED, id="rotated"),
    ],
)
def test_nothing_secret_is_sent_or_said_in_clear(
    answering: Callable[[Host], Host], changes: dict[str, Any], finished: dict[str, Any]
) -> None:
    """Beside what is marked secret, no input, output or message holds a token or a path."""
    answering(Host(200))
    engine = RecordingEngine(finished=finished).run(program(**changes))

    shown = (
        json.dumps(
            [
                [hidden(_inputs(request)) for request in engine.requests],
                hidden(engine.outputs),
                engine.messages,
            ]
        )
        .replace('"app-g', "name")
        .replace("-token-0a1b2c3d", "")
    )
    assert "token-of-" not in shown
    assert "/hook/" not in shown.replace("/hook/***", "")


# Outputs


def test_outputs_are_exactly_the_annotated_ones() -> None:
    """State, UI and other languages see all of them and nothing else."""
    engine = RecordingEngine().run(program())

    assert set(WebhookReceiver.__annotations__) == set(engine.outputs["app"])


def test_outputs_in_full() -> None:
    """What a stack exports from it; path and URL are secret, the rest is not."""
    engine = RecordingEngine().run(program())

    outputs = engine.outputs["app"]
    assert {
        "created_at": CREATED_AT,
        "due_at": "",
        "generation": 1.0,
        "generation_authority": "configuration",
        "hook_path": _PATH,
        "hook_url": f"https://flux.example.com{_PATH}",
        "receiver_name": "app-g1-0a1b2c3d",
        "secret_name": "app-g1-token-0a1b2c3d",
        "token": _TOKEN,
        "webhook_id": "app-webhook-id",
    } == plain(outputs)
    assert _SECRET_OUTPUTS == {name for name in outputs if is_secret(outputs[name])}


def test_attributes_are_what_was_registered() -> None:
    """A program that uses an attribute gets what the state holds."""
    seen: dict[str, Any] = {}

    def declare() -> None:
        component = WebhookReceiver(
            "app",
            {
                "github": {"repository": "app"},
                "host": "flux.example.com",
                "resources": [{"kind": "GitRepository", "name": "app"}],
            },
        )
        for name in WebhookReceiver.__annotations__:
            getattr(component, name).apply(functools.partial(seen.__setitem__, name))
            pulumi.export(name, getattr(component, name))

    engine = RecordingEngine().run(declare)

    exported = engine.outputs["fluxhooks-test"]
    assert plain(engine.outputs["app"]) == seen
    assert _SECRET_OUTPUTS == {name for name in exported if is_secret(exported[name])}


# Generations


def test_retained_generations_stay_declared() -> None:
    """Each has its own token, Secret and Receiver; there is one webhook, at the live one."""
    engine = RecordingEngine().run(program(generation=3, retained=[2]))

    (webhook,) = engine.of("RepositoryWebhook")
    assert {"app-g2", "app-g3"} == set(engine.named(":Receiver"))
    assert {"app-g2-token", "app-g3-token"} == set(engine.named(":Secret"))
    assert {"app-g2-token", "app-g3-token"} == set(engine.named("RandomPassword"))
    assert "token-of-app-g3-token" == plain(_inputs(webhook))["configuration"]["secret"]
    assert {"2", "3"} == {
        _inputs(request)["metadata"]["labels"]["fluxhooks/generation"]
        for request in engine.of(":Secret")
    }


def test_going_back_points_at_the_older_generation() -> None:
    """The live generation is the one that is named, not the newest."""
    engine = RecordingEngine().run(program(generation=1, retained=[2]))

    (webhook,) = engine.of("RepositoryWebhook")
    assert {"secret": _TOKEN, "url": f"https://flux.example.com{_PATH}"}.items() <= (
        plain(_inputs(webhook))["configuration"].items()
    )
    assert ("app-g1-0a1b2c3d", "app-g1-token-0a1b2c3d") == (
        engine.outputs["app"]["receiver_name"],
        engine.outputs["app"]["secret_name"],
    )


@pytest.mark.parametrize(
    ("config", "changes", "live", "declared"),
    [
        pytest.param({}, {}, 1, {"app-g1"}, id="nothing said: the first"),
        pytest.param({"app": {"live": 4}}, {}, 4, {"app-g4"}, id="configured"),
        pytest.param(
            {"app": {"live": 4, "retained": [3]}},
            {},
            4,
            {"app-g3", "app-g4"},
            id="configured, with an older one",
        ),
        pytest.param({"other": {"live": 4}}, {}, 1, {"app-g1"}, id="another component's"),
        pytest.param(
            {"app": {"live": 4, "retained": [3]}},
            {"generation": 4},
            4,
            {"app-g4"},
            id="the argument wins wholly",
        ),
        pytest.param(
            {"app": {"live": 4, "retained": [3]}},
            {"retained": []},
            4,
            {"app-g4"},
            id="an argument says what is retained",
        ),
    ],
)
def test_one_authority_says_which_generation(
    config: dict[str, Any], changes: dict[str, Any], live: int, declared: set[str]
) -> None:
    """The argument, else the stack's configuration, else 1."""
    engine = RecordingEngine(config={"fluxhooks:generations": json.dumps(config)})

    engine.run(program(**changes))

    assert declared == set(engine.named(":Receiver"))
    assert live == engine.outputs["app"]["generation"]


@pytest.mark.parametrize(
    ("changes", "authority"),
    [
        pytest.param({}, "configuration", id="nothing said"),
        pytest.param({"generation": 1}, "program", id="the argument"),
        pytest.param({"schedule": {"every": "90d", "since": "2026-01-31"}}, "schedule", id="time"),
    ],
)
def test_who_names_the_generation_is_told(changes: dict[str, Any], authority: str) -> None:
    """What rotates a stack must know where to write the next number."""
    engine = RecordingEngine().run(program(**changes))

    assert authority == engine.outputs["app"]["generation_authority"]


# By the calendar


@pytest.mark.parametrize(
    ("schedule", "live", "due"),
    [
        pytest.param({"every": "90d", "since": "2990-01-01"}, 1, "2990-04-01T00:00:00Z", id="due"),
        pytest.param(
            {"every": "1w", "since": "2990-01-01", "extra": 2.0}, 3, "2990-01-08T00:00:00Z", id="+2"
        ),
    ],
)
def test_a_schedule_names_the_generation_and_when_the_next_is_due(
    schedule: dict[str, Any], live: int, due: str
) -> None:
    """Its first period has not begun; rotations out of turn count from the beginning."""
    engine = RecordingEngine(config={"fluxhooks:rotate_every": "5d"})

    outputs = engine.run(program(schedule=schedule)).outputs["app"]

    assert {f"app-g{live}"} == set(engine.named(":Receiver"))
    assert (live, due) == (outputs["generation"], outputs["due_at"])


def test_without_a_schedule_the_configuration_says_how_old_a_secret_may_become() -> None:
    """Counted from when the API server made it."""
    engine = RecordingEngine(config={"fluxhooks:rotate_every": "90d"}).run(program())

    assert "2026-05-01T12:00:00Z" == engine.outputs["app"]["due_at"]


def test_a_preview_of_what_is_not_there_does_not_know_when_it_is_due() -> None:
    """The time of creation is missing."""
    engine = RecordingEngine(preview=True, config={"fluxhooks:rotate_every": "90d"}).run(program())

    assert "" == engine.outputs["app"]["due_at"]


def test_a_period_of_the_configuration_that_is_none() -> None:
    """The key is named, and nothing is registered."""
    engine = RecordingEngine(config={"fluxhooks:rotate_every": "monthly"})

    assert (
        "fluxhooks:rotate_every: 'monthly' is not a period; use days or weeks, as in '90d' or '12w'"
    ) == _failure(engine, program(), ArgumentError)
    assert [] == engine.of("WebhookReceiver")


@pytest.mark.parametrize(
    ("configured", "said"),
    [
        pytest.param(
            8,
            "8; one place decides: remove the schedule, or keep it and give it extra 7 and",
            id="ahead",
        ),
        pytest.param(1, "1; one place decides: remove the schedule, or keep it and", id="equal"),
    ],
)
def test_a_schedule_beside_a_configured_generation_is_refused(configured: int, said: str) -> None:
    """Also beside an equal one: on the day the next is due they would differ."""
    config = {"fluxhooks:generations": json.dumps({"app": {"live": configured}})}
    schedule = {"every": "90d", "since": "2990-01-01", "extra": 1 if configured == 8 else 0}

    assert (
        f"schedule: gives {1 + schedule['extra']}, and the configuration "
        f"fluxhooks:generations.app.live says {said} pulumi config rm --path "
        "'fluxhooks:generations.app'"
    ) == _failure(RecordingEngine(config=config), program(schedule=schedule), ArgumentError)


# Previews


@pytest.mark.parametrize(
    "changes", [pytest.param({}, id="least"), pytest.param(_EVERYTHING, id="everything")]
)
def test_a_preview_registers_what_the_update_will(changes: dict[str, Any]) -> None:
    """Nothing is made inside an apply, so a preview shows all of it."""
    preview = RecordingEngine(preview=True).run(program(**changes))
    update = RecordingEngine().run(program(**changes))

    for request in update.requests:
        twin = _named(preview, request.name, request.type)
        expected = dict(_leaves(plain(_inputs(request))))
        foreseen = dict(_leaves(plain(_inputs(twin))))
        known = {path: value for path, value in foreseen.items() if value != UNKNOWN}
        assert expected.keys() == foreseen.keys()
        assert {path: expected[path] for path in known} == known
    assert len(update.requests) == len(preview.requests)


@pytest.mark.parametrize("exists", [False, True])
def test_a_preview_asks_nothing_of_the_network(unreachable: Host, exists: bool) -> None:
    """Also when the update it foresees will repoint and drain, to a generation new or retained."""
    engine = RecordingEngine(preview=True, exists=exists, finished=_ROTATED)

    engine.run(program(generation=2, drain="1h"))

    path = plain(engine.outputs["app"]["hook_path"])
    assert [] == unreachable.requests
    assert [] == engine.said
    assert (_PATH_2 if exists else UNKNOWN) == path


def test_a_preview_is_not_misled_by_the_status_of_before() -> None:
    """A Receiver that will be changed still shows its old path."""
    engine = RecordingEngine(preview=True, exists=True, served_path=lambda computed: "/hook/old")

    engine.run(program())

    assert _PATH == plain(engine.outputs["app"]["hook_path"])


# Messages


def test_appliers_are_warned_of() -> None:
    """Each is named with its place; nothing else is said, and nothing is refused."""
    engine = RecordingEngine().run(program(**_EVERYTHING))

    assert [
        (
            "warning",
            "resources[2] targets the applier HelmRelease/app: it follows its source inside the "
            "cluster and needs no webhook; target that source instead",
        )
    ] == engine.said


def test_a_program_without_appliers_is_silent() -> None:
    """A run with nothing to tell tells nothing."""
    assert [] == RecordingEngine().run(program()).said


def test_appliers_in_an_output_are_warned_of_too() -> None:
    """When the value is known."""
    resources = Later([{"kind": "Kustomization", "name": "app"}])

    engine = RecordingEngine().run(program(resources=resources, events=["push"]))

    assert ["warning"] == [severity for severity, _ in engine.said]


# The webhook at Gitea


def test_a_webhook_of_giteas_in_full() -> None:
    """All of it in plain inputs but URL and token; a parent's protection does not reach it."""
    opts = pulumi.ResourceOptions(protect=True, retain_on_delete=True)
    gitea = {**_GITEA, "url": "https://git.example.com/", "branch_filter": "main"}
    engine = RecordingEngine().run(
        program(github=None, gitea=gitea, events=["pull_request_sync", "push"], opts=opts)
    )

    (webhook,) = engine.of("pulumi-python:dynamic/gitea:Webhook")
    inputs = _inputs(webhook)
    assert "app-g1-webhook" == webhook.name
    assert {"secret", "url"} == {key for key, value in inputs.items() if is_secret(value)}
    assert {
        "active": True,
        "branch_filter": "main",
        "content_type": "json",
        "events": ["pull_request_sync", "push"],
        "owner": "acme",
        "repository": "app",
        "secret": _TOKEN,
        "server": "https://git.example.com",
        "url": f"https://flux.example.com{_PATH}",
    } == {key: value for key, value in plain(inputs).items() if key != "__provider"}
    assert {"secret", "url"} == set(webhook.additionalSecretOutputs)
    assert (False, False) == (webhook.protect, webhook.retainOnDelete)
    assert {"webhook_id": str(HOOK_ID)}.items() <= plain(engine.outputs["app"]).items()


def test_a_receiver_accepts_what_gitea_calls_its_events() -> None:
    """Which is not what the webhook asks for."""
    engine = RecordingEngine().run(
        program(github=None, gitea=_GITEA, events=["pull_request_sync", "push"])
    )

    (receiver,) = engine.of(":Receiver")
    assert ["ping", "pull_request", "push"] == _inputs(receiver)["spec"]["events"]


# What an update leaves out


def test_a_webhook_that_is_left_out_is_not_taken_for_repointed() -> None:
    """The engine answers with what was, and says no word of it."""
    there = {"configuration": {"url": f"https://flux.example.com/hook/{'0' * 64}"}}
    engine = RecordingEngine(left_out={"app-webhook": there})

    error = _failure(engine, program(), IncompleteUpdateError)

    assert (
        "app-webhook is left out of this update and still calls another generation; nothing was "
        "deleted, run pulumi up without --target"
    ) == error
    assert {} == engine.outputs.get("app", {})


def test_a_webhook_of_gitlabs_that_is_left_out_is_not_taken_for_made() -> None:
    """It is a new one for each generation."""
    engine = RecordingEngine(left_out={"app-g1-webhook": {}})

    error = _failure(
        engine, program(github=None, gitlab={"project": "a/app"}), IncompleteUpdateError
    )

    assert (
        "app-g1-webhook is not made in this update, which leaves it out; nothing was deleted, run "
        "pulumi up without --target"
    ) == error


def test_a_webhook_of_giteas_that_is_left_out_is_not_taken_for_made() -> None:
    """It is a new one for each generation."""
    engine = RecordingEngine(left_out={"app-g1-webhook": {}})

    error = _failure(engine, program(github=None, gitea=_GITEA), IncompleteUpdateError)

    assert (
        "app-g1-webhook is not made in this update, which leaves it out; nothing was deleted, run "
        "pulumi up without --target"
    ) == error


def test_an_object_that_is_left_out_makes_no_generation_live() -> None:
    """What is not there has no name."""
    engine = RecordingEngine(left_out={"app-g1-token": {}})

    error = _failure(engine, program(), IncompleteUpdateError)

    assert (
        "the Secret of app-g1 is not made in this update, which leaves it out; nothing was "
        "repointed or deleted, run pulumi up without --target"
    ) == error
    assert [] == engine.of("RepositoryWebhook")


# The path that is served


def test_a_receiver_that_serves_another_path_is_told_of() -> None:
    """No webhook may be pointed at a path the token does not give."""
    engine = RecordingEngine(served_path=lambda computed: f"/hook/{'0' * 64}")

    error = _failure(engine, program(), PathMismatchError)

    assert (
        "Receiver flux-system/app-g1-0a1b2c3d (app-g1) serves another path than its token gives: "
        "the Secret was changed by hand, or Flux has not read it yet; flux reconcile receiver "
        "app-g1-0a1b2c3d -n flux-system, then pulumi up --refresh"
    ) == error
    assert [] == engine.of("RepositoryWebhook")


def test_a_receiver_without_a_path_is_told_of() -> None:
    """The message names who should have written it."""
    engine = RecordingEngine(served_path=lambda computed: None)

    error = _failure(engine, program(), PathMismatchError)

    assert (
        "Receiver flux-system/app-g1-0a1b2c3d (app-g1) has no path in its status: is "
        "notification-controller running, and Flux 2.7 or newer? kubectl -n flux-system get "
        "deployment notification-controller"
    ) == error
    assert [] == engine.of("RepositoryWebhook")


_STALLED = {
    "type": "Stalled",
    "status": "True",
    "reason": "InvalidCELExpression",
    "message": f"invalid resourceFilter expression; it was /hook/{'a' * 64}",
}


def test_a_receiver_that_the_controller_refuses_is_told_of_in_its_words() -> None:
    """Without the path, which stands in some of its messages."""
    engine = RecordingEngine(conditions=[_STALLED], served_path=lambda computed: None)

    error = _failure(engine, program(), ReceiverNotReadyError)

    assert (
        "Receiver flux-system/app-g1-0a1b2c3d (app-g1) will never be Ready; its controller says "
        "InvalidCELExpression: invalid resourceFilter expression; it was /hook/***. Mend that and "
        "run pulumi up again, with --refresh where it was mended in the cluster"
    ) == error
    assert [] == engine.of("RepositoryWebhook")


def test_a_receiver_that_is_refused_is_not_gone_live_with_its_old_path() -> None:
    """The controller leaves the path of a Receiver that it served before."""
    error = _failure(RecordingEngine(conditions=[_STALLED]), program(), ReceiverNotReadyError)

    assert "InvalidCELExpression" in error


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param({"type": "Stalled", "status": "False"}, id="not-stalled"),
        pytest.param({"type": "Ready", "status": "True", "reason": "Succeeded"}, id="ready"),
    ],
)
def test_other_conditions_stop_nothing(condition: dict[str, str]) -> None:
    """The path is what counts."""
    engine = RecordingEngine(conditions=[condition]).run(program())

    assert ["app-webhook"] == engine.named("RepositoryWebhook")


def test_a_preview_does_not_judge_by_a_status_of_before() -> None:
    """What it would change may be the cure."""
    engine = RecordingEngine(preview=True, exists=True, conditions=[_STALLED]).run(program())

    assert ["app-webhook"] == engine.named("RepositoryWebhook")


# Rotation


def test_a_rotation_proves_then_repoints_then_catches_up(
    answering: Callable[[Host], Host],
) -> None:
    """The probe comes before the webhook is touched, the catch-up after."""
    order: list[str] = []
    engine = RecordingEngine(finished=_ROTATED, at_outputs=order.append)

    def at_request(request: httpx.Request) -> None:
        repointed = bool(engine.of("RepositoryWebhook"))
        order.append(f"{request.content.decode()} {'after' if repointed else 'before'}")

    host = answering(Host(200, at_request=at_request))
    engine.run(program(generation=2, drain="0s", events=["release", "push"]))

    order.remove("fluxhooks-test")  # the stack's own outputs, whenever they come
    assert [
        '{"fluxhooksProbe":true} before',
        '{"fluxhooksCatchUp":true} after',
        "app",
    ] == order
    assert [f"https://flux.example.com{_PATH_2}"] * 2 == [str(r.url) for r in host.requests]
    assert ["push", "push"] == [r.headers["x-github-event"] for r in host.requests]
    assert [sign(ReceiverType.GITHUB, _TOKEN_2, r.content) for r in host.requests] == [
        {"X-Hub-Signature-256": r.headers["x-hub-signature-256"]} for r in host.requests
    ]


def test_the_run_ends_when_the_drain_is_over(answering: Callable[[Host], Host]) -> None:
    """Until then the engine deletes nothing; the user is told what it waits for."""
    times: dict[str, float] = {}
    host = Host(200, at_request=lambda request: times.update({"caught up": time.monotonic()}))
    answering(host)
    engine = RecordingEngine(
        finished=_ROTATED, at_outputs=lambda name: times.update({name: time.monotonic()})
    )

    engine.run(program(generation=2, drain="700ms"))

    # The drain counts from before the catch-up is sent.
    assert times["app"] - times["caught up"] > 0.6
    assert [
        (
            "info",
            "app: the webhook points at generation 2; older ones answer for 0.7 s more",
        )
    ] == engine.said


def test_the_drain_can_be_another_for_one_run(
    answering: Callable[[Host], Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a leak nobody wants to wait; the environment says so, and the message agrees."""
    monkeypatch.setenv("FLUXHOOKS_DRAIN", "0s")
    answering(Host(200))

    engine = RecordingEngine(finished=_ROTATED).run(program(generation=2, drain="1h"))

    assert [
        ("info", "app: the webhook points at generation 2; older ones answer for 0 s more")
    ] == engine.said


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("DRAIN", "soon", "'soon' is not a duration such as '30s', '1m30s' or '2h'"),
        ("VERIFY", "false", "'false' is not 'on' or 'off'"),
        ("REVOKE", "1", "'1' is not 'on' or 'off'"),
    ],
)
def test_a_setting_of_the_environment_that_is_none_ends_the_run_before_it_begins(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    """The variable is named, and nothing is registered."""
    monkeypatch.setenv(f"FLUXHOOKS_{name}", value)
    engine = RecordingEngine()

    error = _failure(engine, program(), SettingError)

    assert f"FLUXHOOKS_{name} in the environment: {message}" == error
    assert [] == engine.of("WebhookReceiver") + engine.of("RandomPassword")


def test_a_host_that_changed_is_proved_too(answering: Callable[[Host], Host]) -> None:
    """The path is the same, but another machine may answer there."""
    host = answering(Host(200))

    RecordingEngine(finished=_ROTATED).run(program(host="new.example.com", drain="0s"))

    assert [f"https://new.example.com{_PATH}"] * 2 == [str(r.url) for r in host.requests]


def test_the_path_of_a_finished_rotation_is_the_new_one(
    answering: Callable[[Host], Host],
) -> None:
    """It is what the next run compares with."""
    answering(Host(200))

    engine = RecordingEngine(finished=_ROTATED).run(program(generation=2, drain="0s"))

    assert _PATH_2 == plain(engine.outputs["app"]["hook_path"])


@pytest.mark.parametrize(
    "finished",
    [
        pytest.param({}, id="the first run"),
        pytest.param({"app": {}}, id="a first run that was not finished"),
        pytest.param({"app": {"hook_url": ""}}, id="a first run without a webhook"),
        pytest.param(_ROTATED, id="nothing changed"),
    ],
)
def test_nothing_is_asked_where_nothing_is_repointed(
    finished: dict[str, Any], unreachable: Host
) -> None:
    """On the first run there may be no DNS yet, and later there is nothing to prove."""
    engine = RecordingEngine(finished=finished).run(program(drain="1h"))

    assert [] == unreachable.requests
    assert _PATH == plain(engine.outputs["app"]["hook_path"])


@pytest.mark.parametrize("finished", [{}, {"app": {}}])
def test_what_was_made_by_hand_is_left_as_an_older_generation_is(
    finished: dict[str, Any], answering: Callable[[Host], Host]
) -> None:
    """Proof, catch-up and drain, though nothing of the component was ever live."""
    host = answering(Host(200))
    adopting = {"fluxhooks:adopting": json.dumps({"app": {"webhook": "7"}})}
    engine = RecordingEngine(finished=finished, config=adopting).run(program(drain="0s"))

    assert [{"fluxhooksProbe": True}, {"fluxhooksCatchUp": True}] == [
        json.loads(request.content) for request in host.requests
    ]
    assert _PATH == plain(engine.outputs["app"]["hook_path"])


def test_what_was_made_by_hand_is_called_on_where_the_probe_fails(
    answering: Callable[[Host], Host],
) -> None:
    """Nothing is pointed at a generation that did not prove itself."""
    answering(Host(404))
    adopting = {"fluxhooks:adopting": json.dumps({"app": {"webhook": "7"}})}
    engine = RecordingEngine(config=adopting)

    with pytest.raises(ReceiverNotProvedError, match="still points at what was made by hand and"):
        engine.run(program(verify_timeout="0s"))


@pytest.mark.parametrize(
    ("answer", "told", "cure"),
    [
        pytest.param(
            400,
            "400",
            "The Receiver refused signature or event: does the host lead to this cluster?",
            id="400",
        ),
        pytest.param(
            404,
            "404",
            "No Receiver has this path there: does the host lead to this cluster's Service "
            "webhook-receiver, without a prefix or rewriting?",
            id="404",
        ),
        pytest.param(
            500,
            "500",
            "A target could not be reconciled: do all objects in resources exist, and may Flux "
            "reach them?",
            id="500",
        ),
        pytest.param(
            503,
            "503",
            "The Receiver is suspended or not Ready, or the route has no backend.",
            id="503",
        ),
        pytest.param(
            202,
            "202",
            "Look at what answers on the host: it must be the Service webhook-receiver.",
            id="202, the wrong Service",
        ),
        pytest.param(
            httpx.Response(302, headers={"location": f"https://sso.example.com{_PATH_2}"}),
            "302 (a redirect to https://sso.example.com/hook/***)",
            "Look at what answers on the host: it must be the Service webhook-receiver.",
            id="a redirect",
        ),
        pytest.param(
            httpx.ConnectError("[Errno -2] Name or service not known"),
            "no answer: [Errno -2] Name or service not known",
            "Check DNS, certificate and firewall between this machine and the host.",
            id="no answer",
        ),
    ],
)
def test_a_generation_that_does_not_prove_itself_is_not_gone_live(
    answering: Callable[[Host], Host],
    answer: int | httpx.Response | Exception,
    told: str,
    cure: str,
) -> None:
    """The webhook is not touched, nothing is finished, and the message says what to look at."""
    answering(Host(answer))
    engine = RecordingEngine(finished=_ROTATED)

    error = _failure(engine, program(generation=2, verify_timeout="0s"), ReceiverNotProvedError)

    assert (
        "app: generation 2 did not prove itself. https://flux.example.com/hook/*** answered the "
        f"signed probe with {told} instead of 200, within 0 s. The webhook still points at the "
        f"generation before and nothing was lost. {cure} Then run pulumi up again; "
        "FLUXHOOKS_VERIFY=off skips the probe for one run, where this machine cannot reach the "
        "host."
    ) == error
    assert [] == engine.of("RepositoryWebhook")
    assert "app" not in engine.outputs


def test_a_path_that_settles_in_time_is_proved(answering: Callable[[Host], Host]) -> None:
    """An ingress may need a moment; the probe is repeated within verify_timeout."""
    host = answering(Host(404, 503, 200))

    RecordingEngine(finished=_ROTATED).run(program(generation=2, drain="0s", verify_timeout="20s"))

    assert 4 == len(host.requests)


@pytest.mark.parametrize("variable", [None, "off", "OFF"])
def test_without_verification_only_the_catch_up_is_sent(
    answering: Callable[[Host], Host], monkeypatch: pytest.MonkeyPatch, variable: str | None
) -> None:
    """Once, and by the argument or by the environment of one run."""
    if variable is not None:
        monkeypatch.setenv("FLUXHOOKS_VERIFY", variable)
    host = answering(Host(200))

    RecordingEngine(finished=_ROTATED).run(
        program(generation=2, drain="0s", verify=variable is not None)
    )

    assert [b'{"fluxhooksCatchUp":true}'] == [request.content for request in host.requests]


def test_the_variable_can_say_that_it_is_on(
    answering: Callable[[Host], Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is without it."""
    monkeypatch.setenv("FLUXHOOKS_VERIFY", "on")
    host = answering(Host(200))

    RecordingEngine(finished=_ROTATED).run(program(generation=2, drain="0s"))

    assert 2 == len(host.requests)


def test_without_verification_a_catch_up_that_fails_is_a_warning(
    answering: Callable[[Host], Host],
) -> None:
    """Whoever cannot reach the host is told, and still drains."""
    host = answering(Host(404))

    engine = RecordingEngine(finished=_ROTATED).run(program(generation=2, drain="0s", verify=False))

    assert 1 == len(host.requests)
    assert [
        (
            "warning",
            "app: the webhook points at generation 2, but the delivery that catches up for "
            "queued ones got 404 instead of 200; it is not repeated, as verify is off",
        ),
        ("info", "app: the webhook points at generation 2; older ones answer for 0 s more"),
    ] == engine.said
    assert _PATH_2 == plain(engine.outputs["app"]["hook_path"])


def test_a_catch_up_that_fails_stops_the_run(answering: Callable[[Host], Host]) -> None:
    """Nothing is deleted then, and the next run repeats it, as nothing is finished."""
    answering(Host(200, 500))
    engine = RecordingEngine(finished=_ROTATED)

    error = _failure(engine, program(generation=2, drain="0s"), CatchUpError)

    assert (
        "app: the webhook points at generation 2, but the delivery that catches up for queued "
        "ones got 500 instead of 200; nothing was deleted, run pulumi up again"
    ) == error
    assert "app" not in engine.outputs


def test_a_catch_up_that_settles_in_time_is_enough(answering: Callable[[Host], Host]) -> None:
    """An ingress that hiccups does not stop a rotation."""
    host = answering(Host(200, 503, 200))

    RecordingEngine(finished=_ROTATED).run(program(generation=2, drain="0s"))

    assert 3 == len(host.requests)


@pytest.mark.parametrize("failing", ["app-g2", "app-webhook"])
def test_an_update_that_is_incomplete_deletes_nothing(
    answering: Callable[[Host], Host], failing: str
) -> None:
    """With --continue-on-error the engine goes on to delete, unless the program fails."""
    answering(Host(200))
    engine = RecordingEngine(finished=_ROTATED, failing={failing})

    error = _failure(engine, program(generation=2), IncompleteUpdateError)

    assert (
        "app: Receiver or webhook could not be updated, so generation 2 is not proved live and "
        "nothing of it or of older ones may be deleted; mend what failed above and run pulumi up "
        "again"
    ) == error
    assert "app" not in engine.outputs


@pytest.mark.parametrize("failing", ["app-g1", "app-webhook"])
def test_a_first_run_that_is_incomplete_leaves_no_path(failing: str) -> None:
    """Nothing was ever live, so there is nothing to keep, and nothing to drain later."""
    engine = RecordingEngine(failing={failing}).run(program())

    assert "" == plain(engine.outputs["app"]["hook_path"])


def test_errors_of_a_run_are_free_of_secrets(answering: Callable[[Host], Host]) -> None:
    """Neither the exception nor anything the engine was told holds path or token."""
    answering(Host(httpx.ConnectError(f"cannot reach https://flux.example.com{_PATH_2}")))
    engine = RecordingEngine(finished=_ROTATED)

    error = _failure(engine, program(generation=2, verify_timeout="0s"), ReceiverNotProvedError)

    shown = error + json.dumps(engine.messages)
    assert "cannot reach https://flux.example.com/hook/***" in error
    assert _PATH_2 not in shown
    assert _TOKEN_2 not in shown


# Arguments


def test_a_bad_argument_registers_nothing() -> None:
    """A mistake is told before anything exists."""
    engine = RecordingEngine()

    error = _failure(engine, program(host="https://flux.example.com"), ArgumentError)

    assert (
        "host: 'https://flux.example.com' has a scheme; give the bare host, as in "
        "'flux.example.com' (https is always used)"
    ) == error
    assert [] == engine.of("WebhookReceiver")


def _failure(
    engine: RecordingEngine, program: Callable[[], None], kind: type[FluxhooksError]
) -> str:
    with pytest.raises(kind) as caught:
        engine.run(program)
    return str(caught.value)


def _chain(engine: RecordingEngine) -> list[Any]:
    types = ["RandomPassword", ":Secret", ":Receiver", "RepositoryWebhook"]
    return [request for type_ in types for request in engine.of(type_)]


def _named(engine: RecordingEngine, name: str, type_: str) -> Any:
    (request,) = [request for request in engine.of(type_) if request.name == name]
    return request


def _inputs(request: Any) -> dict[str, Any]:
    inputs: dict[str, Any] = json_format.MessageToDict(request.object)
    return inputs


def _urn(request: Any) -> str:
    return f"urn:pulumi:test::fluxhooks::{request.type}::{request.name}"


def _parent(request: Any) -> str:
    type_: str = request.parent.split("::")[-2] if request.parent else ""
    return "" if type_ == "pulumi:pulumi:Stack" else type_


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    else:
        yield path, value
