"""
Python text in the making: lines with their indentation, fresh names, and what the text refers to.

A local name begins with `$` until its function is written out, so that a function can be written into its caller: what
is called at one place, or is short, costs no call.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

OWN_NAME: Final = "$NAME"
"""What a function is called in its text until it has a name; nothing in GraphQL can be called so."""

# Python allows less than a hundred levels of indentation, and twenty loops and `try`s inside each other.
_MOST_LEVELS: Final = 90
_MOST_BLOCKS: Final = 18

# Lines of a function that others are written into, so that it is soon compiled; and lines that may be written instead
# of calls to one function that is called at several places.
_LONG: Final = 250
_SHORT: Final = 100

_LOCAL: Final = re.compile(r"\$[a-z]+[0-9]+")
_TABLE: Final = re.compile(r"\bS\.((?:t|m_p)[0-9]+)\b")
_SET_TABLE: Final = re.compile(r"\bS\.(t[0-9]+) =")


class Names:
    """
    The global names of one program.

    Args:
        known: What every program may refer to.
    """

    def __init__(self, known: dict[str, Any]) -> None:
        # Item by item: in a dictionary that compiled code has put together, and in copies of it, the interpreter takes
        # no short cut to a name (decision 18).
        self.values = {name: value for name, value in known.items()}  # noqa: C416
        self._by_value: dict[tuple[str, Any], str] = {}

    def constant(self, stem: str, key: Any, value: Any) -> str:
        """
        A name for a value that the text refers to.

        Args:
            stem: What the name begins with.
            key: Hashable; equal keys have one name.
            value: What it stands for.
        """
        name = self._by_value.get((stem, key))
        if name is None:
            name = self._by_value[stem, key] = f"{stem}_{len(self._by_value)}"
            self.values[name] = value
        return name


@dataclass(frozen=True, slots=True)
class Call:
    """
    A line that calls a function.

    Args:
        target: The local name that its result is assigned to.
        name: Of the function.
        arguments: Local names.
    """

    target: str
    name: str
    arguments: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.target} = {self.name}({', '.join(['S', *self.arguments])})"


# A line and its indentation.
Line: TypeAlias = tuple[int, str | Call]


class Writer:
    """The body of one function."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._depth = 1
        self._fresh = 0

    def __call__(self, line: str | Call) -> None:
        """Write a line."""
        self.lines.append((self._depth, line))

    @contextlib.contextmanager
    def block(self, head: str) -> Iterator[None]:
        """
        Write what stands below a head such as `if x:`.

        Raises:
            TooManyError: There are too many levels.
        """
        if self._depth >= _MOST_LEVELS:
            raise TooManyError("levels")
        self(head)
        self._depth += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self("pass")
        self._depth -= 1

    def fresh(self, stem: str) -> str:
        """A local name that no other place of the function has."""
        self._fresh += 1
        return f"${stem}{self._fresh}"

    def text(self, head: str) -> str:
        """The whole function; `head` is its first line."""
        return _text(head, self.lines)


@dataclass(frozen=True, slots=True)
class _Function:
    """
    A function of `S` and more arguments.

    Args:
        name: Its name.
        arguments: Their local names.
        write: Its lines, without the last one.
        result: What it returns in the last line; empty if it must be called.
    """

    name: str
    arguments: tuple[str, ...]
    write: Writer
    result: str

    @property
    def head(self) -> str:
        """The first line."""
        return f"def {self.name}({', '.join(['S', *self.arguments])}):"


