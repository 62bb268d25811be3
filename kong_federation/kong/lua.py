"""
Kong's schema as a Lua file: `schema.lua`, for control planes that run no query command (Konnect).

The file is one table and no code: such a control plane loads it without `require`, so it cannot lean on Kong's
`typedefs`. What the table says is what the dump says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kong_federation import __version__
from kong_federation.kong.schema import PLUGIN_NAME, plugin_schema

_HEAD = f"""\
-- The schema of Kong's plugin {PLUGIN_NAME}, version {__version__}.
-- Printed by `kong-federation schema --format lua`; not to be edited.

"""

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_WORDS = frozenset(
    {"and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if"}
) | frozenset({"in", "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while"})
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\0": "\\0"}


def lua_schema() -> str:
    """The file."""
    return f"{_HEAD}return {lua_literal(plugin_schema())}\n"


def lua_literal(value: Any, indent: str = "") -> str:
    """
    A value as a Lua expression.

    Args:
        value: JSON without null, which Lua's tables cannot hold.
        indent: Of the line it starts on.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return f'"{"".join(_ESCAPES.get(letter, letter) for letter in value)}"'
        case dict():
            items = [f"{_key(name)} = {lua_literal(inner, indent + '  ')}" for name, inner in value.items()]
        case _:
            items = [lua_literal(inner, indent + "  ") for inner in value]
    if not items:
        return "{}"
    short = f"{{ {', '.join(items)} }}"
    if len(indent) + len(short) <= 100 and "\n" not in short:
        return short
    return "{\n" + "".join(_lines(items, indent)) + indent + "}"


def _lines(items: list[str], indent: str) -> Iterator[str]:
    for item in items:
        yield f"{indent}  {item},\n"


def _key(name: str) -> str:
    return name if _NAME.fullmatch(name) and name not in _WORDS else f'["{name}"]'
