"""Modules stay small, say why they exist, and mean what `__all__` says."""

import ast
import importlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("kubectl_mesh", "simulator")
MODULE_LINES = 400
FUNCTION_LINES = 40
CALLED_FROM_OUTSIDE = frozenset({"__getattr__", "pytest_addoption", "pytest_configure", "pytest_assertrepr_compare"})
"""What Python and pytest call."""
FORBIDDEN = frozenset({"utils", "util", "helpers", "helper", "common", "misc"})


def modules() -> list[Path]:
    """Return every module of the packages."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def name_of(path: Path) -> str:
    """Return a path as the project names it."""
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return every function in a tree."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_module_is_small_and_says_why(path: Path) -> None:
    """A module opens with its reason, fits its limit, and has a name that says something."""
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "no docstring"
    assert text.count("\n") <= MODULE_LINES
    assert path.stem not in FORBIDDEN
    code = {node.name: _lines(node) for node in functions(tree)}
    assert not {name: lines for name, lines in code.items() if lines > FUNCTION_LINES}


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function's body, its docstring left out."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def declaring_all() -> list[Path]:
    """Return the modules that list their public names."""
    return [path for path in modules() if "\n__all__" in path.read_text()]


def test_all_names_what_is_public() -> None:
    """Where a module declares `__all__`, it lists exactly the names it defines or offers."""
    for path in declaring_all():
        dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        module = importlib.import_module(dotted)
        assert sorted(module.__all__) == list(module.__all__)
        assert all(hasattr(module, name) for name in module.__all__), dotted


def test_what_is_defined_is_used() -> None:
    """A function or class that no module mentions but its own definition is dead; decorators register theirs."""
    words = Counter(word for path in modules() for word in re.findall(r"\w+", path.read_text()))
    dead = [
        f"{name_of(path)}: {node.name}"
        for path in modules()
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if words[node.name] == 1 and not node.decorator_list and node.name not in CALLED_FROM_OUTSIDE
    ]
    assert not dead


def test_nothing_committed_names_a_machine() -> None:
    """No source names a path of the machine it was written on."""
    marks = ("/work" + "/", "/tmp" + "/", "/home" + "/")
    sources = [path for path in modules() if any(mark in path.read_text() for mark in marks)]
    assert not [name_of(path) for path in sources]
