"""
The rules that Kong's schema language knows: of one value, and between the fields of a record.

A rule returns what is wrong, in Kong's words, or None. Each stands in a table under its name in the schema; a name
that is in no table cannot be checked here, and the stand-in says so instead of letting it pass.

Source: https://developer.konghq.com/custom-plugins/schema.lua/, and the texts that Kong 3.9.3 answers with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kong_federation.standin.lua_pattern import compile_pattern

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def matches(text: str, pattern: str) -> bool:
    """Whether a Lua pattern is found in the text."""
    return compile_pattern(pattern).search(text) is not None


def _between(value: Any, limits: Sequence[Any]) -> str | None:
    low, high = limits
    return None if low <= value <= high else f"value should be between {low} and {high}"


def _equal(value: Any, wanted: Any) -> str | None:
    return None if value == wanted else f"value must be {_shown(wanted)}"


def _unequal(value: Any, refused: Any) -> str | None:
    return None if value != refused else f"value must not be {_shown(refused)}"


def _greater(value: Any, limit: Any) -> str | None:
    return None if value > limit else f"value must be greater than {limit}"


def _size(value: Any) -> int:
    """The number of elements, or of bytes: Lua's strings are bytes."""
    return len(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else len(value)


def _length(value: Any, wanted: int) -> str | None:
    return None if _size(value) == wanted else f"length must be {wanted}"


def _length_at_least(value: Any, limit: int) -> str | None:
    return None if _size(value) >= limit else f"length must be at least {limit}"


def _length_at_most(value: Any, limit: int) -> str | None:
    return None if _size(value) <= limit else f"length must be at most {limit}"


def _match(value: str, pattern: str) -> str | None:
    return None if matches(value, pattern) else f"invalid value: {value}"


def _not_match(value: str, pattern: str) -> str | None:
    return f"invalid value: {value}" if matches(value, pattern) else None


def _match_all(value: str, rules: Sequence[Mapping[str, str]]) -> str | None:
    return next((rule["err"] for rule in rules if not matches(value, rule["pattern"])), None)


def _match_none(value: str, rules: Sequence[Mapping[str, str]]) -> str | None:
    return next((rule["err"] for rule in rules if matches(value, rule["pattern"])), None)


def _match_any(value: str, rule: Mapping[str, Any]) -> str | None:
    return None if any(matches(value, pattern) for pattern in rule["patterns"]) else str(rule["err"])


def _starts_with(value: str, prefix: str) -> str | None:
    return None if value.startswith(prefix) else f"should start with: {prefix}"


def _contains(value: Sequence[Any], wanted: Any) -> str | None:
    return None if wanted in value else f"expected to contain: {wanted}"


def _one_of(value: Any, options: Sequence[Any]) -> str | None:
    return None if value in options else f"expected one of: {', '.join(map(str, options))}"


def _not_one_of(value: Any, options: Sequence[Any]) -> str | None:
    return f"must not be one of: {', '.join(map(str, options))}" if value in options else None


def _uuid(value: str, wanted: bool) -> str | None:
    return None if not wanted or _UUID.fullmatch(value) else "expected a valid UUID"


def _is_regex(value: str, wanted: bool) -> str | None:
    try:
        re.compile(value)
    except re.error:
        return f"not a valid regex: {value}" if wanted else None
    return None


def _timestamp(value: float, _: bool) -> str | None:
    return None if value > 0 else "expected a valid timestamp"


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)


VALUE_RULES: dict[str, Callable[[Any, Any], str | None]] = {
    "between": _between,
    "eq": _equal,
    "ne": _unequal,
    "gt": _greater,
    "len_eq": _length,
    "len_min": _length_at_least,
    "len_max": _length_at_most,
    "match": _match,
    "not_match": _not_match,
    "match_all": _match_all,
    "match_none": _match_none,
    "match_any": _match_any,
    "starts_with": _starts_with,
    "contains": _contains,
    "one_of": _one_of,
    "not_one_of": _not_one_of,
    "uuid": _uuid,
    "is_regex": _is_regex,
    "timestamp": _timestamp,
}


def value_at(record: Mapping[str, Any], path: str) -> Any:
    """A field of a record by its dotted path; None if any part is missing."""
    value: Any = record
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def _given(record: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    # Kong counts an empty list, set or map as a value that was not given.
    return [name for name in names if value_at(record, name) not in (None, "", [], {})]


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _at_least_one_of(record: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return None if _given(record, names) else f"at least one of these fields must be non-empty: {_quoted(names)}"


def _only_one_of(record: Mapping[str, Any], names: Sequence[str]) -> str | None:
    one = len(_given(record, names)) == 1
    return None if one else f"exactly one of these fields must be non-empty: {_quoted(names)}"


def _mutually_required(record: Mapping[str, Any], names: Sequence[str]) -> str | None:
    fits = len(_given(record, names)) in {0, len(names)}
    return None if fits else f"all or none of these fields must be set: {_quoted(names)}"


def _mutually_exclusive(record: Mapping[str, Any], names: Sequence[str]) -> str | None:
    fits = len(_given(record, names)) <= 1
    return None if fits else f"only one or none of these fields must be set: {_quoted(names)}"


def _distinct(record: Mapping[str, Any], names: Sequence[str]) -> str | None:
    values = [value_at(record, name) for name in _given(record, names)]
    fits = all(value not in values[:place] for place, value in enumerate(values))
    return None if fits else f"values of these fields must be distinct: {_quoted(names)}"


def _conditional(record: Mapping[str, Any], check: Mapping[str, Any]) -> str | None:
    if broken_rule(check["if_match"], value_at(record, check["if_field"])):
        return None
    broken = broken_rule(check["then_match"], value_at(record, check["then_field"]))
    if broken is None:
        return None
    said = check.get("then_err") or f"failed conditional validation given value of field '{check['if_field']}'"
    return f"{said} ({check['then_field']}: {broken})"


ENTITY_RULES: dict[str, Callable[[Mapping[str, Any], Any], str | None]] = {
    "at_least_one_of": _at_least_one_of,
    "only_one_of": _only_one_of,
    "mutually_required": _mutually_required,
    "mutually_exclusive": _mutually_exclusive,
    "distinct": _distinct,
    "conditional": _conditional,
}


def broken_rule(field: Mapping[str, Any], value: Any) -> str | None:
    """
    The first rule of a field that a value breaks, or None.

    Args:
        field: The field's definition; attributes that are not rules of a value are passed over.
        value: The value, None for null.
    """
    if value is None:
        if field.get("ne", ...) is None:
            return "value must not be null"
        if field.get("eq") is not None:
            return f"value must be {field['eq']}"
        return "required field missing" if field.get("required") else None
    if "eq" in field and field["eq"] is None:
        return "value must be null"
    for name, check in VALUE_RULES.items():
        if name in field:
            broken = check(value, field[name])
            if broken is not None:
                return broken
    return None
