"""The command says what it does, what it refuses, and never a secret."""

from typing import Final

import pytest

from fluxhooks.cli import screen
from fluxhooks.cli.app import main
from fluxhooks.flux.hook_path import UNKNOWN_PATH

VERBS: Final = (
    "coverage",
    "instructions",
    "monitor",
    "probe",
    "prune",
    "report",
    "rotate",
    "status",
)


def run(*arguments: str) -> int:
    """Run the command and return its exit code."""
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    code = exit_.value.code
    return code if isinstance(code, int) else 0


def test_the_verbs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Without arguments, and in words."""
    run()
    shown = capsys.readouterr()

    assert [] == [verb for verb in VERBS if f"  {verb} " not in shown.out + shown.err]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example_and_its_exit_codes(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In its help."""
    assert 0 == run(verb, "--help")
    text = " ".join(capsys.readouterr().out.split())

    assert f"Example: fluxhooks {verb} prod" in text
    assert "Exit codes: 0 done, or nothing to do; 1 failed" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ("--older-than", "3m"),
            "error: --older-than: '3m' is not a period; use days or weeks, as in '90d' or '12w'",
            id="period",
        ),
        pytest.param(
            ("--lock-timeout", "long"),
            "Error: Invalid value for --lock-timeout: 'long' is not a duration such as '30s'",
            id="duration",
        ),
        pytest.param(
            ("--back", "--revoke"),
            "Error: Invalid value for --revoke: does not go with --back",
            id="two ways",
        ),
        pytest.param(
            ("dev", "app", "--all"),
            "Error: Invalid value for --all: goes without names",
            id="all and one",
        ),
        pytest.param(
            ("--older-than", "9d", "--finish"),
            "Error: Invalid value for --older-than: does not go with --finish",
            id="age and end",
        ),
    ],
)
def test_wrong_usage_is_said(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the exit code for it, and before anything is started."""
    assert 2 == run("rotate", *arguments)
    assert message in " ".join(capsys.readouterr().err.split())


def test_what_is_printed_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    """Results, complaints and progress alike."""
    screen.show(f"https://flux.example.com{UNKNOWN_PATH}")
    screen.complain(f"no {UNKNOWN_PATH}")
    screen.show_json({"path": UNKNOWN_PATH})
    screen.show_table(("PATH",), [(UNKNOWN_PATH,)])
    shown = capsys.readouterr()

    assert "0" * 64 not in shown.out + shown.err
    assert 3 == shown.out.count("/hook/***")
    assert "error: no /hook/***\n" == shown.err


def test_a_complaint_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever it quotes."""
    screen.complain("first\n  second")

    assert "error: first second\n" == capsys.readouterr().err


def test_markup_in_a_text_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Names and reasons come from elsewhere."""
    screen.show("resources[0] [red]x[/red]")
    screen.show_table(("A",), [("[bold]x",)])

    assert "resources[0] [red]x[/red]\nA      \n[bold]x\n" == capsys.readouterr().out
