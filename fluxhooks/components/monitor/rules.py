"""The alert rules, as they lie beside this module: one source for component, manifest and tests."""

import functools
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

_FILE: Final = Path(__file__).with_name("alerts.yaml")

EXPORTER: Final = ("fluxhooks", "fluxhooks-monitor")
"""The groups that look at the metrics of `fluxhooks monitor`."""

BLACKBOX: Final = "fluxhooks-blackbox"
"""The group that looks at the Probe of a blackbox exporter."""

JOB: Final = "fluxhooks-blackbox"
"""The label `job` of that Probe's metrics."""


def rule_groups(
    *, exporter: bool, blackbox: bool, without: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return the groups of rules, as a PrometheusRule has them.

    Args:
        exporter: whether `fluxhooks monitor` is scraped; rules that miss it would fire.
        blackbox: whether there is a Probe.
        without: names of alerts that are left out.
    """
    left_out = {*(() if exporter else EXPORTER), *(() if blackbox else (BLACKBOX,))}
    groups = [
        {**group, "rules": [rule for rule in group["rules"] if rule["alert"] not in without]}
        for group in _manifest()["spec"]["groups"]
        if group["name"] not in left_out
    ]
    return [group for group in groups if group["rules"]]


def alert_names() -> Iterator[str]:
    """Yield the names of all alerts."""
    for group in _manifest()["spec"]["groups"]:
        for rule in group["rules"]:
            yield rule["alert"]


@functools.cache
def _manifest() -> dict[str, Any]:
    # Loaded by programs that want rules.
    import yaml

    found: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return found
