"""What a stack declares is read from an export recorded while a rotation was interrupted.

The engine was killed when the webhook of `app` had just been pointed at generation 3; `web` is
at generation 2 and retains 1. Tokens, digests and hosts in it are invented.
"""

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any

import pytest

from fluxhooks import ObservationError
from fluxhooks.flux.hook_path import hook_path
from fluxhooks.observe.state import Scope, StackState, parse

_ORGANIZATION_WEBHOOK = "github:index/organizationWebhook:OrganizationWebhook"

EXPORT = (Path(__file__).parent.parent / "golden" / "interrupted-stack.json").read_text()


@pytest.fixture(name="state")
def _state() -> StackState:
    return parse(EXPORT)


def test_the_stack_is_named_in_its_resources(state: StackState) -> None:
    """An export does not say the stack's name elsewhere."""
    assert ("fluxhooks", "dev") == (state.project, state.stack)


def test_live_is_what_was_finished(state: StackState) -> None:
    """The component's outputs are written last, after the drain."""
    assert {"app": 2, "web": 2} == {name: found.live for name, found in state.receivers.items()}


def test_all_generations_are_found_by_their_labels(state: StackState) -> None:
    """With the names their objects have in the cluster."""
    web = state.receivers["web"].generations

    assert [1, 2] == list(web)
    assert [2, 3] == list(state.receivers["app"].generations)
    assert "flux-system" == web[2].namespace
    assert web[2].receiver.startswith("web-g2-")
    assert web[2].secret.startswith("web-g2-token-")
    assert "token-of-web-g2-token" == web[2].token
    assert hook_path("token-of-web-g2-token", web[2].receiver, "flux-system") == web[2].path
    assert datetime.datetime(2026, 11, 22, 13, 42, 30, tzinfo=datetime.UTC) == web[2].created_at


def test_a_secret_made_elsewhere_is_found_by_its_receiver() -> None:
    """It is read and not made, has no labels of ours, and is none of the stack's objects."""
    web = parse(EXPORT).receivers["web"].generations[2]
    resources = json.loads(EXPORT)["deployment"]["resources"]
    for record in resources:
        if record["urn"].endswith("v1:Secret::web-g2-token"):
            record["external"] = True
            record["outputs"]["metadata"] |= {"labels": {}}
    state = parse(_changed(resources=resources))

    found = state.receivers["web"].generations[2]
    assert dataclasses.replace(web, secret_is_ours=False) == found
    assert ("Secret", "flux-system", web.secret) not in state.objects


def test_a_repointing_that_was_not_finished_is_seen(state: StackState) -> None:
    """The webhook is already elsewhere than the last path that was finished."""
    assert {"app": True, "web": False} == {
        name: found.repointing for name, found in state.receivers.items()
    }
    webhook = state.receivers["app"].webhook
    assert webhook is not None
    assert state.receivers["app"].generations[3].path == webhook.path


def test_another_host_is_a_repointing_too(state: StackState) -> None:
    """The same path elsewhere is another URL, proved and drained like any other."""
    web = state.receivers["web"]
    elsewhere = dataclasses.replace(web, finished_url=f"https://old.example.com{web.finished_path}")

    assert (False, True) == (web.repointing, elsewhere.repointing)


def test_the_webhook_is_known_by_its_place_at_the_forge(state: StackState) -> None:
    """Its ID, its repository, and where the forge's API has it."""
    webhook = state.receivers["web"].webhook

    assert webhook is not None
    assert Scope("github", "repository", "web") == webhook.scope
    assert "flux.example.com" == webhook.host
    assert f"https://api.github.com/repos/acme/web/hooks/{webhook.id}" == webhook.api_url
    assert ("github", webhook.id) in state.hook_keys
    assert webhook.urn.endswith("RepositoryWebhook::web-webhook")


def test_every_object_is_listed(state: StackState) -> None:
    """What is not on this list is an orphan."""
    assert 8 == len(state.objects)
    assert {"Receiver", "Secret"} == {kind for kind, _, _ in state.objects}
    assert {"flux-system"} == {namespace for _, namespace, _ in state.objects}


def test_no_secret_is_in_a_repr(state: StackState) -> None:
    """Whoever logs a state logs neither tokens nor paths."""
    shown = repr(state)

    assert 4 == len(state.secrets)
    assert [] == [token for token in state.secrets if token in shown]
    assert "/hook/" not in shown


