"""What a program declares, as a preview shows it: also where the state knows nothing of it yet."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fluxhooks.errors import ObservationError
from fluxhooks.flux.labels import GENERATION
from fluxhooks.observe import listing
from fluxhooks.observe.state import (
    COMPONENT_TYPE,
    RECEIVER_TYPE,
    DeclaredWebhook,
    ProviderSettings,
    Resource,
    placed,
    providers_of,
    webhook_of,
)

# Stands in a preview for what only an update will know.
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_HIDDEN: Final = "[secret]"


@dataclass(frozen=True, kw_only=True)
class PlannedWebhook:
    """The webhook that a WebhookReceiver's next update makes or edits.

    Attributes:
        declared: where it is to be; its ID is "" here.
        type, name: its resource's.
        provider_version: of the default provider that is to make it; "" where the program gives
            one of its own.
        provider: the URN of the one that the program gives; "" where none.
    """

    declared: DeclaredWebhook
    type: str
    name: str
    provider_version: str = ""
    provider: str = ""


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A WebhookReceiver of a program.

    Attributes:
        urn: the component's.
        above: URN, type and name of the components around it, the outermost first.
        type: its Receivers'.
        namespace: its Receivers'.
        generation: the highest.
        targets: what its Receivers reconcile, each with its namespace.
        events: what they accept; empty where all.
        secrets: the names of Secrets that its Receivers read, as far as they are known.
        webhook: the one that is made; None where its sender is told by hand.
    """

    name: str
    urn: str
    above: tuple[tuple[str, str, str], ...] = ()
    type: str = "github"
    namespace: str = ""
    generation: int = 1
    targets: tuple[listing.Target, ...] = ()
    events: tuple[str, ...] = ()
    secrets: frozenset[str] = frozenset()
    webhook: PlannedWebhook | None = None


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What a program declares for one stack.

    Attributes:
        stack: its bare name.
        receivers: the WebhookReceivers, by name.
    """

    project: str
    stack: str
    receivers: Mapping[str, Planned] = field(default_factory=dict)
    providers: ProviderSettings = field(default_factory=ProviderSettings)


def parse(preview: str, configured: str) -> Declaration:
    """Return what ``pulumi preview --json`` and ``pulumi config --json`` printed.

    Raises:
        ObservationError: they did not print what is understood.
    """
    try:
        steps = list(json.loads(preview)["steps"])
        values = {key: each.get("value") for key, each in json.loads(configured).items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ObservationError("pulumi preview did not print the program's resources") from None
    # What a preview says of outputs is a guess of the engine's.
    resources = [
        Resource(
            {**step["newState"], "inputs": _shown(step["newState"].get("inputs") or {}), "id": ""}
        )
        for step in steps
        if step.get("newState")
    ]
    for resource in resources:
        resource.outputs = {}
    if not resources:
        raise ObservationError("the program declares nothing; see pulumi preview")
    providers = providers_of([*resources, *_default_providers(values)])
    project_and_stack = resources[0].urn.removeprefix("urn:pulumi:").split("::")[:2]
    by_urn = {resource.urn: resource for resource in resources}
    return Declaration(
        project=project_and_stack[1],
        stack=project_and_stack[0],
        receivers={
            found.name: _planned(found, by_urn, providers)
            for found in resources
            if found.type == COMPONENT_TYPE
        },
        providers=providers,
    )


def _planned(
    component: Resource, by_urn: Mapping[str, Resource], providers: ProviderSettings
) -> Planned:
    children = [child for child in by_urn.values() if child.parent == component.urn]
    receivers = sorted(
        (child for child in children if child.type == RECEIVER_TYPE), key=_generation
    )
    live = receivers[-1] if receivers else None
    spec = (live.inputs.get("spec") if live else None) or {}
    namespace = live.namespace if live else ""
    return Planned(
        name=component.name,
        urn=component.urn,
        above=tuple(_above(component, by_urn)),
        type=str(spec.get("type", "github")),
        namespace=namespace,
        generation=_generation(live) if live else 1,
        targets=placed_targets(spec, namespace),
        events=tuple(spec.get("events") or ()),
        secrets=frozenset(
            str(((child.inputs.get("spec") or {}).get("secretRef") or {}).get("name") or "")
            for child in receivers
        ),
        webhook=next(
            (_webhook(child, hook, providers) for child in children if (hook := webhook_of(child))),
            None,
        ),
    )


def placed_targets(spec: Mapping[str, Any], namespace: str) -> tuple[listing.Target, ...]:
    """Return the targets of a Receiver's ``spec``, each with its namespace and nothing idle."""
    return tuple(
        listing.Target(
            kind=target.kind,
            name=target.name,
            namespace=target.namespace or namespace,
            labels=target.labels or None,
        )
        for target in listing.targets(spec)
    )


def _webhook(child: Resource, hook: DeclaredWebhook, providers: ProviderSettings) -> PlannedWebhook:
    hook = placed(hook, providers)
    if _UNKNOWN in hook.scope.name:
        raise ObservationError(
            f"{child.name}: where it is to be is known only when pulumi up has run; name the "
            f"{hook.scope.kind} in the program"
        )
    # "urn:pulumi:stack::project::pulumi:providers:github::default_6_15_0::ID"
    urn = child.provider.rpartition("::")[0]
    name = urn.rpartition("::")[2]
    is_default = name.startswith("default")
    version = name.removeprefix("default").removeprefix("_").partition("_http")[0]
    return PlannedWebhook(
        declared=hook,
        type=child.type,
        name=child.name,
        provider_version=version.replace("_", ".") if is_default else "",
        provider="" if is_default else urn,
    )


def _above(component: Resource, by_urn: Mapping[str, Resource]) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    parent = by_urn.get(component.parent)
    while parent is not None and parent.type != "pulumi:pulumi:Stack":
        found.insert(0, (parent.urn, parent.type, parent.name))
        parent = by_urn.get(parent.parent)
    return found


def _generation(receiver: Resource) -> int:
    number = str((receiver.metadata.get("labels") or {}).get(GENERATION, ""))
    return int(number) if number.isdecimal() else 0


def _default_providers(values: Mapping[str, Any]) -> list[Resource]:
    """Return what the configuration gives the providers that no program names."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        package, _, name = key.partition(":")
        found.setdefault(package, {})[name] = value
    return [
        Resource({"urn": "", "type": f"pulumi:providers:{package}", "inputs": inputs})
        for package, inputs in found.items()
    ]


def _shown(value: Any) -> Any:
    """Return inputs without those that a preview hides."""
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items() if item != _HIDDEN}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return value