class Functions:
    """
    The functions of one program, callees first. Functions of equal text are one.

    Args:
        most: How many there may be.
        breathe: Called every now and then.
    """

    def __init__(self, most: int, breathe: Callable[[], None] = lambda: None) -> None:
        self._most = most
        self._breathe = breathe
        self._by_text: dict[str, _Function] = {}
        self._kept: set[str] = set()

    @property
    def texts(self) -> list[str]:
        """Their texts, without those that have been written into all their callers."""
        functions = {function.name: function for function in self._by_text.values()}
        uses = Counter(line.name for one in functions.values() for _, line in one.write.lines if isinstance(line, Call))
        called = set(self._kept)
        written: dict[str, list[Line]] = {}
        for name, function in functions.items():
            self._breathe()
            lines: list[Line] = []
            for depth, line in function.write.lines:
                if not isinstance(line, Call):
                    lines.append((depth, line))
                elif _may_inline(written[line.name], functions[line.name], uses[line.name], depth, lines):
                    lines.extend(_inlined(written[line.name], functions[line.name], function.write, line, depth))
                else:
                    called.add(line.name)
                    lines.append((depth, str(line)))
            written[name] = lines
        return [
            _text(one.head, [*written[name], *([(1, f"return {one.result}")] if one.result else ())], name)
            for name, one in functions.items()
            if name in called or not uses[name]
        ]

    def names_with(self, part: str) -> list[str]:
        """The names of those whose text, but for the name, has some part."""
        return [function.name for text, function in self._by_text.items() if part in text]

    def add(self, write: Writer, arguments: Sequence[str], result: str = "") -> str:
        """
        Add a function of `S` and more arguments.

        Args:
            write: Its lines.
            arguments: Local names.
            result: What it returns in the end, if it may be written into its callers.

        Returns:
            Its name; within its text it is called `OWN_NAME`.

        Raises:
            TooManyError: There are too many.
        """
        self._breathe()
        key = "\n".join([*(f"{depth} {line}" for depth, line in write.lines), *arguments, result])
        found = self._by_text.get(key)
        if found is None:
            if len(self._by_text) >= self._most:
                raise TooManyError("functions")
            found = self._by_text[key] = _Function(f"p{len(self._by_text)}", tuple(arguments), write, result)
        return found.name

    def keep(self, name: str) -> None:
        """Keep a function that is referred to in other ways than by `Call`."""
        self._kept.add(name)


def _may_inline(lines: Sequence[Line], function: _Function, uses: int, depth: int, before: Sequence[Line]) -> bool:
    """Whether a function can be written into a caller at some depth, and should."""
    return (
        bool(function.result)
        and (uses == 1 or uses * len(lines) <= _SHORT)
        and len(before) + len(lines) <= _LONG
        and max((one for one, _ in lines), default=0) + depth < _MOST_LEVELS
        and _blocks_at(before, depth) + _blocks(lines) < _MOST_BLOCKS
    )


def _inlined(lines: Sequence[Line], function: _Function, caller: Writer, call: Call, depth: int) -> Iterator[Line]:
    """A function's lines in the place of a call, with names that its caller does not have."""
    names = dict(zip(function.arguments, call.arguments, strict=True))

    def rename(found: re.Match[str]) -> str:
        name = found[0]
        if name not in names:
            names[name] = caller.fresh(name.strip("$0123456789"))
        return names[name]

    for inner, line in lines:
        yield depth + inner - 1, _LOCAL.sub(rename, str(line))
    yield depth, f"{call.target} = {_LOCAL.sub(rename, function.result)}"


def _is_block(line: str | Call) -> bool:
    return isinstance(line, str) and line.startswith(("for ", "try:"))


def _blocks(lines: Sequence[Line]) -> int:
    """How many loops and `try`s are inside each other."""
    return max((_blocks_at(lines[:number], depth) for number, (depth, _) in enumerate(lines)), default=0)


def _blocks_at(before: Sequence[Line], depth: int) -> int:
    """How many loops and `try`s are around what is written next at some depth."""
    found = 0
    for outer, line in reversed(before):
        if outer < depth:
            depth = outer
            found += _is_block(line)
    return found


def _text(head: str, lines: Sequence[Line], name: str = OWN_NAME) -> str:
    """A function as it is compiled. What it reads of `S` again and again has a local name."""
    texts = [line if isinstance(line, str) else str(line) for _, line in lines]
    tables: dict[str, None] = {}
    if any(map(_is_block, texts)):
        tables.update(dict.fromkeys(found for text in texts for found in _TABLE.findall(text)))
        for text in texts:
            for found in _SET_TABLE.findall(text):
                tables.pop(found, None)
        texts = [_TABLE.sub(lambda found: found[1] if found[1] in tables else found[0], text) for text in texts]
    body = [f"    {table} = S.{table}" for table in tables]
    body += ["    " * depth + text for (depth, _), text in zip(lines, texts, strict=True)]
    return "\n".join([head, *(body or ["    pass"]), ""]).replace(OWN_NAME, name).replace("$", "")


class TooManyError(Exception):
    """A program has too many of something; the text says what."""
