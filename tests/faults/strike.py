"""Kills an engine the moment the state it writes stands at a boundary between two steps.

The engine writes the state before and after every step. Run as a process of its own, with nothing
but the standard library: some boundaries last a few milliseconds.
"""

import datetime
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

_VERBS = {"creating": "create", "updating": "update", "deleting": "delete"}
_POLL_SECONDS = 0.0003


def boundary(state: dict[str, Any], component: str, generation: int) -> str:
    """Return where the rotation to `generation` stands, as in "before create Secret".

    Args:
        state: the deployment as a file backend holds it.
    """
    old, new = (f"{component}-g{number}" for number in (generation - 1, generation))
    names = {
        "creating": (new, f"{new}-token"),
        "updating": (f"{component}-webhook",),
        "deleting": (old, f"{old}-token"),
    }
    # Creations that earlier kills left pending stay in the state.
    for operation in state.get("pending_operations", ()):
        kind, name = _key(operation["resource"])
        if name in names[operation["type"]]:
            return f"before {_VERBS[operation['type']]} {kind}"
    held = {_key(resource): resource for resource in state["resources"]}
    for key in (
        ("RandomPassword", f"{old}-token"),
        ("Secret", f"{old}-token"),
        ("Receiver", old),
    ):
        if key not in held:
            return f"after delete {key[0]}"
    if held["WebhookReceiver", component].get("outputs", {}).get("generation") == generation:
        return "after the component's outputs"
    receiver, webhook = (
        held.get(key) for key in (("Receiver", new), ("RepositoryWebhook", f"{component}-webhook"))
    )
    if receiver and webhook and _modified(webhook) > _modified(receiver):
        return "after update RepositoryWebhook"
    for key in (("Receiver", new), ("Secret", f"{new}-token"), ("RandomPassword", f"{new}-token")):
        if key in held:
            return f"after create {key[0]}"
    return "before the first step"


def read(path: Path) -> dict[str, Any]:
    """Return the deployment a file backend holds at `path`."""
    state: dict[str, Any] = json.loads(path.read_text())["checkpoint"]["latest"]
    return state


def _key(resource: dict[str, Any]) -> tuple[str, str]:
    *_, type_, name = resource["urn"].split("::")
    return type_.rpartition(":")[2], name


def _modified(resource: dict[str, Any]) -> datetime.datetime:
    return datetime.datetime.fromisoformat(resource["modified"])


def main(pid: int, path: Path, component: str, generation: int, wanted: str) -> None:
    """Kill `pid` at the boundary `wanted`, or end when it has gone."""
    written = None
    while True:
        try:
            os.kill(pid, 0)
            last, status = written, path.stat()
            written = (status.st_ino, status.st_mtime_ns)
            if written != last and boundary(read(path), component, generation) == wanted:
                os.kill(pid, signal.SIGKILL)
                return
        except ProcessLookupError:
            return
        except (FileNotFoundError, json.JSONDecodeError):
            pass
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5])
