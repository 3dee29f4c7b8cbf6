"""`fluxhooks status`."""

import datetime
from pathlib import Path

import typer

from fluxhooks.cli import options, screen
from fluxhooks.observe import cluster
from fluxhooks.observe.forges import Forges
from fluxhooks.observe.status import Row
from fluxhooks.observe.status import status as look
from fluxhooks.operate.stack import PulumiStack


def status(
    stack: options.StackName = None,
    json: options.Json = False,
    cwd: options.Directory = Path(),
) -> None:
    """Show for each WebhookReceiver what is live, since when, and what is not as declared.

    Nothing is changed. The date of the next rotation is shown where the stack's configuration
    has fluxhooks:rotate_every, as in 90d. The exit code is 1 where cluster or forge could not
    be asked.

    Example: fluxhooks status prod
    """
    pulumi = PulumiStack(cwd, stack)
    state = pulumi.export()
    seen = look(
        state,
        pulumi.configuration(state.stack),
        connect=lambda: cluster.connect(state.providers),
        forges=Forges(state.providers),
    )
    now = datetime.datetime.now(datetime.UTC)
    if json:
        screen.show_json(seen.as_json(now))
    else:
        screen.show_table(
            ("WEBHOOK", "LIVE", "RETAINED", "AGE", "DUE", "LAST DELIVERY", "PROBLEMS"),
            [_cells(row, now) for row in seen.rows],
        )
        for orphan in seen.orphans:
            screen.show(f"orphan: {orphan.kind} {orphan.name} ({orphan.why})")
        if seen.orphans:
            screen.say("fluxhooks prune lists and removes orphans")
        for limit in seen.limits:
            screen.show(f"limit: {limit}")
    for problem in seen.unseen:
        screen.complain(problem)
    if seen.unseen:
        raise typer.Exit(1)


def _cells(row: Row, now: datetime.datetime) -> tuple[str, ...]:
    delivery = row.delivery
    return (
        row.name,
        "-" if row.live is None else str(row.live),
        ", ".join(map(str, row.retained)) or "-",
        "-" if row.created_at is None else _age(now - row.created_at),
        "-" if row.due is None else _due(row.due, now),
        "-" if delivery is None else f"{delivery}, {_age(now - delivery.at)} ago",
        "; ".join(row.problems) or "-",
    )


def _age(age: datetime.timedelta) -> str:
    if age.days:
        return f"{age.days}d"
    hours, minutes = age.seconds // 3600, age.seconds // 60
    return f"{hours}h" if hours else f"{minutes}m"


def _due(due: datetime.datetime, now: datetime.datetime) -> str:
    return f"{due:%Y-%m-%d}" + (" (overdue)" if due < now else "")
