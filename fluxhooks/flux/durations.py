"""Durations as Flux and Go write them: ``30s``, ``1m30s``, ``500ms``, ``2h``."""

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")


def seconds(duration: str) -> float:
    """Return `duration` in seconds.

    Raises:
        ValueError: it is not a sequence of numbers with the units ms, s, m, h.
    """
    parts = _PART.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is not a duration such as '30s', '1m30s' or '2h'")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
