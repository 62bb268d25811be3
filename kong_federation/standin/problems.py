"""
Findings in the forms that Kong's Admin API gives them: nested by field, in one sentence, flat by entity.

Source: answers of Kong 3.9.3, recorded in tests/standin/admin.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kong_federation.standin.schema import Finding

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_KINDS = "services|routes|plugins|consumers|upstreams|targets|keyauth_credentials"
_ENTITY = re.compile(rf"(?:(?:{_KINDS})\[\d+\](?:\.|$))+")
_LAST = re.compile(rf"({_KINDS})\[(\d+)\]")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)

_WHOLE = "@entity"


def schema_violation(findings: Iterable[Finding]) -> dict[str, Any]:
    """The body of a 400 about one entity."""
    fields = nested(findings)
    said = [str(problem) for problem in fields.get(_WHOLE, ())]
    for name in sorted(name for name in fields if name != _WHOLE):
        inner = fields[name]
        if isinstance(inner, str):
            said.append(f"{name}: {inner}")
        else:
            said += [
                f"{name}.{key}: {value if isinstance(value, str) else _pretty(value)}" for key, value in _items(inner)
            ]
    count = "schema violation" if len(said) == 1 else f"{len(said)} schema violations"
    return {"code": 2, "name": "schema violation", "fields": fields, "message": f"{count} ({'; '.join(said)})"}


def invalid_configuration(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a 400 about a declarative configuration."""
    return {
        "code": 14,
        "name": "invalid declarative configuration",
        "fields": dict(fields),
        "message": f"declarative config is invalid: {_compact(fields)}",
    }


def flattened(findings: Sequence[Finding], document: Any) -> dict[str, Any]:
    """The same with `flatten_errors`: one entry for each entity, the rest in `fields`."""
    entities: dict[str, list[Finding]] = {}
    for finding in findings:
        found = _ENTITY.match(finding.path)
        entities.setdefault(found[0].rstrip(".") if found else "", []).append(finding)
    body = invalid_configuration(nested(entities.pop("", [])))
    body["flattened_errors"] = [_entity(path, found, document) for path, found in entities.items()]
    return body


def nested(findings: Iterable[Finding]) -> dict[str, Any]:
    """By field, as Lua tables come out as JSON: arrays have null where nothing is wrong."""
    tree: dict[str | int, Any] = {}
    for finding in findings:
        steps: list[str | int] = [int(place) if place else name for name, place in _STEP.findall(finding.path)]
        at = tree
        for step in steps if finding.whole else steps[:-1]:
            at = at.setdefault(step, {})
        if finding.whole:
            at.setdefault(_WHOLE, []).append(finding.problem)
        else:
            at[steps[-1]] = finding.problem
    return _arrays(tree)  # type: ignore[no-any-return] # a tree whose root is not an array


def _arrays(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if tree and all(isinstance(step, int) for step in tree):
        return [_arrays(tree.get(place)) for place in range(1, max(tree) + 1)]
    return {str(step): _arrays(inner) for step, inner in tree.items()}


def _entity(path: str, findings: Sequence[Finding], document: Any) -> dict[str, Any]:
    entity, kind = document, ""
    for kind, place in _LAST.findall(path):
        entity = entity[kind][int(place) - 1]
    described: dict[str, Any] = {"entity": entity, "entity_type": kind.removesuffix("s")}
    for name, key in (("entity_name", "name"), ("entity_id", "id"), ("entity_tags", "tags")):
        if isinstance(entity, Mapping) and key in entity:
            described[name] = entity[key]
    described["errors"] = [_error(finding, path) for finding in findings]
    return described


def _error(finding: Finding, path: str) -> dict[str, str]:
    if finding.whole:
        return {"type": "entity", "message": finding.problem}
    steps = [name or place for name, place in _STEP.findall(finding.path.removeprefix(path))]
    return {"type": "field", "field": ".".join(steps), "message": finding.problem}


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, list):
        return [(str(place), inner) for place, inner in enumerate(value, 1) if inner is not None]
    return sorted(value.items())


def _pretty(value: Any, indent: str = "") -> str:
    """A Lua table on several lines."""
    if isinstance(value, str):
        return f'"{value}"'
    inside = indent + "  "
    parts = [f"{inside}{key}{_pretty(inner, inside)}" for key, inner in _keyed(value, " = ")]
    return "{\n" + ",\n".join(parts) + f"\n{indent}}}"


def _compact(value: Any) -> str:
    """A Lua table on one line."""
    if isinstance(value, str):
        return f'"{value}"'
    return "{" + ",".join(f"{key}{_compact(inner)}" for key, inner in _keyed(value, "=")) + "}"


def _keyed(value: Any, equals: str) -> Iterable[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in sorted(value.items()):
            key = name if _NAME.fullmatch(name) else f'["{name}"]'
            yield f"{key}{equals}", inner
        return
    for place, inner in enumerate(value, 1):
        if inner is not None:
            # After a hole, Lua writes the place.
            yield ("" if None not in value[:place] else f"[{place}]{equals}"), inner
