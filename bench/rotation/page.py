"""The page in docs/ whose picture and tables the benchmark writes itself."""

from pathlib import Path

from bench.table import DOCS, Table, write


def write_picture(svg: str, *, docs: Path = DOCS) -> None:
    """Write the picture anew."""
    (docs / "rotation.svg").write_text(svg)


def write_table(name: str, table: Table, *, docs: Path = DOCS) -> None:
    """Write a table anew, at its place in the page."""
    write(table, name, page=docs / "rotation.md")
