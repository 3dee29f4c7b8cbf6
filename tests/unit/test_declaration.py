"""What a program declares is read from a preview, in the shape in which Pulumi 3.259 prints it."""

import json
from typing import Any

import pytest

from fluxhooks import ObservationError
from fluxhooks.observe.declaration import Declaration, parse
from fluxhooks.observe.listing import Target
from fluxhooks.observe.state import Scope

_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_STACK = "urn:pulumi:dev::infra::pulumi:pulumi:Stack::infra-dev"
_APP = "urn:pulumi:dev::infra::fluxhooks:index:WebhookReceiver::app"
_RECEIVER = "kubernetes:notification.toolkit.fluxcd.io/v1:Receiver"
_WEBHOOK = "github:index/repositoryWebhook:RepositoryWebhook"
_PROVIDER = "urn:pulumi:dev::infra::pulumi:providers:github::"


def step(type_: str, name: str, parent: str, **state: Any) -> dict[str, Any]:
    """Return a step of a preview."""
    above = "fluxhooks:index:WebhookReceiver$" if parent == _APP else ""
    urn = f"urn:pulumi:dev::infra::{above}{type_}::{name}"
    return {"op": "create", "newState": {"urn": urn, "type": type_, "parent": parent, **state}}


def receiver(number: int) -> dict[str, Any]:
    """Return the step of a generation's Receiver."""
    labels = {"fluxhooks/generation": str(number)}
    spec = {
        "type": "github",
        "events": ["ping", "push"],
        "resources": [{"apiVersion": "v1", "kind": "GitRepository", "name": "app"}],
        "secretRef": {"name": f"app-g{number}-token-1"},
    }
    metadata = {"name": f"app-g{number}-1", "namespace": "flux-system", "labels": labels}
    return step(_RECEIVER, f"app-g{number}", _APP, inputs={"metadata": metadata, "spec": spec})


def webhook(provider: str, **inputs: Any) -> dict[str, Any]:
    """Return the step of the webhook."""
    configuration = {"secret": "[secret]", "url": "[secret]", "contentType": "json"}
    inputs = {"configuration": configuration, "repository": "app", **inputs}
    return step(
        _WEBHOOK, "app-webhook", _APP, inputs=inputs, provider=f"{_PROVIDER}{provider}::{_UNKNOWN}"
    )


def declaration(*steps: dict[str, Any], **configured: str) -> Declaration:
    """Return what is read of these steps below a component."""
    stack = step("pulumi:pulumi:Stack", "infra-dev", "")
    component = step("fluxhooks:index:WebhookReceiver", "app", _STACK)
    # What is deleted has no new state.
    gone = {"op": "delete", "oldState": {"urn": "…"}}
    values = {key.replace("_", ":"): {"value": value} for key, value in configured.items()}
    preview = {"steps": [stack, component, *steps, gone]}
    return parse(json.dumps(preview), json.dumps(values))


def test_a_component_is_read_with_its_highest_generation_and_its_webhook() -> None:
    """Where it is to be, what it is to reconcile, and which provider makes it."""
    found = declaration(receiver(2), receiver(1), webhook("default_6_15_0"), github_owner="acme")
    app = found.receivers["app"]

    assert ("infra", "dev", "acme") == (found.project, found.stack, found.providers.github_owner)
    assert (2, "flux-system", "github", ("ping", "push"), ()) == (
        app.generation,
        app.namespace,
        app.type,
        app.events,
        app.above,
    )
    assert (Target(kind="GitRepository", name="app", namespace="flux-system"),) == app.targets
    assert {"app-g1-token-1", "app-g2-token-1"} == app.secrets
    assert app.webhook is not None
    assert (Scope("github", "repository", "app"), "", _WEBHOOK, "app-webhook", "6.15.0", "") == (
        app.webhook.declared.scope,
        app.webhook.declared.id,
        app.webhook.type,
        app.webhook.name,
        app.webhook.provider_version,
        app.webhook.provider,
    )


def test_a_provider_of_the_programs_own_is_named() -> None:
    """Its version is its own."""
    found = declaration(receiver(1), webhook("ours")).receivers["app"].webhook

    assert found is not None
    assert ("", f"{_PROVIDER}ours") == (found.provider_version, found.provider)


def test_a_component_may_make_no_webhook() -> None:
    """Its sender is told by hand."""
    assert declaration(receiver(1)).receivers["app"].webhook is None


def test_a_place_that_only_an_update_knows_is_an_error() -> None:
    """Nobody could be asked there."""
    with pytest.raises(ObservationError) as caught:
        declaration(webhook("default", repository=_UNKNOWN))

    assert (
        "app-webhook: where it is to be is known only when pulumi up has run; name the repository "
        "in the program"
    ) == str(caught.value)


@pytest.mark.parametrize("preview", ["", "[]", '{"steps": 1}', "{}"])
def test_what_is_no_preview_is_an_error(preview: str) -> None:
    """It is not taken for a program without resources."""
    with pytest.raises(ObservationError, match="did not print the program's resources"):
        parse(preview, "{}")


def test_a_program_without_resources_is_an_error() -> None:
    """It has no stack to read the configuration of."""
    with pytest.raises(ObservationError, match="the program declares nothing; see pulumi preview"):
        parse('{"steps": []}', "{}")
