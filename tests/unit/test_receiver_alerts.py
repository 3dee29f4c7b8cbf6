"""What ReceiverAlerts asks of the engine: resources, order, options, secrets, outputs."""

from typing import Any

import pulumi
import pytest
from google.protobuf import json_format

from fluxhooks import ReceiverAlerts
from tests.unit.alerts import PROVIDER, STATUS, program
from tests.unit.program import Later
from tests.unit.recording_engine import RecordingEngine, hidden, is_secret, plain

_SECOND = {"type": "generic-hmac", "address": "https://alerts.example.com", "token": "signs"}
_LABELS = {
    "app.kubernetes.io/managed-by": "fluxhooks",
    "fluxhooks/component": "app",
    "fluxhooks/stack": "fluxhooks.test",
}
_METADATA = {
    "annotations": {"pulumi.com/deletionPropagationPolicy": "background"},
    "labels": _LABELS,
    "namespace": "flux-system",
}


def _inputs(request: Any) -> Any:
    return json_format.MessageToDict(request.object)


def test_three_resources_make_the_least() -> None:
    """One component, and under it Secret, Provider and Alert: names are contract."""
    engine = RecordingEngine().run(program())

    component = "fluxhooks:index:ReceiverAlerts"
    flux = "kubernetes:notification.toolkit.fluxcd.io/v1beta3"
    stack, *made = sorted(
        engine.requests, key=lambda request: request.type != "pulumi:pulumi:Stack"
    )
    assert "fluxhooks-test" == stack.name
    assert [
        (component, "app", stack.type),
        ("kubernetes:core/v1:Secret", "app-provider", component),
        (f"{flux}:Alert", "app", component),
        (f"{flux}:Provider", "app", component),
    ] == sorted((each.type, each.name, each.parent.split("::")[-2]) for each in made)


def _by_name(engine: RecordingEngine, kind: str) -> dict[str, Any]:
    return {request.name: _inputs(request) for request in engine.of(f":{kind}")}


def test_the_objects_in_full() -> None:
    """Static objects that nothing is waited for; what may send is in an immutable Secret."""
    engine = RecordingEngine().run(program(event_metadata={"cluster": "production"}))

    (secret,), (provider,), (alert,) = (engine.of(k) for k in (":Secret", ":Provider", ":Alert"))
    assert {
        "apiVersion": "v1",
        "kind": "Secret",
        "immutable": True,
        "metadata": _METADATA,
        "stringData": {"address": PROVIDER["address"]},
    } == plain(_inputs(secret))
    assert {
        "apiVersion": "notification.toolkit.fluxcd.io/v1beta3",
        "kind": "Provider",
        "metadata": _METADATA,
        "spec": {"secretRef": {"name": "app-provider-0a1b2c3d"}, "type": "slack"},
    } == _inputs(provider)
    spec = _inputs(alert)["spec"]
    assert 6 == len(spec.pop("exclusionList"))
    assert {
        "eventMetadata": {"cluster": "production"},
        "eventSeverity": "error",
        "eventSources": [
            {"kind": "GitRepository", "name": "app"},
            {"kind": "Kustomization", "name": "*"},
            {"kind": "HelmRelease", "name": "*"},
        ],
        "providerRef": {"name": "app-0a1b2c3d"},
    } == spec


@pytest.mark.parametrize(
    "provider",
    [
        pytest.param(PROVIDER, id="plain"),
        pytest.param(
            {key: Later(v) if key != "type" else v for key, v in PROVIDER.items()}, id="output"
        ),
    ],
)
def test_what_may_send_is_secret(provider: dict[str, Any]) -> None:
    """In the state as on the screen, whether it was one before or not."""
    (secret,) = RecordingEngine().run(program(provider=provider)).of(":Secret")

    assert {"address": "***"} == hidden(_inputs(secret))["stringData"]


