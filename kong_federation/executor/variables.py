"""
The client's variables: coercion compiled from the plan (GraphQL specification, 6.1.2, Coercing Variable Values).

One function per variable, made of one function per input type. A function gives the coerced value, or notes a finding
and gives None; all findings of a request are reported together, up to a limit, because a list of a million wrong items
must not become a million errors. Where a value stands is a chain of pairs that costs nothing to extend; it is written
out only for a finding.

Input objects may refer to themselves, so their functions are looked up when they are called, not when they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final, TypeAlias

import orjson

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import VALIDATION_INVALID_TYPE_VARIABLE
from kong_federation.executor.context import JsonObject
from kong_federation.executor.depth import too_deep
from kong_federation.executor.exact import Number, read_json
from kong_federation.executor.leaves import MAX_INT, MIN_INT
from kong_federation.plan.nodes import (
    NO_DEFAULT,
    Composite,
    EnumInput,
    InputField,
    InputType,
    ListOf,
    NonNull,
    ObjectInput,
    OutputType,
    QueryPlan,
    Written,
)

# Findings reported for one request.
MAX_FINDINGS: Final = 50
# Characters of a client's value that an error repeats.
MAX_ECHO: Final = 40


@dataclass(frozen=True, slots=True)
class At:
    """A place inside a variable's value: the place around it, and the key or index in there."""

    outer: At | None
    step: str | int


@dataclass(slots=True)
class Findings:
    """What is wrong with one variable."""

    variable: str
    errors: list[FederationError]
    more: int = 0

    def note(self, value: Any, at: At | None, reason: str) -> None:
        """Note one invalid value."""
        place = f' at "{_path(self.variable, at)}"' if at else ""
        self.add(f'Variable "${self.variable}" got invalid value {_echo(value)}{place}; {reason}')

    def add(self, message: str) -> None:
        """Note a finding, or count it if there are many already."""
        if len(self.errors) < MAX_FINDINGS:
            self.errors.append(FederationError(VALIDATION_INVALID_TYPE_VARIABLE, message))
        else:
            self.more += 1


Coerce: TypeAlias = Callable[[Any, At | None, Findings], Any]


@dataclass(frozen=True, slots=True)
class Variables:
    """
    The variables of a plan, compiled.

    Args:
        compiled: Each with the function that coerces it.
        deciding: Those that `@skip` and `@include` read.
    """

    compiled: tuple[tuple[InputField, Coerce], ...]
    deciding: frozenset[str] = frozenset()

    def __call__(self, raw: Mapping[str, Any] | None) -> JsonObject:
        """
        Coerce a request's variables.

        Args:
            raw: As the client sent them; variables the operation does not have are ignored.

        Returns:
            Values by name; a nullable variable without value and default has no entry.

        Raises:
            FederationErrors: VALIDATION_INVALID_TYPE_VARIABLE for every value that does not fit.
        """
        if not self.compiled:
            return {}
        given = raw or {}
        coerced: JsonObject = {}
        errors: list[FederationError] = []
        more = 0
        for variable, coerce in self.compiled:
            name = variable.name
            findings = Findings(name, errors)
            if name not in given:
                if variable.default is not NO_DEFAULT:
                    coerced[name] = variable.default
                elif variable.type.endswith("!"):
                    findings.add(f'Variable "${name}" of required type "{variable.type}" was not provided.')
            elif (value := given[name]) is None:
                coerced[name] = None
                if variable.type.endswith("!"):
                    findings.add(f'Variable "${name}" of non-null type "{variable.type}" must not be null.')
                elif name in self.deciding:
                    # Its default allows it there, and the default is what null takes the place of.
                    findings.add(f'Variable "${name}" must not be null where @skip or @include reads it.')
            elif too_deep(value):
                findings.add(f'Variable "${name}" got a value that is nested too deeply.')
            else:
                coerced[name] = coerce(value, None, findings)
            more += findings.more
        if more:
            errors.append(FederationError(VALIDATION_INVALID_TYPE_VARIABLE, f"{more} more values are invalid."))
        if errors:
            raise FederationErrors(errors)
        return coerced


