"""Where two JSON values differ, in sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any


def differences(expected: Any, actual: Any, path: str = "data") -> Iterator[str]:
    """
    Each place where the values differ; nothing if they are equal.

    Keys have no order, list items have one; numbers are equal by value, but true is not 1.

    Args:
        expected: What should be there.
        actual: What is there.
        path: What the values are called.
    """
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            if key in actual:
                yield from differences(value, actual[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}: expected {shown(value)}, but it is missing"
        for key in actual.keys() - expected.keys():
            yield f"{path}.{key}: nobody asked for it, got {shown(actual[key])}"
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"{path}: expected {len(expected)} items, got {len(actual)}"
        for index, (left, right) in enumerate(zip(expected, actual, strict=False)):
            yield from differences(left, right, f"{path}.{index}")
    elif isinstance(expected, bool) is not isinstance(actual, bool) or expected != actual:
        yield f"{path}: expected {shown(expected)}, got {shown(actual)}"


def layout(value: Any) -> Any:
    """The keys of a value at all depths, in their order."""
    if isinstance(value, dict):
        return [(key, layout(below)) for key, below in value.items()]
    return [layout(item) for item in value] if isinstance(value, list) else None


def shown(value: Any, width: int = 120) -> str:
    """The value as JSON, cut to a width in characters."""
    line = json.dumps(value, ensure_ascii=False)
    return line if len(line) <= width else f"{line[:width]}..."
