"""The page has a row for each fault that is injected, and says what was seen."""

import json
import subprocess
import sys
from pathlib import Path

from tests.matrix import table

_ROOT = Path(__file__).parents[2]

# A collection of its own: this run may have been asked for a part of the tests only.
_COLLECT = """\
import sys
import pytest

class Rows:
    def pytest_collection_finish(self, session):
        for item in session.items:
            if "doctor" in item.fixturenames:
                print("row:", item.nodeid)

options = ["--collect-only", "-qq", "-p", "no:cacheprovider", "--whole-matrix"]
sys.exit(pytest.main([*options, *sys.argv[1:]], [Rows()]))
"""


def test_each_injected_fault_has_a_row_and_no_row_is_left_over() -> None:
    """What a row says is compared where its test runs."""
    collected = subprocess.run(
        [sys.executable, "-c", _COLLECT, "tests/matrix"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    makers = [
        line.removeprefix("row: ")
        for line in collected.stdout.splitlines()
        if line.startswith("row: ")
    ]
    rows = json.loads(table.ROWS.read_text())

    assert 0 == collected.returncode, collected.stdout + collected.stderr
    assert sorted(makers) == sorted([*rows["faults"], *rows["healthy"]])


def test_the_page_is_made_of_the_rows() -> None:
    """`make matrix-faults` writes both."""
    rows = json.loads(table.ROWS.read_text())

    assert table.table(rows["faults"], rows["healthy"]) in table.PAGE.read_text()


def test_all_were_right() -> None:
    """At least sixty kinds of faults, each named with its cure and nothing beside it."""
    rows = json.loads(table.ROWS.read_text())
    counts = table.counts(rows["faults"], rows["healthy"])

    assert counts["distinct"] >= 60
    assert counts["healthy"] >= 20
    assert counts["faults"] == counts["named_right"]
    assert (0, 0) == (counts["false_findings"], counts["healthy_findings"])
