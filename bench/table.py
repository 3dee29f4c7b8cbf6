"""A benchmark's results as a table, for the screen and for a page in docs/."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import rich.table
from rich.console import Console

DOCS = Path(__file__).parents[1] / "docs"


@dataclass(frozen=True)
class Table:
    """Rows of texts; the first of each is its name, the others are figures."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Return it as it stands in a page."""
        rule = ["---", *("--:" for _ in self.head[1:])]
        return "".join(f"| {' | '.join(row)} |\n" for row in (self.head, rule, *self.rows))

    def print(self) -> None:
        """Print it; as wide as it must be where nobody looks."""
        first, *others = self.head
        shown = rich.table.Table(first)
        for name in others:
            shown.add_column(name, justify="right")
        for row in self.rows:
            shown.add_row(*row)
        console = Console()
        if not console.is_terminal:
            console.width = 120
        console.print(shown)


def write(table: Table, name: str, *, page: Path) -> None:
    """Write the table between ``<!-- name -->`` and the next ``<!-- end -->`` anew.

    Raises:
        ValueError: there is no such place in the page, or more than one.
    """
    place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    text, found = place.subn(
        lambda match: f"{match[1]}{table.markdown()}{match[2]}", page.read_text()
    )
    if found != 1:
        raise ValueError(f"{page} has {found} places <!-- {name} --> … <!-- end -->, not 1")
    page.write_text(text)
