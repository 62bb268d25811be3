"""
Rules between the fields of one record, by the names that Kong's schema language has for them.

A record lists its rules in a class variable `CHECKS`. A rule looks at what was given, so the fields it names have no
defaults. An empty string or array counts as not given, as in Kong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class OnlyOneOf:
    """Exactly one of some fields."""

    names: tuple[str, ...]

    @property
    def text(self) -> str:
        """The rule, after the words "the record"."""
        return f"needs exactly one of {', '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class AtLeastOneOf:
    """One or more of some fields."""

    names: tuple[str, ...]

    @property
    def text(self) -> str:
        """The rule, after the words "the record"."""
        return f"needs at least one of {', '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class MutuallyExclusive:
    """None or one of some fields."""

    names: tuple[str, ...]

    @property
    def text(self) -> str:
        """The rule, after the words "the record"."""
        return f"takes only one of {', '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class Conditional:
    """
    A field that is needed when another has one of some values.

    Args:
        if_field: A field of strings that is required or given.
        one_of: Its values that make the other field necessary.
        then_field: The field that is needed then.
    """

    if_field: str
    one_of: tuple[str, ...]
    then_field: str

    @property
    def text(self) -> str:
        """The rule, after the words "the record"."""
        return f"needs {self.then_field} where {self.if_field} is {' or '.join(self.one_of)}"


Check = OnlyOneOf | AtLeastOneOf | MutuallyExclusive | Conditional


def checks_of(record: type) -> tuple[Check, ...]:
    """The rules between the fields of a record of settings."""
    return tuple(getattr(record, "CHECKS", ()))


def is_kept(check: Check, given: Mapping[str, Any]) -> bool:
    """
    Whether what was given keeps a rule.

    Args:
        check: The rule.
        given: The record as it was written, defaults not filled in.
    """
    match check:
        case OnlyOneOf(names):
            return _count(names, given) == 1
        case AtLeastOneOf(names):
            return _count(names, given) >= 1
        case MutuallyExclusive(names):
            return _count(names, given) <= 1
        case Conditional(if_field, one_of, then_field):
            return given.get(if_field) not in one_of or _count((then_field,), given) == 1


def _count(names: tuple[str, ...], given: Mapping[str, Any]) -> int:
    return sum(given.get(name) not in (None, "", [], {}) for name in names)