def compile_variables(plan: QueryPlan) -> Variables:
    """Compile the variables of a plan."""
    types: dict[str, Coerce] = dict(_SCALARS)
    compiled = []
    for item in plan.inputs:
        types[item.name] = _compile_input(item, types)
    for variable in plan.variables:
        coerce = _compile_type(variable.type, types)
        compiled.append((_with_coerced_default(variable, coerce), coerce))
    nullable = any(not variable.type.endswith("!") for variable in plan.variables)
    return Variables(tuple(compiled), _deciding(plan.output) if nullable else frozenset())


def _deciding(output: OutputType) -> frozenset[str]:
    """The variables on which it depends whether a field is answered."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting = [output]
    while waiting:
        one = waiting.pop()
        while isinstance(one, ListOf | NonNull):
            one = one.of
        # Types in types share what is below them: gone through place by place, it would be ever so much.
        if isinstance(one, Composite) and id(one) not in seen:
            seen.add(id(one))
            for field in (field for variant in one.variants for field in variant.fields):
                found.update(test.variable for alternative in field.when for test in alternative)
                waiting.append(field.type)
    return frozenset(found)


def _with_coerced_default(variable: InputField, coerce: Coerce) -> InputField:
    """Coerce a default once: single items become lists, input objects get their own defaults."""
    if variable.default is NO_DEFAULT or variable.default is None:
        return variable
    findings = Findings(variable.name, [])
    default = _read_default(variable)
    value = coerce(default, None, findings)
    return InputField(variable.name, variable.type, default if findings.errors else value)


def _read_default(declared: InputField) -> Any:
    default = declared.default
    return read_json(default.text.encode()) if isinstance(default, Written) else default


def _compile_type(text: str, types: Mapping[str, Coerce]) -> Coerce:
    """Compile a type; a null where there must be none is the business of the list or object around it."""
    bare = text.removesuffix("!")
    if bare.startswith("["):
        return _compile_list(bare[1:-1], types)
    # Known scalars and types are taken now; what comes later in `plan.inputs`, or never, is looked up when called.
    return types.get(bare) or _compile_later(bare, types)


def _compile_later(name: str, types: Mapping[str, Coerce]) -> Coerce:
    def coerce(value: Any, at: At | None, findings: Findings) -> Any:
        return types.get(name, _custom)(value, at, findings)

    return coerce


def _compile_list(text: str, types: Mapping[str, Coerce]) -> Coerce:
    coerce_item = _compile_type(text, types)
    required = text.endswith("!")

    def coerce(value: Any, at: At | None, findings: Findings) -> list[Any]:
        if type(value) is not list:
            return [coerce_item(value, at, findings)]
        items: list[Any] = []
        for index, item in enumerate(value):
            if item is not None:
                items.append(coerce_item(item, At(at, index), findings))
                continue
            items.append(None)
            if required:
                findings.note(None, At(at, index), f'Expected non-nullable type "{text}" not to be null.')
        return items

    return coerce


def _compile_input(item: InputType, types: Mapping[str, Coerce]) -> Coerce:
    match item:
        case EnumInput(name, values):
            return _compile_enum(name, frozenset(values))
        case ObjectInput():
            return _compile_object(item, types)


def _compile_enum(name: str, values: frozenset[str]) -> Coerce:
    def coerce(value: Any, at: At | None, findings: Findings) -> Any:
        if type(value) is not str:
            findings.note(value, at, f'Enum "{name}" cannot represent non-string value.')
        elif value not in values:
            findings.note(value, at, f'Value does not exist in "{name}" enum.')
        return value

    return coerce


def _compile_object(item: ObjectInput, types: Mapping[str, Coerce]) -> Coerce:
    known = frozenset(one.name for one in item.fields)
    # The fields' types may be objects that are not compiled yet, so defaults are coerced at use.
    fields = [(one, one.type.endswith("!"), _read_default(one), _compile_type(one.type, types)) for one in item.fields]

    def coerce(value: Any, at: At | None, findings: Findings) -> Any:
        if type(value) is not dict:
            findings.note(value, at, f'Expected type "{item.name}" to be an object.')
            return None
        coerced: JsonObject = {}
        for one, required, default, coerce_field in fields:
            name = one.name
            inner = value.get(name, NO_DEFAULT)
            if inner is NO_DEFAULT:
                inner = default
                if inner is NO_DEFAULT:
                    if required:
                        findings.note(value, at, f'Field "{name}" of required type "{one.type}" was not provided.')
                    continue
            elif inner is None and required:
                findings.note(None, At(at, name), f'Expected non-nullable type "{one.type}" not to be null.')
            coerced[name] = None if inner is None else coerce_field(inner, At(at, name), findings)
        for name in value:
            if name not in known:
                findings.note(value, at, f'Field "{_clip(name)}" is not defined by type "{item.name}".')
        if item.one_of:
            _check_one_of(item.name, value, at, findings)
        return coerced

    return coerce


def _check_one_of(name: str, value: JsonObject, at: At | None, findings: Findings) -> None:
    """GraphQL specification, 3.10.1, OneOf Input Objects."""
    if len(value) != 1:
        findings.note(value, at, f'Exactly one key must be specified for OneOf type "{name}".')
    elif (key := next(iter(value))) and value[key] is None:
        findings.note(None, At(at, key), f'Field "{_clip(key)}" must be non-null.')


def _int(value: Any, at: At | None, findings: Findings) -> Any:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if type(whole) is not int:
        findings.note(value, at, f"Int cannot represent non-integer value: {_echo(value)}")
    elif not MIN_INT <= whole <= MAX_INT:
        findings.note(value, at, f"Int cannot represent non 32-bit signed integer value: {_echo(value)}")
    return whole


def _float(value: Any, at: At | None, findings: Findings) -> Any:
    # No double holds 1e400.
    if not (type(value) is int or (isinstance(value, float) and isfinite(value))):
        findings.note(value, at, f"Float cannot represent non numeric value: {_echo(value)}")
    return value


def _string(value: Any, at: At | None, findings: Findings) -> Any:
    if type(value) is not str:
        findings.note(value, at, f"String cannot represent a non string value: {_echo(value)}")
    return value


def _boolean(value: Any, at: At | None, findings: Findings) -> Any:
    if type(value) is not bool:
        findings.note(value, at, f"Boolean cannot represent a non boolean value: {_echo(value)}")
    return value


def _id(value: Any, at: At | None, findings: Findings) -> Any:
    if type(value) is str:
        return value
    if type(value) is Number and value.is_whole:
        return value.text
    if type(value) is int or (isinstance(value, float) and value.is_integer()):
        return str(int(value))
    findings.note(value, at, f"ID cannot represent value: {_echo(value)}")
    return value


def _custom(value: Any, _at: At | None, _findings: Findings) -> Any:
    return value


_SCALARS: Final[Mapping[str, Coerce]] = {
    "Int": _int,
    "Float": _float,
    "String": _string,
    "Boolean": _boolean,
    "ID": _id,
}


def _path(variable: str, at: At | None) -> str:
    steps: list[str] = []
    while at is not None:
        steps.append(f"[{at.step}]" if isinstance(at.step, int) else f".{_clip(at.step)}")
        at = at.outer
    return variable + "".join(reversed(steps))


def _echo(value: Any) -> str:
    """Show a value, but never much of it: what a client sends may be long, or secret."""
    kind = type(value)
    if kind is dict:
        return "{…}" if value else "{}"
    if kind is list:
        return "[…]" if value else "[]"
    if kind is str:
        return orjson.dumps(_clip(value)).decode()
    if value is None or kind is bool:
        return {None: "null", True: "true", False: "false"}[value]
    if kind is Number:
        return _clip(value.text)
    return _clip(str(value)) if kind is float or abs(value).bit_length() < 200 else "a large number"


def _clip(text: str) -> str:
    return text if len(text) <= MAX_ECHO else text[: MAX_ECHO - 1] + "…"
