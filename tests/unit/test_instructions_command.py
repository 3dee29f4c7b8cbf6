"""`fluxhooks instructions`: who is told what, and that secrets are shown only when asked for."""

import json
from typing import Any

import pytest

from fluxhooks.cli.app import main
from fluxhooks.flux.hook_path import hook_path
from fluxhooks.observe.state import (
    DeclaredGeneration,
    DeclaredReceiver,
    DeclaredWebhook,
    Scope,
    StackState,
)
from fluxhooks.operate.stack import PulumiStack

TOKEN = "a-token-that-is-asked-for"
PATH = hook_path(TOKEN, "nexus", "flux-system")
URL = f"https://flux.example.com{PATH}"


def declared(name: str, **changes: Any) -> DeclaredReceiver:
    """A WebhookReceiver with one generation."""
    given: dict[str, Any] = {
        "type": "nexus",
        "live": 1,
        "finished_url": URL,
        "generations": {1: DeclaredGeneration(number=1, token=TOKEN, path=PATH)},
        "managed": False,
    }
    return DeclaredReceiver(name=name, urn=f"urn:{name}", **{**given, **changes})


NEXUS = declared("nexus")
CI = declared(
    "ci",
    type="generic-hmac",
    live=2,
    generations={n: DeclaredGeneration(number=n, token=TOKEN, path=PATH) for n in (1, 2)},
)
APP = declared(
    "app",
    type="github",
    managed=True,
    webhook=DeclaredWebhook(scope=Scope("github", "repository", "acme/app"), id="17"),
)
BEGUN = declared("begun", live=None, finished_url="", generations={}, managed=True)


class Run:
    """The command, on a stack that is given."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, receivers: list[DeclaredReceiver], *arguments: str) -> tuple[int, str, str]:
        """Run it; return its exit code, standard output and standard error."""
        state = StackState(project="p", stack="prod", receivers={r.name: r for r in receivers})
        self._monkeypatch.setattr(PulumiStack, "export", lambda _: state)
        with pytest.raises(SystemExit) as exit_:
            main(("instructions", *arguments))
        shown = self._capsys.readouterr()
        if "--show-secrets" not in arguments:
            for secret in (TOKEN, PATH.removeprefix("/hook/")):
                assert secret not in shown.out + shown.err
        return int(exit_.value.code or 0), shown.out, " ".join(shown.err.split())


@pytest.fixture(name="run")
def _run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(monkeypatch, capsys)


def test_secrets_are_hidden_and_how_they_are_seen_is_said(run: Run) -> None:
    """The page is complete without them: it can be shown to a colleague."""
    code, shown, said = run([NEXUS], "prod")

    assert (0, "URL and token are hidden; --show-secrets prints them") == (code, said)
    assert (
        """\
nexus: a Receiver of the type nexus, generation 1

## Sonatype Nexus

1. Nexus › Administration › Capabilities › Create capability › Webhook: Repository
   Repository   the one whose components are pushed
   Event Types  component
   URL          https://flux.example.com/hook/***
   Secret Key   ***

Mind:
- Without a Secret Key nothing is signed, and each delivery is answered 400.
- It has no test and no log of deliveries: push something, and look with fluxhooks doctor or at \
the source.
- One capability is one repository's.
See https://help.sonatype.com/en/enabling-a-repository-webhook-capability.html

fluxhooks probe prod nexus tells whether a delivery would be taken.

