"""A stack of Pulumi's, driven through the command line with as few starts of it as possible.

The Automation API starts it five times for one `up`; a rotation here starts it four times in
all: export, set the configuration, update, export.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from fluxhooks.errors import LockedError, PulumiError
from fluxhooks.masking import mask
from fluxhooks.observe import configuration, declaration, state


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Something that happened in a run, for printing; holds no secret.

    Attributes:
        at: seconds since 1970.
    """

    text: str
    at: float
    severity: str = "info"


Report = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class Update:
    """What an update did.

    Attributes:
        seconds: how long it took, waiting for the lock not counted.
        steps: what was done, as in "create Receiver app-g2".
        updated_at: when the step on a resource was done, in seconds since 1970, by its URN.
    """

    seconds: float
    steps: tuple[str, ...] = ()
    updated_at: Mapping[str, float] = field(default_factory=dict)


# Of a local backend and of Pulumi Cloud.
_LOCKED: Final = re.compile(
    r"the stack is currently locked by|\[409\] Conflict: Another update is currently in progress"
)
# "created by root@host (pid 12) at 2026-…", one for each lock of a local backend.
_LOCK: Final = re.compile(r"created by (?:[^\s@]*)@(\S+) \(pid (\d+)\)")

_RETRY_SECONDS: Final = 2.0
_INTERRUPTED_SECONDS: Final = 120.0


