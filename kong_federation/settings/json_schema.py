"""
The settings as a JSON Schema, for editors, pipelines and whoever keeps a `KongPlugin` under review.

It describes what stands under `config`. Null is allowed where a value may be absent, because Kong takes it for absent,
but not for a record, because Kong does not. Two things it cannot say: lengths are counted in characters here and in
bytes by Kong, and the plugin wants the names in an array to differ.

Source: https://json-schema.org/draft/2020-12, the dialect that editors know best.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from kong_federation.settings.checks import AtLeastOneOf, Check, Conditional, MutuallyExclusive, OnlyOneOf, checks_of
from kong_federation.settings.fields import Field, fields_of, in_any_case
from kong_federation.settings.model import Settings

_VAULT = "^\\{vault://.+\\}$"
_GIVEN: dict[str, Any] = {"not": {"enum": [None, "", [], {}]}}
_JSON_TYPES = {"boolean": "boolean", "integer": "integer", "number": "number", "string": "string"}


def json_schema(record: type = Settings) -> dict[str, Any]:
    """The whole schema of a record of settings, by default of `config`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of the Kong plugin graphql-federation",
        **_record(record),
    }


def _record(record: type) -> dict[str, Any]:
    fields = fields_of(record)
    schema: dict[str, Any] = {
        "type": "object",
        "description": inspect.cleandoc(record.__doc__ or ""),
        "properties": {declared.name: _property(declared) for declared in fields},
        "additionalProperties": False,
    }
    required = [declared.name for declared in fields if _must_be_given(declared)]
    if required:
        schema["required"] = required
    rules = [_rule(check) for check in checks_of(record)]
    if rules:
        schema["allOf"] = rules
    return schema


def _must_be_given(declared: Field) -> bool:
    """A field without a default, or a record whose defaults do not stand by themselves."""
    if declared.kind == "record":
        assert declared.record is not None
        needy = any(isinstance(check, OnlyOneOf | AtLeastOneOf) for check in checks_of(declared.record))
        return needy or any(_must_be_given(inner) for inner in fields_of(declared.record))
    return declared.required


def _property(declared: Field) -> dict[str, Any]:
    about = declared.about + (f" In {declared.rules['unit']}." if "unit" in declared.rules else "")
    schema = _value(declared)
    if not declared.required and declared.kind != "record":
        schema = _or_null(schema)
    schema["description"] = about
    if declared.is_array:
        schema["default"] = list(declared.default) if declared.kind == "strings" else []
    elif declared.kind != "record" and declared.default is not None:
        schema["default"] = declared.default
    return schema


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        return {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    nullable = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


def _value(declared: Field) -> dict[str, Any]:
    match declared.kind:
        case "record":
            assert declared.record is not None
            return _record(declared.record)
        case "records":
            assert declared.record is not None
            return {"type": "array", "items": _record(declared.record), **_lengths(declared, "Items")}
        case "strings":
            return {"type": "array", "items": _string({"minLength": 1}, declared.rules), **_lengths(declared, "Items")}
        case "string":
            return _string({"minLength": 1, **_lengths(declared, "Length")}, declared.rules)
        case kind:
            schema: dict[str, Any] = {"type": _JSON_TYPES[kind]}
            if "between" in declared.rules:
                schema["minimum"], schema["maximum"] = declared.rules["between"]
            return schema


def _string(lengths: dict[str, Any], rules: Mapping[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", **lengths}
    if "one_of" in rules:
        schema["enum"] = list(rules["one_of"])
    if "match" in rules:
        schema["pattern"] = rules["match"]
    if "not_one_of" in rules:
        schema["not"] = {"type": "string", "pattern": "|".join(in_any_case(word) for word in rules["not_one_of"])}
    if rules.get("referenceable") and len(schema) > 2:
        return {"anyOf": [{"type": "string", "pattern": _VAULT}, schema]}
    return schema


def _lengths(declared: Field, of: str) -> dict[str, Any]:
    names = {"len_min": f"min{of}", "len_max": f"max{of}"}
    return {name: declared.rules[rule] for rule, name in names.items() if rule in declared.rules}


def _rule(check: Check) -> dict[str, Any]:
    match check:
        case OnlyOneOf(names):
            return {"oneOf": [_given(name) for name in names]}
        case AtLeastOneOf(names):
            return {"anyOf": [_given(name) for name in names]}
        case MutuallyExclusive(names):
            others = [{"not": {"anyOf": [_given(other) for other in names if other != name]}} for name in names]
            return {"anyOf": others}
        case Conditional(if_field, one_of, then_field):
            condition = {"required": [if_field], "properties": {if_field: {"enum": list(one_of)}}}
            return {"if": condition, "then": _given(then_field)}


def _given(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: _GIVEN}}