def test_a_webhook_whose_creation_was_interrupted_is_remembered() -> None:
    """The forge may have it, and the state does not."""
    export = _changed(
        pending_operations=[
            {
                "type": "creating",
                "resource": {
                    "urn": "urn:pulumi:dev::fluxhooks::github:x::new-webhook",
                    "type": "github:index/repositoryWebhook:RepositoryWebhook",
                    "inputs": {
                        "repository": "new",
                        "configuration": {"url": "https://flux.example.com/hook/x"},
                    },
                },
            }
        ]
    )
    state = parse(export)

    assert ("creating new-webhook",) == state.pending_operations
    (interrupted,) = state.interrupted_webhooks
    assert ("new", "") == (interrupted.scope.name, interrupted.id)
    assert interrupted in state.webhooks


def test_an_organisations_webhook_is_known_by_its_address() -> None:
    """The resource names no organisation: it is its provider's owner."""
    deployment = json.loads(EXPORT)["deployment"]
    webhook = next(r for r in deployment["resources"] if r["urn"].endswith("::web-webhook"))
    address = f"https://github.example.com/api/v3/orgs/acme/hooks/{webhook['id']}"
    webhook["type"] = _ORGANIZATION_WEBHOOK
    webhook["outputs"]["url"] = address
    for values in (webhook["inputs"], webhook["outputs"]):
        del values["repository"]

    state = parse(json.dumps({"deployment": deployment}))

    found = state.receivers["web"].webhook
    assert found is not None
    assert Scope("github", "organization", "acme") == found.scope
    assert (webhook["id"], address) == (found.id, found.api_url)
    assert found.url == state.receivers["web"].finished_url
    assert found.key in state.hook_keys


@pytest.mark.parametrize("owner", ["", "acme"])
def test_an_organisations_webhook_that_was_interrupted_is_its_providers_owners(owner: str) -> None:
    """Where the provider was told of one; it has no address yet."""
    deployment = json.loads(EXPORT)["deployment"]
    for resource in deployment["resources"]:
        if resource["type"] == "pulumi:providers:github" and owner:
            resource["inputs"]["owner"] = owner
    deployment["pending_operations"] = [
        {
            "type": "creating",
            "resource": {
                "urn": "urn:pulumi:dev::fluxhooks::github:x::new-webhook",
                "type": _ORGANIZATION_WEBHOOK,
                "inputs": {"configuration": {"url": "https://flux.example.com/hook/x"}},
            },
        }
    ]

    (interrupted,) = parse(json.dumps({"deployment": deployment})).interrupted_webhooks

    assert Scope("github", "organization", owner) == interrupted.scope
    assert "flux.example.com" == interrupted.host


def test_what_providers_were_given_is_known() -> None:
    """Cluster and credentials are the provider's, where it has its own."""
    deployment = json.loads(EXPORT)["deployment"]
    for resource in deployment["resources"]:
        if resource["type"] == "pulumi:providers:kubernetes":
            resource["inputs"] |= {"kubeconfig": "a: b\n", "context": "prod"}
        if resource["type"] == "pulumi:providers:github":
            resource["inputs"] |= {"owner": "acme", "token": "t"}

    providers = parse(json.dumps({"deployment": deployment})).providers

    assert ("a: b\n", "prod") == (providers.kubeconfig, providers.context)
    assert ("acme", "t", "") == (
        providers.github_owner,
        providers.github_token,
        providers.github_base_url,
    )


def test_an_object_that_waits_for_its_deletion_gives_way_to_its_successor() -> None:
    """The state lists both while a replacement is not finished."""
    deployment = json.loads(EXPORT)["deployment"]
    receiver = next(r for r in deployment["resources"] if r["urn"].endswith("::web-g2"))
    successor = json.loads(json.dumps(receiver))
    successor["outputs"]["metadata"]["name"] = "web-g2-later"
    receiver["delete"] = True
    deployment["resources"].append(successor)

    for resources in (deployment["resources"], deployment["resources"][::-1]):
        state = parse(json.dumps({"deployment": {**deployment, "resources": resources}}))

        assert "web-g2-later" == state.receivers["web"].generations[2].receiver
        assert 9 == len(state.objects)


