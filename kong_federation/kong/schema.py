"""
The plugin's configuration in Kong's schema language, derived from `Settings`.

It must be plain JSON: Kong reads it from the plugin server's dump, so nothing of it can be a Lua function. Kong fills
defaults and nulls by it, `decK` and the ingress controller read it from the Admin API, and Kong Manager draws a form.
"""

from __future__ import annotations

from typing import Any

from kong_federation.settings import Field, Settings, fields_of, only_one_of

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
    config = {"type": "record", "required": True, **_record(Settings)}
    return {"name": PLUGIN_NAME, "fields": [{"protocols": _PROTOCOLS}, {"config": config}]}


def config_fields() -> list[dict[str, Any]]:
    """Only the fields of `config`: what a stock kong-pdk plugin's `Schema` is."""
    fields: list[dict[str, Any]] = _record(Settings)["fields"]
    return fields


def _record(record: type) -> dict[str, Any]:
    described: dict[str, Any] = {
        "fields": [{declared.name: {**_value(declared), **_common(declared)}} for declared in fields_of(record)]
    }
    alternatives = only_one_of(record)
    if alternatives:
        described["entity_checks"] = [{"only_one_of": list(alternatives)}]
    return described


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
            return {"type": "record", **_record(declared.record)}
        case "records":
            assert declared.record is not None
            return {"type": "array", "elements": {"type": "record", **_record(declared.record)}}
        case "strings":
            return {"type": "array", "elements": {"type": "string", **_rules(declared)}}
        case kind:
            return {"type": kind, **_rules(declared)}


def _rules(declared: Field) -> dict[str, Any]:
    rules = declared.rules
    kong: dict[str, Any] = {name: list(rules[name]) for name in ("between", "one_of", "not_one_of") if name in rules}
    kong.update({name: rules[name] for name in ("match", "err", "len_max", "referenceable") if name in rules})
    return kong
