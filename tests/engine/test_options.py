"""A component's options and a project's settings that could break a rotation, and must not."""

import json
from collections.abc import Callable
from typing import Any

from sandbox.sandbox import Sandbox
from tests.app import App, Receiver, changes
from tests.engine.test_rotation import steps
from tests.faults.rotation import outcome
from tests.faults.table import Row, Section, told

# A GitHub write takes a second: what depends on it shows whether it waited.
OPTIONS = """\
import json
from pathlib import Path

import pulumi
import pulumi_github as github
import pulumi_kubernetes as kubernetes

from fluxhooks import WebhookReceiver

name, args = json.loads(Path("args.json").read_text())
given = json.loads(Path("providers.json").read_text())
cluster = kubernetes.Provider("cluster", kubeconfig=pulumi.Output.secret(given["kubeconfig"]))
forge = github.Provider(
    "forge",
    base_url=given["base_url"],
    owner=given["owner"],
    token=pulumi.Output.secret(given["token"]),
)
first = github.RepositoryWebhook(
    "first",
    repository=given["repository"],
    events=["push"],
    configuration={"url": "https://localhost:1/first", "content_type": "json"},
    opts=pulumi.ResourceOptions(provider=forge),
)
outer = pulumi.ComponentResource(
    "tests:index:Outer",
    "outer",
    {},
    pulumi.ResourceOptions(providers=[cluster, forge], protect=True, retain_on_delete=True),
)
WebhookReceiver(name, args, pulumi.ResourceOptions(parent=outer, depends_on=[first]))
"""

RENAMED = """\
import json
import os
from pathlib import Path

import pulumi

from fluxhooks import WebhookReceiver

name, args = json.loads(Path("args.json").read_text())
old, name = name, os.environ.get("NEW_NAME", name)
aliases = [pulumi.Alias(name=old)] if name != old else []
WebhookReceiver(name, args, pulumi.ResourceOptions(aliases=aliases))
"""


def test_a_protecting_parent_explicit_providers_and_verbatim_names_do_not_break_a_rotation(
    sandbox: Sandbox, make_app: Callable[..., App], row: Row
) -> None:
    """Retired generations go though the parent protects its children, and old names stay apart."""
    app = make_app("options", program=OPTIONS)
    sandbox.github.create_repository("options-first")
    given = {
        "base_url": sandbox.github.base_url,
        "kubeconfig": sandbox.cluster.kubeconfig.read_text(),
        "owner": sandbox.github.owner,
        "repository": "options-first",
        "token": sandbox.github.token,
    }
    (app.stack.directory / "providers.json").write_text(json.dumps(given))
    # Only the explicit providers know the way.
    for variable in ("GITHUB_BASE_URL", "GITHUB_OWNER", "GITHUB_TOKEN", "KUBECONFIG"):
        del app.stack.environment[variable]
    app.stack.run("config", "set", "--path", "pulumi:autonaming.mode", "verbatim")

    first = app.up()
    assert changes(first)[0] == "create RepositoryWebhook first"
    assert _names(app) == ["options-g1"]

    rotation = app.up(generation=2)
    assert changes(rotation) == steps("options", 1, 2)
    assert _names(app) == ["options-g2"]
    assert app.probe(app.hook()) == 200

    resources = {r["urn"].rpartition("::")[2]: r for r in _resources(app)}
    assert resources["options-webhook"]["provider"].partition("::forge::")[1]
    assert resources["options-g2"]["provider"].partition("::cluster::")[1]
    assert [
        resources[name].get("protect", False) for name in ("options-webhook", "options-g2")
    ] == [True, False]
    row(
        Section.OPTIONS,
        "`protect` and `retain_on_delete` inherited from a parent, with names `verbatim`",
        outcome(rotation),
        told(app.up()),
    )


def test_a_component_that_is_renamed_and_rotated_at_once_drains_and_loses_nothing(
    make_app: Callable[..., App], row: Row
) -> None:
    """With an alias, the component's own outputs are found under its new name."""
    app = make_app("old-name", program=RENAMED)
    app.up()
    before = app.hook()
    app.stack.environment["NEW_NAME"] = "new-name"
    run = app.up(generation=2)
    assert changes(run) == [
        "create RandomPassword new-name-g2-token",
        "create Secret new-name-g2-token",
        "create Receiver new-name-g2",
        "update RepositoryWebhook new-name-webhook",
        "delete Receiver old-name-g1",
        "delete Secret old-name-g1-token",
        "delete RandomPassword old-name-g1-token",
    ]
    expected = "new-name: the webhook points at generation 2; older ones answer for 1 s more"
    assert expected in [text for _, text in run.diagnostics]
    assert app.hook().id == before.id
    assert app.probe(app.hook()) == 200
    row(
        Section.OPTIONS,
        "a rename with `aliases`, and a rotation, in one update",
        outcome(run),
        told(app.up()),
    )


def _names(app: App) -> list[str]:
    labels = {"fluxhooks/component": app.name}
    return [found.metadata.name for found in app.client.list(Receiver, labels=labels)]


def _resources(app: App) -> list[dict[str, Any]]:
    resources: list[dict[str, Any]] = app.stack.state()["deployment"]["resources"]
    return resources
