"""Shows a person what the toolchain is doing."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.table import Column

from sandbox.toolchain.progress import Phase, Progress

QUIET_FOR = 15.0
"""Seconds between two lines about one step where there is no terminal to draw on."""


class Show:
    """A report that draws one live line for what is going on, and keeps a line for each result.

    Where the console is no terminal it prints lines only, a few a minute.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._last = 0.0
        self._phase: Phase | None = None

    def __enter__(self) -> "Show":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._clear()

    def __call__(self, progress: Progress) -> None:
        """Shows one thing that happened."""
        if progress.phase is Phase.READY:
            # It may have been the last; what follows draws anew.
            self._clear()
            self._print(f"✓ {progress.text} in {_duration(progress.seconds)}", style="green")
        elif progress.phase is Phase.NOTE:
            self._print(f"· {progress.text}", style="dim")
        elif self._console.is_terminal:
            self._draw(progress)
        elif progress.phase is not self._phase or time.monotonic() - self._last >= QUIET_FOR:
            self._last = time.monotonic()
            self._print(f"  {_line(progress)}")
        self._phase = progress.phase

    def _print(self, text: str, *, style: str | None = None) -> None:
        self._console.print(text, style=style, soft_wrap=True, markup=False, highlight=False)

    def _clear(self) -> None:
        if self._bars is not None:
            self._bars.stop()
            self._bars = self._task = None

    def _draw(self, progress: Progress) -> None:
        if self._bars is None:
            self._bars = Bars(
                SpinnerColumn(),
                BarColumn(bar_width=24),
                TextColumn(
                    "{task.description}",
                    markup=False,
                    table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
                ),
                expand=True,
                console=self._console,
                transient=True,
            )
            self._bars.start()
        text = _line(progress)
        total = progress.total or None
        if self._task is None:
            self._task = self._bars.add_task(text, total=total)
        self._bars.update(self._task, description=text, total=total, completed=progress.done)


def _line(progress: Progress) -> str:
    time = _duration(progress.seconds)
    if progress.expected:
        time += f" of about {_duration(progress.expected)}"
    first, *others = progress.program.split(", ")
    names = f"{first} and {len(others)} more" if others else first
    return f"{progress.text} ({time}) for {names}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if minutes:
        return f"{minutes} min {rest} s"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
