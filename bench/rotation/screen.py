"""What is shown while the benchmark runs: one live line, and a line for each result."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console

QUIET_FOR = 15.0
"""Seconds between two lines about what goes on where there is no terminal to draw on."""


class Screen:
    """Told what goes on by being called, from entering the context to leaving it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._status = self._console.status("")
        self._shown_at = 0.0

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._status.stop()

    def __call__(self, text: str) -> None:
        """Show what goes on right now."""
        if self._console.is_terminal:
            self._status.update(text)
        elif time.monotonic() - self._shown_at >= QUIET_FOR:
            self._shown_at = time.monotonic()
            self._console.print(f"  {text}", markup=False, soft_wrap=True)

    def done(self, text: str) -> None:
        """Show a result, and keep it."""
        self._console.print(f"✓ {text}", style="green", markup=False, soft_wrap=True)
