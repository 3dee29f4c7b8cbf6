"""Senders other than a GitHub repository: GitLab's projects and groups, and those told by hand."""

from collections.abc import Callable
from typing import Any

import httpx
import pulumi
import pulumi_github
import pytest
from google.protobuf import json_format

from fluxhooks import ArgumentError, IncompleteUpdateError, ReceiverNotProvedError, WebhookReceiver
from fluxhooks.flux.hook_path import hook_path
from fluxhooks.flux.receiver_types import RECEIVER_TYPES, Proof, ReceiverType
from fluxhooks.flux.signature import sign
from fluxhooks.observe.probe import probe_body
from tests.unit.host import Host
from tests.unit.program import args, program
from tests.unit.recording_engine import HOOK_ID, UNKNOWN, RecordingEngine, is_secret, plain

_ORGANIZATION: dict[str, Any] = {"github": {"organization": "acme"}}
_PROJECT: dict[str, Any] = {"github": None, "gitlab": {"project": "acme/app"}}
_GROUP: dict[str, Any] = {"github": None, "gitlab": {"group": "acme"}}
_BY_HAND: dict[str, Any] = {"github": None, "type": ReceiverType.GENERIC_HMAC}

_NOT_THE_OWNER = (
    "github.organization: 'acme' is not the owner of the GitHub provider, which is 'another' and "
    "would have the webhook; set it there: pulumi config set github:owner acme"
)

_TOKEN_2 = "token-of-app-g2-token"
_PATH_2 = hook_path(_TOKEN_2, "app-g2-0a1b2c3d", "flux-system")

# What the run before a rotation left behind.
_ROTATED = {"app": {"generation": 1.0, "hook_url": f"https://flux.example.com/hook/{'1' * 64}"}}


# An organisation at GitHub


def test_an_organisations_webhook_in_full() -> None:
    """URL and secret in one request; whose it is, its provider says."""
    engine = RecordingEngine().run(program(**_ORGANIZATION))

    (hook,) = engine.of(":OrganizationWebhook")
    inputs = _inputs(hook)
    path = hook_path("token-of-app-g1-token", "app-g1-0a1b2c3d", "flux-system")
    assert {
        "active": True,
        "configuration": {
            "contentType": "json",
            "insecureSsl": False,
            "secret": "token-of-app-g1-token",
            "url": f"https://flux.example.com{path}",
        },
        "events": ["push"],
    } == plain(inputs)
    assert "app-webhook" == hook.name
    assert [] == engine.of("RepositoryWebhook")
    assert "app-webhook-id" == engine.outputs["app"]["webhook_id"]


@pytest.mark.parametrize("preview", [False, True])
@pytest.mark.parametrize("configured", ["acme", "ACME"])
def test_an_organisation_is_the_default_providers_owner(configured: str, preview: bool) -> None:
    """GitHub tells no capitals apart."""
    engine = RecordingEngine(preview=preview, config={"github:owner": configured})

    engine.run(program(**_ORGANIZATION))

    assert ["app-webhook"] == engine.named(":OrganizationWebhook")


def test_an_organisation_that_is_not_the_default_providers_owner_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would get the webhook, and be told the secret: so before one is made."""
    configured = RecordingEngine(config={"github:owner": "another"})
    with pytest.raises(ArgumentError) as caught:
        configured.run(program(**_ORGANIZATION))
    assert _NOT_THE_OWNER == str(caught.value)
    assert [] == configured.of("Webhook")

    monkeypatch.setenv("GITHUB_OWNER", "another")
    by_environment = RecordingEngine()
    with pytest.raises(ArgumentError) as caught:
        by_environment.run(program(**_ORGANIZATION))
    assert _NOT_THE_OWNER == str(caught.value)
    assert [] == by_environment.of("Webhook")


def test_where_two_owners_are_named_the_webhooks_address_tells_who_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which of them counts depends on the provider's version."""
    monkeypatch.setenv("GITHUB_OWNER", "another")
    config = {"github:owner": "acme"}

    RecordingEngine(config=config).run(program(**_ORGANIZATION))

    with pytest.raises(ArgumentError, match=r"^github\.organization: 'another' is not the owner"):
        RecordingEngine(config=config).run(program(github={"organization": "another"}))


