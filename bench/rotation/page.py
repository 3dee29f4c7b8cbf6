"""The page in docs/ whose picture and tables the benchmark writes itself."""

import re
from pathlib import Path

from bench.rotation.tables import Table

DOCS = Path(__file__).parents[2] / "docs"


def write_picture(svg: str, *, docs: Path = DOCS) -> None:
    """Write the picture anew."""
    (docs / "rotation.svg").write_text(svg)


def write_table(name: str, table: Table, *, docs: Path = DOCS) -> None:
    """Write the table between ``<!-- name -->`` and the next ``<!-- end -->`` anew.

    Raises:
        ValueError: there is no such place in the page, or more than one.
    """
    page = docs / "rotation.md"
    place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    text, found = place.subn(
        lambda match: f"{match[1]}{table.markdown()}{match[2]}", page.read_text()
    )
    if found != 1:
        raise ValueError(f"{page} has {found} places <!-- {name} --> … <!-- end -->, not 1")
    page.write_text(text)
