"""The component's schema is its contract with every Pulumi language.

A changed input or output changes ``tests/golden/schema.json``, where a reviewer sees it:
``python -m tests.unit.test_schema`` writes it anew.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fluxhooks import (
    ReceiverAlerts,
    ReceiverAlertsArgs,
    ReceiverMonitor,
    ReceiverRoute,
    WebhookReceiver,
)
from fluxhooks.components.args import (
    GcrArgs,
    GiteaArgs,
    GitHubArgs,
    GitLabArgs,
    OidcProvider,
    OidcValidation,
    OidcVariable,
    ResourceRef,
    ScheduleArgs,
    WebhookReceiverArgs,
)
from fluxhooks.components.checks import check_args
from fluxhooks.components.monitor.args import (
    AlertRulesArgs,
    BlackboxArgs,
    ProbeJobArgs,
    ReceiverMonitorArgs,
)
from fluxhooks.components.route.args import (
    GatewayArgs,
    IngressArgs,
    NetworkPolicyArgs,
    ReceiverRouteArgs,
)
from fluxhooks.plugin.provider import Provider

_GOLDEN = Path(__file__).parents[1] / "golden/schema.json"


def _schema() -> Any:
    return json.loads(Provider("0.0.0").schema or "")


def _as_text(schema: Any) -> str:
    return json.dumps(schema, indent=2) + "\n"


def _component(name: str) -> Any:
    return _schema()["resources"][f"fluxhooks:index:{name}"]


_COMPONENTS = [
    pytest.param(ReceiverAlerts, ReceiverAlertsArgs, id="ReceiverAlerts"),
    pytest.param(ReceiverMonitor, ReceiverMonitorArgs, id="ReceiverMonitor"),
    pytest.param(ReceiverRoute, ReceiverRouteArgs, id="ReceiverRoute"),
    pytest.param(WebhookReceiver, WebhookReceiverArgs, id="WebhookReceiver"),
]


def test_the_schema_is_the_agreed_one() -> None:
    """Analysing the annotations gives the golden file, character by character."""
    assert _GOLDEN.read_text() == _as_text(_schema())


def test_every_property_is_described() -> None:
    """The description is all that a user of another language sees."""
    schema = _schema()
    properties: list[tuple[str, Any]] = []
    for type_ in [*schema["resources"].values(), *schema["types"].values()]:
        properties += _properties(type_)

    assert len(properties) > 20
    assert [] == [name for name, value in properties if not value.get("description")]


def _properties(type_: Any) -> Iterator[tuple[str, Any]]:
    yield from type_.get("inputProperties", {}).items()
    yield from type_.get("properties", {}).items()


@pytest.mark.parametrize(("component", "args"), _COMPONENTS)
def test_inputs_are_the_arguments(component: type, args: Any) -> None:
    """Each key of the arguments, in the spelling of other languages; required where it is here."""
    found = _component(component.__name__)

    assert {_camel(key) for key in args.__annotations__} == set(found["inputProperties"])
    assert sorted(args.__required_keys__) == found["requiredInputs"]


def test_types_are_those_of_the_arguments() -> None:
    """Nested values too."""
    types = _schema()["types"]

    for nested in (
        AlertRulesArgs,
        BlackboxArgs,
        GatewayArgs,
        GcrArgs,
        GiteaArgs,
        GitHubArgs,
        GitLabArgs,
        IngressArgs,
        NetworkPolicyArgs,
        OidcProvider,
        OidcValidation,
        OidcVariable,
        ProbeJobArgs,
        ResourceRef,
        ScheduleArgs,
    ):
        assert {_camel(key) for key in nested.__annotations__} == set(
            types[f"fluxhooks:index:{nested.__name__}"]["properties"]
        )


@pytest.mark.parametrize(("component", "args"), _COMPONENTS)
def test_outputs_are_the_annotated_ones_and_always_there(component: type, args: Any) -> None:
    """No attribute exists on some paths only."""
    found = _component(component.__name__)
    outputs = {_camel(name) for name in component.__annotations__}

    assert outputs == set(found["properties"])
    assert sorted(outputs) == found["required"]


def test_what_another_language_sends_is_what_a_python_program_gives() -> None:
    """The component host's translation and the checks end at the same arguments."""
    provider = Provider("0.0.0")
    sent = {
        "generation": 6.0,
        "github": {"repository": "app"},
        "host": "flux.example.com",
        "resourceFilter": "true",
        "resources": [
            {
                "apiVersion": "source.toolkit.fluxcd.io/v1",
                "kind": "GitRepository",
                "matchLabels": {"a": "b"},
                "name": "*",
            }
        ],
        "retained": [5.0],
        "type": "github",
        "verifyTimeout": "5s",
    }
    here: Any = {
        "generation": 6,
        "github": {"repository": "app"},
        "host": "flux.example.com",
        "resource_filter": "true",
        "resources": [{"kind": "GitRepository", "match_labels": {"a": "b"}, "name": "*"}],
        "retained": [5],
        "verify_timeout": "5s",
    }
    mapped: Any = provider.map_inputs(sent, provider._component_defs["WebhookReceiver"])

    assert check_args("app", here) == check_args("app", mapped)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


if __name__ == "__main__":
    _GOLDEN.write_text(_as_text(_schema()))