def test_an_organisation_that_is_not_the_given_providers_owner_is_refused() -> None:
    """Whatever the default provider's is."""
    engine = RecordingEngine(config={"github:owner": "acme"})

    def declare() -> None:
        provider = pulumi_github.Provider("github", owner="another")
        program(**_ORGANIZATION, opts=pulumi.ResourceOptions(providers=[provider]))()

    with pytest.raises(ArgumentError) as caught:
        engine.run(declare)

    assert _NOT_THE_OWNER == str(caught.value)
    assert [] == engine.of("Webhook")


def test_a_webhook_of_another_organisation_is_told_by_its_address() -> None:
    """Where nothing tells the provider's owner beforehand, as in other languages."""
    engine = RecordingEngine()

    with pytest.raises(ArgumentError) as caught:
        engine.run(program(github={"organization": "others"}))

    assert (
        "github.organization: 'others' is not the owner of the GitHub provider, which is 'acme' "
        "and would have the webhook; set it there: pulumi config set github:owner others"
    ) == str(caught.value)


def test_a_rotation_at_an_organisation_repoints_one_webhook() -> None:
    """Its name has no generation in it."""
    engine = RecordingEngine().run(program(**_ORGANIZATION, generation=3, retained=[2]))

    assert ["app-webhook"] == engine.named("OrganizationWebhook")
    assert {"app-g2", "app-g3"} == set(engine.named(":Receiver"))


# GitLab


@pytest.mark.parametrize(
    ("changes", "kind", "at"),
    [
        pytest.param(_PROJECT, "ProjectHook", {"project": "acme/app"}, id="project"),
        pytest.param(_GROUP, "GroupHook", {"group": "acme"}, id="group"),
    ],
)
def test_a_gitlab_webhook_in_full(changes: dict[str, Any], kind: str, at: dict[str, Any]) -> None:
    """URL and token in one request, TLS verified, and every event said to be on or off."""
    engine = RecordingEngine().run(program(**changes))

    (hook,) = engine.of(f":{kind}")
    inputs = _inputs(hook)
    path = hook_path("token-of-app-g1-token", "app-g1-0a1b2c3d", "flux-system")
    events = {key: value for key, value in inputs.items() if key.endswith("Events")}
    assert {
        **at,
        "enableSslVerification": True,
        "token": "token-of-app-g1-token",
        "url": f"https://flux.example.com{path}",
    } == {key: value for key, value in plain(inputs).items() if key not in events}
    assert ["pushEvents", "tagPushEvents"] == sorted(key for key in events if events[key])
    assert {True, False} == set(events.values())
    assert is_secret(inputs["token"])
    assert is_secret(inputs["url"])
    assert str(HOOK_ID) == engine.outputs["app"]["webhook_id"]


def test_a_gitlab_webhook_has_its_generations_name() -> None:
    """The next one is a plain create, the old one a plain delete: nothing can turn that round."""
    engine = RecordingEngine().run(program(**_PROJECT, generation=3, retained=[2]))

    assert ["app-g3-webhook"] == engine.named("ProjectHook")
    assert {"app-g2", "app-g3"} == set(engine.named(":Receiver"))


def test_a_gitlab_webhook_goes_before_its_receiver() -> None:
    """What depends on it is deleted first."""
    engine = RecordingEngine().run(program(**_PROJECT))

    (hook,) = engine.of("ProjectHook")
    assert {"app-g1-token", "app-g1"} == {urn.rpartition("::")[2] for urn in hook.dependencies}


def test_what_protects_the_component_does_not_keep_a_gitlab_webhook_alive() -> None:
    """Each rotation deletes one."""
    opts = pulumi.ResourceOptions(protect=True, retain_on_delete=True)

    (hook,) = RecordingEngine().run(program(**_PROJECT, opts=opts)).of("ProjectHook")

    # Set and false: unset would mean the parent's.
    assert (True, False) == (hook.HasField("protect"), hook.protect)
    assert (True, False) == (hook.HasField("retainOnDelete"), hook.retainOnDelete)


