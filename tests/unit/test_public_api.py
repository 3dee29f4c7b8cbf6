"""What users import, and that it is all they import."""

import ast
import re
import types
from pathlib import Path

import pytest

import fluxhooks

_ROOT = Path(__file__).parents[2]


def test_public_names_are_sorted_and_listed_once() -> None:
    """The list is the package's table of contents."""
    assert sorted(set(fluxhooks.__all__)) == fluxhooks.__all__


def test_every_public_name_exists() -> None:
    """`from fluxhooks import *` works."""
    assert [] == [name for name in fluxhooks.__all__ if not hasattr(fluxhooks, name)]


def test_every_imported_name_is_public() -> None:
    """Nothing is reachable that is not promised."""
    names = {
        name
        for name, value in vars(fluxhooks).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }

    assert set(fluxhooks.__all__) == names


@pytest.mark.parametrize("name", fluxhooks.__all__)
def test_every_public_name_says_what_it_is(name: str) -> None:
    """With a docstring of its own, a sentence."""
    text = vars(fluxhooks)[name].__doc__ or ""

    assert re.match(r"[A-Z`].*[.,]", text.strip().splitlines()[0])


def _python_of_users() -> list[tuple[str, str]]:
    programs = [(str(path.relative_to(_ROOT)), path.read_text()) for path in _stacks()]
    for page in [_ROOT / "README.md", *sorted((_ROOT / "docs").rglob("*.md"))]:
        blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
        programs += [(f"{page.name} block {i}", block) for i, block in enumerate(blocks, 1)]
    return programs


def _stacks() -> list[Path]:
    return sorted((_ROOT / "stacks").rglob("*.py"))


@pytest.mark.parametrize(
    "program", [pytest.param(text, id=name) for name, text in _python_of_users()]
)
def test_programs_of_users_import_from_the_package_only(program: str) -> None:
    """What stands in the documentation and in stacks/ uses no inner module."""
    modules = {
        name
        for node in ast.walk(ast.parse(program))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert {"fluxhooks"} >= {name for name in modules if name.partition(".")[0] == "fluxhooks"}
