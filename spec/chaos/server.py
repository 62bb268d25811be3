"""
The real plugin server, whose gateways can be told to kill their processes (`mortal.py`).

    python -m spec.chaos.server serve --socket PATH ...
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType, SimpleNamespace

from kong_federation.cli import __main__ as command
from kong_federation.cli import serve


def _import(name: str) -> ModuleType:
    """What the command imports when it is ready to, with another gateway."""
    module = importlib.import_module(name)
    module.Gateway = importlib.import_module("spec.chaos.mortal").Mortal  # type: ignore[attr-defined]
    return module


if __name__ == "__main__":
    serve.importlib = SimpleNamespace(import_module=_import)  # type: ignore[assignment]
    sys.exit(command.main())
