"""A configuration as Kong sends it, read into `Settings`; everything that is wrong with it is reported together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.base import PathSegment
from kong_federation.errors.codes import CONFIGURATION_INVALID
from kong_federation.settings.agreement import disagreements
from kong_federation.settings.checks import checks_of, is_kept
from kong_federation.settings.fields import Field, fields_of
from kong_federation.settings.model import Settings

# Kong adds these to a plugin's configuration when it starts an instance.
_KONG_KEYS = frozenset({"route_id", "service_id", "consumer_id", "plugin_instance_name", "$refs"})

_Path = tuple[PathSegment, ...]
_ABSENT: Any = object()


def parse_settings(config: Mapping[str, Any]) -> Settings:
    """
    Read a plugin's configuration.

    JSON null means absent, because Kong fills what is absent with null. An empty object is taken for an empty array,
    because Lua has one empty table. The keys that Kong adds are left out.

    Raises:
        FederationErrors: CONFIGURATION_INVALID for every finding, each with the path of its field.
    """
    findings: list[FederationError] = []
    own = {name: value for name, value in config.items() if not (name in _KONG_KEYS or name.startswith("__"))}
    settings = _record(Settings, own, (), findings)
    if isinstance(settings, Settings):
        for path, problem in disagreements(settings):
            _wrong(findings, path, problem)
    if findings:
        raise FederationErrors(findings)
    assert isinstance(settings, Settings)
    return settings


def _record(record: type, value: Any, path: _Path, findings: list[FederationError]) -> Any:
    if value is _ABSENT:
        value = {}
    if not isinstance(value, Mapping) and value != []:
        return _wrong(findings, path, f"must be a record, not {_shown(value)}")
    given = {name: item for name, item in dict(value).items() if item is not None}
    known = fields_of(record)
    names = {declared.name for declared in known}
    for name in given:
        if name not in names:
            _wrong(findings, (*path, str(name)), "is not a known field")
    before = len(findings)
    values = {
        declared.name: _value(declared, given.get(declared.name, _ABSENT), (*path, declared.name), findings)
        for declared in known
    }
    for check in checks_of(record):
        if not is_kept(check, given):
            _wrong(findings, path, check.text)
    return record(**values) if len(findings) == before else None


def _value(declared: Field, value: Any, path: _Path, findings: list[FederationError]) -> Any:
    if declared.kind == "record":
        assert declared.record is not None
        return _record(declared.record, value, path, findings)
    if value is _ABSENT:
        return _wrong(findings, path, "is required") if declared.required else declared.default
    match declared.kind:
        case "records" | "strings":
            return _array(declared, value, path, findings)
        case "boolean":
            return value if isinstance(value, bool) else _wrong_type(findings, path, "true or false", value)
        case "integer":
            return _integer(declared, value, path, findings)
        case "number":
            return _number(declared, value, path, findings)
        case _:
            return _string(declared, value, path, findings)


def _array(declared: Field, value: Any, path: _Path, findings: list[FederationError]) -> Any:
    if value == {}:
        value = ()
    if not isinstance(value, list | tuple):
        return _wrong_type(findings, path, "an array", value)
    fewest, most = declared.rules.get("len_min", 0), declared.rules.get("len_max", len(value))
    if not fewest <= len(value) <= most:
        bound = f"at least {fewest}" if len(value) < fewest else f"at most {most}"
        return _wrong(findings, path, f"must have {bound} elements, not {len(value)}")
    if declared.record is not None:
        return tuple(_record(declared.record, item, (*path, index), findings) for index, item in enumerate(value))
    return tuple(_string(declared, item, (*path, index), findings) for index, item in enumerate(value))


def _integer(declared: Field, value: Any, path: _Path, findings: list[FederationError]) -> Any:
    # Lua has one kind of number, so 5 may arrive as 5.0.
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return _wrong_type(findings, path, "a whole number", value)
    return _between(declared, value, path, findings)


def _number(declared: Field, value: Any, path: _Path, findings: list[FederationError]) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _wrong_type(findings, path, "a number", value)
    return _between(declared, value, path, findings)


def _between(declared: Field, value: float, path: _Path, findings: list[FederationError]) -> Any:
    lowest, highest = declared.rules["between"]
    if not lowest <= value <= highest:
        return _wrong(findings, path, f"must be between {lowest} and {highest}, not {value}")
    return value


def _string(declared: Field, value: Any, path: _Path, findings: list[FederationError]) -> Any:
    rules = declared.rules
    if not isinstance(value, str):
        return _wrong_type(findings, path, "a string", value)
    if not value and (declared.is_array or rules.get("len_min", 1)):
        return _wrong(findings, path, "must not be empty")
    if not declared.is_array and (problem := _length(value, rules)) is not None:
        return _wrong(findings, path, problem)
    one_of = rules.get("one_of")
    if one_of is not None and value not in one_of:
        return _wrong(findings, path, f"must be one of {', '.join(one_of)}")
    if value.lower() in rules.get("not_one_of", ()):
        return _wrong(findings, path, f"must not be {value}")
    if "match" in rules and re.search(rules["match"].replace("$", r"\Z"), value) is None:
        return _wrong(findings, path, rules["err"])
    return value


def _length(value: str, rules: Mapping[str, Any]) -> str | None:
    """What is wrong with a string's length, which Kong counts in bytes."""
    length = len(value.encode("utf-8", "surrogatepass"))
    shortest, longest = rules.get("len_min", 0), rules.get("len_max", length)
    if length < shortest:
        return f"must have at least {shortest} bytes, not {length}"
    return f"must have at most {longest} bytes, not {length}" if length > longest else None


def _wrong_type(findings: list[FederationError], path: _Path, expected: str, value: Any) -> None:
    _wrong(findings, path, f"must be {expected}, not {_shown(value)}")


def _wrong(findings: list[FederationError], path: _Path, problem: str) -> None:
    # Values that may be secrets are never part of a finding, only what is wrong with them.
    where = ".".join(map(str, path)) or "the configuration"
    findings.append(FederationError(CONFIGURATION_INVALID, f"{where} {problem}", path))


def _shown(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int():
            return "a number"
        case float():
            return "a fraction"
        case str():
            return "a string"
        case list() | tuple():
            return "an array"
        case _:
            return "a record"
