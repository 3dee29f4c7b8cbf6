"""What can go wrong in any plugin.

PluginError                    fails the step
├── UnsupportedError                the official plugin can do this, the stand-in cannot
└── PartialError             fails the step, yet the object exists and belongs in the state
"""

from typing import Any


class PluginError(Exception):
    """Fails the step with its message."""


class UnsupportedError(PluginError):
    """The official plugin can do this, the stand-in cannot."""

    def __init__(self, what: str) -> None:
        super().__init__(f"stand-in: {what} is not supported")


class PartialError(PluginError):
    """Fails the step, yet the object exists and `properties` belong in the state."""

    def __init__(self, message: str, *, resource_id: str, properties: dict[str, Any]) -> None:
        super().__init__(message)
        self.resource_id = resource_id
        self.properties = properties
