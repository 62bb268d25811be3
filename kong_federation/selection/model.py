"""
Selection sets: the algebra in which field sets (`@key`, `@requires`, `@provides`) and operations are written.

Values are frozen and hashable, so that a selection can be the key of a memo. Arguments are canonical GraphQL text, so
that two spellings of one call are one selection.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Field:
    """
    One field.

    Args:
        name: The field's name (field sets have no aliases).
        arguments: Canonical text with its parentheses, such as `(limit: 3)`; empty without arguments.
        selections: What is selected below; empty for leaves.
    """

    name: str
    arguments: str = ""
    selections: SelectionSet = ()

    def __str__(self) -> str:
        """As in GraphQL."""
        inner = f" {{ {show(self.selections)} }}" if self.selections else ""
        return f"{self.name}{self.arguments}{inner}"


@dataclass(frozen=True, slots=True)
class InlineFragment:
    """`... on type_name { selections }`."""

    type_name: str
    selections: SelectionSet

    def __str__(self) -> str:
        """As in GraphQL."""
        return f"... on {self.type_name} {{ {show(self.selections)} }}"


Selection: TypeAlias = Field | InlineFragment
SelectionSet: TypeAlias = tuple[Selection, ...]


def show(selections: SelectionSet) -> str:
    """The selections as GraphQL text, without the outer braces."""
    return " ".join(map(str, selections))


def fields_on(selections: SelectionSet, names: Collection[str]) -> Iterator[Field]:
    """
    The fields that a selection has for an object.

    Args:
        selections: A selection set, maybe with inline fragments.
        names: The object's type and all its interfaces and unions.
    """
    for selection in selections:
        if isinstance(selection, Field):
            yield selection
        elif selection.type_name in names:
            yield from fields_on(selection.selections, names)


def narrow(selections: SelectionSet, field: str, names: Collection[str]) -> SelectionSet:
    """
    What a selection selects below a field of an object; `()` if it does not select the field or nothing below it.

    Args:
        selections: A selection set.
        field: The field's name; arguments do not matter.
        names: The object's type and all its interfaces and unions.
    """
    below: SelectionSet = ()
    for found in fields_on(selections, names):
        if found.name == field:
            below += found.selections
    return below
