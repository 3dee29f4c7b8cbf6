"""A program loads what it uses and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]

# Each costs more to load than all of fluxhooks.
_HEAVY = [
    "httpx",
    "pulumi_github",
    "pulumi_gitlab",
    "pulumi_kubernetes",
    "pulumi_random",
    "pydantic",
    "tenacity",
]

_GITHUB_PROGRAM = """
from tests.unit.program import program
from tests.unit.recording_engine import RecordingEngine
RecordingEngine().run(program())
"""

_GITLAB_PROGRAM = """
from tests.unit.program import program
from tests.unit.recording_engine import RecordingEngine
RecordingEngine().run(program(github=None, gitlab={"project": "acme/app"}))
"""


def _loaded(program: str) -> set[str]:
    # A child of our own: this interpreter has loaded everything already.
    shown = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport json, sys\nprint(json.dumps([*sys.modules]))"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return set(json.loads(shown))


@pytest.fixture(scope="module")
def github_program() -> set[str]:
    """Modules that a program with one GitHub webhook has loaded when it ends."""
    return _loaded(_GITHUB_PROGRAM)


@pytest.mark.parametrize("module", _HEAVY)
def test_importing_fluxhooks_loads_nothing_heavy(module: str, importing: set[str]) -> None:
    """Beside Pulumi's own SDK, importing it is nearly free."""
    assert "fluxhooks.components.webhook_receiver" in importing
    assert module not in importing


@pytest.fixture(scope="module")
def importing() -> set[str]:
    """Modules that `import fluxhooks` has loaded."""
    return _loaded("import fluxhooks")


@pytest.mark.parametrize("module", ["pulumi_github", "pulumi_random"])
def test_a_github_program_loads_its_own_providers(module: str, github_program: set[str]) -> None:
    """What is used is there, so that the next test can fail."""
    assert module in github_program


@pytest.mark.parametrize(
    "module", ["httpx", "pulumi_gitlab", "pulumi_kubernetes", "pydantic", "tenacity"]
)
def test_a_github_program_loads_nothing_of_others(module: str, github_program: set[str]) -> None:
    """No other forge, no SDK of Kubernetes, no HTTP client where nothing is repointed."""
    assert module not in github_program


def test_a_gitlab_program_loads_gitlabs_sdk_and_not_githubs() -> None:
    """Each forge is paid for by those who use it."""
    loaded = _loaded(_GITLAB_PROGRAM)

    assert "pulumi_gitlab" in loaded
    assert "pulumi_github" not in loaded
