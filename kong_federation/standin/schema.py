"""
Kong's schema language: fill what is missing, then check, as Kong does when it loads a configuration.

Filling comes first and follows four rules, which Kong's own loader has:

1. a field that is absent gets its default; without one it becomes null, or stays absent when it is required;
2. a required record that is absent is filled from the defaults of its fields;
3. a record that is given, or an element of a list that is one, is filled likewise;
4. a set loses what it holds twice.

`complete` does both and finds every mistake, each with its path. What a plugin is handed has no nulls in it:
`without_nulls` is the second half of the way through Kong, which stores nulls and leaves them out when it loads.

Source: recorded configurations (no recorded one holds a null), https://developer.konghq.com/custom-plugins/schema.lua/
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kong_federation.standin.schema_rules import ENTITY_RULES, VALUE_RULES, broken_rule
from kong_federation.standin.vault import is_reference

Field = Mapping[str, Any]

_ABSENT = object()

# Attributes that say nothing about whether a value fits.
_SILENT = {
    "default",
    "deprecation",
    "description",
    "elements",
    "encrypted",
    "entity_checks",
    "err",
    "examples",
    "fields",
    "keys",
    "reference",
    "referenceable",
    "required",
    "type",
    "values",
}
_KNOWN = _SILENT | VALUE_RULES.keys()

_TYPES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "string": (str, "expected a string"),
    "number": ((int, float), "expected a number"),
    "integer": ((int, float), "expected an integer"),
    "boolean": (bool, "expected a boolean"),
    "array": (list, "expected an array"),
    "set": (list, "expected a set"),
    "map": (dict, "expected a map"),
    "record": (dict, "expected a record"),
    "any": (object, ""),
    "foreign": (object, ""),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One mistake.

    Args:
        path: Where, dotted, with places in arrays in brackets (from 1).
        problem: What, in Kong's words.
        whole: Whether it is about several fields of the record at the path, not about one value.
    """

    path: str
    problem: str
    whole: bool = False

    def __str__(self) -> str:
        """The form for people."""
        return f"{self.path}: {self.problem}"


def complete(record: Field, given: Mapping[str, Any], path: str) -> tuple[dict[str, Any], list[Finding]]:
    """
    Fill a record and check it.

    Args:
        record: A definition with `fields` (each a mapping of one name to one field) and perhaps `entity_checks`.
        given: What the operator wrote.
        path: Where it stands, for the findings.

    Returns:
        The filled record, and what is wrong with it; with findings it must not be used.
    """
    filled = _fill_record(record, given)
    return filled, list(_check_record(record, filled, path))


def without_nulls(field: Field, value: Any) -> Any:
    """A complete value as a plugin is handed it: no field of a record is null, and whole numbers are integers."""
    kind = field["type"]
    if kind == "record" and isinstance(value, Mapping):
        fields = dict(_each(field))
        return {name: without_nulls(fields[name], inner) for name, inner in value.items() if inner is not None}
    if kind in {"array", "set"} and isinstance(value, list):
        return [without_nulls(field["elements"], inner) for inner in value]
    if kind == "map" and isinstance(value, Mapping):
        return {name: without_nulls(field["values"], inner) for name, inner in value.items()}
    # Lua has one type of number and writes 2.0 as 2.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def uncheckable(record: Field, path: str) -> list[Finding]:
    """What a schema asks for that cannot be checked here; Kong's schema language is larger than the stand-in."""
    found = [
        Finding(path, f"the entity check {name!r} is not known to the stand-in")
        for check in record.get("entity_checks", ())
        for name in check
        if name not in ENTITY_RULES
    ]
    for name, field in _each(record):
        found += _uncheckable_field(field, f"{path}.{name}")
    return found


def _uncheckable_field(field: Field, path: str) -> list[Finding]:
    found = [
        Finding(path, f"the schema's {name!r} is not known to the stand-in") for name in field if name not in _KNOWN
    ]
    kind = field.get("type")
    if kind is not None and kind not in _TYPES:
        found.append(Finding(path, f"the schema's type {kind!r} is not known to the stand-in"))
    if kind == "record":
        found += uncheckable(field, path)
    for part in ("elements", "keys", "values"):
        if part in field:
            found += _uncheckable_field(field[part], f"{path}.{part}")
    return found


