"""The table of what is covered has the rows of each test that makes some, and no other."""

import json
import subprocess
import sys
from pathlib import Path

from fluxhooks.flux.receiver_types import ReceiverType
from tests.breadth import table

_ROOT = Path(__file__).parents[2]

# A collection of its own: this run may have been asked for a part of the tests only.
_COLLECT = """\
import sys
import pytest

class Rows:
    def pytest_collection_finish(self, session):
        for item in session.items:
            print("row:", item.nodeid)

options = ["--collect-only", "-qq", "-p", "no:cacheprovider", "--breadth"]
sys.exit(pytest.main([*options, *sys.argv[1:]], [Rows()]))
"""


def test_each_test_that_makes_rows_has_them_and_none_is_left_over() -> None:
    """What a row says is compared where its test runs."""
    collected = subprocess.run(
        [sys.executable, "-c", _COLLECT, "tests/engine", "tests/cluster"],
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
    assert sorted(makers) == sorted(json.loads(table.ROWS.read_text()))


def test_the_page_is_made_of_the_rows() -> None:
    """`make matrix-breadth` writes both."""
    assert table.page(table.committed()) == table.PAGE.read_text()


def test_every_type_is_covered() -> None:
    """By what its own sender sends, at least."""
    rows = [row for made in table.committed().values() for row in made]

    assert set(ReceiverType) == {row["type"] for row in rows}
