"""What programs in other languages send reaches the components as a Python program gives it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from fluxhooks.errors import ArgumentError
from fluxhooks.plugin.components import COMPONENTS
from fluxhooks.plugin.dynamic import check_python
from fluxhooks.plugin.provider import Provider
from tests.unit.recording_engine import RecordingEngine


@pytest.fixture(scope="module")
def provider() -> Provider:
    """The provider, whose schema takes a moment to make."""
    return Provider("0.0.0")


def mapped(provider: Provider, **sent: Any) -> dict[str, Any]:
    """Return the arguments of a WebhookReceiver that get to its constructor."""
    return provider.map_inputs(sent, provider._component_defs["WebhookReceiver"])


def test_components_are_listed_once_in_the_order_of_the_alphabet() -> None:
    """The schema, the plugin and its tests are made of one list."""
    names = [component.__name__ for component in COMPONENTS]

    assert sorted(set(names)) == names


def test_keys_get_pythons_names_wherever_they_stand(provider: Provider) -> None:
    """At the top, in objects, in lists of them, and in lists within those."""
    assert {
        "resource_filter": "true",
        "token_from": {"store": "vault", "store_kind": "SecretStore"},
        "resources": [{"api_version": "v1", "match_labels": {"team-name": "a"}}],
        "oidc_providers": [{"issuer_url": "https://issuer", "variables": [{"name": "a"}]}],
    } == mapped(
        provider,
        resourceFilter="true",
        tokenFrom={"store": "vault", "storeKind": "SecretStore"},
        resources=[{"apiVersion": "v1", "matchLabels": {"team-name": "a"}}],
        oidcProviders=[{"issuerUrl": "https://issuer", "variables": [{"name": "a"}]}],
    )


def test_whole_numbers_are_whole(provider: Provider) -> None:
    """The protocol has but one kind of number; what is no whole one stays for the checks."""
    found = mapped(
        provider, generation=6.0, retained=[5.0, 4.5], schedule={"every": "90d", "extra": 2.0}
    )

    assert "{'generation': 6, 'retained': [5, 4.5], 'schedule': {'every': '90d', 'extra': 2}}" == (
        str(found)
    )


def test_what_is_no_argument_reaches_the_checks(provider: Provider) -> None:
    """Dropped, as Pulumi's own provider does it, a misspelled one would go unnoticed."""
    assert {"hots": "flux.example.com", "github": {"repo": "app"}} == mapped(
        provider, hots="flux.example.com", github={"repo": "app"}
    )


@pytest.mark.parametrize(
    ("send", "expected"),
    [
        pytest.param(
            lambda later: {"resources": later([{"apiVersion": "v1"}])},
            {"resources": [{"api_version": "v1"}]},
            id="a whole list",
        ),
        pytest.param(
            lambda later: {"resources": [later({"matchLabels": {"a": "b"}}), {"kind": "A"}]},
            {"resources": [{"match_labels": {"a": "b"}}, {"kind": "A"}]},
            id="an entry of one",
        ),
        pytest.param(
            lambda later: {"resources": [{"matchLabels": later({"storeKind": "b"})}]},
            {"resources": [{"match_labels": {"storeKind": "b"}}]},
            id="a map of the user's own keys",
        ),
        pytest.param(
            lambda later: {"tokenFrom": later({"storeKind": "SecretStore"})},
            {"token_from": {"store_kind": "SecretStore"}},
            id="an object",
        ),
    ],
)
def test_keys_within_outputs_get_pythons_names_too(
    provider: Provider, send: Callable[[Any], dict[str, Any]], expected: dict[str, Any]
) -> None:
    """A secret or unknown part makes the object it is in an Output."""
    found: list[Any] = []

    def program() -> None:
        inputs = send(lambda value: pulumi.Output.secret(value))
        pulumi.Output.from_input(mapped(provider, **inputs)).apply(found.append)

    RecordingEngine().run(program)

    assert [expected] == found


@pytest.mark.parametrize(
    ("python", "seen"),
    [
        pytest.param("#!/bin/sh\necho /usr", "{found} is not the one", id="another"),
        pytest.param("", "there is none", id="none"),
    ],
)
def test_a_dynamic_resource_needs_the_python_that_has_fluxhooks(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str, seen: str
) -> None:
    """Pulumi starts the one on PATH, and would say that it knows no module of ours."""
    found = tmp_path / "python3"
    if python:
        found.write_text(python)
        found.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PULUMI_PYTHON_CMD", raising=False)

    with pytest.raises(ArgumentError) as caught:
        provider.construct("app", "fluxhooks:index:WebhookReceiver", {"gitea": {}})

    assert (
        "gitea: is made by a dynamic resource, for which Pulumi starts python3 of PATH: "
        f"{seen.format(found=found)} that fluxhooks is installed for; put {sys.prefix}/bin first "
        "on PATH, or remove gitea, give the type github, and tell the sender hook_url and token "
        "by hand"
    ) == str(caught.value)


def test_the_python_that_runs_this_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it is called."""
    monkeypatch.setenv("PULUMI_PYTHON_CMD", sys.executable)

    check_python("gitea")


def test_messages_name_arguments_as_the_other_language_does(provider: Provider) -> None:
    """Names of the configuration and of programs stay."""
    assert (
        "resources[0].matchLabels: … tokenSecret; fluxhooks:rotate_every, PULUMI_HOME, my_app"
        == provider.in_their_spelling(
            "resources[0].match_labels: … token_secret; fluxhooks:rotate_every, PULUMI_HOME, my_app"
        )
    )
