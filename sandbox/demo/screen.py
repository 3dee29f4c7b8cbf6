"""What the demo prints: steps, facts and checks, plain where the output is no terminal."""

import json
from typing import Any

from rich.console import Console
from rich.markup import escape

from sandbox.stack import Run, Step

_SIGNS = {
    "create": ("+", "green"),
    "create-replacement": ("+", "green"),
    "update": ("~", "yellow"),
    "delete": ("-", "red"),
    "delete-replaced": ("-", "red"),
}


class Screen:
    """A console, and the figures for the JSON line at the end.

    Attributes:
        failed: whether a check did not hold, or the demo was broken off.
        figures: what the JSON line will hold.
    """

    def __init__(self, *, as_json: bool = False, console: Console | None = None) -> None:
        self.failed = False
        self.figures: dict[str, Any] = {}
        self._as_json = as_json
        self._console = console or Console(highlight=False, soft_wrap=True)

    def title(self, text: str) -> None:
        """Print what this is."""
        self._print(f"[bold]{escape(text)}[/]")

    def step(self, number: int, text: str) -> None:
        """Print the beginning of a step."""
        self._print(f"\n[bold cyan]{number}[/] [bold]{escape(text)}[/]")

    def fact(self, text: str) -> None:
        """Print something that was seen."""
        self._print(f"  {escape(text)}")

    def change(self, step: Step) -> None:
        """Print what the engine did to a resource."""
        if step.op == "replace":
            # Only the engine's own bookkeeping between a create and a delete.
            return
        sign, colour = _SIGNS.get(step.op, ("!", "red"))
        kind = step.type.rpartition(":")[2]
        self._print(f"  [{colour}]{sign}[/] {kind:<18} {escape(step.name)}")

    def update(self, run: Run) -> None:
        """Print how long an update took."""
        self.fact(f"pulumi up: {len(run.steps)} changes in {run.seconds:.1f} s")

    def check(self, holds: bool, text: str, *, otherwise: str = "") -> None:
        """Print a sentence that must be true; the demo fails when it is not."""
        if holds:
            self._print(f"  [green]✓[/] {escape(text)}")
        else:
            self.failure(f"not so: {text}{f' ({otherwise})' if otherwise else ''}")

    def failure(self, text: str) -> None:
        """Print why the demo fails."""
        self.failed = True
        self._print(f"  [red]✗[/] {escape(text)}")

    def end(self, seconds: float) -> None:
        """Print how it ended, and the JSON line when it was asked for."""
        verdict = "[red]Not everything was as it should be" if self.failed else "[green]Done"
        self._print(f"\n{verdict}[/] in {seconds:.0f} s.")
        if self._as_json:
            self.figures["seconds"] = round(seconds, 1)
            self._console.print(
                json.dumps(self.figures), markup=False, highlight=False, soft_wrap=True
            )

    def _print(self, text: str) -> None:
        self._console.print(text)