def test_a_gitlab_receiver_accepts_what_its_webhook_sends() -> None:
    """GitLab disables a webhook whose deliveries are refused."""
    events = ["Release Hook", "Push Hook"]
    engine = RecordingEngine().run(program(**_PROJECT, events=events))

    (hook,), (receiver,) = engine.of("ProjectHook"), engine.of(":Receiver")
    asked = {key for key, value in _inputs(hook).items() if key.endswith("Events") and value}
    assert {"pushEvents", "releasesEvents"} == asked
    assert ["Push Hook", "Release Hook"] == _inputs(receiver)["spec"]["events"]
    assert "gitlab" == _inputs(receiver)["spec"]["type"]


def test_branches_are_filtered_by_gitlab() -> None:
    """And where none are given, nothing is said of them."""
    filtered = {"gitlab": {"project": "acme/app", "push_events_branch_filter": "release-*"}}

    (hook,) = RecordingEngine().run(program(**{**_PROJECT, **filtered})).of("ProjectHook")
    (other,) = RecordingEngine().run(program(**_PROJECT)).of("ProjectHook")

    assert "release-*" == _inputs(hook)["pushEventsBranchFilter"]
    assert "pushEventsBranchFilter" not in _inputs(other)


def test_a_rotation_at_gitlab_proves_then_makes_then_catches_up(
    answering: Callable[[Host], Host],
) -> None:
    """With the token in the header, as GitLab shows it."""
    order: list[str] = []
    engine = RecordingEngine(finished=_ROTATED, at_outputs=order.append)

    def at_request(request: httpx.Request) -> None:
        made = bool(engine.of("ProjectHook"))
        order.append(f"{request.content.decode()} {'after' if made else 'before'}")

    asked = answering(Host(200, at_request=at_request))
    engine.run(program(**_PROJECT, generation=2, drain="0s"))

    order.remove("fluxhooks-test")
    assert [
        '{"fluxhooksProbe":true} before',
        '{"fluxhooksCatchUp":true} after',
        "app",
    ] == order
    assert {("Push Hook", _TOKEN_2, f"https://flux.example.com{_PATH_2}")} == {
        (r.headers["x-gitlab-event"], r.headers["x-gitlab-token"], str(r.url))
        for r in asked.requests
    }


def test_a_gitlab_webhook_that_cannot_be_made_deletes_nothing(
    answering: Callable[[Host], Host],
) -> None:
    """Also with --continue-on-error: the program fails, and with it every delete."""
    answering(Host(200))
    engine = RecordingEngine(finished=_ROTATED, failing={"app-g2-webhook"})

    with pytest.raises(IncompleteUpdateError):
        engine.run(program(**_PROJECT, generation=2))

    assert "app" not in engine.outputs


# Told by hand


_ISSUER = {
    "issuer_url": "https://token.example.com",
    "audience": "flux",
    "variables": [{"name": "owner", "expression": "claims.repository_owner"}],
    "validations": [{"expression": "vars.owner == 'acme'", "message": "not ours"}],
}

# What a type needs beside the rest.
_NEEDS: dict[ReceiverType, dict[str, Any]] = {
    ReceiverType.CDEVENTS: {"events": ["dev.cdevents.artifact.published.0.2.0"]},
    ReceiverType.GCR: {"gcr": {"email": "push@acme.iam.gserviceaccount.com", "audience": "flux"}},
    ReceiverType.GENERIC_OIDC: {"oidc_providers": [_ISSUER]},
}


def _by_hand(receiver_type: ReceiverType) -> dict[str, Any]:
    return {"github": None, "type": receiver_type, **_NEEDS.get(receiver_type, {})}


def _token(receiver_type: ReceiverType, generation: int) -> str:
    has_one = receiver_type is not ReceiverType.GENERIC_OIDC
    return f"token-of-app-g{generation}-token" if has_one else ""


