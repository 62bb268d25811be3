"""The demonstration's subgraphs, loaded afresh for each test."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("accounts", "products", "inventory", "reviews")


@pytest.fixture
def subgraphs(monkeypatch):
    """The four modules by name; each has a `schema`."""
    monkeypatch.syspath_prepend(str(EXAMPLES / "subgraphs"))
    modules = {}
    for name in NAMES:
        spec = importlib.util.spec_from_file_location(f"demo_{name}", EXAMPLES / "subgraphs" / f"{name}.py")
        modules[name] = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, modules[name])
        spec.loader.exec_module(modules[name])
    return modules
