"""The committed table of faults has a row for each test that makes one, and no other."""

import json
import subprocess
import sys
from pathlib import Path

from tests.faults import table

_ROOT = Path(__file__).parents[2]

# A collection of its own: this run may have been asked for a part of the tests only.
_COLLECT = """\
import sys
import pytest

class Rows:
    def pytest_collection_finish(self, session):
        for item in session.items:
            if "row" in item.fixturenames:
                print("row:", item.nodeid)

sys.exit(pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", *sys.argv[1:]], [Rows()]))
"""


def test_each_test_that_makes_a_row_has_one_and_no_row_is_left_over() -> None:
    """What a row says is compared where its test runs."""
    collected = subprocess.run(
        [sys.executable, "-c", _COLLECT, "tests/faults", "tests/engine"],
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

    assert 0 == collected.returncode, collected.stdout + collected.stderr
    assert sorted(makers) == list(json.loads(table.ROWS.read_text()))


def test_the_page_is_made_of_the_rows() -> None:
    """`make faults` writes both."""
    assert table.page(json.loads(table.ROWS.read_text())) == table.PAGE.read_text()
