"""The ready program of ``stacks/``: settings that are missing or wrong, and the Automation API."""

import secrets
from collections.abc import Callable

import pulumi.automation as auto

from sandbox.sandbox import Sandbox
from tests.app import App, changes, errors


def test_missing_settings_are_named_with_the_commands_that_set_them(
    make_app: Callable[..., App],
) -> None:
    """All at once, before anything is registered."""
    run = make_app("unset", program=None).preview(check=False)
    assert errors(run) == [
        "fluxhooks:host: field required; pulumi config set host flux.example.com\n"
        "fluxhooks:receivers: field required; pulumi config set --path "
        "'receivers.app.repository' app && pulumi config set --path "
        "'receivers.app.sources[0].name' app"
    ]


def test_wrong_settings_are_named_with_the_commands_that_mend_them(
    make_app: Callable[..., App],
) -> None:
    """The place, what is wrong there, and the cure."""
    app = make_app("wrong", program=None)
    app.stack.set_all(
        {
            "host": "flux.example.com",
            "inteval": "1h",
            "receivers.wrong.repo": "wrong",
            "receivers.wrong.sources[0].name": "wrong",
        }
    )
    assert errors(app.preview(check=False)) == [
        "fluxhooks:receivers.wrong.repo: no such setting; pulumi config rm --path "
        "'receivers.wrong.repo'\n"
        "fluxhooks:inteval: no such setting, did you mean 'interval'?; pulumi config rm --path "
        "'inteval'"
    ]


def test_the_automation_api_runs_it_as_well(sandbox: Sandbox, make_app: Callable[..., App]) -> None:
    """What the command line does, a program can do; secrets stay secret there too."""
    app = make_app("automated", program=None)
    stack = auto.select_stack(
        app.name,
        work_dir=str(app.stack.directory),
        opts=auto.LocalWorkspaceOptions(
            env_vars=app.stack.environment,
            pulumi_command=auto.PulumiCommand(str(sandbox.home.path)),
        ),
    )
    for key, value in {
        "host": sandbox.ingress.host,
        "receivers.automated.repository": "automated",
        "receivers.automated.sources[0].name": "automated",
    }.items():
        stack.set_config(key, auto.ConfigValue(value), path=True)
    result = stack.up(on_output=lambda line: app.leaks.read("the Automation API's output", line))
    assert (result.summary.result, result.summary.resource_changes) == ("succeeded", {"create": 6})
    assert app.probe(app.hook()) == 200


def test_a_token_in_the_configuration_is_a_secret_everywhere(
    sandbox: Sandbox, make_app: Callable[..., App]
) -> None:
    """One secret among a receiver's settings makes the whole structure secret, and no mock says so.

    What is read of it is neither in the engine's output, nor in state, history and event logs;
    it rotates together with the number, and a wrong one is not shown.
    """
    app = make_app("configured", program=None)
    first, second = secrets.token_hex(16), secrets.token_hex(16)
    app.stack.set_all(
        {
            "host": sandbox.ingress.host,
            "receivers.configured.drain": "0s",
            "receivers.configured.repository": "configured",
            "receivers.configured.sources[0].name": "configured",
        }
    )
    give(app, f"{first}\n{second}")
    (refused,) = errors(app.preview(check=False))
    give(app, first)
    app.up()
    before = app.hook().secret
    give(app, second)
    alone = app.up(check=False)
    app.stack.set_all({"generations.configured.live": "2"})
    app.up()

    assert "token: has a line break" in refused
    assert [] == changes(alone)
    assert (first, second) == (before, app.hook().secret)
    assert 200 == app.probe(app.hook())


def give(app: App, token: str) -> None:
    """Set a token as the README says; the scan for leaks knows it."""
    app.leaks.know_token(token)
    for line in token.splitlines():
        app.leaks.know_token(line)
    path = f"receivers.{app.name}.token"
    app.stack.run("config", "set", "--secret", "--path", path, token, "--stack", app.name)