@pytest.mark.parametrize("receiver_type", ReceiverType)
def test_without_a_forge_there_is_a_receiver_and_no_webhook(receiver_type: ReceiverType) -> None:
    """The component ends at the URL, which is secret, as is the token."""
    engine = RecordingEngine().run(program(**_by_hand(receiver_type)))

    assert ["app-g1"] == engine.named(":Receiver")
    assert [] == [request.name for request in engine.requests if "ook" in request.type[-8:]]
    outputs = engine.outputs["app"]
    path = hook_path(_token(receiver_type, 1), "app-g1-0a1b2c3d", "flux-system")
    assert f"https://flux.example.com{path}" == plain(outputs["hook_url"])
    assert "" == outputs["webhook_id"]
    assert {"hook_path", "hook_url", "token"} == {key for key in outputs if is_secret(outputs[key])}


@pytest.mark.parametrize("receiver_type", ReceiverType)
def test_a_secret_has_the_keys_its_type_wants(receiver_type: ReceiverType) -> None:
    """Neither more nor less; where none is allowed there is no Secret, nor a token."""
    engine = RecordingEngine().run(program(**_by_hand(receiver_type)))

    (receiver,) = engine.of(":Receiver")
    secrets, spec = engine.of(":Secret"), _inputs(receiver)["spec"]
    keys = RECEIVER_TYPES[receiver_type].secret_keys
    assert [set(keys)] * bool(keys) == [set(_inputs(s)["stringData"]) for s in secrets]
    assert bool(keys) == ("secretRef" in spec) == bool(engine.named(":RandomPassword"))


def test_whom_google_and_an_issuer_speak_for_is_said_in_fluxs_words() -> None:
    """In the Secret for gcr, in the spec for generic-oidc, and nowhere for others."""
    google = RecordingEngine().run(program(**_by_hand(ReceiverType.GCR)))
    issuer = RecordingEngine().run(program(**_by_hand(ReceiverType.GENERIC_OIDC)))

    (secret,), (receiver,) = google.of(":Secret"), issuer.of(":Receiver")
    said = plain(_inputs(secret)["stringData"])
    assert ("push@acme.iam.gserviceaccount.com", "flux") == (said["email"], said["audience"])
    assert [
        {
            "issuerURL": "https://token.example.com",
            "audience": "flux",
            "variables": [{"name": "owner", "expression": "claims.repository_owner"}],
            "validations": [{"expression": "vars.owner == 'acme'", "message": "not ours"}],
        }
    ] == _inputs(receiver)["spec"]["oidcProviders"]
    assert "oidcProviders" not in _inputs(google.of(":Receiver")[0])["spec"]


@pytest.mark.parametrize("receiver_type", ReceiverType)
def test_a_filter_is_put_on_where_senders_post_objects(receiver_type: ReceiverType) -> None:
    """Any filter answers other bodies 500; one that is asked for is there, with the probe's."""
    plainly = RecordingEngine().run(program(**_by_hand(receiver_type)))
    asked = RecordingEngine().run(program(**_by_hand(receiver_type), resource_filter="true"))

    (without,), (with_one,) = plainly.of(":Receiver"), asked.of(":Receiver")
    filtered = RECEIVER_TYPES[receiver_type].json_objects
    assert filtered == ("resourceFilter" in _inputs(without)["spec"])
    assert "(true)" in _inputs(with_one)["spec"]["resourceFilter"]


@pytest.mark.parametrize("receiver_type", ReceiverType)
def test_events_are_said_where_a_receiver_looks_at_them(receiver_type: ReceiverType) -> None:
    """Elsewhere the key is absent."""
    engine = RecordingEngine().run(program(**_by_hand(receiver_type)))

    (receiver,) = engine.of(":Receiver")
    looks = RECEIVER_TYPES[receiver_type].event_header is not None
    assert looks == bool(_inputs(receiver)["spec"].get("events"))
    assert looks == ("events" in _inputs(receiver)["spec"])


