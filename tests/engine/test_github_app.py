"""A GitHub App's credentials, and an Enterprise Server's address, through the real plugin."""

from collections.abc import Callable
from pathlib import Path

from sandbox.forges.github import GitHub
from tests.app import App
from tests.breadth.table import Breadth
from tests.command import Command


def test_an_app_provisions_and_rotates_at_an_enterprise_server(
    make_app: Callable[..., App], tmp_path: Path, breadth: Breadth
) -> None:
    """Plugin and command ask for an installation's token each; there is no other in sight.

    A stand-in of the plugin would not show which credentials it prefers, nor what it makes of an
    address with the API's path.
    """
    app = make_app("by-app")
    github = app.forge
    assert isinstance(github, GitHub)
    installed = github.install_app()
    app.leaks.know_token(installed.pem.splitlines()[5])
    del app.stack.environment["GITHUB_TOKEN"]
    app.stack.environment |= {
        "GITHUB_APP_ID": installed.id,
        "GITHUB_APP_INSTALLATION_ID": installed.installation_id,
        "GITHUB_APP_PEM_FILE": installed.pem,
        "GITHUB_BASE_URL": f"{github.base_url}api/v3/",
    }
    before = len(github.requests)

    made = app.up()
    again = app.up()
    rotated = Command(app, tmp_path)("rotate", app.name, "--yes", "--json")

    assert "create RepositoryWebhook by-app-webhook" in made.changes
    assert ([], []) == (again.changes, again.diagnostics)
    assert 0 == rotated.returncode, rotated.said
    assert {True} == {check["ok"] for check in rotated.result["checks"]}
    tokens = f"/app/installations/{installed.installation_id}/access_tokens"
    asked = [r.status for r in github.requests[before:] if r.path.endswith(tokens)]
    # Three runs of the plugin, and the command.
    assert ({201}, True) == (set(asked), len(asked) >= 4)
    breadth(
        type="github",
        forge="GitHub repository, with an App's credentials, at an Enterprise Server",
        secret="generated",
        against="a rotation by the command, GitHub is a stand-in",
    )
