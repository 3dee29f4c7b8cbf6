"""The page in docs/ with the benchmark's own table and picture."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from bench.rotation import picture
from bench.rotation.ways import RATE, Result

DOCS = Path(__file__).parents[2] / "docs"

_TABLE = re.compile(r"(?<=<!-- ways -->\n).*?(?=<!-- end -->)", re.DOTALL)

_HEAD = """\
| | rotations | sent | lost | seconds each | calls to GitHub each | to the API server each |
|---|--:|--:|--:|--:|--:|--:|
"""


def write(results: Sequence[Result], stand_ins: Sequence[str], *, docs: Path = DOCS) -> None:
    """Write picture and table anew; the rest of the page stays."""
    lanes = [picture.lane_of(result) for result in results]
    (docs / "rotation.svg").write_text(picture.draw(lanes, rate=RATE))
    page = docs / "rotation.md"
    text, found = _TABLE.subn(lambda _: table(results, stand_ins), page.read_text())
    if found != 1:
        raise ValueError(f"{page} has {found} tables between <!-- ways --> and <!-- end -->, not 1")
    page.write_text(text)


def table(results: Sequence[Result], stand_ins: Sequence[str]) -> str:
    """Return the results as Markdown, and what they were measured on."""
    rows = "".join(f"| {' | '.join(cells)} |\n" for cells in map(row, results))
    where = "; ".join([f"{os.cpu_count()} cores", *(f"stand-in: {text}" for text in stand_ins)])
    return f"{_HEAD}{rows}\n{where}\n"


def row(result: Result) -> list[str]:
    """Return a way's figures as texts, calls as in ``3.0 (least 1)``."""
    return [
        f"{result.way.title}, {result.way.load}",
        f"{result.rotations}",
        f"{result.tally.sent:,}",
        f"{result.tally.lost:,}",
        f"{result.seconds:.1f}",
        _each(len(result.forge_requests), result.forge_calls_least, result.rotations),
        _each(len(result.api_requests), result.api_calls_least, result.rotations),
    ]


def _each(calls: int, least: int, rotations: int) -> str:
    return f"{calls / rotations:.1f} (least {least // rotations})"
