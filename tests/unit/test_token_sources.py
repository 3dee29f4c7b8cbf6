"""Tokens that are given, lie in a Secret made elsewhere, or come from a store or go to one."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from google.protobuf import json_format

from fluxhooks import ArgumentError, ReceiverType
from fluxhooks.flux.hook_path import hook_path
from tests.unit.host import Host
from tests.unit.program import Later, program
from tests.unit.recording_engine import UNKNOWN, RecordingEngine, is_secret, plain

_STORE = {"store": "vault", "key": "flux/app/{generation}"}
_FROM_STORE: dict[str, Any] = {"token_from": _STORE}
_TO_STORE: dict[str, Any] = {"token_to": _STORE}
_IN_SECRET: dict[str, Any] = {"token_secret": "app-token-{generation}"}

_GCR = {
    "github": None,
    "type": ReceiverType.GCR,
    "gcr": {"email": "push@acme.iam.gserviceaccount.com", "audience": "flux"},
}

_OIDC = [
    {
        "issuer_url": "https://ci.example.com",
        "validations": [{"expression": "claims.sub == 'ci'", "message": "not ours"}],
    }
]


@pytest.fixture(autouse=True)
def _answers(answering: Callable[[Host], Host]) -> None:
    answering(Host(200))


def left(*, token: str, generation: int = 1, secret_name: str = "app-token") -> dict[str, Any]:
    """What the last finished run left."""
    return {
        "app": {
            "generation": float(generation),
            "hook_url": f"https://flux.example.com/hook/{'1' * 64}",
            "secret_name": secret_name,
            "token": token,
        }
    }


def refused(engine: RecordingEngine, **changes: Any) -> str:
    """What a program is refused for; no Secret, Receiver or webhook was registered before it."""
    with pytest.raises(ArgumentError) as error:
        engine.run(program(**changes))
    assert [] == engine.named("v1:Secret")
    assert [] == engine.named(":Receiver")
    assert [] == engine.named("RepositoryWebhook")
    return str(error.value)


# Given


@pytest.mark.parametrize(
    "value", [pytest.param("given", id="plain"), pytest.param(Later("given"), id="output")]
)
def test_a_given_token_is_secret_wherever_it_goes(value: object) -> None:
    """Secret, path and webhook are made of it, and no token is generated."""
    engine = RecordingEngine().run(program(token=value))

    (secret,), (hook,) = engine.of("v1:Secret"), engine.of("RepositoryWebhook")
    token = _inputs(secret)["stringData"]["token"]
    assert (True, "given") == (is_secret(token), plain(token))
    assert "given" == plain(_inputs(hook))["configuration"]["secret"]
    assert [] == engine.named("RandomPassword")
    path = hook_path("given", "app-g1-0a1b2c3d", "flux-system")
    assert {"token": "given", "hook_path": path} == {
        key: plain(engine.outputs["app"][key]) for key in ("token", "hook_path")
    }
    assert is_secret(engine.outputs["app"]["token"])


def test_a_given_token_is_that_of_the_live_generation() -> None:
    """Those that are retained keep what they were made with, whatever is given now."""
    engine = RecordingEngine(finished=left(token="first"), secrets={"app-g1-token": "first"}).run(
        program(token="second", generation=2, retained=[1])
    )

    secrets = {secret.name: secret for secret in engine.of("v1:Secret")}
    assert ["data", "stringData"] == list(secrets["app-g1-token"].ignoreChanges)
    assert [] == list(secrets["app-g2-token"].ignoreChanges)
    (hook,) = engine.of("RepositoryWebhook")
    assert "second" == plain(_inputs(hook))["configuration"]["secret"]


@pytest.mark.parametrize("preview", [True, False])
def test_a_token_that_changed_alone_is_refused(preview: bool) -> None:
    """Before anything of it is made; the message says what a rotation is."""
    engine = RecordingEngine(preview=preview, exists=True, finished=left(token="first"))

    assert (
        "token: gives another token, and the generation is 1 as before. Each token is a "
        "generation, so that the webhook is moved before the old one goes: raise the generation "
        "to 2 in the same update, or put the token of 1 back"
    ) == refused(engine, token="second")


@pytest.mark.parametrize("preview", [True, False])
def test_a_generation_that_changed_alone_is_refused(preview: bool) -> None:
    """It would be a rotation that rotates nothing."""
    engine = RecordingEngine(preview=preview, exists=True, finished=left(token="first"))

    assert (
        "token: gives generation 2 the token of generation 1, so nothing would be rotated; give "
        "2 a token of its own, or put the generation back"
    ) == refused(engine, token="first", generation=2)


def test_a_given_token_in_place_of_a_generated_one_is_a_rotation() -> None:
    """It is another token, so it needs another number."""
    engine = RecordingEngine(finished=left(token="generated"))

    assert refused(engine, token="given").startswith("token: gives another token")


def test_what_was_never_live_may_change_its_token() -> None:
    """A first update that failed leaves outputs too."""
    outputs = {"app": {**left(token="first")["app"], "hook_url": ""}}

    engine = RecordingEngine(finished=outputs).run(program(token="second"))

    assert ["app-webhook"] == engine.named("RepositoryWebhook")


# In a Secret made elsewhere


def test_a_secret_made_elsewhere_is_read_and_never_written() -> None:
    """Its token is secret, and its age is that of the generation."""
    engine = RecordingEngine().run(program(token_secret="app-token"))

    (read,), (receiver,) = engine.reads, engine.of(":Receiver")
    assert ("kubernetes:core/v1:Secret", "app-g1-secret", "flux-system/app-token") == (
        read.type,
        read.name,
        read.id,
    )
    assert ["data"] == list(read.additionalSecretOutputs)
    assert [] == [*engine.named("v1:Secret"), *engine.named("RandomPassword")]
    assert {"name": "app-token"} == _inputs(receiver)["spec"]["secretRef"]
    outputs = engine.outputs["app"]
    assert is_secret(outputs["token"])
    assert ("token-in-app-token", "app-token") == (
        plain(outputs["token"]),
        outputs["secret_name"],
    )
    assert outputs["created_at"]


def test_each_generation_has_a_secret_of_its_own() -> None:
    """By the number in its name: so the number alone rotates."""
    finished = left(token="token-in-app-token-1", secret_name="app-token-1")
    engine = RecordingEngine(finished=finished).run(
        program(**_IN_SECRET, generation=2, retained=[1], namespace="apps")
    )

    assert {"apps/app-token-1", "apps/app-token-2"} == {read.id for read in engine.reads}
    assert {"app-token-1", "app-token-2"} == {
        _inputs(receiver)["spec"]["secretRef"]["name"] for receiver in engine.of(":Receiver")
    }
    (hook,) = engine.of("RepositoryWebhook")
    assert "token-in-app-token-2" == plain(_inputs(hook))["configuration"]["secret"]


def test_a_secret_that_was_changed_in_place_is_told_of() -> None:
    """The webhook still signs with the old token."""
    engine = RecordingEngine(
        finished=left(token="first"), secrets={"flux-system/app-token": "second"}
    )

    assert refused(engine, token_secret="app-token").startswith(
        "token_secret: gives another token, and the generation is 1 as before."
    )


def test_a_rotation_needs_another_secret() -> None:
    """What the webhook still calls is salted with what lies in the one before."""
    engine = RecordingEngine(
        finished=left(token="first"), secrets={"flux-system/app-token": "second"}
    )

    assert (
        "token_secret: names 'app-token' for generation 2, and that is the Secret of generation "
        "1, which the webhook still calls; leave it as it is, and name another one with the token "
        "of 2, as in 'app-token-{generation}'"
    ) == refused(engine, token_secret="app-token", generation=2)


@pytest.mark.parametrize(
    ("changes", "argument", "name"),
    [
        pytest.param(_IN_SECRET, "token_secret", "app-token-1", id="Secret"),
        pytest.param(_FROM_STORE, "token_from", "app-g1-token-0a1b2c3d", id="store"),
    ],
)
def test_what_is_retained_keeps_its_secret(
    changes: dict[str, Any], argument: str, name: str
) -> None:
    """Its Receiver would be made anew, and whoever calls it would be cut off."""
    finished = left(token="generated", secret_name="app-g1-token-ffffffff")

    with pytest.raises(ArgumentError) as error:
        RecordingEngine(finished=finished).run(program(**changes, generation=2, retained=[1]))

    assert (
        f"{argument}: gives generation 1 the Secret {name!r}, and it was live with "
        "'app-g1-token-ffffffff'. What is retained keeps its Secret, or its URL would change: "
        "leave 1 out of retained"
    ) == str(error.value)


def test_a_secret_without_a_token_is_told_of() -> None:
    """Flux would look for this key too."""
    engine = RecordingEngine(secrets={"flux-system/app-token": ""})

    assert (
        "token_secret: the Secret flux-system/app-token of app-g1 has no key token with something "
        "in it, which is where Flux looks; give it one"
    ) == refused(engine, token_secret="app-token")


# From a store, and to one


def test_an_external_secret_is_made_once_and_read_when_it_is_there() -> None:
    """Immutable, with the generation in its key, and the Receiver waits for it."""
    engine = RecordingEngine().run(
        program(token_from={**_STORE, "store_kind": "ClusterSecretStore", "property": "token"})
    )

    (external,), (read,), (receiver,) = (
        engine.of(":ExternalSecret"),
        engine.reads,
        engine.of(":Receiver"),
    )
    assert {
        "data": [
            {
                "secretKey": "token",
                "remoteRef": {"key": "flux/app/1", "property": "token"},
            }
        ],
        "refreshInterval": "0s",
        "refreshPolicy": "CreatedOnce",
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"},
        "target": {
            "creationPolicy": "Owner",
            "immutable": True,
            "template": {"metadata": {"labels": {"reconcile.fluxcd.io/watch": "Enabled"}}},
        },
    } == _inputs(external)["spec"]
    annotations = _inputs(external)["metadata"]["annotations"]
    assert "condition=Ready" == annotations["pulumi.com/waitFor"]
    assert ["spec.data", "spec.secretStoreRef"] == list(external.replaceOnChanges)
    assert "flux-system/app-g1-token-0a1b2c3d" == read.id
    assert "app-g1-token" in {urn.rpartition("::")[2] for urn in receiver.dependencies}
    assert {"name": "app-g1-token-0a1b2c3d"} == _inputs(receiver)["spec"]["secretRef"]
    assert "token-in-app-g1-token-0a1b2c3d" == plain(engine.outputs["app"]["token"])


def test_a_preview_does_not_read_what_a_store_has_yet_to_give() -> None:
    """The Secret is not there; the path is known after the update."""
    engine = RecordingEngine(preview=True).run(program(**_FROM_STORE))

    assert [UNKNOWN] == [read.id for read in engine.reads]
    assert ["app-g1"] == engine.named(":Receiver")


def test_a_copy_is_made_before_the_generation_goes_live() -> None:
    """The webhook depends on it; what earlier generations left stays where it is."""
    engine = RecordingEngine().run(program(**_TO_STORE, generation=3))

    (push,), (hook,) = engine.of(":PushSecret"), engine.of("RepositoryWebhook")
    assert {
        "data": [{"match": {"secretKey": "token", "remoteRef": {"remoteKey": "flux/app/3"}}}],
        "deletionPolicy": "None",
        "secretStoreRefs": [{"kind": "SecretStore", "name": "vault"}],
        "selector": {"secret": {"name": "app-g3-token-0a1b2c3d"}},
    } == _inputs(push)["spec"]
    assert "app-g3-copy" in {urn.rpartition("::")[2] for urn in hook.dependencies}


def test_a_given_token_may_be_copied_too() -> None:
    """From the configuration into the store where its sender reads it."""
    engine = RecordingEngine().run(program(**_TO_STORE, token="given"))

    assert ["app-g1-copy"] == engine.named(":PushSecret")


@pytest.mark.parametrize("changes", [_FROM_STORE, _TO_STORE], ids=["from", "to"])
def test_orders_to_the_operator_go_with_their_generation(changes: dict[str, Any]) -> None:
    """A parent's protect or retain_on_delete does not keep them alive."""
    opts = pulumi.ResourceOptions(protect=True, retain_on_delete=True)

    engine = RecordingEngine().run(program(**changes, opts=opts))

    (order,) = [*engine.of(":ExternalSecret"), *engine.of(":PushSecret")]
    assert (True, False) == (order.HasField("protect"), order.protect)
    assert (True, False) == (order.HasField("retainOnDelete"), order.retainOnDelete)


