"""
Lua patterns as Python regular expressions.

Kong's schema language writes `match` and its kin as Lua patterns. They have no alternation and no groups worth a
name, so all of them but `%b` and `%f` have an equal regular expression. Bytes above 127 are in no class.

Source: Lua 5.1 reference manual, section 5.4.1.
"""

from __future__ import annotations

import re
from functools import lru_cache

_CLASSES = {
    "a": "A-Za-z",
    "c": "\\x00-\\x1f\\x7f",
    "d": "0-9",
    "l": "a-z",
    "p": "!-/:-@\\[-`{-~",
    "s": "\\t-\\r ",
    "u": "A-Z",
    "w": "A-Za-z0-9",
    "x": "A-Fa-f0-9",
}

_REPEATS = {"*": "*", "+": "+", "?": "?", "-": "*?"}


@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """
    A Lua pattern, compiled.

    Raises:
        ValueError: The pattern is malformed or uses `%b` or `%f`.
    """
    out = []
    at = 0
    if pattern.startswith("^"):
        out.append("\\A")
        at = 1
    while at < len(pattern):
        if pattern[at] in "()":
            out.append(pattern[at])
            at += 1
            continue
        if pattern[at] == "$" and at == len(pattern) - 1:
            out.append("\\Z")
            break
        single, at = _single(pattern, at)
        if at < len(pattern) and pattern[at] in _REPEATS:
            single += _REPEATS[pattern[at]]
            at += 1
        out.append(single)
    try:
        return re.compile("".join(out), re.DOTALL)
    except re.error as error:
        raise ValueError(f"malformed Lua pattern {pattern!r}") from error


def _single(pattern: str, at: int) -> tuple[str, int]:
    """One single-character class, and the place after it."""
    match pattern[at]:
        case ".":
            return ".", at + 1
        case "%":
            return _escaped(pattern, at + 1), at + 2
        case "[":
            return _set(pattern, at + 1)
        case character:
            return re.escape(character), at + 1


def _escaped(pattern: str, at: int) -> str:
    if at >= len(pattern):
        raise ValueError(f"malformed Lua pattern {pattern!r}: it ends with %")
    character = pattern[at]
    if character.lower() in _CLASSES and character.isalpha():
        members = _CLASSES[character.lower()]
        return f"[^{members}]" if character.isupper() else f"[{members}]"
    if character.isalnum():
        raise ValueError(f"Lua pattern {pattern!r}: %{character} has no equal regular expression")
    return re.escape(character)


def _set(pattern: str, at: int) -> tuple[str, int]:
    negated = pattern.startswith("^", at)
    at += negated
    members = []
    first = True
    while first or not pattern.startswith("]", at):
        if at >= len(pattern):
            raise ValueError(f"malformed Lua pattern {pattern!r}: a set is not closed")
        first = False
        if pattern[at] == "%":
            members.append(_member(pattern, at + 1))
            at += 2
        elif pattern[at + 1 : at + 2] == "-" and pattern[at + 2 : at + 3] not in {"]", ""}:
            members.append(f"{re.escape(pattern[at])}-{re.escape(pattern[at + 2])}")
            at += 3
        else:
            members.append(re.escape(pattern[at]))
            at += 1
    return f"[{'^' if negated else ''}{''.join(members)}]", at + 1


def _member(pattern: str, at: int) -> str:
    """A class or escaped character inside a set."""
    if at < len(pattern) and pattern[at].islower() and pattern[at] in _CLASSES:
        return _CLASSES[pattern[at]]
    if at < len(pattern) and not pattern[at].isalnum():
        return re.escape(pattern[at])
    raise ValueError(f"Lua pattern {pattern!r}: this class has no equal inside a set")
