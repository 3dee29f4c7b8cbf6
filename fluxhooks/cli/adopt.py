"""`fluxhooks adopt`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from fluxhooks.cli import options, screen
from fluxhooks.errors import VerificationError
from fluxhooks.operate.adopt import Adopted
from fluxhooks.operate.adopt import adopt as run
from fluxhooks.operate.adoption import Adoption, Way
from fluxhooks.operate.stack import PulumiStack


def adopt(
    stack: options.StackName = None,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="The WebhookReceiver of the program; the only one if absent."
        ),
    ] = None,
    webhook: Annotated[
        str,
        typer.Option(metavar="ID", help="The hand-made webhook, where several may be meant."),
    ] = "",
    receiver: Annotated[
        str,
        typer.Option(metavar="[NS/]NAME", help="The hand-made Receiver, where none is called."),
    ] = "",
    drain: Annotated[
        str,
        typer.Option(metavar="TIME", help="How long a deleted webhook's Receiver is waited for."),
    ] = "30s",
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    lock_timeout: options.LockTimeout = "5m",
    json: options.Json = False,
    cwd: options.Directory = Path(),
) -> None:
    """Take over a webhook and a Receiver that were made by hand, without losing a delivery.

    The program declares the WebhookReceiver first; do not run pulumi up. Then adopt makes its
    token, Secret and Receiver beside the hand-made ones, proves them, and points the webhook at
    them: exactly one webhook is left. The hand-made Receiver is not touched; the command that
    removes it is shown at the end. Whatever stopped it, run the same command again.

    Example: fluxhooks adopt prod app
    """
    seconds = options.seconds("--drain", drain)
    pulumi = PulumiStack(
        cwd,
        stack,
        lock_timeout=options.seconds("--lock-timeout", lock_timeout),
        report=screen.progress,
    )

    def confirm(adoption: Adoption) -> bool:
        return options.confirmed(_sentences(adoption), dry_run=dry_run, yes=yes)

    adopted = run(
        pulumi,
        name,
        confirm=confirm,
        webhook=webhook,
        receiver=receiver,
        drain=seconds,
        report=screen.progress,
    )
    if json:
        screen.show_json(adopted.as_json())
    else:
        _show(adopted)
    if not adopted.verified:
        raise VerificationError(_contradiction(adopted))


def _sentences(adoption: Adoption) -> Iterator[str]:
    name, begun = adoption.name, adoption.begun
    planned = adoption.planned
    if adoption.resumes:
        yield f"{name}: finishes what an earlier run began"
    called = f", which calls {adoption.receiver}," if adoption.receiver else ""
    made = f"generation {planned.generation} of {name} is made, and proved at its public URL"
    if adoption.way is Way.BY_HAND:
        yield f"{name}: {made}; its sender is told by hand"
    else:
        assert planned.webhook is not None  # noqa: S101
        scope = planned.webhook.declared.scope
        what = f"webhook {begun.webhook} of {scope.kind} {scope.name}{called}"
        if adoption.way is Way.EDIT:
            taken = "is in the state already" if adoption.taken_in else "is taken into the state"
            yield f"{name}: {what} {taken}"
            yield f"{name}: {made}; then the webhook gets its URL and secret, and keeps its ID"
        else:
            yield f"{name}: {made}, with a webhook of its own"
            yield f"{name}: {what} is deleted when that one is seen to work"
    if adoption.receiver is not None:
        secret = adoption.receiver.secret
        what = f"{adoption.receiver} and its Secret {secret} are" if secret else ""
        yield f"{name}: {what or f'{adoption.receiver} is'} not touched"
    yield from (f"note: {note}" for note in adoption.notes)


def _show(adopted: Adopted) -> None:
    if adopted.adoption is None:
        screen.show(f"{adopted.stack}: {adopted.name} has its own, and nothing is left to adopt")
        return
    if adopted.update is None:
        screen.show(f"{adopted.stack}: nothing was changed")
        return
    screen.show_checks(adopted.checks)
    if adopted.verified:
        screen.show(
            f"{adopted.stack}: {adopted.name} is adopted, in {adopted.update.seconds:.0f} s"
        )
    for line in adopted.left:
        screen.show(line)


def _contradiction(adopted: Adopted) -> str:
    wrong = [f"{check.what}: {check.seen}" for check in adopted.checks if check.ok is False]
    return (
        f"{adopted.name}: the update is done, but {'; '.join(wrong)}. What was made by hand was "
        "not deleted. Mend that and run the same command again"
    )