class PulumiStack:
    """A stack of the program in a folder.

    Args:
        directory: the program's folder, or one below it.
        name: the stack's name, qualified or not; the selected stack when absent.
        lock_timeout: seconds for which a lock that another update holds is waited for.
        report: gets what happens.
    """

    def __init__(
        self,
        directory: Path,
        name: str | None = None,
        *,
        lock_timeout: float = 300.0,
        report: Report = lambda progress: None,
    ) -> None:
        self.directory = directory
        self._name = name
        self._lock_timeout = lock_timeout
        self._report = report

    def export(self, *, nothing: state.StackState | None = None) -> state.StackState:
        """Return what the stack declares, secrets included.

        Args:
            nothing: what is returned of a stack without resources; that is an error when absent.

        Raises:
            PulumiError: the stack cannot be exported.
            ObservationError: it has no resources yet.
        """
        return state.parse(self._run("stack", "export", "--show-secrets"), nothing=nothing)

    def preview(self) -> declaration.Declaration:
        """Return what the program declares, whether the state knows it or not.

        Raises:
            PulumiError: the program fails, or the stack's configuration cannot be read.
        """
        return declaration.parse(
            self._run("preview", "--json", "--show-sames"),
            self._run("config", "--json", "--show-secrets"),
        )

    def configuration(self, stack: str) -> configuration.Configuration:
        """Return the configuration of `stack`, which is this one's bare name.

        Raises:
            SettingError: it is wrong, or there is no project.
        """
        return configuration.read(self.directory, stack)

    def configure(self, values: Mapping[str, object]) -> None:
        """Write values into the stack's configuration, in plain text, all at once.

        Raises:
            PulumiError: it cannot be written.
        """
        settings = {
            key: {
                "value": value if isinstance(value, str) else json.dumps(value),
                "secret": False,
                **({} if isinstance(value, str) else {"objectValue": value}),
            }
            for key, value in values.items()
        }
        self._run("config", "set-all", "--json", json.dumps(settings))

    def unset(self, key: str) -> None:
        """Remove a value from the stack's configuration.

        Raises:
            PulumiError: it cannot be removed.
        """
        self._run("config", "rm", key)

    def up(self, *, revoke: bool = False, refresh: bool = False) -> Update:
        """Update the stack.

        Args:
            revoke: cut retired generations off at once, also where nothing tells their sender.
            refresh: have the state read anew from cluster and forge first.

        Raises:
            LockedError: another update held the lock for longer than is to be waited.
            PulumiError: it failed; says what the engine complained of.
        """
        environment = {"FLUXHOOKS_DRAIN": "0s", "FLUXHOOKS_REVOKE": "on"} if revoke else {}
        return self._operate("up", ("--refresh",) if refresh else (), environment)

    def take_in(self, resources: Mapping[str, object]) -> Update:
        """Take resources that exist into the state, and change nothing of them.

        Args:
            resources: the content of a file for ``pulumi import``.

        Raises:
            LockedError, PulumiError: as for `up`.
        """
        with tempfile.TemporaryDirectory(prefix="fluxhooks-") as name:
            file = Path(name) / "resources.json"
            file.write_text(json.dumps(resources))
            # What is protected could not be replaced or destroyed later.
            flags = ("--file", str(file), "--protect=false", "--generate-code=false")
            return self._operate("import", flags, {})

    def _operate(self, verb: str, flags: tuple[str, ...], environment: Mapping[str, str]) -> Update:
        deadline = time.monotonic() + self._lock_timeout
        said = False
        while True:
            run = self._update(verb, flags, environment)
            if run.returncode == 0:
                return run.update
            if not _LOCKED.search(run.output):
                raise PulumiError(f"pulumi {verb} failed: {run.complaint}")
            if _left_by_the_dead(run.output):
                self._say("the lock is that of an update which was killed here; removing it")
                self._run("cancel", "--yes")
                continue
            if time.monotonic() >= deadline:
                raise LockedError(
                    f"another update held the stack's lock for {self._lock_timeout:g} s; run the "
                    "same command again when it is done, or pulumi cancel if it was killed"
                )
            if not said:
                self._say(f"another update holds the lock; waiting up to {self._lock_timeout:g} s")
                said = True
            time.sleep(min(_RETRY_SECONDS, max(0.0, deadline - time.monotonic())))

    def _say(self, text: str) -> None:
        self._report(Progress(text=text, at=time.time()))

    def _command(self, *arguments: str) -> list[str]:
        stack = ["--stack", self._name] if self._name else []
        return ["pulumi", "--non-interactive", "--color", "never", *arguments, *stack]

    def _environment(self, changes: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", **changes}

    def _run(self, *arguments: str) -> str:
        try:
            done = subprocess.run(
                self._command(*arguments),
                cwd=self.directory,
                env=self._environment({}),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError:
            raise _no_pulumi() from None
        if done.returncode != 0:
            verb = " ".join(word for word in arguments[:2] if not word.startswith("-"))
            said = done.stderr if done.stderr.strip() else _diagnosed(done.stdout)
            raise PulumiError(f"pulumi {verb} failed: {_first_error(mask(said))}")
        return done.stdout

    def _update(self, verb: str, flags: tuple[str, ...], environment: Mapping[str, str]) -> "_Run":
        # Of the owner's only: the log of events holds resources' properties.
        with tempfile.TemporaryDirectory(prefix="fluxhooks-") as name:
            events, output = Path(name) / "events", Path(name) / "output"
            events.touch()
            arguments = (verb, "--yes", "--skip-preview", "--suppress-outputs", *flags)
            run = _Run()
            started = time.monotonic()
            with output.open("wb") as sink:
                try:
                    process = subprocess.Popen(
                        self._command(*arguments, "--event-log", str(events)),
                        cwd=self.directory,
                        # Shows the flag --event-log, as the Automation API does.
                        env=self._environment({**environment, "PULUMI_DEBUG_COMMANDS": "true"}),
                        stdin=subprocess.DEVNULL,
                        stdout=sink,
                        stderr=subprocess.STDOUT,
                    )
                except FileNotFoundError:
                    raise _no_pulumi() from None
                with _ended(process), events.open() as lines:
                    for event in _follow(lines, process):
                        for progress in run.take(event):
                            self._report(progress)
            run.seconds = time.monotonic() - started
            run.returncode = process.returncode
            run.output = mask(output.read_text(errors="replace"))
        return run


class _Run:
    """What the engine said while it updated."""

    def __init__(self) -> None:
        self.returncode = -1
        self.seconds = 0.0
        self.output = ""
        self._steps: list[str] = []
        self._errors: list[str] = []
        self._updated_at: dict[str, float] = {}

    @property
    def update(self) -> Update:
        return Update(
            seconds=self.seconds, steps=tuple(self._steps), updated_at=dict(self._updated_at)
        )

    @property
    def complaint(self) -> str:
        """What went wrong, in one line."""
        said = "; ".join(dict.fromkeys(self._errors)) or _first_error(self.output)
        return said + next((cure for sign, cure in _CURES.items() if sign in said), "")

    def take(self, event: Mapping[str, Any]) -> Iterator[Progress]:
        """Remember an event of the engine's, and yield what is worth a line."""
        at = float(event.get("timestamp") or time.time())
        if diagnostic := event.get("diagnosticEvent"):
            yield from self._take_diagnostic(diagnostic, at)
        done = event.get("resOutputsEvent") or event.get("resOpFailedEvent")
        if done is None:
            return
        metadata = done["metadata"]
        if metadata["op"] in _UNCHANGED or metadata["type"].startswith(_ENGINES_OWN):
            return
        name = metadata["urn"].rpartition("::")[2]
        failed = " failed" if "resOpFailedEvent" in event else ""
        step = f"{metadata['op']} {metadata['type'].rpartition(':')[2]} {name}{failed}"
        if not failed:
            self._updated_at[metadata["urn"]] = at
        self._steps.append(step)
        yield Progress(text=step, at=at, severity="error" if failed else "step")

    def _take_diagnostic(self, diagnostic: Mapping[str, Any], at: float) -> Iterator[Progress]:
        severity = diagnostic["severity"]
        text = mask(_COLOURS.sub("", diagnostic["message"])).strip()
        if severity not in ("error", "warning", "info") or not text:
            return
        if severity == "error":
            # That update, resource and program failed is said besides why.
            line = text.removeprefix("error: ").splitlines()[0]
            if not line.startswith(_SAID_BESIDES):
                self._errors.append(line)
        yield Progress(text=text, at=at, severity=severity)


# What GitHub answers when a killed run's webhook is unknown to the state.
_CURES: Final = {
    "Hook already exists": "; fluxhooks prune --min-age 0s lists it, and with --yes removes it"
}
_SAID_BESIDES: Final = (
    "an unhandled error occurred: program exited",
    "resource monitor shut down",
    "update failed",
)
_UNCHANGED: Final = ("same", "read", "refresh")
_ENGINES_OWN: Final = "pulumi:"
_COLOURS: Final = re.compile(r"<\{%[^%]*%\}>")


def _follow(lines: IO[str], process: "subprocess.Popen[bytes]") -> Iterator[dict[str, Any]]:
    rest = ""
    while True:
        ended = process.poll() is not None
        *whole, rest = (rest + lines.read()).split("\n")
        for line in whole:
            # A killed engine leaves half a line.
            with contextlib.suppress(json.JSONDecodeError):
                yield json.loads(line)
        if ended:
            return
        time.sleep(0.1)


@contextlib.contextmanager
def _ended(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Leave no engine behind: interrupted, it is asked to end in order, and waited for."""
    try:
        yield
    except KeyboardInterrupt:
        # The terminal told the engine too; told twice it stops without finishing its steps.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_INTERRUPTED_SECONDS)
        raise
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_INTERRUPTED_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _left_by_the_dead(output: str) -> bool:
    """Whether every lock is one that a process of this machine took which is no more."""
    locks = _LOCK.findall(output)
    return bool(locks) and all(
        host == socket.gethostname() and not _lives(int(pid)) for host, pid in locks
    )


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _first_error(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return next(iter(errors or lines), "it said nothing")


def _diagnosed(output: str) -> str:
    """Return the errors in the JSON of a preview, which says them nowhere else."""
    with contextlib.suppress(json.JSONDecodeError, AttributeError, KeyError, TypeError):
        messages = (
            _COLOURS.sub("", each["message"]).strip().removeprefix("error: ")
            for each in json.loads(output)["diagnostics"]
            if each["severity"] == "error"
        )
        said = [text.splitlines()[0] for text in messages if text]
        own = [text for text in said if not text.startswith(_SAID_BESIDES)]
        return "; ".join(dict.fromkeys(own or said))
    return output


def _no_pulumi() -> PulumiError:
    return PulumiError("pulumi is not on PATH; see https://www.pulumi.com/docs/install/")
