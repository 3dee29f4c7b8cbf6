"""`fluxhooks prune`."""

import datetime
from pathlib import Path
from typing import Annotated

import typer

from fluxhooks.cli import options, screen
from fluxhooks.observe.orphans import Orphan
from fluxhooks.observe.state import Scope
from fluxhooks.observe.status import as_json
from fluxhooks.operate.prune import Pruning
from fluxhooks.operate.prune import prune as run
from fluxhooks.operate.stack import PulumiStack


def prune(
    stack: options.StackName = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Remove what is listed.")] = False,
    min_age: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="Younger ones are only listed: they may be of an update that is running.",
        ),
    ] = "15m",
    repository: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Look at this repository too; may be repeated."),
    ] = None,
    organization: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Look at this GitHub organisation too; may be repeated."),
    ] = None,
    project: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Look at this GitLab project too; may be repeated."),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Look at this GitLab group too; may be repeated."),
    ] = None,
    json: options.Json = False,
    cwd: options.Directory = Path(),
) -> None:
    """List what a killed run left in cluster and forge, and remove it with --yes.

    That is: Receivers, Alerts, Providers and Secrets with this stack's labels that its state does
    not have, and webhooks of its repositories, organisations, projects and groups that call its
    host and belong to no Receiver of anybody else.

    Example: fluxhooks prune prod --yes
    """
    pruning = run(
        PulumiStack(cwd, stack),
        remove=yes,
        scopes=[
            *(Scope("github", "repository", name) for name in repository or ()),
            *(Scope("github", "organization", name) for name in organization or ()),
            *(Scope("gitlab", "project", name) for name in project or ()),
            *(Scope("gitlab", "group", name) for name in group or ()),
        ],
        min_age=datetime.timedelta(seconds=options.seconds("--min-age", min_age)),
    )
    rows = [(orphan, _fate(orphan, pruning)) for orphan in pruning.found]
    if json:
        screen.show_json(
            {
                "stack": pruning.stack,
                "orphans": [{**as_json(orphan), "fate": fate} for orphan, fate in rows],
            }
        )
        return
    if not rows:
        screen.show(f"{pruning.stack}: no orphans")
        return
    screen.show_table(
        ("KIND", "NAME", "WHY", ""),
        [(orphan.kind, orphan.name, orphan.why, fate) for orphan, fate in rows],
    )
    if not yes:
        screen.say("nothing was removed; --yes removes what is older than --min-age")


def _fate(orphan: Orphan, pruning: Pruning) -> str:
    if orphan in pruning.removed:
        return "removed"
    return "too young to remove" if orphan in pruning.young else "left"