def test_every_credential_is_secret() -> None:
    """A token, a header, and PagerDuty's key, which has no place but the Provider."""
    hmac = {**_SECOND, "headers": {"X-Key": "known"}}
    pagerduty = {"type": "pagerduty", "address": "https://events.pagerduty.com", "channel": "key"}

    engine = RecordingEngine().run(program(provider=hmac, second=pagerduty))

    secrets = _by_name(engine, "Secret")
    assert {"address": "***", "headers": "***", "token": "***"} == hidden(secrets["app-provider"])[
        "stringData"
    ]
    assert {"address": "***"} == hidden(secrets["app-second-provider"])["stringData"]
    channel = _by_name(engine, "Provider")["app-second"]["spec"]["channel"]
    assert (True, "key") == (is_secret(channel), plain(channel))


def test_a_second_has_all_of_its_own() -> None:
    """The same events, by another Alert, to another Provider, with another Secret."""
    engine = RecordingEngine().run(program(second=_SECOND))

    alerts = _by_name(engine, "Alert")
    first, second = alerts["app"]["spec"], alerts["app-second"]["spec"]
    assert ["app-0a1b2c3d", "app-second-0a1b2c3d"] == [
        spec.pop("providerRef")["name"] for spec in (first, second)
    ]
    assert first == second
    assert {"app-provider", "app-second-provider"} == {*engine.named(":Secret")}
    assert {"app", "app-second"} == {*engine.named(":Provider")}


def test_a_secret_made_elsewhere_is_named_and_none_is_made() -> None:
    """Whoever makes it rotates it."""
    provider = {"type": "slack", "secret_name": Later("slack")}

    engine = RecordingEngine().run(program(provider=provider))

    assert [] == engine.named(":Secret")
    (made,) = engine.of(":Provider")
    assert {"secretRef": {"name": "slack"}, "type": "slack"} == _inputs(made)["spec"]
    assert "slack" == engine.outputs["app"]["secret_name"]


def test_a_commit_status_shows_its_repository() -> None:
    """The repository's address is no secret, and says what the Provider is for."""
    sources = [{"kind": "Kustomization", "name": "app"}]

    engine = RecordingEngine().run(program(provider=STATUS, resources=None, event_sources=sources))

    (provider,), (alert,) = engine.of(":Provider"), engine.of(":Alert")
    assert {
        "address": "https://github.com/acme/app",
        "secretRef": {"name": "app-provider-0a1b2c3d"},
        "type": "github",
    } == _inputs(provider)["spec"]
    assert {
        "eventSeverity": "info",
        "eventSources": sources,
        "providerRef": {"name": "app-0a1b2c3d"},
    } == _inputs(alert)["spec"]


@pytest.mark.parametrize("second", [pytest.param(None, id="one"), pytest.param(_SECOND, id="two")])
def test_outputs_are_always_there(second: dict[str, Any] | None) -> None:
    """No attribute exists on some paths only, and none of them is secret."""
    outputs = RecordingEngine().run(program(second=second)).outputs["app"]

    assert {*ReceiverAlerts.__annotations__} == outputs.keys()
    assert {
        "alert_name": "app-0a1b2c3d",
        "provider_name": "app-0a1b2c3d",
        "secret_name": "app-provider-0a1b2c3d",
        "second_alert_name": "app-second-0a1b2c3d" if second else "",
        "second_provider_name": "app-second-0a1b2c3d" if second else "",
        "second_secret_name": "app-second-provider-0a1b2c3d" if second else "",
    } == outputs


def test_protect_does_not_keep_a_secret_that_is_replaced() -> None:
    """Else changing an address would fail; Provider and Alert are changed in place."""
    opts = pulumi.ResourceOptions(protect=True, retain_on_delete=True)

    engine = RecordingEngine().run(program(opts=opts))

    (secret,), (component,) = engine.of(":Secret"), engine.of("ReceiverAlerts")
    assert (True, True) == (component.protect, component.retainOnDelete)
    assert (False, False) == (secret.protect, secret.retainOnDelete)


def test_empty_lists_in_outputs_are_lists() -> None:
    """The API server takes an empty list, and refuses null."""
    engine = RecordingEngine().run(
        program(exclusion_list=Later([]), inclusion_list=Later([]), default_exclusions=False)
    )

    (alert,) = engine.of(":Alert")
    spec = _inputs(alert)["spec"]
    assert ([], []) == (spec["exclusionList"], spec["inclusionList"])
