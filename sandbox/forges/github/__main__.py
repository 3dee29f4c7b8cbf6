"""The stand-in alone, until interrupted: `python -m sandbox.forges.github --directory DIR`."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from sandbox.forges.github import GitHub


def main(
    directory: Annotated[Path, typer.Option(help="Takes the repositories.")],
    owner: Annotated[str, typer.Option(help="The organisation.")] = "acme",
    repository: Annotated[list[str] | None, typer.Option(help="Made at the start.")] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="Certificate authority of https receivers.")
    ] = None,
) -> None:
    """Serve a GitHub on loopback and print how to reach it."""
    interrupted = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: interrupted.set())
    with GitHub(directory, owner=owner, ca_file=ca_file) as github:
        typer.echo(f"base_url: {github.base_url}")
        typer.echo(f"token:    {github.token}")
        for name in repository or []:
            typer.echo(f"clone:    {github.create_repository(name).clone_url}")
        typer.echo("Stop with Ctrl-C.")
        interrupted.wait()


if __name__ == "__main__":
    typer.run(main)
