"""The alert rules, as Prometheus's own tool reads and evaluates them."""

import subprocess
from pathlib import Path

import pytest
import yaml

from sandbox.sandbox import REPOSITORY

RULES = REPOSITORY / "fluxhooks/components/monitor/alerts.yaml"
CASES = REPOSITORY / "examples/monitoring/alerts-test.yaml"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with the rules as a rule file has them, and the cases."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(yaml.safe_load(RULES.read_text())["spec"]))
    (tmp_path / "test.yaml").write_text(CASES.read_text())
    return tmp_path


def run(promtool: Path, *arguments: str, directory: Path) -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    return subprocess.run(
        [promtool, *arguments], cwd=directory, capture_output=True, text=True, check=False
    )


def test_the_rules_are_rules(promtool: Path, directory: Path) -> None:
    """Expressions, templates and labels."""
    done = run(promtool, "check", "rules", "--lint-fatal", "rules.yaml", directory=directory)

    assert (0, "") == (done.returncode, done.stderr), done.stdout


def test_they_fire_when_they_are_meant_to(promtool: Path, directory: Path) -> None:
    """And are silent where all is well, the monitor's own requests among it."""
    done = run(promtool, "test", "rules", "test.yaml", directory=directory)

    assert (0, "") == (done.returncode, done.stderr), done.stdout


def test_a_rule_that_does_not_fire_would_be_found(promtool: Path, directory: Path) -> None:
    """The tool is not pleased with everything."""
    rules = (directory / "rules.yaml").read_text()
    (directory / "rules.yaml").write_text(rules.replace("fluxhooks_up == 0", "fluxhooks_up == 2"))
    done = run(promtool, "test", "rules", "test.yaml", directory=directory)

    assert 1 == done.returncode
    assert "FluxhooksDown" in done.stdout + done.stderr
