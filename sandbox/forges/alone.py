"""A stand-in that runs alone, to try things by hand."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from threading import Event

import typer

from sandbox.forges.repository import Repository


def until_interrupted(base_url: str, token: str, repositories: Iterable[Repository]) -> None:
    """Print how to reach it, and return on Ctrl-C or a polite kill."""
    interrupted = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.set())
    typer.echo(f"base_url: {base_url}")
    typer.echo(f"token:    {token}")
    for repository in repositories:
        typer.echo(f"clone:    {repository.clone_url}")
    typer.echo("Stop with Ctrl-C.")
    interrupted.wait()
