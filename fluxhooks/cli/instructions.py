"""`fluxhooks instructions`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from fluxhooks.cli import options, screen
from fluxhooks.flux.instructions import Instructions, Step
from fluxhooks.observe.told import ByHand, by_hand
from fluxhooks.operate.stack import PulumiStack


def instructions(
    stack: options.StackName = None,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME...", help="The WebhookReceivers; all told by hand if absent."),
    ] = None,
    sender: Annotated[
        str, typer.Option(metavar="SENDER", help="Of several of a type, only this one.")
    ] = "",
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="Print URL and token in clear.")
    ] = False,
    json: options.Json = False,
    cwd: options.Directory = Path(),
) -> None:
    """Print what has to be pasted where, for senders whose webhook the stack does not make.

    Each known sender of a Receiver's type has its steps, what a rotation changes there, and what
    goes wrong without a word: Docker Hub, Quay, Harbor, Nexus, ACR, Artifact Registry, Gitea,
    Bitbucket, CI jobs, and whatever else can send a request. URL and token are hidden without
    --show-secrets. Nothing is changed, and only the stack's state is read.

    Example: fluxhooks instructions prod registry --show-secrets
    """
    state = PulumiStack(cwd, stack).export()
    meant = options.receivers(state, names or ()) if names else ()
    found = by_hand(state, meant, sender=sender, secrets=show_secrets)
    if json:
        shown = {
            "stack": state.stack,
            "secrets": show_secrets,
            "receivers": [each.as_json() for each in found],
        }
        screen.show_json(shown, secrets=show_secrets)
        return
    for each in found:
        for line in _page(state.stack, each):
            screen.show(line, secrets=show_secrets)
    if not found:
        screen.show(f"{state.stack}: nothing to paste; no sender of it is told by hand")
    elif not show_secrets:
        screen.say("URL and token are hidden; --show-secrets prints them")


def _page(stack: str, found: ByHand) -> Iterator[str]:
    yield f"{found.name}: a Receiver of the type {found.type}, generation {found.generation}"
    for sender in found.senders:
        told = sender.told(found.told)
        yield ""
        yield f"## {sender.title}" + _option(found, sender.name)
        yield from _steps(told, rotates=bool(found.earlier))
    yield ""
    yield f"fluxhooks probe {stack} {found.name} tells whether a delivery would be taken."
    if found.earlier:
        kept = ", ".join(map(str, found.earlier))
        yield (
            f"Generation {kept} is kept meanwhile; then: "
            f"fluxhooks rotate {stack} {found.name} --finish"
        )
    yield ""


def _option(found: ByHand, sender: str) -> str:
    return f" (--sender {sender})" if len(found.senders) > 1 else ""


def _steps(told: Instructions, *, rotates: bool) -> Iterator[str]:
    for number, step in enumerate(told.steps, 1):
        yield from _step(f"{number}. ", step)
    if rotates:
        yield from _step("Where it calls an earlier generation: ", told.rotated)
    yield ""
    yield "Mind:"
    yield from (f"- {sentence}" for sentence in told.mind)
    yield f"See {told.documentation}"


def _step(mark: str, step: Step) -> Iterator[str]:
    yield ""
    yield f"{mark}{step.text}"
    width = max(map(len, step.fields), default=0)
    yield from (f"   {name:<{width}}  {value}" for name, value in step.fields.items())
    if step.code:
        # Not indented: what is copied must be what runs.
        yield ""
        yield from step.code.splitlines()