def _each(record: Field) -> Iterator[tuple[str, Field]]:
    for entry in record["fields"]:
        yield from entry.items()


def _fill_record(record: Field, given: Mapping[str, Any]) -> dict[str, Any]:
    filled = dict(given)
    for name, field in _each(record):
        value = _fill(field, filled.get(name, _ABSENT))
        if value is not _ABSENT:
            filled[name] = value
    return filled


def _fill(field: Field, value: Any) -> Any:
    kind = field.get("type")
    if kind == "record":
        if value is _ABSENT and field.get("required"):
            value = copy.deepcopy(field.get("default", {}))
        if isinstance(value, Mapping):
            return _fill_record(field, value)
    elif isinstance(value, list) and kind in {"array", "set"}:
        value = [_fill(field["elements"], element) for element in value]
        return _distinct(value) if kind == "set" else value
    elif isinstance(value, Mapping) and kind == "map":
        return {name: _fill(field["values"], inner) for name, inner in value.items()}
    if value is not _ABSENT:
        return value
    if field.get("default") is not None:
        return copy.deepcopy(field["default"])
    return _ABSENT if field.get("required") else None


def _distinct(values: Sequence[Any]) -> list[Any]:
    return [value for place, value in enumerate(values) if value not in values[:place]]


def _check_record(record: Field, value: Mapping[str, Any], path: str) -> Iterator[Finding]:
    fields = dict(_each(record))
    before = 0
    for name in value:
        if name not in fields:
            before += 1
            yield Finding(f"{path}.{name}", "unknown field")
    for name, field in fields.items():
        for finding in _check(field, value.get(name), f"{path}.{name}"):
            before += 1
            yield finding
    if before:
        return  # Kong runs the checks between fields only on a record whose fields are right.
    unknown = {name for name, field in fields.items() if field.get("referenceable") and is_reference(value.get(name))}
    for check in record.get("entity_checks", ()):
        for name, argument in check.items():
            if not unknown.isdisjoint(_compared(argument)):
                continue
            broken = ENTITY_RULES[name](value, argument)
            if broken is not None:
                yield Finding(path, broken, whole=True)


def _compared(argument: Sequence[str] | Mapping[str, Any]) -> Sequence[str]:
    """The fields that a check between fields looks at."""
    return [argument["if_field"], argument["then_field"]] if isinstance(argument, Mapping) else argument


def _check(field: Field, value: Any, path: str) -> Iterator[Finding]:
    kind = field["type"]
    if value is not None:
        expected, problem = _TYPES[kind]
        if not isinstance(value, expected) or _disguised(kind, value):
            yield Finding(path, problem)
            return
        inner = list(_check_inside(field, kind, value, path))
        if inner:
            yield from inner
            return
        if kind == "string" and field.get("referenceable") and is_reference(value):
            return  # whatever it stands for is not known yet
        if kind == "string" and "len_min" not in field:
            field = {**field, "len_min": 1}  # Kong accepts an empty string only where the schema says so.
    broken = broken_rule(field, value)
    if broken is not None:
        yield Finding(path, field.get("err", broken) if value is not None else broken)


def _disguised(kind: str, value: Any) -> bool:
    """A value that Python takes for the type and Lua does not."""
    if kind in {"number", "integer"} and isinstance(value, bool):
        return True
    return kind == "integer" and isinstance(value, float) and not value.is_integer()


def _check_inside(field: Field, kind: str, value: Any, path: str) -> Iterator[Finding]:
    if kind == "record":
        yield from _check_record(field, value, path)
    elif kind in {"array", "set"}:
        elements = {**field["elements"], "required": True} if kind == "set" else field["elements"]
        for place, element in enumerate(value, 1):
            yield from _check(elements, element, f"{path}[{place}]")
    elif kind == "map":
        for name, element in value.items():
            yield from _check({**field["keys"], "required": True}, name, f"{path}.{name}")
            yield from _check({**field["values"], "required": True}, element, f"{path}.{name}")
