"""The settings as a page of the documentation, docs/configuration.md."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from kong_federation.settings.checks import checks_of
from kong_federation.settings.fields import Field, fields_of
from kong_federation.settings.model import Settings

_INTRODUCTION = """\
# Configuration

What may stand under `config` of the plugin `graphql-federation`. Kong checks it by the same definition this page is
printed from (`kong_federation/settings/model.py`), and the plugin reports everything that is wrong at once.
`kong-federation schema` prints the definition for other readers: as a JSON Schema (kept as
[configuration.schema.json](configuration.schema.json), for editors and pipelines), in Kong's schema language as JSON or
as Lua (kept as [schema.lua](../docker/kong/plugins/graphql-federation/schema.lua), for control planes without Python).

Timeouts are whole milliseconds, lifetimes of what is stored whole seconds, and sizes are bytes, as in Kong's own
plugins. A field marked *vault* may be a reference such as `{vault://env/name}`.

Trace context and request ids (`traceparent`, `tracestate`, `baggage`, the `b3` family, `x-request-id`,
`x-kong-request-id`, `x-correlation-id`, Datadog's) always travel to subgraphs; headers of one connection never do.
"""


def reference() -> str:
    """The page as Markdown."""
    return "\n".join([_INTRODUCTION, *_section("config", Settings)])


def _section(path: str, record: type) -> Iterator[str]:
    yield f"## {path}"
    yield ""
    yield inspect.cleandoc(record.__doc__ or "")
    yield ""
    for check in checks_of(record):
        yield f"The record {check.text}."
        yield ""
    yield "| field | type | default | about |"
    yield "|---|---|---|---|"
    for declared in fields_of(record):
        yield f"| `{declared.name}` | {_type(declared)} | {_default(declared)} | {declared.about} |"
    yield ""
    for declared in fields_of(record):
        if declared.record is not None:
            inner = declared.name if path == "config" else f"{path}.{declared.name}"
            yield from _section(f"{inner}[]" if declared.kind == "records" else inner, declared.record)


def _type(declared: Field) -> str:
    rules = declared.rules
    text = {"records": "array of records", "strings": "array of strings"}.get(declared.kind, declared.kind)
    if "between" in rules:
        lowest, highest = rules["between"]
        text += f", {lowest} to {highest} {rules['unit']}"
    if "one_of" in rules:
        text += f", one of {', '.join(f'`{value}`' for value in rules['one_of'])}"
    if "len_min" in rules or "len_max" in rules:
        text += f", {_length(declared)}"
    if rules.get("referenceable"):
        text += ", *vault*"
    return text


def _length(declared: Field) -> str:
    things = "elements" if declared.is_array else "bytes"
    shortest, longest = declared.rules.get("len_min"), declared.rules.get("len_max")
    if shortest is None:
        return f"at most {longest} {things}"
    return f"at least {shortest} {things}" if longest is None else f"{shortest} to {longest} {things}"


def _default(declared: Field) -> str:
    if declared.kind == "record":
        return ""
    if declared.required:
        return "required"
    match declared.default:
        case None:
            return "absent"
        case bool(value):
            return f"`{str(value).lower()}`"
        case tuple(values):
            return ", ".join(f"`{value}`" for value in values) or "none"
        case value:
            return f"`{value}`"
