"""
Looking things up in tables, and arithmetic as the audit's resolvers know it.

The audit's resolvers are JavaScript, and some answers show it: an absent value prints as `undefined` and makes a sum
not a number, null counts as 0. `ABSENT` stands for a key that is not there, which None does not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

Row = dict[str, Any]
Tables = dict[str, Any]

ABSENT: Final = object()
_NUMERAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def find(rows: Iterable[Row], **wanted: Any) -> Row | None:
    """The first row that has all these values; an absent or null value finds nothing."""
    for row in rows:
        if all(same(row.get(key), value) for key, value in wanted.items()):
            return row
    return None


def same(left: Any, right: Any) -> bool:
    """Whether two key values are the same: `"1"` is not 1, true is not 1, and nothing is the same as null."""
    if left is None or right is None or isinstance(left, bool) is not isinstance(right, bool):
        return False
    return left == right


def pick(row: Row | None, *names: str) -> Row | None:
    """The row with only these properties, as far as it has them."""
    return None if row is None else {name: row[name] for name in names if name in row}


def by(key: str, rows: Iterable[Row], *names: str) -> Callable[[Row], Row | None]:
    """A reference resolver: the row whose `key` is the representation's, with these properties (none named: all)."""

    def resolve(representation: Row) -> Row | None:
        row = find(rows, **{key: representation.get(key)})
        return pick(row, *names) if names else row

    return resolve


def number(value: Any) -> float:
    """The value as a number: null is 0, what is absent or says no number is NaN."""
    match value:
        case None:
            return 0
        case bool() | int() | float():
            return value
        case str() if not value.strip():
            return 0
        case str() if _NUMERAL.fullmatch(value.strip()):
            return float(value)
        case _:
            return math.nan


def text(value: Any) -> str:
    """The value inside a built string: absent is `undefined`, null `null`, whole numbers have no decimal point."""
    if value is ABSENT:
        return "undefined"
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float() if math.isnan(value):
            return "NaN"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)


def kept(representation: Row, *names: str) -> Row:
    """These properties of the representation, if it has every one of them (null counts), else none."""
    return {name: representation[name] for name in names} if all(name in representation for name in names) else {}
