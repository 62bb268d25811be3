"""The modules that are compiled where the package is built with a C compiler at hand."""

import tomllib
from pathlib import Path

_WHEEL = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
COMPILED = _WHEEL["wheel"]["hooks"]["custom"]["modules"]
