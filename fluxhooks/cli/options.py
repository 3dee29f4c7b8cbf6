"""The options that several verbs share."""

import datetime
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from fluxhooks.cli import screen
from fluxhooks.errors import ArgumentError, ObservationError
from fluxhooks.flux import durations, schedule
from fluxhooks.observe.state import StackState

StackName = Annotated[
    str | None,
    typer.Argument(metavar="STACK", help="The stack; the selected one when absent."),
]
Directory = Annotated[
    Path, typer.Option("--cwd", "-C", help="The Pulumi program's folder, or one below it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME...", help="The WebhookReceivers; all if absent."),
]
Cluster = Annotated[
    bool, typer.Option("--cluster", help="All Receivers of KUBECONFIG's cluster, no stack.")
]
Host = Annotated[
    str, typer.Option(metavar="HOST", help="With --cluster: where its Receivers are reached.")
]
Namespace = Annotated[
    str, typer.Option("--namespace", "-n", metavar="NS", help="With --cluster: only these.")
]
AtOnce = Annotated[
    int, typer.Option(min=1, max=1000, help="How many requests are under way at a time.")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would happen, and change nothing.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
LockTimeout = Annotated[
    str, typer.Option(metavar="TIME", help="How long another update is waited for.")
]
Settle = Annotated[
    str, typer.Option(metavar="TIME", help="How long what may still settle is asked again.")
]


def refuse(*rules: tuple[str, bool, str]) -> None:
    """End with a usage error for the first option that is wrong as it was given.

    Each rule is an option, whether it is wrong, and why.
    """
    for option, wrong, why in rules:
        if wrong:
            raise typer.BadParameter(why, param_hint=option)


def confirmed(sentences: Iterable[str], *, dry_run: bool, yes: bool) -> bool:
    """Say what will happen, and return whether to go on; asks unless an option has said so.

    Ends with a usage error where nobody can be asked.
    """
    for line in sentences:
        screen.say(line)
    if dry_run or yes:
        return not dry_run
    if not sys.stdin.isatty():
        raise typer.BadParameter("is needed where nobody can be asked", param_hint="--yes")
    return typer.confirm("Go on?", err=True)


def seconds(option: str, value: str) -> float:
    """Return a duration such as "5m" in seconds, or end with a usage error."""
    try:
        return durations.seconds(value)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def period(option: str, value: str) -> datetime.timedelta:
    """Return a period such as "90d", or raise an ArgumentError that names the option."""
    return schedule.period(option, value)


def receivers(state: StackState, names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of WebhookReceivers, all of the stack's where none is given.

    Raises:
        ArgumentError: the stack has none of that name.
        ObservationError: it has none at all.
    """
    unknown = sorted(set(names) - set(state.receivers))
    if unknown:
        known = ", ".join(sorted(state.receivers)) or "none"
        raise ArgumentError(
            "NAME",
            f"{unknown[0]!r} is no WebhookReceiver of the stack {state.stack}; it has: {known}",
        )
    if not state.receivers:
        raise ObservationError(f"the stack {state.stack} has no WebhookReceiver")
    return tuple(names or state.receivers)


def host(value: str, *, needed: bool = True) -> str:
    """Return a host that was given with --cluster, or end with a usage error."""
    if not value and needed:
        raise typer.BadParameter(
            "is needed with --cluster, as in flux.example.com", param_hint="--host"
        )
    if not value.isascii() or set(value) & set("/@?# \\") or "://" in value:
        raise typer.BadParameter(
            "is a host, with a port where one is needed, as in flux.example.com",
            param_hint="--host",
        )
    return value
