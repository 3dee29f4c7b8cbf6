"""The options that several verbs share."""

import datetime
from pathlib import Path
from typing import Annotated

import typer

from fluxhooks.flux import durations, schedule

StackName = Annotated[
    str | None,
    typer.Argument(metavar="STACK", help="The stack; the selected one when absent."),
]
Directory = Annotated[
    Path, typer.Option("--cwd", "-C", help="The Pulumi program's folder, or one below it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def seconds(option: str, value: str) -> float:
    """Return a duration such as "5m" in seconds, or end with a usage error."""
    try:
        return durations.seconds(value)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def period(option: str, value: str) -> datetime.timedelta:
    """Return a period such as "90d", or raise an ArgumentError that names the option."""
    return schedule.period(option, value)
