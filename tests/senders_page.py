"""What is told to each sender, as a page: writes ``docs/senders.md`` when it is run."""

from collections.abc import Iterator
from pathlib import Path

from fluxhooks.flux.instructions import Instructions, Sender, Step, Told, senders
from fluxhooks.flux.receiver_types import DEFAULT_AUDIENCE, RECEIVER_TYPES, ReceiverType

_PAGE = Path(__file__).parents[1] / "docs" / "senders.md"

_HEAD = (
    "# Senders that are told by hand\n\n"
    "What [`fluxhooks instructions`](../README.md#a-sender-that-is-told-by-hand) prints for each "
    "type of Receiver, here with `URL` and `TOKEN` in the place of a Receiver's own.\n"
    "The commands for CI jobs and shells are run against the real controller in the tests; what "
    "stands in a user interface was read in its maker's documentation, which each names.\n"
)

_EVENTS = {
    ReceiverType.BITBUCKET: ("repo:refs_changed", "repo:push"),
    ReceiverType.CDEVENTS: ("dev.cdevents.artifact.published.0.2.0",),
    ReceiverType.GITHUB: ("ping", "push"),
    ReceiverType.GITLAB: ("Push Hook", "Tag Push Hook"),
}


def page() -> str:
    """Return it."""
    return "\n".join([_HEAD, *(line for kind in ReceiverType for line in _type(kind))]) + "\n"


def _type(kind: ReceiverType) -> Iterator[str]:
    told = Told(
        name="app",
        url="URL",
        token="TOKEN" if RECEIVER_TYPES[kind].secret_keys else "",
        events=_EVENTS.get(kind, ()),
        email="push@acme.iam.gserviceaccount.com",
        audience="flux",
        audiences={
            "https://token.actions.githubusercontent.com": DEFAULT_AUDIENCE,
            "https://gitlab.com": DEFAULT_AUDIENCE,
        },
    )
    yield f"## `{kind}`"
    yield ""
    for sender in senders(kind):
        yield from _sender(sender, sender.told(told))


def _sender(sender: Sender, told: Instructions) -> Iterator[str]:
    yield f"### {sender.title}"
    yield ""
    for number, step in enumerate(told.steps, 1):
        yield from _step(f"{number}. ", step)
    yield from _step("In a rotation: ", told.rotated)
    yield from (f"- {sentence}" for sentence in told.mind)
    yield f"- [Documentation]({told.documentation})"
    yield ""


def _step(mark: str, step: Step) -> Iterator[str]:
    yield f"{mark}{step.text}."
    if step.fields:
        yield ""
        yield "   | field | value |"
        yield "   |---|---|"
        yield from (f"   | {name} | {value} |" for name, value in step.fields.items())
    if step.code:
        yield ""
        yield f"   ```{step.language}"
        yield from (f"   {line}" for line in step.code.splitlines())
        yield "   ```"
    yield ""


if __name__ == "__main__":
    _PAGE.write_text(page())
