"""What the code must look like, as far as a program can tell."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compiled import COMPILED

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "kong_federation"
FILES = sorted(path for path in PACKAGE.rglob("*.py"))
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))

MOST_LINES = 500
MOST_LINES_OF_A_FUNCTION = 60
NO_NAMES = {"utils", "helpers", "common", "misc", "util"}
# The files that may import inside a function: each guards an optional extra or keeps `dump` quick.
LATE_IMPORTS = {"cli/__main__.py", "standin/yaml_file.py"}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_are_short_and_import_at_the_top(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)

    assert path.stem not in NO_NAMES
    assert text.count("\n") <= MOST_LINES
    for function in functions(tree):
        assert (function.end_lineno or 0) - function.lineno < MOST_LINES_OF_A_FUNCTION, function.name
        if str(path.relative_to(PACKAGE)) not in LATE_IMPORTS:
            inner = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
            assert not inner, f"{function.name} imports"
    assert "TYPE_CHECKING" not in text


@pytest.mark.parametrize("room", ROOMS)
def test_a_rooms_face_is_what_it_says(room: str) -> None:
    module = importlib.import_module(f"kong_federation.{room}")

    assert module.__doc__
    for name in module.__all__:
        assert hasattr(module, name), name


def test_the_root_re_exports_nothing() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())

    assert not [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize("module", COMPILED)
def test_what_is_compiled_awaits_nothing_while_it_handles_an_exception(module: str) -> None:
    """A compiled coroutine that is suspended there leaves its exception to whoever runs next (decision 18)."""
    waits = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Yield, ast.YieldFrom)
    tree = ast.parse((ROOT / module).read_text())
    for block in [node for node in ast.walk(tree) if isinstance(node, ast.Try)]:
        for part in (*block.handlers, *block.finalbody):
            assert not [node.lineno for node in ast.walk(part) if isinstance(node, waits)]
    # What these wait for when they are left with an exception does not suspend.
    for block in [node for node in ast.walk(tree) if isinstance(node, ast.AsyncWith)]:
        assert [ast.unparse(item.context_expr).split("(")[0] for item in block.items] == ["asyncio.timeout"]


@pytest.mark.parametrize("module", COMPILED)
def test_what_is_compiled_has_no_dataclass_with_slots(module: str) -> None:
    """It would be a class of its own beside the compiled one."""
    assert "slots=True" not in (ROOT / module).read_text()
