"""An update that is under way, and its end by `kill -9`."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.processes import end_group
from sandbox.stack import Run
from tests.app import App, Receiver, eventually
from tests.faults import strike

_SECONDS = 120.0


class Update:
    """`pulumi up` of an app to a generation, in the background.

    Attributes:
        killed: whether it was killed before it ended by itself; None while it runs.
    """

    killed: bool | None = None

    def __init__(self, app: App, generation: int) -> None:
        self.app = app
        self.generation = generation
        self._state = state_file(app)

    def __enter__(self) -> Self:
        self._log = self.app.stack.directory / f".kill-{self.generation}-{time.monotonic_ns()}"
        self._log.touch()
        self._process = self.app.start_up("--event-log", str(self._log), generation=self.generation)
        self._since = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """Kill the engine where it stands, unless it has ended."""
        if self.killed is None:
            end_group(self._process)
            output, _ = self._process.communicate()
            self.killed = self._process.returncode < 0
            self.app.leaks.read("the output of a killed pulumi up", output)
            self.app.learn()

    def kill_at(self, boundary: str) -> None:
        """Kill the engine when the state it writes stands at `boundary`; let it end otherwise."""
        arguments = (self._process.pid, self._state, self.app.name, self.generation, boundary)
        with subprocess.Popen(
            [sys.executable, "-I", "-S", strike.__file__, *map(str, arguments)]
        ) as watcher:
            try:
                self._process.wait(_SECONDS)
            finally:
                self.kill()
                watcher.kill()

    def kill_after(self, seconds: float) -> None:
        """Kill the engine so long after its start, unless it has ended."""
        try:
            self._process.wait(max(0.0, self._since + seconds - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()

    def wait(self) -> None:
        """Wait for the update to end by itself."""
        self._process.wait(_SECONDS)
        self.kill()

    def until(self, holds: Callable[[], object]) -> None:
        """Wait for something to hold while the update runs."""
        assert eventually(lambda: self._process.poll() is not None or holds(), seconds=_SECONDS)

    def until_at(self, boundary: str) -> None:
        """Wait for a boundary that lasts."""
        self.until(lambda: self.boundary == boundary)

    def until_said(self, text: str) -> None:
        """Wait for a message of the program's."""
        self.until(lambda: text in self._log.read_text())

    @property
    def boundary(self) -> str:
        """Where the state stands."""
        return strike.boundary(strike.read(self._state), self.app.name, self.generation)

    @property
    def receiver_made(self) -> bool:
        """Whether the API server has the new Receiver."""
        labels = {
            "fluxhooks/component": self.app.name,
            "fluxhooks/generation": str(self.generation),
        }
        return bool(list(self.app.client.list(Receiver, labels=labels)))


def repair(app: App) -> Run:
    """Take the killed engine's lock away, as its owner would, and run the update again."""
    app.stack.run("cancel", "--yes", app.name)
    return app.up(check=False)


def state_file(app: App) -> Path:
    """Return where the backend holds the app's state."""
    stacks = app.stack.directory / "state" / ".pulumi" / "stacks"
    return stacks / f"project-{app.name}" / f"{app.name}.json"
