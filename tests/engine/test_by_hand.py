"""Without a webhook of ours: the sender is told by hand, and nothing it calls goes unasked."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from fluxhooks.flux.hook_path import hook_path
from fluxhooks.flux.receiver_types import ReceiverType
from fluxhooks.observe import probe
from sandbox.stack import Run
from tests.app import App, Receiver, Secret, changes, decoded, errors
from tests.command import Command, Done


@dataclass(frozen=True)
class Generation:
    """What a sender is told, read from the cluster as the command says."""

    url: str
    token: str


def told(app: App, number: int) -> Generation | None:
    """What the sender of a generation has; None where the cluster has no such generation."""
    labels = {"fluxhooks/component": app.name, "fluxhooks/generation": str(number)}
    receivers = list(app.client.list(Receiver, labels=labels))
    secrets = list(app.client.list(Secret, labels=labels))
    if not receivers:
        return None
    path = receivers[0].status["webhookPath"]
    assert path == hook_path(decoded(secrets[0]), receivers[0].metadata.name, "flux-system")
    return Generation(f"https://{app.sandbox.ingress.host}{path}", decoded(secrets[0]))


def sent(app: App, generation: Generation | None) -> int | None:
    """The status with which a delivery of a CI job that has URL and token is answered."""
    assert generation is not None
    answer = asyncio.run(
        probe.deliver(
            generation.url,
            receiver_type=ReceiverType.GENERIC_HMAC,
            token=generation.token,
            event="",
            body=b'{"image":"app:2"}',
            settle_for=10,
            certificates=app._certificates(),
        )
    )
    return answer.status


@dataclass(frozen=True)
class ByProgram:
    """Provisioned, raised alone, raised with the old one retained, retired."""

    app: App
    reconciled: list[str]
    answer: int | None
    alone: Run
    after_alone: int | None
    forward: Run
    both: list[int | None]
    retire: Run
    after: list[str]


@pytest.fixture(scope="class")
def by_program(make_app: Callable[..., App]) -> ByProgram:
    app = make_app("by-program", sender="generic-hmac")
    app.up(generation=1, drain="1h")
    first = told(app, 1)
    with app.watched() as reconciled:
        answer = sent(app, first)
    alone = app.up(check=False, generation=2)
    after_alone = sent(app, first)
    forward = app.up(retained=[1])
    both = [sent(app, told(app, number)) for number in (1, 2)]
    retire = app.up(retained=[])
    return ByProgram(
        app,
        reconciled,
        answer,
        alone,
        after_alone,
        forward,
        both,
        retire,
        app.receivers(),
    )


class TestByTheProgram:
    def test_a_sender_that_was_told_reconciles(self, by_program: ByProgram) -> None:
        """The component ends at the URL, and it is a good one."""
        assert 200 == by_program.answer
        assert 1 == len(by_program.reconciled)

    def test_the_number_alone_cuts_nobody_off(self, by_program: ByProgram) -> None:
        """The run fails and says how it is done; what is called still answers."""
        assert 0 != by_program.alone.returncode
        assert any(
            "retained: by-program: the sender calls generation 1" in text
            for text in errors(by_program.alone)
        )
        assert [] == [step for step in changes(by_program.alone) if step.startswith("delete")]
        assert 200 == by_program.after_alone

    def test_both_answer_until_the_old_one_is_retired(self, by_program: ByProgram) -> None:
        """Nothing is deleted, and no drain is waited for: it was an hour."""
        assert [] == [step for step in changes(by_program.forward) if step.startswith("delete")]
        assert [200, 200] == by_program.both

    def test_it_is_retired_by_removing_it(self, by_program: ByProgram) -> None:
        """Three deletes, on purpose."""
        assert [
            "delete Receiver by-program-g1",
            "delete Secret by-program-g1-token",
            "delete RandomPassword by-program-g1-token",
        ] == changes(by_program.retire)
        assert ["by-program-g2"] == by_program.after


@dataclass(frozen=True)
class ByCommand:
    """Rotated, shown, finished and revoked by the command."""

    app: App
    rotated: Done
    both: list[int | None]
    instructed: Done
    shown: Done
    live: Generation | None
    waiting: Done
    finished: Done
    after_finish: list[str]
    revoked: Done
    after_revoke: list[str]
    status: Done


@pytest.fixture(scope="class")
def by_command(make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory) -> ByCommand:
    app = make_app("by-command", program=None, sender="generic-hmac")
    app.stack.set_all(
        {
            "host": app.sandbox.ingress.host,
            "receivers.by-command.type": "generic-hmac",
            "receivers.by-command.sources[0].name": app.name,
        }
    )
    app.up()
    fluxhooks = Command(app, tmp_path_factory.mktemp("by-hand"))
    rotated = fluxhooks("rotate", "--yes", "--json")
    both = [sent(app, told(app, number)) for number in (1, 2)]
    instructed = fluxhooks("instructions")
    shown = fluxhooks("instructions", "--json", "--show-secrets", shows_secrets=True)
    live = told(app, 2)
    waiting = fluxhooks("status", "--json")
    finished = fluxhooks("rotate", "--finish", "--yes", "--json")
    after_finish = app.receivers()
    revoked = fluxhooks("rotate", "--revoke", "--yes", "--json")
    return ByCommand(
        app,
        rotated,
        both,
        instructed,
        shown,
        live,
        waiting,
        finished,
        after_finish,
        revoked,
        app.receivers(),
        fluxhooks("status", "--json"),
    )


def row(done: Done) -> Any:
    """The one row that status shows."""
    (found,) = done.result["receivers"]
    return found


class TestByTheCommand:
    def test_a_rotation_keeps_what_is_called_and_says_what_to_do(
        self, by_command: ByCommand
    ) -> None:
        """Two commands that read path and token, and the one that ends it; no secret is shown."""
        rotated = by_command.rotated
        assert 0 == rotated.returncode, rotated.said
        first, path, token, instructions, then = rotated.result["by_hand"]
        assert (
            "by-command: give its sender the URL "
            f"https://{by_command.app.sandbox.ingress.host} and this path, and the token:"
        ) == first
        assert "kubectl -n flux-system get receiver by-command-g2-" in path
        assert "kubectl -n flux-system get secret by-command-g2-token-" in token
        assert (
            "or, with what to paste where: fluxhooks instructions by-command by-command "
            "--show-secrets"
        ) == instructions.strip()
        assert "then: fluxhooks rotate by-command by-command --finish" == then.strip()
        assert [200, 200] == by_command.both

    def test_the_instructions_have_what_the_sender_needs(self, by_command: ByCommand) -> None:
        """URL and token of the live generation, where they were asked for."""
        (shown,) = by_command.shown.result["receivers"]
        assert by_command.live == Generation(shown["url"], shown["token"])
        assert (2, [1]) == (shown["generation"], shown["earlier"])
        assert "   FLUX_HOOK_TOKEN  ***\n" in by_command.instructed.result

    def test_status_says_that_a_sender_is_waited_for(self, by_command: ByCommand) -> None:
        """For as long as an older generation is there."""
        assert (2, [1]) == (row(by_command.waiting)["live"], row(by_command.waiting)["retained"])
        assert ["its sender may call an older generation; rotate --finish retires it"] == (
            row(by_command.waiting)["problems"]
        )

    def test_finish_retires_it(self, by_command: ByCommand) -> None:
        """And nobody has to be told of anything."""
        assert 0 == by_command.finished.returncode, by_command.finished.said
        assert [] == by_command.finished.result["by_hand"]
        assert ["by-command-g2"] == by_command.after_finish

    def test_revoke_cuts_off_what_is_called(self, by_command: ByCommand) -> None:
        """It says so before, and the sender is refused until it is told."""
        assert 0 == by_command.revoked.returncode, by_command.revoked.said
        assert (
            "all deliveries are refused until its sender has the new URL and token"
            in by_command.revoked.said
        )
        assert ["by-command-g3"] == by_command.after_revoke
        assert [] == row(by_command.status)["problems"]
