"""Programs that declare one WebhookReceiver."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pulumi

from fluxhooks import WebhookReceiver


@dataclass(frozen=True)
class Later:
    """Stands for an Output of `value`, which can only be made while a program runs."""

    value: Any


ARGS: dict[str, Any] = {
    "github": {"repository": "app"},
    "host": "flux.example.com",
    "resources": [{"kind": "GitRepository", "name": "app"}],
}


def args(**changes: Any) -> Any:
    """Return the least a WebhookReceiver needs, with `changes`; None leaves a key out.

    Typed as Any: most of them are wrong on purpose.
    """
    return {key: value for key, value in {**ARGS, **changes}.items() if value is not None}


def program(
    name: str = "app", *, opts: pulumi.ResourceOptions | None = None, **changes: Any
) -> Callable[[], None]:
    """Return a program that declares the WebhookReceiver `name` with `args(**changes)`."""

    def declare() -> None:
        WebhookReceiver(name, now(args(**changes)), opts)

    return declare


def now(value: Any) -> Any:
    """Return a value with an Output for each Later in it."""
    if isinstance(value, Later):
        return pulumi.Output.from_input(value.value)
    if isinstance(value, dict):
        return {key: now(item) for key, item in value.items()}
    if isinstance(value, list):
        return [now(item) for item in value]
    return value
