"""The table of faults: each test that makes one records what happened and what the next run did.

A pytest plugin. Every row must stand in the committed table word for word; with
``--write-faults`` the rows of the run take the place of those of the same files instead.
"""

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from sandbox.stack import Run

ROWS = Path(__file__).parents[1] / "golden" / "faults.json"
PAGE = Path(__file__).parents[2] / "docs" / "faults.md"

_PROPERTY = "fault"


class Section(StrEnum):
    """Where a fault comes from; the order is the page's."""

    KILL = "The engine is killed"
    FORGE = "The forge misbehaves"
    CLUSTER = "Cluster, route or disk fail"
    OPTIONS = "Options and settings that could break it"
    HAND = "Somebody changes things by hand"


Row = Callable[[Section, str, str, str], None]
"""Records section, fault, what happened, and what the next run did."""


@pytest.fixture
def row(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Row:
    """Record the row of a test, at its end; it must be the one in the committed table."""

    def record(section: Section, fault: str, happened: str, next_run: str) -> None:
        cells = [section.value, fault, happened, next_run]
        record_property(_PROPERTY, cells)
        if not request.config.getoption("--write-faults"):
            assert _committed().get(request.node.nodeid) == cells, "make faults writes the table"

    return record


def told(run: Run) -> str:
    """Return in words what a run did to the resources of a rotation, in its order."""
    drained = "older ones answer" in run.output
    phrases: list[str] = []
    for step in run.steps:
        kind, verb = step.type.rpartition(":")[2], _VERBS.get(step.op, step.op)
        if kind == "WebhookReceiver" or step.op == "replace":
            continue
        if drained and verb == "deleted":
            phrases.append("drained")
            drained = False
        what = _WORDS.get(kind, kind)
        if phrases and phrases[-1].startswith(f"{verb} "):
            phrases[-1] += f", {what}"
        else:
            phrases.append(f"{verb} {what}")
    phrases += ["drained"] if drained else []
    return "; ".join(phrases) or "nothing to do"


def page(rows: dict[str, list[str]]) -> str:
    """Return the text of the page that shows `rows`."""
    lines = [_HEAD]
    for section in Section:
        chosen = [cells[1:] for _, cells in sorted(rows.items()) if cells[0] == section.value]
        lines += [f"## {section.value}", "", "| fault | what happened | the next run |"]
        lines += [
            "|---|---|---|",
            *(f"| {' | '.join(map(_cell, cells))} |" for cells in chosen),
            "",
        ]
    return "\n".join(lines)


_HEAD = """\
# Faults, and what they cost

Each row is a test on the real Pulumi engine, a real API server and the real Flux controllers.
GitHub is a stand-in, and so is Pulumi's Kubernetes plugin where the official one cannot be had.
The texts are what the tests saw: `make faults` runs them and writes this page, and every other run
of them compares. *The next run* is the same `pulumi up` again, or the command that the row names.
"""

_VERBS = {
    "create": "created",
    "create-replacement": "created",
    "delete": "deleted",
    "delete-replaced": "deleted",
    "update": "updated",
}
_WORDS = {"RandomPassword": "token", "RepositoryWebhook": "webhook"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-faults", action="store_true", help="write the table of faults anew from this run"
    )


def pytest_configure(config: pytest.Config) -> None:
    # With xdist, workers report to the process that writes.
    if config.getoption("--write-faults") and not hasattr(config, "workerinput"):
        whole = not config.option.keyword and not any("::" in arg for arg in config.args)
        config.pluginmanager.register(_Writer(whole=whole), "fault-rows")


class _Writer:
    """Gathers the rows of a run, and writes them at its end.

    Args:
        whole: whether the run is of whole files.
    """

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._rows: dict[str, list[str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties: dict[str, Any] = dict(report.user_properties)
        if report.when == "call" and _PROPERTY in properties:
            self._rows[report.nodeid] = list(properties[_PROPERTY])

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        # Where tests failed or were left out, the rows of their file that were not made anew stay.
        renewed = self._whole and exitstatus == 0
        ran = {_file(test) for test in self._rows} if renewed else set[str]()
        kept = {test: cells for test, cells in _committed().items() if _file(test) not in ran}
        rows = dict(sorted({**kept, **self._rows}.items()))
        ROWS.write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
        PAGE.write_text(page(rows))


def _committed() -> dict[str, list[str]]:
    rows: dict[str, list[str]] = json.loads(ROWS.read_text()) if ROWS.exists() else {}
    return rows


def _file(test: str) -> str:
    return test.partition("::")[0]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
