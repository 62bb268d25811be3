"""
Leaves: which JSON values are values of which scalar (GraphQL specification, 3.5, Result Coercion).

A custom scalar may be anything, but not nested deeper than can be written again. Floats are `Number`s where the fetch
was exact, and leave as they came; one that no double can hold is not a Float (section 3.5.2).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from math import isfinite
from typing import Any, Final

from kong_federation.executor.depth import too_deep
from kong_federation.executor.exact import Number
from kong_federation.plan.nodes import Leaf, LeafKind

MAX_INT: Final = 2**31 - 1
MIN_INT: Final = -(2**31)
MAX_FLOAT: Final = sys.float_info.max


class UNLIKE:
    """The JSON type of no value: every value needs a look."""


def compile_leaf(leaf: Leaf) -> tuple[type, Callable[[Any], Any]]:
    """
    Compile a leaf.

    Returns:
        The JSON type whose values are right as they are, and a function for all other values but null; it gives None
        for those that do not fit.
    """
    match leaf.kind:
        case LeafKind.INT:
            return UNLIKE, _int
        case LeafKind.FLOAT:
            return UNLIKE, _float
        case LeafKind.STRING | LeafKind.TYPENAME:
            return str, _none
        case LeafKind.BOOLEAN:
            return bool, _none
        case LeafKind.ID:
            return str, _id
        case LeafKind.ENUM:
            values = frozenset(leaf.values)
            return UNLIKE, lambda value: value if type(value) is str and value in values else None
        case LeafKind.CUSTOM:
            # Most custom scalars are strings (dates, decimals, URLs).
            return str, _custom


def _int(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and MIN_INT <= value <= MAX_INT else None


def _float(value: Any) -> float | None:
    if type(value) is int:
        return value if -MAX_FLOAT <= value <= MAX_FLOAT else None
    return value if isinstance(value, float) and isfinite(value) else None


def _id(value: Any) -> str | None:
    if type(value) is int:
        return str(value)
    return value.text if type(value) is Number and value.is_whole else None


def _custom(value: Any) -> Any:
    return None if too_deep(value) else value


def _none(_value: Any) -> None:
    return None