@pytest.mark.parametrize("receiver_type", ReceiverType)
def test_a_generation_by_hand_is_proved_and_then_waits_for_its_sender(
    answering: Callable[[Host], Host], receiver_type: ReceiverType
) -> None:
    """One request, no catch-up and no drain: the old one is called until somebody changes that.

    It is a signed probe where one can be made that reconciles nothing, else a GET.
    """
    facts = RECEIVER_TYPES[receiver_type]
    probed = facts.proof is not Proof.IDENTITY and facts.json_objects
    asked = answering(Host(200 if probed else facts.get_status))
    engine = RecordingEngine(finished=_ROTATED)

    changes = _by_hand(receiver_type)
    engine.run(program(**changes, generation=2, retained=[1], drain="1h"))

    (request,) = asked.requests
    token = _token(receiver_type, 2)
    if probed:
        assert probe_body(receiver_type) == request.content
        for header, value in sign(receiver_type, token, request.content).items():
            assert value == request.headers[header]
    else:
        assert ("GET", b"") == (request.method, request.content)
    assert [
        (
            "info",
            "app: generation 2 is proved; give its URL and token to the sender, and retire older "
            "generations when they are no longer called",
        )
    ] == engine.said
    path = hook_path(token, "app-g2-0a1b2c3d", "flux-system")
    assert path == plain(engine.outputs["app"]["hook_path"])


def test_a_generation_by_hand_that_does_not_prove_itself_is_not_given_out(
    answering: Callable[[Host], Host],
) -> None:
    """Its URL stays unknown, and the message says who calls what."""
    answering(Host(404))
    engine = RecordingEngine(finished=_ROTATED)

    with pytest.raises(ReceiverNotProvedError, match="The sender still calls the generation"):
        engine.run(program(**_BY_HAND, generation=2, retained=[1], verify_timeout="0s"))

    assert "app" not in engine.outputs


@pytest.mark.parametrize("preview", [False, True])
def test_what_a_sender_calls_is_not_deleted_unasked(preview: bool) -> None:
    """Raising the number alone would cut it off."""
    engine = RecordingEngine(finished=_ROTATED, preview=preview)

    with pytest.raises(ArgumentError) as caught:
        engine.run(program(**_BY_HAND, generation=2))

    assert (
        "retained: app: the sender calls generation 1, and nothing here tells it of 2; retain 1 "
        "too, give URL and token of 2 to the sender, and remove 1 in a later update. "
        "FLUXHOOKS_REVOKE=on cuts it off in this run"
    ) == str(caught.value)
    assert "app" not in engine.outputs


def test_what_is_no_longer_live_goes_when_it_is_no_longer_named(
    answering: Callable[[Host], Host],
) -> None:
    """That is how it is retired: the number is removed from what is retained."""
    asked = answering(Host(500))
    live = {"app": {"generation": 2.0, "hook_url": f"https://flux.example.com{_PATH_2}"}}

    engine = RecordingEngine(finished=live).run(program(**_BY_HAND, generation=2))

    assert ["app-g2"] == engine.named(":Receiver")
    assert [] == asked.requests


def test_a_leak_is_cut_off_by_hand_too(
    answering: Callable[[Host], Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment of one run says so."""
    monkeypatch.setenv("FLUXHOOKS_REVOKE", "on")
    answering(Host(200))

    engine = RecordingEngine(finished=_ROTATED).run(program(**_BY_HAND, generation=2))

    assert ["app-g2"] == engine.named(":Receiver")


def test_a_webhook_of_ones_own_gets_url_and_token() -> None:
    """A resource of another provider stands where the sender does; a preview knows neither."""

    class OwnWebhook(pulumi.CustomResource):
        def __init__(self, name: str, **props: Any) -> None:
            super().__init__("gitea:index/webhook:Webhook", name, props)

    def declare() -> None:
        component = WebhookReceiver("app", args(github=None, type="github"))
        OwnWebhook("own", url=component.hook_url, secret=component.token)

    for preview in (False, True):
        (own,) = RecordingEngine(preview=preview).run(declare).of("gitea:index/webhook:Webhook")
        inputs = _inputs(own)
        assert (UNKNOWN == plain(inputs["url"])) == preview
        assert (UNKNOWN == plain(inputs["secret"])) == preview
        assert preview or (is_secret(inputs["url"]) and is_secret(inputs["secret"]))


def _inputs(request: Any) -> dict[str, Any]:
    inputs: dict[str, Any] = json_format.MessageToDict(request.object)
    return inputs
