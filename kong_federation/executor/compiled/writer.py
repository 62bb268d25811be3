"""Python text in the making: lines with their indentation, fresh names, and what the text refers to."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

OWN_NAME: Final = "$NAME"
"""What a function is called in its text until it has a name; nothing in GraphQL can be called so."""

# Python allows less than a hundred levels of indentation.
_MOST_LEVELS: Final = 90


class Names:
    """
    The global names of one program.

    Args:
        known: What every program may refer to.
    """

    def __init__(self, known: dict[str, Any]) -> None:
        self.values = dict(known)
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


class Writer:
    """The body of one function."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 1
        self._fresh = 0

    def __call__(self, line: str) -> None:
        """Write a line."""
        self._lines.append("    " * self._depth + line)

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
        before = len(self._lines)
        yield
        if len(self._lines) == before:
            self("pass")
        self._depth -= 1

    def fresh(self, stem: str) -> str:
        """A local name that no other place of the function has."""
        self._fresh += 1
        return f"{stem}{self._fresh}"

    def text(self, head: str) -> str:
        """The whole function; `head` is its first line."""
        return "\n".join([head, *(self._lines or ["    pass"]), ""])


class Functions:
    """
    The functions of one program, callees first. Functions of equal text are one.

    Args:
        most: How many there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._names: dict[str, str] = {}

    @property
    def texts(self) -> list[str]:
        """Their texts."""
        return [text.replace(OWN_NAME, name) for text, name in self._names.items()]

    def names_with(self, part: str) -> list[str]:
        """The names of those whose text, but for the name, has some part."""
        return [name for text, name in self._names.items() if part in text]

    def add(self, write: Writer, arguments: Sequence[str]) -> str:
        """
        Add a function of `S` and more arguments.

        Returns:
            Its name; within its text it is called `OWN_NAME`.

        Raises:
            TooManyError: There are too many.
        """
        text = write.text(f"def {OWN_NAME}({', '.join(['S', *arguments])}):")
        name = self._names.get(text)
        if name is None:
            if len(self._names) >= self._most:
                raise TooManyError("functions")
            name = self._names[text] = f"p{len(self._names)}"
        return name


class TooManyError(Exception):
    """A program has too many of something; the text says what."""
