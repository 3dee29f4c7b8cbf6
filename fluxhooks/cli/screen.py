"""What the verbs print: results on standard output, all else on standard error, all masked."""

import contextlib
import datetime
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from fluxhooks.masking import mask
from fluxhooks.operate.stack import Progress
from fluxhooks.operate.verify import Check

_MARKS = {True: "ok", False: "WRONG", None: "?"}
_STYLES = {"error": "red", "warning": "yellow", "step": "cyan"}


def say(text: str, *, style: str = "") -> None:
    """Print a line for people, on standard error."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(mask(text), style=style or None, markup=False)


def complain(text: str) -> None:
    """Print an error as one line."""
    say("error: " + " ".join(text.split()), style="red")


def progress(event: Progress) -> None:
    """Print what happened in an update."""
    at = datetime.datetime.fromtimestamp(event.at).strftime("%H:%M:%S")
    say(f"{at}  {event.text}", style=_STYLES.get(event.severity, ""))


@contextlib.contextmanager
def working() -> Iterator[Callable[[str], None]]:
    """Show what is under way while it is, on standard error, where somebody looks."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("…", spinner="dots") as status:
        yield lambda text: status.update(f"{mask(text)} …")


def show(text: str, *, style: str = "", secrets: bool = False) -> None:
    """Print a line of the result; with the secrets in it only where its user asked for them."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(text if secrets else mask(text), style=style or None, markup=False)


def width() -> int:
    """Return how many columns texts may have: 100 at most, and 80 where nobody looks."""
    console = Console()
    return min(console.width, 100) if console.is_terminal else 80


def show_json(value: dict[str, Any], *, secrets: bool = False) -> None:
    """Print the result for machines, as one line; `secrets` as for `show`."""
    show(json.dumps(value), secrets=secrets)


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print the result as a table; as wide as it must be where nobody looks."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(mask(cell) for cell in row))
    console.print(table, markup=False)


def show_checks(checks: Iterable[Check]) -> None:
    """Print what forge and cluster showed at the end of an update."""
    show_table(
        ("WEBHOOK", "CHECK", "", "SEEN"),
        [(check.name, check.what, _MARKS[check.ok], check.seen) for check in checks],
    )
