"""Rules of the code that no linter knows."""

import ast
import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_LIBRARY = sorted((_ROOT / "fluxhooks").rglob("*.py"))
_COMPONENTS = sorted((_ROOT / "fluxhooks/components").rglob("*.py"))


def _parameters(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(_ROOT))) for path in paths]


@pytest.mark.parametrize("path", _parameters(_COMPONENTS))
def test_annotations_of_components_are_real_types(path: Path) -> None:
    """Pulumi's analyser reads them: neither postponed annotations nor Literal reach it whole."""
    imported = {
        (node.module, alias.name)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert set() == imported & {("__future__", "annotations"), ("typing", "Literal")}


@pytest.mark.parametrize("path", _parameters(_LIBRARY))
def test_no_resource_is_made_inside_an_apply(path: Path) -> None:
    """An unknown input would leave it out of the first preview."""
    tree = ast.parse(path.read_text())

    assert [] == [
        ast.unparse(call)
        for applied in _applied(tree)
        for call in ast.walk(applied)
        if isinstance(call, ast.Call) and _makes_a_resource(call)
    ]


def test_a_resource_made_inside_an_apply_would_be_found() -> None:
    """In a lambda, in a named function and in a method."""
    for program in (
        "x.apply(lambda v: pulumi_random.RandomPassword('a', length=v))",
        "def f(v):\n    return Receiver('a')\nx.apply(f)",
        "class A:\n    def f(self, v):\n        repository_webhook('a')\n    "
        "def g(self):\n        x.apply(self.f)",
    ):
        found = [
            call
            for applied in _applied(ast.parse(program))
            for call in ast.walk(applied)
            if isinstance(call, ast.Call) and _makes_a_resource(call)
        ]
        assert 1 == len(found)


_MAKERS = {
    "Generation",
    "HTTPRoute",
    "KubernetesObject",
    "Receiver",
    "ReceiverIngress",
    "ReceiverNetworkPolicy",
    "ReceiverSecret",
    "blackbox_probe",
    "generated_token",
    "pod_monitor",
    "probe_job",
    "project_or_group_webhook",
    "prometheus_rule",
    "repository_webhook",
    "webhook_at_forge",
}


def _makes_a_resource(call: ast.Call) -> bool:
    called = ast.unparse(call.func)
    return called in _MAKERS or called.startswith(
        ("pulumi_github.", "pulumi_gitlab.", "pulumi_random.")
    )


def _applied(tree: ast.Module) -> list[ast.AST]:
    functions = {
        node.name: node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    found: list[ast.AST] = []
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "apply"
        ):
            for argument in node.args:
                names = re.findall(r"\w+", ast.unparse(argument))
                found += [argument, *(functions[name] for name in names if name in functions)]
    return found


def test_every_module_says_what_it_is() -> None:
    """Its first line is one sentence that ends, or goes on to a list."""
    firsts = {
        str(path.relative_to(_ROOT)): (ast.get_docstring(ast.parse(path.read_text())) or "")
        .partition("\n\n")[0]
        .strip()
        for path in _LIBRARY
    }

    assert {} == {name: text for name, text in firsts.items() if not text.endswith((".", ":"))}


def test_nothing_that_is_shared_knows_a_machine() -> None:
    """No path of somebody's home and no scratch directory stands in a file of the project."""
    rooms = ("bench", "docs", "examples", "fluxhooks", "sandbox", "stacks", "tests")
    files = [
        path
        for path in [*_ROOT.glob("*"), *(f for room in rooms for f in (_ROOT / room).rglob("*"))]
        if path.is_file()
        and path.suffix
        in {"", ".go", ".json", ".md", ".mod", ".py", ".sh", ".toml", ".txt", ".yaml"}
        and path != Path(__file__).resolve()
    ]
    personal = re.compile(r"/(?:home|Users|root|work)/[\w.-]+|[A-Z]:\\Users")

    assert len(files) > 100
    assert {} == {
        str(path.relative_to(_ROOT)): found
        for path in files
        if (found := personal.findall(path.read_text(encoding="utf-8")))
    }
