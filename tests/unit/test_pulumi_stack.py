"""What Pulumi says is understood: its locks, its complaints, its steps."""

import json
import os
import socket
from typing import Any

import pytest

from fluxhooks.flux.hook_path import UNKNOWN_PATH
from fluxhooks.operate import stack

# Above the highest PID that Linux gives.
DEAD = 2**22 + 1
HERE = socket.gethostname()


def locked(*holders: tuple[str, int]) -> str:
    """Return what a local backend says of a locked stack."""
    lines = [
        f"  file:///s/.pulumi/locks/x/{i}.json: created by me@{host} (pid {pid}) at 2026-01-01"
        for i, (host, pid) in enumerate(holders)
    ]
    return "\n".join(
        [f"error: the stack is currently locked by {len(lines)} lock(s). Either wait", *lines]
    )


@pytest.mark.parametrize(
    ("output", "dead"),
    [
        pytest.param(locked((HERE, DEAD)), True, id="killed here"),
        pytest.param(locked((HERE, os.getpid())), False, id="running here"),
        pytest.param(locked(("elsewhere", DEAD)), False, id="elsewhere"),
        pytest.param(locked((HERE, DEAD), (HERE, os.getpid())), False, id="one of two runs"),
        pytest.param(
            "error: [409] Conflict: Another update is currently in progress.", False, id="cloud"
        ),
    ],
)
def test_only_a_lock_of_the_dead_is_removed(output: str, dead: bool) -> None:
    """Elsewhere nobody knows, and a running update must not meet another."""
    assert dead == stack._left_by_the_dead(output)
    assert stack._LOCKED.search(output)


def test_a_failure_that_is_no_lock_is_none() -> None:
    """It is not waited for."""
    assert not stack._LOCKED.search("error: resource is locked by another")


def ran(*events: dict[str, Any]) -> tuple[stack._Run, list[stack.Progress]]:
    """Return a run that took these events, and what it said of them."""
    run = stack._Run()
    return run, [progress for event in events for progress in run.take(event)]


def step(op: str, type_: str, name: str, *, failed: bool = False) -> dict[str, Any]:
    """Return the engine's event for the end of a step."""
    metadata = {"op": op, "type": type_, "urn": f"urn:pulumi:dev::p::{type_}::{name}"}
    return {
        "timestamp": 7,
        "resOpFailedEvent" if failed else "resOutputsEvent": {"metadata": metadata},
    }


def diagnostic(severity: str, message: str) -> dict[str, Any]:
    """Return the engine's event for a message."""
    return {"timestamp": 7, "diagnosticEvent": {"severity": severity, "message": message}}


def test_steps_are_told_in_their_order() -> None:
    """What is unchanged, and the engine's own, is left out."""
    run, said = ran(
        step("same", "a:b:Secret", "old"),
        step("create", "pulumi:pulumi:Stack", "dev"),
        step("create", "a:b:Secret", "new"),
        step("update", "a:b:Hook", "app-webhook", failed=True),
    )

    assert ("create Secret new", "update Hook app-webhook failed") == run.update.steps
    assert ["step", "error"] == [progress.severity for progress in said]
    assert {"urn:pulumi:dev::p::a:b:Secret::new": 7} == run.update.updated_at


def test_the_complaint_says_why_and_not_only_that() -> None:
    """Each reason once, without colours and paths."""
    run, said = ran(
        diagnostic("error", "<{%reset%}>the forge said no\nat length<{%reset%}>\n"),
        diagnostic("error", "the forge said no\nagain"),
        diagnostic("error", f"nor at {UNKNOWN_PATH}"),
        diagnostic("error", "update failed"),
        diagnostic("error", "an unhandled error occurred: program exited with non-zero exit code"),
        diagnostic("error", "resource monitor shut down while waiting on step's done channel"),
        diagnostic("info#err", "noise"),
        diagnostic("debug", "noise"),
    )

    assert "the forge said no; nor at /hook/***" == run.complaint
    assert "the forge said no\nat length" == said[0].text
    assert not [progress for progress in said if "noise" in progress.text]


def test_without_an_event_the_output_says_why() -> None:
    """A command that cannot start writes no events."""
    run = stack._Run()
    run.output = "Previewing\nerror: no stack named 'x' found\n"

    assert "no stack named 'x' found" == run.complaint


def test_a_webhook_unknown_to_the_state_has_a_cure() -> None:
    """GitHub refuses an equal second one for ever."""
    run, _ = ran(diagnostic("error", "422 Hook already exists on this repository"))

    assert (
        "422 Hook already exists on this repository; fluxhooks prune --min-age 0s lists it, and "
        "with --yes removes it"
    ) == run.complaint


def test_a_preview_that_fails_says_why_in_its_json() -> None:
    """It prints nothing on standard error then; the program's own words are what counts."""
    diagnostics = [
        {"severity": "warning", "message": "careful"},
        {"severity": "error", "message": "<{%reset%}>drain: 'soon' is no duration\ntraceback…"},
        {"severity": "error", "message": "an unhandled error occurred: program exited with 1"},
    ]

    assert "drain: 'soon' is no duration" == stack._diagnosed(
        json.dumps({"steps": [], "diagnostics": diagnostics})
    )
    assert "no JSON" == stack._diagnosed("no JSON")
