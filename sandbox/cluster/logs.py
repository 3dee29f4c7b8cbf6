"""The logs of a cluster's programs, as they may be shown."""

import re
from pathlib import Path

# Flux's controllers log the paths of Receivers, and whoever knows one can trigger it.
_HOOK_PATH = re.compile(r"/hook/[0-9a-f]{64}")


def tail(log: Path, lines: int) -> list[str]:
    """The last `lines` lines of a log, hook paths masked; none when there is no log."""
    if not log.exists():
        return []
    return masked(log.read_text(errors="replace")).splitlines()[-lines:]


def keep(logs: Path, to: Path) -> Path:
    """Copy every log into the directory `to`, hook paths masked, and return it."""
    to.mkdir(parents=True, exist_ok=True)
    for log in logs.glob("*.log"):
        (to / log.name).write_text(masked(log.read_text(errors="replace")))
    return to


def masked(text: str) -> str:
    """`text` with every Receiver's path replaced by `/hook/***`."""
    return _HOOK_PATH.sub("/hook/***", text)
