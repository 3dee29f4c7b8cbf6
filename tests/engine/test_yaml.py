"""A program in YAML makes, proves and rotates as one in Python does, through the real engine."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.load import Load, Tally
from sandbox.stack import Run
from tests.app import App, Receiver, changes, errors, remarks
from tests.breadth.table import Breadth
from tests.command import Command

RATE = 20.0
"""Deliveries a second."""

DRAIN = 5.0
QUEUED = 3.0
"""Seconds; what is queued when the webhook is repointed still goes to the old URL."""

# Known only when it was made, as what another resource of the program tells.
_LATER: dict[str, Any] = {
    "config": {"token": {"type": "string", "secret": True}},
    "resources": {
        "later": {"type": "random:RandomShuffle", "properties": {"inputs": ["in-yaml"]}},
        "number": {"type": "random:RandomInteger", "properties": {"min": 6, "max": 6}},
    },
    "variables": {
        "targets": {"fn::secret": [{"kind": "GitRepository", "name": "${later.results[0]}"}]},
    },
}


@dataclass(frozen=True)
class Rotated:
    """Generation 5 to 6, and what was tried before and after."""

    app: App
    first: Run
    preview: Run
    run: Run
    tally: Tally
    unchanged: Run
    tokens: tuple[str, str]


@pytest.fixture(scope="class")
def rotated(make_app: Callable[..., App]) -> Rotated:
    """With a token and targets that only the engine knows, and numbers as YAML has them."""
    app = make_app("in-yaml", runtime="yaml")
    app.beside = _LATER
    tokens = secrets.token_hex(16), secrets.token_hex(16)
    _set_token(app, tokens[0])
    first = app.up(
        drain=f"{DRAIN:g}s",
        generation=5,
        resources="${targets}",
        token="${token}",
        type="github",
    )
    _set_token(app, tokens[1])
    preview = app.preview(generation=6.0)
    with Load(app.sandbox.github, app.name, rate=RATE, queued=QUEUED) as load:
        time.sleep(1)
        run = app.up(generation=6.0)
        time.sleep(1)
    return Rotated(app, first, preview, run, load.tally, app.up(), tokens)


def _set_token(app: App, token: str) -> None:
    app.leaks.know_token(token)
    app.stack.run("config", "set", "--secret", "token", token, "--stack", app.stack.name)


class TestAProgramInYaml:
    def test_a_rotation_under_load_loses_nothing(self, rotated: Rotated, breadth: Breadth) -> None:
        """Proof, catch-up and drain wait in the plugin, and hold the update open."""
        assert (0, True) == (rotated.tally.lost, rotated.tally.sent > 100), str(rotated.tally)
        breadth(
            type="github",
            forge="GitHub repository",
            secret="given",
            against="a rotation under load from a YAML program, GitHub is a stand-in",
        )

    def test_its_steps_are_those_of_a_program_in_python(self, rotated: Rotated) -> None:
        """6.0 is the generation 6; what is retired goes last, when the drain is over."""
        steps = [
            "create Secret in-yaml-g6-token",
            "create Receiver in-yaml-g6",
            "update RepositoryWebhook in-yaml-webhook",
            "delete Receiver in-yaml-g5",
            "delete Secret in-yaml-g5-token",
        ]
        assert (steps, steps) == (changes(rotated.preview), changes(rotated.run))
        at = {str(step): step.at for step in rotated.run.steps}
        assert at[steps[3]] - at[steps[2]] >= DRAIN - 1

    def test_the_next_up_does_nothing(self, rotated: Rotated) -> None:
        """What arrives is the same in every run."""
        assert ([], []) == (rotated.unchanged.changes, remarks(rotated.unchanged))

    def test_the_receiver_is_what_the_program_said(self, rotated: Rotated) -> None:
        """An enum, and targets that were not known when the program ran."""
        (receiver,) = rotated.app.client.list(
            Receiver, labels={"fluxhooks/component": rotated.app.name}
        )
        assert ("github", [{"kind": "GitRepository", "name": "in-yaml"}]) == (
            receiver.spec["type"],
            [{key: found[key] for key in ("kind", "name")} for found in receiver.spec["resources"]],
        )

    def test_secrets_stay_secret_on_the_way_to_the_plugin_and_back(self, rotated: Rotated) -> None:
        """The given token, and what is made of it: path and URL, in state, output and logs.

        The state names outputs as that of a program in Python does, and the command reads both.
        """
        app = rotated.app
        assert rotated.tokens[1] == app.hook().secret
        assert app.hook().url == app.stack.outputs()["hook_url"]
        (component,) = (
            found
            for found in app.stack.state()["deployment"]["resources"]
            if found["type"] == "fluxhooks:index:WebhookReceiver"
        )
        assert {"hook_path", "hook_url", "token"} == {
            key
            for key, value in component["outputs"].items()
            if isinstance(value, dict) and "ciphertext" in value
        }
        assert 6 == component["outputs"]["generation"]
        assert {"a hook path", "a token", "a token in base64"} <= app.leaks.kinds
        assert [] == app.scan()

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            pytest.param(
                {"generation": "${number.result}"},
                "generation: is an Output; it must be known when the program runs",
                id="an Output as generation",
            ),
            pytest.param(
                {"generation": 6.5}, "generation: 6.5 is not a whole number", id="half a generation"
            ),
        ],
    )
    def test_what_cannot_be_is_refused_before_anything_is_made(
        self, rotated: Rotated, wrong: dict[str, Any], message: str
    ) -> None:
        """In one line, with the argument's name in the program, and no traceback."""
        app, before = rotated.app, dict(rotated.app.args)
        refused = app.up(check=False, **wrong)
        app.args = before

        assert ([], True) == (changes(refused), refused.returncode != 0)
        found = f"fluxhooks:index:WebhookReceiver resource 'in-yaml' has a problem: {message}"
        assert [found] == errors(refused)
        assert "Traceback" not in refused.output


def test_the_command_rotates_a_stack_of_a_program_in_yaml(
    make_app: Callable[..., App], tmp_path: Path
) -> None:
    """Which generation is live, the plugin reads in the stack's configuration."""
    app = make_app("commanded", runtime="yaml")
    app.up()
    fluxhooks = Command(app, tmp_path)

    rotated = fluxhooks("rotate", "--yes", "--json")
    status = fluxhooks("status", "--json")

    assert (0, True) == (rotated.returncode, rotated.result["verified"]), rotated.said
    assert ["commanded-g2"] == app.receivers()
    assert 0 == status.returncode, status.said
    assert [] == app.up().changes
