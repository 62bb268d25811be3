"""How deep a JSON value is nested, without recursion."""

from __future__ import annotations

from typing import Any, Final

# Levels. The JSON writer refuses to go deeper than 254; an answer's own levels and a value's come together.
MAX_SCALAR_DEPTH: Final = 100


def too_deep(value: Any, limit: int = MAX_SCALAR_DEPTH) -> bool:
    """Tell whether lists and objects are nested more than `limit` levels."""
    level = [value] if type(value) in _CONTAINERS else []
    for _ in range(limit):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in _CONTAINERS
        ]
    return bool(level)


_CONTAINERS = frozenset((dict, list))
