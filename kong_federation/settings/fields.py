"""
The vocabulary settings are declared in.

A record of settings is a frozen dataclass. The type of a field and its metadata are all that is known of it, and
everything else is derived from them: how a configuration is read (`parse`), Kong's schema (`kong.schema`), the JSON
Schema (`json_schema`) and the documentation (`reference`).

    bool, int, float, str   a value; with `| None` it may be absent
    tuple[str, ...]         an array of strings
    a dataclass             a nested record, never absent: its fields have defaults
    tuple[a dataclass, ...] an array of records

Metadata, in Kong's words; for an array of strings all but the two lengths are about its elements:

    about           one or two sentences
    unit, between   of a number: what it counts, and its bounds, both allowed
    one_of          the strings that are allowed
    not_one_of      the strings that are not, in any case (upper or lower)
    match, err      a pattern that means the same to Lua, Python and JSON Schema, and the sentence for what does not fit
    len_min         fewest bytes of a string (1 unless said), fewest elements of an array
    len_max         most bytes of a string, most elements of an array
    referenceable   Kong resolves `{vault://...}` in it
    encrypted       a secret: Kong stores it encrypted where it can

Rules between fields are a class variable `CHECKS` of the record, see `checks`.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

Kind = Literal["boolean", "integer", "number", "string", "strings", "record", "records"]


@dataclass(frozen=True, slots=True)
class Field:
    """
    One field of a record.

    Args:
        name: As in the configuration.
        kind: What its value is.
        required: Whether it must be given: it has no default and may not be absent.
        default: The value if it is absent; for records and required fields None.
        record: The nested dataclass of a record or an array of records.
        rules: The metadata, see the module.
    """

    name: str
    kind: Kind
    required: bool
    default: Any
    record: type | None
    rules: Mapping[str, Any]

    @property
    def about(self) -> str:
        """What it is for, as declared."""
        return str(self.rules["about"])

    @property
    def is_array(self) -> bool:
        """Whether it holds any number of elements."""
        return self.kind in {"strings", "records"}


_SCALARS: dict[object, Kind] = {bool: "boolean", int: "integer", float: "number", str: "string"}


@cache
def fields_of(record: type) -> tuple[Field, ...]:
    """The fields of a record of settings, in order."""
    hints = typing.get_type_hints(record)
    return tuple(_field(declared, hints[declared.name]) for declared in dataclasses.fields(record))


def in_any_case(word: str) -> str:
    """
    A pattern for a word in upper, lower or mixed case, the same to Lua, Python and JSON Schema.

    Args:
        word: Of letters, digits and `-`.
    """
    letters = [f"[{letter.upper()}{letter.lower()}]" if letter.isalpha() else f"[{letter}]" for letter in word]
    return f"^{''.join(letters)}$"


def _field(declared: dataclasses.Field[Any], hint: Any) -> Field:
    kind, record = _kind(hint)
    required = declared.default is dataclasses.MISSING and declared.default_factory is dataclasses.MISSING
    default = None if required or kind == "record" else declared.default
    return Field(declared.name, kind, required, default, record, declared.metadata)


def _kind(hint: Any) -> tuple[Kind, type | None]:
    if typing.get_origin(hint) is types.UnionType:
        (hint,) = (member for member in typing.get_args(hint) if member is not types.NoneType)
    if hint in _SCALARS:
        return _SCALARS[hint], None
    if typing.get_origin(hint) is tuple:
        element = typing.get_args(hint)[0]
        return ("strings", None) if element is str else ("records", element)
    return "record", hint
