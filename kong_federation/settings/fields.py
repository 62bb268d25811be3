"""
The vocabulary settings are declared in.

A record of settings is a frozen dataclass. The type of a field and its metadata are all that is known of it, and
everything else is derived from them: how a configuration is read (`parse`), Kong's schema (`kong.schema`) and the
documentation (`reference`).

    bool, int, float, str   a value; with `| None` it may be absent
    tuple[str, ...]         an array of strings
    a dataclass             a nested record, never absent: its fields have defaults
    tuple[a dataclass, ...] an array of records

Metadata: `about` (one or two sentences), `unit`, `between` (bounds, both allowed), `one_of`, `match` (a pattern that
means the same to Lua and to Python; for an array it is about the elements) with `err` for its sentence, `not_one_of`,
`len_max`, `referenceable` (Kong resolves `{vault://...}` in it). A record that needs exactly one of some fields names
them in a class variable `ONLY_ONE_OF`.
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


_SCALARS: dict[object, Kind] = {bool: "boolean", int: "integer", float: "number", str: "string"}


@cache
def fields_of(record: type) -> tuple[Field, ...]:
    """The fields of a record of settings, in order."""
    hints = typing.get_type_hints(record)
    return tuple(_field(declared, hints[declared.name]) for declared in dataclasses.fields(record))


def only_one_of(record: type) -> tuple[str, ...]:
    """The fields of which a record needs exactly one; empty if there is no such rule."""
    return tuple(getattr(record, "ONLY_ONE_OF", ()))


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
