"""
Header fields in order, with the operations that nginx offers on them.

Names and values are latin-1 text, one character per byte, so that any byte survives. Names keep the case in which
they came and are compared without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


class HeaderList:
    """
    A list of header fields.

    Args:
        fields: Name and value in order.
    """

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = list(fields)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __repr__(self) -> str:
        return f"HeaderList({self._fields!r})"

    def first(self, name: str) -> str | None:
        """The first value of a field, or None."""
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> list[str]:
        """All values of a field, in order."""
        lower = name.lower()
        return [value for other, value in self._fields if other.lower() == lower]

    def grouped(self, most: int | None = None) -> dict[str, list[str]]:
        """
        Lower-case name to all its values.

        Args:
            most: How many fields are taken into account.
        """
        found: dict[str, list[str]] = {}
        for name, value in self._fields[:most]:
            found.setdefault(name.lower(), []).append(value)
        return found

    def put(self, name: str, values: Iterable[str]) -> None:
        """Replace a field by as many as there are values."""
        self.drop(name)
        self._fields += [(name, value) for value in values]

    def add(self, name: str, values: Iterable[str]) -> None:
        """Append to a field."""
        self.put(name, [*self.all(name), *values])

    def drop(self, name: str) -> None:
        """Remove all of a field."""
        lower = name.lower()
        self._fields = [field for field in self._fields if field[0].lower() != lower]