def test_a_store_in_another_languages_spelling() -> None:
    """As a component host hands over what is in an Output."""
    store = Later({**_STORE, "storeKind": "ClusterSecretStore"})

    engine = RecordingEngine().run(program(token_from=store))

    (external,) = engine.of(":ExternalSecret")
    assert "ClusterSecretStore" == _inputs(external)["spec"]["secretStoreRef"]["kind"]


# What cannot work


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"token": ""}, "token: is not a text with something in it", id="empty token"),
        pytest.param(
            {"token": "hunter2\n"},
            "token: has a line break, blanks around it or characters other than ASCII, which "
            "senders and Flux do not read alike; strip it where it comes from",
            id="line break",
        ),
        pytest.param(
            {"token_secret": "App"},
            "token_secret: 'App' is not the name of a Secret, as in 'app-token-{generation}'",
            id="no name",
        ),
        pytest.param(
            {"token_secret": "app-token", "generation": 2, "retained": [1]},
            "token_secret: 'app-token' has no {generation} in it, and retained generations need "
            "Secrets of their own; name them alike, as in 'app-token-{generation}'",
            id="one Secret for two",
        ),
        pytest.param(
            {"token": "given", "token_secret": "app-token"},
            "token_secret: is given beside token; a token has one origin: remove one",
            id="two origins",
        ),
        pytest.param(
            {**_IN_SECRET, **_TO_STORE},
            "token_to: is given beside token_secret; it copies a token that is made here: remove "
            "one",
            id="copy of a Secret made elsewhere",
        ),
        pytest.param(
            {**_GCR, **_FROM_STORE},
            "token_from: cannot be with the type gcr, whose Secret holds email and audience too; "
            "remove it, or give the token itself as token",
            id="gcr",
        ),
        pytest.param(
            {
                "github": None,
                "type": ReceiverType.GENERIC_OIDC,
                "oidc_providers": _OIDC,
                "token": "given",
            },
            "token: is for types that have a token, and generic-oidc has none; remove it",
            id="no token",
        ),
        pytest.param(
            {"token_from": "vault"}, "token_from: 'vault' is not a mapping", id="no mapping"
        ),
        pytest.param(
            {"token_from": {"store": "vault"}},
            'token_from.key: is missing; give {"store": "vault", "key": "flux/app/{generation}"}',
            id="no key",
        ),
        pytest.param(
            {"token_to": {**_STORE, "key": "flux/app"}},
            "token_to.key: 'flux/app' has no {generation} in it, and the next token would take the "
            "live one's place before the webhook is moved; give 'flux/app/{generation}'",
            id="no generation",
        ),
        pytest.param(
            {"token_from": {**_STORE, "store_kind": "SecretsStore"}},
            "token_from.store_kind: 'SecretsStore' is not a kind of store, did you mean "
            "'SecretStore'?; give one of SecretStore and ClusterSecretStore",
            id="no kind",
        ),
        pytest.param(
            {"token_from": {**_STORE, "kind": "SecretStore"}},
            "token_from.kind: is not an argument; known are key, property, store, store_kind",
            id="no argument",
        ),
        pytest.param(
            {"token_from": {**_STORE, "store": "Vault"}},
            "token_from.store: 'Vault' is not the name of a SecretStore",
            id="no store's name",
        ),
        pytest.param(
            {"token_from": {**_STORE, "property": ""}},
            "token_from.property: '' is empty; remove it",
            id="empty property",
        ),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_registered(
    changes: dict[str, Any], message: str
) -> None:
    """By the argument's name; a token itself is never quoted."""
    assert message == refused(RecordingEngine(), **changes)


def _inputs(request: Any) -> dict[str, Any]:
    return json_format.MessageToDict(request.object)
