"""Reads kong.yml; the one file that needs PyYAML, which comes with the extra `standin`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kong_federation.errors import FederationError
from kong_federation.errors.codes import CONFIGURATION_INVALID


def read_yaml(path: Path) -> Any:
    """
    What a YAML file holds.

    Raises:
        FederationError: CONFIGURATION_INVALID: PyYAML is not installed, or the file cannot be read.
    """
    yaml = _library()
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FederationError(CONFIGURATION_INVALID, f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FederationError(CONFIGURATION_INVALID, f"{path}: {error}") from error
    except yaml.YAMLError as error:
        raise FederationError(CONFIGURATION_INVALID, f"{path}: {_place(error)}") from error


def parse_yaml(text: str) -> Any:
    """
    What a text in YAML says.

    Raises:
        FederationError: CONFIGURATION_INVALID: PyYAML is not installed, or it is not YAML; with line and column.
    """
    yaml = _library()
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise FederationError(CONFIGURATION_INVALID, _place(error)) from error


def _library() -> Any:
    try:
        import yaml  # noqa: PLC0415 - guards the optional extra
    except ImportError as error:
        message = "reading kong.yml needs PyYAML: pip install 'kong-federation[standin]'"
        raise FederationError(CONFIGURATION_INVALID, message) from error
    return yaml


def _place(error: Any) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"{mark.line + 1}:{mark.column + 1}: {error.problem}" if mark else str(error)
