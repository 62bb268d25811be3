"""
What becomes of values on their way through Kong, which is written in Lua.

    from the wire    false is nothing (an absent field), null the string "NULL_VALUE", an empty list an empty table
    to the wire      nothing is null, a table with a first element is a List, any other a Struct
    as text          numbers as `%.14g`, so 2.0 is "2"

`None` stands for nil. Source: recorded exchanges of the shared context, and Kong 3.9.3's ProtoBuf flavour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class LuaError(Exception):
    """A PDK function that raises: the client gets 500, and Kong closes the plugin server's connection."""


def from_wire(value: Any) -> Any:
    """A decoded Value as Lua has it."""
    match value:
        case None:
            return "NULL_VALUE"
        case False:
            return None
        case Mapping():
            return {name: inner for name, inner in ((n, from_wire(v)) for n, v in value.items()) if inner is not None}
        case str() | float() | int():
            return value
        case Sequence():
            return _list([from_wire(inner) for inner in value])
    return value


def text(value: Any) -> str:
    """
    A header's or log line's value as text.

    Raises:
        LuaError: A table is no text.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.14g}"
    raise LuaError(f"expected a string, number or boolean, not {type(value).__name__}")


def header_values(name: str, value: Any) -> list[str]:
    """
    The values of a header that a plugin sets: one, or as many as a list holds; an empty one becomes a space.

    Raises:
        LuaError: It is neither text nor a list of strings.
    """
    if isinstance(value, list):
        if not all(isinstance(inner, str) for inner in value):
            raise LuaError(f'invalid header value in array "{name}": expected string')
        return [inner or " " for inner in value]
    if value is None or isinstance(value, dict):
        if value == {}:
            return []
        raise LuaError(f'invalid header value for "{name}": expected array of string, string, number or boolean')
    return [text(value) or " "]


def _list(values: list[Any]) -> Any:
    """A Lua table of list elements: empty ones are plain tables, and a hole ends what can be iterated."""
    if not values or values[0] is None:
        return {}
    return values[: values.index(None)] if None in values else values
