"""
The plugin's configuration in Kong's schema language, derived from `Settings`.

It must be plain JSON: Kong reads it from the plugin server's dump, so nothing of it can be a Lua function. Kong fills
defaults and nulls by it, `decK` and the ingress controller read it from the Admin API, and Kong Manager draws a form.
"""

from __future__ import annotations

from typing import Any

from kong_federation.settings import (
    AtLeastOneOf,
    Check,
    Conditional,
    Field,
    MutuallyExclusive,
    OnlyOneOf,
    Settings,
    checks_of,
    fields_of,
    in_any_case,
)

PLUGIN_NAME = "graphql-federation"
"""The name in kong.yml, in `plugins =` of kong.conf and in annotations."""

_PROTOCOLS = {
    "type": "set",
    "required": True,
    "default": ["http", "https"],
    "elements": {"type": "string", "one_of": ["http", "https"]},
}

_LONGEST_DESCRIPTION = 500
"""Kong refuses a schema with a longer description (and one with fewer than 10 characters)."""


def plugin_schema() -> dict[str, Any]:
    """The schema of the whole plugin entity, as the dump carries it."""
    config = {"type": "record", "required": True, **kong_record(Settings)}
    return {"name": PLUGIN_NAME, "fields": [{"protocols": _PROTOCOLS}, {"config": config}]}


def config_fields() -> list[dict[str, Any]]:
    """Only the fields of `config`: what a stock kong-pdk plugin's `Schema` is."""
    fields: list[dict[str, Any]] = kong_record(Settings)["fields"]
    return fields


def kong_record(record: type) -> dict[str, Any]:
    """The fields and the checks of one record of settings."""
    described: dict[str, Any] = {
        "fields": [{declared.name: {**_value(declared), **_common(declared)}} for declared in fields_of(record)]
    }
    checks = [_entity_check(check) for check in checks_of(record)]
    if checks:
        described["entity_checks"] = checks
    return described


def _entity_check(check: Check) -> dict[str, Any]:
    match check:
        case OnlyOneOf(names):
            return {"only_one_of": list(names)}
        case AtLeastOneOf(names):
            return {"at_least_one_of": list(names)}
        case MutuallyExclusive(names):
            return {"mutually_exclusive": list(names)}
        case Conditional(if_field, one_of, then_field):
            return {
                "conditional": {
                    "if_field": if_field,
                    "if_match": {"one_of": list(one_of)},
                    "then_field": then_field,
                    "then_match": {"required": True},
                    "then_err": check.text,
                }
            }


def _common(declared: Field) -> dict[str, Any]:
    description = declared.about
    if "unit" in declared.rules:
        description += f" In {declared.rules['unit']}."
    common: dict[str, Any] = {"description": description[:_LONGEST_DESCRIPTION]}
    if declared.kind == "record" or declared.required:
        common["required"] = True
    elif declared.kind in {"strings", "records"}:
        common["default"] = list(declared.default)
    elif declared.default is not None:
        common["default"] = declared.default
    return common


def _value(declared: Field) -> dict[str, Any]:
    match declared.kind:
        case "record":
            assert declared.record is not None
            return {"type": "record", **kong_record(declared.record)}
        case "records":
            assert declared.record is not None
            return {
                "type": "array",
                **_length(declared),
                "elements": {"type": "record", **kong_record(declared.record)},
            }
        case "strings":
            return {"type": "array", **_length(declared), "elements": {"type": "string", **_rules(declared)}}
        case "string":
            return {"type": "string", **_length(declared), **_rules(declared)}
        case kind:
            return {"type": kind, **_rules(declared)}


def _length(declared: Field) -> dict[str, Any]:
    return {name: declared.rules[name] for name in ("len_min", "len_max") if name in declared.rules}


def _rules(declared: Field) -> dict[str, Any]:
    rules = declared.rules
    kong: dict[str, Any] = {name: list(rules[name]) for name in ("between", "one_of") if name in rules}
    kong.update({name: rules[name] for name in ("referenceable", "encrypted") if name in rules})
    if "not_one_of" in rules:
        # Kong's own `not_one_of` compares the letters as they are; header names have none that count.
        kong["match_none"] = [
            {"pattern": in_any_case(word), "err": f"must not be {word}"} for word in rules["not_one_of"]
        ]
    if "match" in rules:
        # `err` would be the sentence for every rule of the field, so where there are several each brings its own.
        alone = {"match": rules["match"], "err": rules["err"]}
        several = {"match_all": [{"pattern": rules["match"], "err": rules["err"]}]}
        kong.update(several if "match_none" in kong else alone)
    return kong
