"""Programs that declare one ReceiverAlerts."""

from collections.abc import Callable
from typing import Any

import pulumi

from fluxhooks import ReceiverAlerts
from tests.unit.program import now

PROVIDER: dict[str, Any] = {"type": "slack", "address": "https://hooks.slack.com/services/T0/B0/x"}
STATUS: dict[str, Any] = {
    "type": "github",
    "address": "https://github.com/acme/app",
    "token": "ghp_0123456789",
}
ARGS: dict[str, Any] = {
    "provider": PROVIDER,
    "resources": [{"kind": "GitRepository", "name": "app"}],
}


def args(**changes: Any) -> Any:
    """Return the least that ReceiverAlerts needs, with `changes`; None leaves a key out.

    Typed as Any: most of them are wrong on purpose.
    """
    return {key: value for key, value in {**ARGS, **changes}.items() if value is not None}


def program(
    name: str = "app", *, opts: pulumi.ResourceOptions | None = None, **changes: Any
) -> Callable[[], None]:
    """Return a program that declares the ReceiverAlerts `name` with `args(**changes)`."""

    def declare() -> None:
        ReceiverAlerts(name, now(args(**changes)), opts)

    return declare
