"""What the README shows is what there is."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

import fluxhooks
from fluxhooks import WebhookReceiver
from fluxhooks.components.args import WebhookReceiverArgs
from stacks.settings import Settings
from tests.unit.recording_engine import RecordingEngine

_ROOT = Path(__file__).parents[2]
_README = (_ROOT / "README.md").read_text()


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", _README, re.DOTALL | re.MULTILINE)


def _set_by_commands(block: str) -> dict[str, Any]:
    # What `pulumi config set [--path] KEY VALUE` leaves in the stack's configuration.
    settings: dict[str, Any] = {}
    pattern = r"^\$ pulumi config set (?:--path )?'?([^\s']+)'? (\S+)"
    for key, value in re.findall(pattern, block, re.MULTILINE):
        place: Any = settings
        parts = [int(p) if p.isdigit() else p for p in re.findall(r"[^.\[\]]+", key)]
        for part, following in zip(parts, [*parts[1:], None], strict=True):
            if following is None:
                leaf: Any = int(value) if value.isdigit() else value
                place[part] = leaf
            elif isinstance(place, list):
                place.append([] if isinstance(following, int) else {})
                place = place[-1]
            else:
                place = place.setdefault(part, [] if isinstance(following, int) else {})
    return settings


def _first_run() -> dict[str, Any]:
    (block,) = [block for block in _blocks("console") if "stack init" in block]
    return _set_by_commands(block)


def test_the_commands_and_the_file_say_the_same() -> None:
    """Whoever types the commands has the file that is shown."""
    (shown,) = _blocks("yaml")
    settings = _first_run()
    owner = settings.pop("github:owner")

    assert yaml.safe_load(shown)["config"] == {
        "github:owner": owner,
        **{f"fluxhooks:{key}": value for key, value in settings.items()},
    }


def test_the_commands_are_settings_that_work() -> None:
    """The ready program takes them."""
    settings = _first_run()
    del settings["github:owner"]

    assert ["app"] == list(Settings.model_validate(settings).receivers)


def test_the_command_that_rotates_is_the_one_the_component_reads() -> None:
    """Its key and value reach the component as the live generation."""
    (block,) = [block for block in _blocks("console") if "generations." in block]

    assert {"generations": {"app": {"live": 2}}} == _set_by_commands(block)


@pytest.mark.parametrize(
    "program", [pytest.param(b, id=str(i)) for i, b in enumerate(_blocks("python"))]
)
def test_the_programs_run(program: str) -> None:
    """A reader who copies one provisions a webhook."""
    engine = RecordingEngine().run(lambda: exec(compile(program, "README.md", "exec"), {}))

    assert 1 == len(engine.named("Webhook"))


def test_the_table_of_arguments_is_complete() -> None:
    """Every argument is in it once, and nothing else."""
    table = _README[_README.index("| argument |") : _README.index("Outputs: ")]
    firsts = re.findall(r"^\| (`[^|]*`) \|", table, re.MULTILINE)
    named = [name for cell in firsts for name in re.findall(r"`(\w+)`", cell)]

    assert sorted(WebhookReceiverArgs.__annotations__) == sorted(named)


def test_the_list_of_outputs_is_complete() -> None:
    """Every output is named."""
    (line,) = re.findall(r"^Outputs: .*$", _README, re.MULTILINE)

    assert sorted(WebhookReceiver.__annotations__) == sorted(re.findall(r"`(\w+)`", line))


def test_every_make_target_that_is_named_exists() -> None:
    """In the README and the contributing guide."""
    targets = set(re.findall(r"^([a-z-]+):", (_ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = _README + (_ROOT / "CONTRIBUTING.md").read_text()

    assert set() == set(re.findall(r"`?make ([a-z-]+)", pages)) - targets


def test_links_to_files_lead_somewhere() -> None:
    """Relative links of the pages at the top."""
    for page in sorted(_ROOT.glob("*.md")):
        links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())

        assert [] == [link for link in links if not (_ROOT / link).exists()]


def test_the_version_is_the_newest_of_the_changelog() -> None:
    """A release and its description belong together."""
    version = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]["version"]
    changes = (_ROOT / "CHANGELOG.md").read_text()

    assert version == re.findall(r"^## \[([^\]]+)\]", changes, re.MULTILINE)[0]


def test_docstrings_name_arguments_that_exist() -> None:
    """An ``Args:`` section that was left behind by a change is worse than none."""
    stale = []
    for path in sorted((_ROOT / "fluxhooks").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            text = ast.get_docstring(node) or ""
            section = re.search(r"^Args:\n((?:    .*\n?|\n)+)", text, re.MULTILINE)
            documented = re.findall(r"^    ([\w, ]+):", section[1], re.MULTILINE) if section else []
            names = {name.strip() for part in documented for name in part.split(",")}
            given = {
                argument.arg
                for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            }
            stale += [f"{path.name}:{node.name}:{name}" for name in sorted(names - given)]

    assert [] == stale


def test_the_package_is_the_one_of_this_checkout() -> None:
    """Tests of an installed older copy would prove nothing."""
    assert (_ROOT / "fluxhooks").resolve() == Path(fluxhooks.__file__).parent.resolve()
    assert issubclass(WebhookReceiver, pulumi.ComponentResource)
