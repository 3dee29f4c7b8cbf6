"""The stand-in alone, until interrupted: `python -m sandbox.forges.gitlab --directory DIR`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sandbox.forges.alone import until_interrupted
from sandbox.forges.gitlab import GitLab


def main(
    directory: Annotated[Path, typer.Option(help="Takes the repositories.")],
    group: Annotated[str, typer.Option(help="The group.")] = "acme",
    project: Annotated[list[str] | None, typer.Option(help="Made in it at the start.")] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="Certificate authority of https receivers.")
    ] = None,
) -> None:
    """Serve a GitLab on loopback and print how to reach it."""
    with GitLab(directory, group=group, ca_file=ca_file) as gitlab:
        made = [gitlab.create_project(f"{group}/{name}") for name in project or []]
        until_interrupted(gitlab.base_url, gitlab.token, made)


if __name__ == "__main__":
    typer.run(main)
