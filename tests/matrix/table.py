"""The fault matrix: what was injected, what the doctor said of it, and how often it was right.

A pytest plugin. With ``--whole-matrix`` all rows are run, else a sample; with ``--write-matrix``
the rows of a whole run are written into the page.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fluxhooks.observe.doctor.faults import LINKS

ROWS = Path(__file__).parents[1] / "golden" / "matrix.json"
PAGE = Path(__file__).parents[2] / "docs" / "doctor.md"

BEGIN = "<!-- the fault matrix: `make matrix-faults` writes it -->"
END = "<!-- the end of the fault matrix -->"

FAULT = "matrix-fault"
HEALTHY = "matrix-healthy"

_FORGES = {"github": "GitHub", "gitlab": "GitLab"}


def counts(faults: dict[str, dict[str, Any]], healthy: dict[str, dict[str, Any]]) -> dict[str, int]:
    """How right the doctor was."""
    return {
        "faults": len(faults),
        "distinct": len({row["fault"] for row in faults.values()}),
        "named_right": sum(row["right"] for row in faults.values()),
        "false_findings": sum(row["false"] for row in faults.values()),
        "healthy": len(healthy),
        "healthy_findings": sum(row["findings"] for row in healthy.values()),
    }


def table(faults: dict[str, dict[str, Any]], healthy: dict[str, dict[str, Any]]) -> str:
    """The text between the page's markers."""
    total = counts(faults, healthy)
    lines = [
        BEGIN,
        "",
        f"{total['faults']} injected faults of {total['distinct']} kinds: "
        f"{total['named_right']} named right, {total['false_findings']} false findings beside "
        f"them; {total['healthy']} healthy set-ups: {total['healthy_findings']} findings.",
        "",
        "| link | what was done | at | found | says | sure | cure |",
        "|---|---|---|---|---|---|---|",
    ]
    order = [str(link) for link in LINKS]
    merged: dict[tuple[str, ...], list[str]] = {}
    for _, row in sorted(faults.items(), key=lambda item: order.index(item[1]["link"])):
        cells = (
            row["link"],
            row["injected"],
            f"`{row['fault']}`",
            row["wrong"],
            row["sure"],
            row["cure"],
        )
        merged.setdefault(cells, []).append(_FORGES[row["forge"]])
    for (link, injected, fault, *says), forges in merged.items():
        cells = (link, injected, ", ".join(sorted(set(forges))), fault, *says)
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    lines += ["", "Healthy, and found so:", ""]
    lines += [f"- {text}" for text in dict.fromkeys(row["shape"] for row in healthy.values())]
    return "\n".join([*lines, "", END])


def committed(test: str) -> dict[str, Any]:
    """The row that the page has of a test; empty where it has none."""
    rows = json.loads(ROWS.read_text()) if ROWS.exists() else {"faults": {}}
    row: dict[str, Any] = rows["faults"].get(test, {})
    return row


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("fault matrix")
    group.addoption("--whole-matrix", action="store_true", help="all rows, not the sample")
    group.addoption("--write-matrix", action="store_true", help="write the table into the page")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sample: a row of the fault matrix that every run has")
    # With xdist, workers report to the process that writes.
    if not hasattr(config, "workerinput") and config.getoption("--whole-matrix"):
        config.pluginmanager.register(_Counter(), "matrix-rows")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not in the sample; the summary says how many that are."""
    if config.getoption("--whole-matrix"):
        return
    here = Path(__file__).parent
    left_out = [
        item
        for item in items
        if here in item.path.parents and "doctor" in getattr(item, "fixturenames", ())
        # One that was asked for by its name is meant.
        if item.get_closest_marker("sample") is None
        and not any("::" in arg and "matrix" in arg for arg in config.args)
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


class _Counter:
    """Gathers the rows of a whole run."""

    def __init__(self) -> None:
        self._faults: dict[str, dict[str, Any]] = {}
        self._healthy: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = dict(report.user_properties)
        if report.when != "call":
            return
        if FAULT in properties:
            self._faults[report.nodeid] = properties[FAULT]  # type: ignore[assignment]
        if HEALTHY in properties:
            self._healthy[report.nodeid] = properties[HEALTHY]  # type: ignore[assignment]

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if session.config.getoption("--write-matrix") and exitstatus == 0:
            rows = {"faults": _sorted(self._faults), "healthy": _sorted(self._healthy)}
            ROWS.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
            write(self._faults, self._healthy)

    def pytest_unconfigure(self) -> None:
        # After pytest's own last line.
        if os.environ.get("JSON") == "1":
            print(json.dumps(counts(self._faults, self._healthy)), flush=True)  # noqa: T201


def write(faults: dict[str, dict[str, Any]], healthy: dict[str, dict[str, Any]]) -> None:
    """Put the table between the page's markers; at its end where there are none."""
    page = PAGE.read_text() if PAGE.exists() else f"# What is broken\n\n{BEGIN}\n{END}\n"
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{table(_sorted(faults), _sorted(healthy))}{after or chr(10)}")


def _sorted(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return dict(sorted(rows.items()))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
