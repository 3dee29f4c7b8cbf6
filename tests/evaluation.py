"""The alert rules on metrics that were really scraped, evaluated by Prometheus's own tool."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from sandbox.sandbox import REPOSITORY
from tests.watching import Samples

RULES = REPOSITORY / "fluxhooks/components/monitor/alerts.yaml"

SCRAPED = 60
"""Seconds that lie between two scrapes for Prometheus, however long it was here."""

AFTERWARDS = 120
"""Scrapes for which all goes on as it did, so that what has to last for a while does."""

# What grows: it goes on growing.
_GROWING = ("_bucket", "_count", "_timestamp_seconds", "_total")


def firing(
    scrapes: Sequence[Samples], *, began: float, every: float, promtool: Path, directory: Path
) -> set[str]:
    """Return the alerts that fire after the last scrape, or any time in the two hours after it.

    Args:
        scrapes: the metrics, one scrape after another.
        began: when the first was made.
        every: seconds between two of them.
    """
    rules = yaml.safe_load(RULES.read_text())["spec"]
    (directory / "rules.yaml").write_text(yaml.safe_dump(rules))
    last = len(scrapes) - 1
    case = {
        "evaluation_interval": f"{SCRAPED}s",
        "rule_files": ["rules.yaml"],
        "tests": [
            {
                "interval": f"{SCRAPED}s",
                "input_series": list(_series(scrapes, rules, began, SCRAPED / every)),
                "promql_expr_test": [
                    {
                        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": f"{at * SCRAPED}s",
                        # What is not as expected is told, with what was found.
                        "exp_samples": [{"labels": "{}", "value": -1}],
                    }
                    for at in range(last, last + AFTERWARDS, 5)
                ],
            }
        ],
    }
    (directory / "test.yaml").write_text(yaml.safe_dump(case))
    done = subprocess.run(
        [promtool, "test", "rules", "test.yaml"], cwd=directory, capture_output=True, text=True
    )
    told = re.findall(r"got: *(.*)", done.stdout + done.stderr)
    assert AFTERWARDS / 5 == len(told), done.stdout + done.stderr
    return set(re.findall(r'alertname="(\w+)"', " ".join(told)))


def _series(
    scrapes: Sequence[Samples], rules: dict[str, Any], began: float, scale: float
) -> Iterator[dict[str, str]]:
    wanted = " ".join(rule["expr"] for group in rules["groups"] for rule in group["rules"])
    for key in sorted({key for samples in scrapes for key in samples}, key=str):
        name, labels = key
        if not re.search(rf"\b{name}\b", wanted):
            continue
        values = [samples.get(key) for samples in scrapes]
        if name.endswith("_timestamp_seconds"):
            # Prometheus's clock begins at 0 there, and goes faster.
            values = [None if value is None else (value - began) * scale for value in values]
        known = [value for value in values if value is not None]
        growth = (known[-1] - known[0]) / max(1, len(known) - 1) if name.endswith(_GROWING) else 0
        written = ["_" if value is None else repr(value) for value in values]
        if values[-1] is not None:
            written.append(f"{values[-1] + growth!r}+{growth!r}x{AFTERWARDS}")
        has = ",".join(f'{label}="{value}"' for label, value in sorted(labels))
        yield {"series": f"{name}{{{has}}}", "values": " ".join(written)}