"""
        == shown
    )


def test_secrets_are_shown_when_they_are_asked_for(run: Run) -> None:
    """Ready to be pasted."""
    code, shown, said = run([NEXUS], "prod", "nexus", "--show-secrets")

    assert (0, "") == (code, said)
    assert f"   URL          {URL}\n   Secret Key   {TOKEN}\n" in shown


def test_a_rotation_says_what_changes_and_how_it_ends(run: Run) -> None:
    """The generation before is kept for as long as that takes."""
    _, shown, _ = run([CI], "prod", "--sender", "shell")

    assert (
        "Where it calls an earlier generation: Change both variables at once\n"
        "   FLUX_HOOK_URL    https://flux.example.com/hook/***\n"
        "   FLUX_HOOK_TOKEN  ***\n"
    ) in shown
    assert ("Generation 1 is kept meanwhile; then: fluxhooks rotate prod ci --finish\n\n") == shown[
        -len("Generation 1 is kept meanwhile; then: fluxhooks rotate prod ci --finish\n\n") :
    ]


def test_of_several_senders_one_can_be_chosen(run: Run) -> None:
    """Else all of the type are shown, each with the option that chooses it."""
    _, every, _ = run([CI], "prod", "ci")
    _, chosen, _ = run([CI], "prod", "ci", "--sender", "gitlab-ci")

    assert [
        "## Anything that can sign a body (--sender shell)",
        "## GitHub Actions (--sender github-actions)",
        "## GitLab CI (--sender gitlab-ci)",
    ] == [line for line in every.splitlines() if line.startswith("##")]
    assert [
        "## GitLab CI",
    ] == [line.partition(" (")[0] for line in chosen.splitlines() if line.startswith("##")]


def test_what_the_stack_tells_itself_is_left_out(run: Run) -> None:
    """Unless it is asked for by name."""
    _, shown, _ = run([APP, BEGUN, CI, NEXUS], "prod", "--json")
    code, out, _ = run([APP], "prod")

    assert ["ci", "nexus"] == [each["name"] for each in json.loads(shown)["receivers"]]
    assert (0, "prod: nothing to paste; no sender of it is told by hand\n") == (code, out)


def test_json_has_all_of_it(run: Run) -> None:
    """Codes and fields as they are, and secrets by the same rule."""
    _, hidden, _ = run([NEXUS], "prod", "--json")
    _, shown, _ = run([NEXUS], "prod", "--json", "--show-secrets")

    (receiver,) = json.loads(hidden)["receivers"]
    assert ("https://flux.example.com/hook/***", "***") == (receiver["url"], receiver["token"])
    (receiver,) = json.loads(shown)["receivers"]
    assert {
        "name": "nexus",
        "type": "nexus",
        "generation": 1,
        "earlier": [],
        "url": URL,
        "token": TOKEN,
        "events": [],
    } == {key: value for key, value in receiver.items() if key != "senders"}
    (sender,) = receiver["senders"]
    assert {"sender", "title", "steps", "rotated", "mind", "documentation"} == set(sender)
    assert {"text", "fields", "code", "language"} == set(sender["steps"][0])
    assert {"URL": URL, "Secret Key": TOKEN} == sender["rotated"]["fields"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ("app",),
            "error: NAME: app: the stack makes its webhook at acme/app, so there is nothing to "
            "paste",
            id="its webhook is made",
        ),
        pytest.param(
            ("begun",),
            "error: NAME: begun: no generation of it is live yet; pulumi up makes one",
            id="nothing is live",
        ),
        pytest.param(
            ("web",),
            "error: NAME: 'web' is no WebhookReceiver of the stack prod; it has: app, begun, ci, "
            "nexus",
            id="no such name",
        ),
        pytest.param(
            ("nexus", "--sender", "shell"),
            "error: --sender: 'shell' is no sender to these WebhookReceivers; known are nexus",
            id="another type's sender",
        ),
        pytest.param(
            ("--sender", "artifactory"),
            "error: --sender: 'artifactory' is no sender to these WebhookReceivers; known are "
            "github-actions, gitlab-ci, nexus, shell",
            id="no such sender",
        ),
    ],
)
def test_what_is_refused(run: Run, arguments: tuple[str, ...], message: str) -> None:
    """With what would be right."""
    assert (2, "", message) == run([APP, BEGUN, CI, NEXUS], "prod", *arguments)
