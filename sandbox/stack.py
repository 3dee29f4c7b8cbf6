"""A stack of Pulumi's on a file backend, driven through the command line, event by event."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.processes import end_group


@dataclass(frozen=True)
class Step:
    """One step of an update: what the engine did to a resource, and when.

    Attributes:
        at: seconds since 1970, when the step was done.
    """

    op: str
    type: str
    name: str
    at: float

    def __str__(self) -> str:
        return f"{self.op} {self.type.rpartition(':')[2]} {self.name}"


@dataclass(frozen=True)
class Run:
    """What one command of Pulumi's did.

    Attributes:
        output: what it printed, both streams in order.
        steps: what the engine did, unchanged resources left out.
        diagnostics: messages of engine and program, as (severity, text), but for debugging.
    """

    returncode: int
    output: str
    seconds: float
    steps: list[Step] = field(default_factory=list)
    diagnostics: list[tuple[str, str]] = field(default_factory=list)

    @property
    def changes(self) -> list[str]:
        """The steps in words, in the order in which they were done."""
        return [str(step) for step in self.steps]


class PulumiFailedError(Exception):
    """A command of Pulumi's failed; holds what it printed."""

    def __init__(self, arguments: tuple[str, ...], run: Run) -> None:
        super().__init__(f"pulumi {' '.join(arguments)} failed:\n{run.output}")
        self.run = run


class Stack:
    """The stack `name` of the program in `directory`, a folder with a Pulumi.yaml.

    Args:
        environment: all variables of the command; nothing is inherited.
    """

    def __init__(self, directory: Path, name: str, *, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self.name = name
        # Shows the flag --event-log, as the Automation API does.
        self.environment = {**environment, "PULUMI_DEBUG_COMMANDS": "true"}

    def init(self) -> None:
        """Create the stack in its backend."""
        self.run("stack", "init", self.name)

    def set_all(self, values: Mapping[str, str]) -> None:
        """Set several values at once; keys are paths such as ``receivers.app.repository``."""
        settings = [f"--plaintext={key}={value}" for key, value in values.items()]
        self.run("config", "set-all", "--path", "--stack", self.name, *settings)

    def up(self, *flags: str, check: bool = True, on_step: "OnStep | None" = None) -> Run:
        """Run an update and return what was done."""
        return self._operation("up", "--yes", "--skip-preview", *flags, check=check, on=on_step)

    def preview(self, *flags: str, check: bool = True) -> Run:
        """Run a preview and return what would be done."""
        return self._operation("preview", *flags, check=check)

    def destroy(self, *flags: str, check: bool = True) -> Run:
        """Destroy everything the stack made."""
        return self._operation("destroy", "--yes", "--skip-preview", *flags, check=check)

    def state(self) -> dict[str, Any]:
        """Return the stack's deployment, secrets encrypted."""
        state: dict[str, Any] = json.loads(self.run("stack", "export", "--stack", self.name).output)
        return state

    def outputs(self) -> dict[str, Any]:
        """Return the stack's outputs, secrets in clear."""
        flags = ("--json", "--show-secrets", "--stack", self.name)
        outputs: dict[str, Any] = json.loads(self.run("stack", "output", *flags).output)
        return outputs

    def run(self, *arguments: str, check: bool = True) -> Run:
        """Run any command of Pulumi's in the program's folder.

        Raises:
            PulumiFailedError: it failed, and `check` is true.
        """
        started = time.monotonic()
        with self.start(*arguments) as process:
            output, _ = process.communicate()
        run = Run(process.returncode, output, time.monotonic() - started)
        if check and run.returncode != 0:
            raise PulumiFailedError(arguments, run)
        return run

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command of Pulumi's in a process group of its own, to be waited for or killed."""
        return subprocess.Popen(
            [*_dying_with_us(), "pulumi", "--non-interactive", "--color", "never", *arguments],
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _operation(self, verb: str, *flags: str, check: bool, on: "OnStep | None" = None) -> Run:
        log = self.directory / f".{self.name}-{verb}-{time.monotonic_ns()}.events"
        log.touch()
        arguments = (verb, "--stack", self.name, "--event-log", str(log), *flags)
        started = time.monotonic()
        # Read while the log is followed: an engine whose output nobody takes stops in the middle.
        with self.start(*arguments) as process, ThreadPoolExecutor(1) as reader:
            printed = reader.submit(lambda: process.communicate()[0])
            try:
                if on is not None:
                    _follow(log, process, on)
                output = printed.result()
            finally:
                end_group(process)
        events = list(_events(log))
        run = Run(
            process.returncode,
            output,
            time.monotonic() - started,
            list(_steps(events)),
            list(_diagnostics(events)),
        )
        if check and run.returncode != 0:
            raise PulumiFailedError(arguments, run)
        return run


def _dying_with_us() -> list[str]:
    # An engine that outlives a killed caller writes its state where everything is being removed.
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


OnStep = Callable[[Step], None]


def _follow(log: Path, process: "subprocess.Popen[str]", on_step: OnStep) -> None:
    with log.open() as lines:
        rest = ""
        while True:
            ended = process.poll() is not None
            *whole, rest = (rest + lines.read()).split("\n")
            for step in _steps(json.loads(line) for line in whole if line):
                on_step(step)
            if ended:
                return
            time.sleep(0.05)


def _events(log: Path) -> Iterator[dict[str, Any]]:
    for line in log.read_text().splitlines():
        # A killed engine leaves half a line.
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            return


def _steps(events: "Iterator[dict[str, Any]] | list[dict[str, Any]]") -> Iterator[Step]:
    for event in events:
        done = event.get("resOutputsEvent") or event.get("resOpFailedEvent")
        if done is None:
            continue
        metadata = done["metadata"]
        type_ = metadata["type"]
        if metadata["op"] in ("same", "read", "refresh") or type_.startswith(_NOT_A_PROGRAMS):
            continue
        op = metadata["op"] if "resOutputsEvent" in event else f"{metadata['op']} failed"
        yield Step(op, type_, metadata["urn"].rpartition("::")[2], event["timestamp"])


def _diagnostics(events: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for event in events:
        diagnostic = event.get("diagnosticEvent")
        if diagnostic and diagnostic["severity"] != "debug":
            yield diagnostic["severity"], diagnostic["message"].rstrip("\n")


# The stack itself and the engine's own providers.
_NOT_A_PROGRAMS = "pulumi:"
