"""What the environment of one run overrides: FLUXHOOKS_DRAIN, …_REVOKE and …_VERIFY."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from fluxhooks.errors import SettingError
from fluxhooks.flux import durations


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """The settings of one run.

    Attributes:
        drain: how long retired generations still answer, in seconds; None for their own setting.
        revoke: whether a generation may go that its sender still calls.
        verify: whether the public URL is asked at all.
    """

    drain: float | None = None
    revoke: bool = False
    verify: bool = True

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the environment.

        Raises:
            SettingError: a value is none that is known; a misspelled "off" must not be an "on".
        """
        return cls(
            drain=_seconds("FLUXHOOKS_DRAIN", environment),
            revoke=_switch("FLUXHOOKS_REVOKE", environment, default=False),
            verify=_switch("FLUXHOOKS_VERIFY", environment, default=True),
        )


def _seconds(name: str, environment: Mapping[str, str]) -> float | None:
    value = environment.get(name, "")
    try:
        return durations.seconds(value) if value else None
    except ValueError as error:
        raise SettingError(f"{name} in the environment: {error}") from None


def _switch(name: str, environment: Mapping[str, str], *, default: bool) -> bool:
    value = environment.get(name, "")
    if value.lower() not in ("", "off", "on"):
        raise SettingError(f"{name} in the environment: {value!r} is not 'on' or 'off'")
    return value.lower() == "on" if value else default
