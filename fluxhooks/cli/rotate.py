"""`fluxhooks rotate`."""

from pathlib import Path
from typing import Annotated

import typer

from fluxhooks.cli import options, screen
from fluxhooks.errors import VerificationError
from fluxhooks.operate.plan import Action, Move, Options, Plan
from fluxhooks.operate.rotate import Outcome
from fluxhooks.operate.rotate import rotate as run
from fluxhooks.operate.stack import PulumiStack


def rotate(
    stack: options.StackName = None,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="The WebhookReceivers; the only one if absent."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All of the stack.")] = False,
    older_than: Annotated[
        str, typer.Option(metavar="PERIOD", help="Those with older secrets, as in 90d or 12w.")
    ] = "",
    retain: Annotated[
        bool, typer.Option("--retain", help="Keep the generation that was live, for --back.")
    ] = False,
    back: Annotated[
        bool, typer.Option("--back", help="Return to the generation before, if it is retained.")
    ] = False,
    revoke: Annotated[
        bool,
        typer.Option("--revoke", help="After a leak: cut older generations off at once."),
    ] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Retire what is retained, and rotate nothing.")
    ] = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    refresh: Annotated[
        bool,
        typer.Option("--refresh", help="Read cluster and forge anew first: restores what is gone."),
    ] = False,
    lock_timeout: options.LockTimeout = "5m",
    json: options.Json = False,
    cwd: options.Directory = Path(),
) -> None:
    """Rotate the secrets of WebhookReceivers without losing a delivery.

    A rotation that was begun is finished instead of starting another: whatever stopped it, run
    the same command again. At the end forge and cluster are asked whether they show the result.

    Example: fluxhooks rotate prod app
    """
    asked = Options(
        names=tuple(names or ()),
        everything=all_,
        older_than=options.period("--older-than", older_than) if older_than else None,
        revoke=revoke,
        back=back,
        finish=finish,
        retain=retain,
    )
    _check(asked)
    pulumi = PulumiStack(
        cwd,
        stack,
        lock_timeout=options.seconds("--lock-timeout", lock_timeout),
        report=screen.progress,
    )

    def confirm(plan: Plan) -> bool:
        return options.confirmed(_sentences(plan), dry_run=dry_run, yes=yes)

    outcome = run(pulumi, asked, confirm=confirm, refresh=refresh)
    if json:
        screen.show_json(outcome.as_json())
    else:
        _show(outcome)
    if not outcome.verified:
        raise VerificationError(_contradiction(outcome))


def _check(asked: Options) -> None:
    if asked.names and asked.everything:
        raise typer.BadParameter("goes without names", param_hint="--all")
    alone = [
        option
        for option, given in (
            ("--back", asked.back),
            ("--revoke", asked.revoke),
            ("--finish", asked.finish),
            ("--retain", asked.retain),
        )
        if given
    ]
    if len(alone) > 1:
        raise typer.BadParameter(f"does not go with {alone[0]}", param_hint=alone[1])
    if asked.older_than is not None and (asked.back or asked.finish):
        raise typer.BadParameter(f"does not go with {alone[0]}", param_hint="--older-than")


def _sentences(plan: Plan) -> list[str]:
    return [
        *(_sentence(move) for move in plan.moves),
        *(f"{name}: left alone; {why}" for name, why in plan.skipped.items()),
        *(f"note: {note}" for note in plan.notes),
    ]


_VERBS = {
    Action.ROTATE: "rotates from {live} to {target}",
    Action.RESUME: "finishes the rotation from {live} to {target}",
    Action.BACK: "goes back from {live} to {target}",
    Action.RETIRE: "stays at {target}",
}


def _sentence(move: Move) -> str:
    verb = _VERBS[move.action].format(live=move.live, target=move.target)
    if move.action is Action.RESUME and move.live in (None, move.target):
        verb = f"finishes generation {move.target}"
    parts = [f"{move.name}: {verb} ({move.reason})"]
    if move.retained:
        parts.append(f"{_listed(move.retained)} kept")
    if move.retired:
        parts.append(f"{_listed(move.retired)} deleted")
    return "; ".join(parts)


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))


def _show(outcome: Outcome) -> None:
    if not outcome.plan.moves:
        for name, why in outcome.plan.skipped.items():
            screen.show(f"{name}: left alone; {why}")
        said = "the configuration says what is live again" if outcome.corrected else "nothing to do"
        screen.show(f"{outcome.stack}: {said}")
        return
    if outcome.update is None:
        screen.show(f"{outcome.stack}: nothing was changed")
        return
    screen.show_checks(outcome.checks)
    done = ", ".join(f"{move.name} at {move.target}" for move in outcome.plan.moves)
    screen.show(f"{outcome.stack}: {done}, in {outcome.update.seconds:.0f} s")
    for line in outcome.by_hand:
        screen.show(line)


def _contradiction(outcome: Outcome) -> str:
    wrong = [
        f"{check.name}: {check.what}: {check.seen}" for check in outcome.checks if check.ok is False
    ]
    return (
        f"the update is done, but {'; '.join(wrong)}. Run the same command again: it reads cluster "
        "and forge anew, restores what was changed by hand, and verifies again"
    )
