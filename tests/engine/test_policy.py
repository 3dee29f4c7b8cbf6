"""The policy pack of this checkout, started by the engine over a program in YAML."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.stack import Run
from tests.app import App, changes, remarks

PACK = Path(__file__).parents[2] / "policy"


class Checked:
    """An app whose updates go through the pack."""

    def __init__(self, app: App, pack: Path) -> None:
        self.app = app
        self.pack = pack
        self.settings = pack / "settings.json"
        self.settings.write_text("{}")
        app.stack.environment |= app.sandbox.home.environment_for_policies()

    @property
    def flags(self) -> tuple[str, ...]:
        pack, settings = str(self.pack), str(self.settings)
        return ("--policy-pack", pack, "--policy-pack-config", settings)

    def violated(self, run: Run) -> list[str]:
        """The policies that a run was stopped by or warned of."""
        names = (
            "receivers-target-sources",
            "no-generic-on-a-public-host",
            "webhook-urls-are-https",
            "webhooks-have-a-secret",
            "intervals-fit",
        )
        return [name for name in names if name in run.output]


@pytest.fixture(scope="class")
def checked(make_app: Callable[..., App], tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """The pack is copied: its virtual environment, which it names, is that of the tests."""
    pack = tmp_path_factory.mktemp("policy") / "pack"
    shutil.copytree(PACK, pack, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    (pack / ".venv").symlink_to(sys.prefix, target_is_directory=True)
    return Checked(make_app("checked", runtime="yaml"), pack)


class TestThePolicyPack:
    def test_it_stops_a_preview_of_what_must_not_be(self, checked: Checked) -> None:
        """With the policy, the resource and the cure, and before anything is made."""
        resources = [{"kind": "Kustomization", "name": "checked"}]
        before = dict(checked.app.args)
        del checked.app.args["github"]
        run = checked.app.preview(*checked.flags, check=False, type="generic", resources=resources)
        checked.settings.write_text(
            json.dumps(
                {
                    "no-generic-on-a-public-host": {"privateHost": True},
                    "receivers-target-sources": "advisory",
                }
            )
        )
        loosened = checked.app.preview(*checked.flags)
        checked.app.args = before

        assert run.returncode != 0
        assert ["receivers-target-sources", "no-generic-on-a-public-host"] == checked.violated(run)
        assert "its type is generic: it takes whatever anybody sends" in run.output
        assert "it names Kustomization checked, which follows its source" in run.output
        assert ["receivers-target-sources"] == checked.violated(loosened)

    def test_it_lets_pass_what_a_component_makes(self, checked: Checked) -> None:
        """Its webhook has https and a secret, which only the update knows; nothing is said."""
        preview = checked.app.preview(*checked.flags)
        made = checked.app.up(*checked.flags)

        assert ([], []) == (checked.violated(preview), remarks(preview))
        assert ([], []) == (checked.violated(made), remarks(made))
        assert "create RepositoryWebhook checked-webhook" in changes(made)
        assert "fluxhooks@v0.1.0" in made.output
