"""The stand-in alone, until interrupted: `python -m sandbox.forges.github --directory DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sandbox.forges.alone import until_interrupted
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
    with GitHub(directory, owner=owner, ca_file=ca_file) as github:
        made = [github.create_repository(name) for name in repository or []]
        until_interrupted(github.base_url, github.token, made)


if __name__ == "__main__":
    typer.run(main)