def test_a_webhook_that_waits_for_its_deletion_gives_way_too() -> None:
    """It is still known, so that nobody takes it for an orphan."""
    deployment = json.loads(EXPORT)["deployment"]
    webhook = next(r for r in deployment["resources"] if r["urn"].endswith("::web-webhook"))
    successor = {**webhook, "id": "7"}
    webhook["delete"] = True
    for more in ([webhook, successor], [successor, webhook]):
        others = [r for r in deployment["resources"] if r is not webhook]
        state = parse(json.dumps({"deployment": {**deployment, "resources": [*others, *more]}}))

        live = state.receivers["web"].webhook
        assert live is not None
        assert "7" == live.id
        assert ("github", webhook["id"]) in state.hook_keys


def test_the_configuration_decides_where_nothing_else_is_said() -> None:
    """As in the states of versions that did not say it."""
    deployment = json.loads(EXPORT)["deployment"]
    for resource in deployment["resources"]:
        resource.get("outputs", {}).pop("generation_authority", None)
    receivers = parse(json.dumps({"deployment": deployment})).receivers

    assert {"configuration"} == {found.authority for found in receivers.values()}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "pulumi stack export did not print a deployment", id="nothing"),
        pytest.param("[]", "pulumi stack export did not print a deployment", id="a list"),
        pytest.param(
            '{"deployment": {}}',
            "the stack has no resources yet; pulumi up makes them",
            id="an empty stack",
        ),
    ],
)
def test_what_is_no_state_is_said(text: str, message: str) -> None:
    """In one line, with the cure."""
    with pytest.raises(ObservationError) as error:
        parse(text)

    assert message == str(error.value)


def _changed(**changes: Any) -> str:
    deployment = json.loads(EXPORT)["deployment"]
    return json.dumps({"deployment": {**deployment, **changes}})


def test_a_webhook_at_gitea_is_known_by_its_server_too() -> None:
    """There is one in each place, and two may have webhooks of one number."""
    component = "urn:pulumi:dev::p::fluxhooks:index:WebhookReceiver::app"
    values = {
        "owner": "acme",
        "repository": "app",
        "organization": None,
        "server": "https://git.example.com",
        "secret": "a-token",
        "url": "https://flux.example.com/hook/1",
    }
    state = parse(
        json.dumps(
            {
                "deployment": {
                    "resources": [
                        {"urn": component, "type": "fluxhooks:index:WebhookReceiver"},
                        {
                            "urn": f"{component}$pulumi-python:dynamic/gitea:Webhook::app-webhook",
                            "type": "pulumi-python:dynamic/gitea:Webhook",
                            "id": "5",
                            "parent": component,
                            "inputs": values,
                            "outputs": {**values, "hook_id": "5"},
                        },
                        {
                            "urn": "urn:pulumi:dev::p::pulumi-python:dynamic/gitea:Webhook::org",
                            "type": "pulumi-python:dynamic/gitea:Webhook",
                            "id": "5",
                            "inputs": {
                                **values,
                                "organization": "acme",
                                "owner": None,
                                "repository": None,
                                "server": "http://other.example.com:3000",
                            },
                        },
                    ]
                }
            }
        )
    )

    webhook = state.receivers["app"].webhook
    assert webhook is not None
    assert Scope("gitea", "repository", "acme/app", "https://git.example.com") == webhook.scope
    assert ("https://flux.example.com/hook/1", "5") == (webhook.url, webhook.id)
    assert {
        ("gitea git.example.com", "5"),
        ("gitea other.example.com:3000", "5"),
    } == state.hook_keys
    assert state.receivers["app"].managed


def test_an_instances_webhook_is_known_by_its_number_alone() -> None:
    """It belongs to no project or group."""
    resources = json.loads(EXPORT)["deployment"]["resources"]
    for record in resources:
        if record["urn"].endswith("RepositoryWebhook::web-webhook"):
            record |= {
                "type": "gitlab:index/systemHook:SystemHook",
                "id": "37",
                "outputs": {"url": record["outputs"]["configuration"]["url"]},
            }
    webhook = parse(_changed(resources=resources)).receivers["web"].webhook

    assert webhook is not None
    assert (Scope("gitlab", "instance", "GitLab"), "37", "flux.example.com") == (
        webhook.scope,
        webhook.id,
        webhook.host,
    )
