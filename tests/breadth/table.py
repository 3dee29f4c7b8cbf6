"""What is covered: types of Receivers, forges and origins of secrets, and what was run on each.

A pytest plugin. A test that proves a row records it with the fixture `breadth`; every row must
stand in the committed table. With ``--breadth`` only such tests are run; when all of them passed,
their rows take the place of those of the same files.
"""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

ROWS = Path(__file__).parents[1] / "golden" / "breadth.json"
PAGE = Path(__file__).parents[2] / "docs" / "breadth.md"

_PROPERTY = "breadth"
_KEYS = ("type", "forge", "secret", "against")

Breadth = Callable[..., None]
"""Records one row: `type`, `forge`, `secret`, `against`."""


@pytest.fixture
def breadth(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Breadth:
    """Record a row of the table of what is covered; a test may record several.

    It is called with:
        type: the Receiver's, as in "github".
        forge: who sends, as in "GitHub organisation", "GitLab group", "by hand: Docker Hub".
        secret: where the token comes from: "generated", "given", "an existing Secret", "an
            ExternalSecret", "generated, copied by a PushSecret", or "none".
        against: what was done, and to what: "a rotation under load, GitHub's stand-in and the
            real controller". The same words on every machine.
    """
    rows: list[dict[str, str]] = []

    def record(*, type: str, forge: str, secret: str, against: str) -> None:  # noqa: A002
        row = {"type": str(type), "forge": forge, "secret": secret, "against": against}
        if not rows:
            record_property(_PROPERTY, rows)
        rows.append(row)
        if not request.config.getoption("--breadth"):
            known = committed().get(request.node.nodeid, [])
            assert row in known, "make matrix-breadth writes the table"

    return record


def committed() -> dict[str, list[dict[str, str]]]:
    """The rows of each test that makes some."""
    rows: dict[str, list[dict[str, str]]] = json.loads(ROWS.read_text()) if ROWS.exists() else {}
    return rows


def page(rows: Mapping[str, Iterable[Mapping[str, str]]]) -> str:
    """Return the text of the page that shows `rows`."""
    merged: dict[tuple[str, ...], list[str]] = {}
    for row in (row for _, made in sorted(rows.items()) for row in made):
        found = merged.setdefault(tuple(row[key] for key in _KEYS[:-1]), [])
        if row["against"] not in found:
            found.append(row["against"])
    lines = [
        _HEAD,
        "| type | forge or sender | token | what was run, against what |",
        "|---|---|---|---|",
        *(
            f"| {' | '.join([*key, '; '.join(against)])} |"
            for key, against in sorted(merged.items())
        ),
    ]
    return "\n".join([*lines, ""])


_HEAD = """\
# What is covered

Each row was made by tests that ran it; `make matrix-breadth` runs them and writes this page.
The Pulumi engine, the API server and the Flux controllers are real in every row; what was a
stand-in is said where it was one. Pulumi's Kubernetes plugin is one wherever the official one
cannot be downloaded, and each run says so at its end.
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--breadth",
        action="store_true",
        help="run the tests that say what is covered, and write the table of it anew",
    )


def pytest_configure(config: pytest.Config) -> None:
    # With xdist, workers report to the process that writes.
    if config.getoption("--breadth") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Writer(), "breadth-rows")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--breadth"):
        return
    left_out = [item for item in items if "breadth" not in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


class _Writer:
    """Gathers the rows of a run, and writes them at its end."""

    def __init__(self) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties: dict[str, Any] = dict(report.user_properties)
        if report.when == "call" and _PROPERTY in properties:
            made = [{**row, "ok": report.passed} for row in properties[_PROPERTY]]
            self._rows[report.nodeid] = made

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if exitstatus == 0:
            ran = {_file(test) for test in self._rows}
            kept = {test: made for test, made in committed().items() if _file(test) not in ran}
            made = {
                test: [{key: row[key] for key in _KEYS} for row in made]
                for test, made in self._rows.items()
            }
            rows = dict(sorted({**kept, **made}.items()))
            ROWS.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")
            PAGE.write_text(page(rows))

    def pytest_unconfigure(self) -> None:
        # After pytest's own last line.
        if os.environ.get("JSON") == "1":
            rows = [row for _, made in sorted(self._rows.items()) for row in made]
            print(json.dumps({"rows": rows}, ensure_ascii=False), flush=True)  # noqa: T201


def _file(test: str) -> str:
    return test.partition("::")[0]
