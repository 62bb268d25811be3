"""
The answer to the client, read from the data tree by functions compiled once per plan.

Each place of the output has one function. It takes the value that stands there and gives what the client gets, or
`BUBBLE` if the object or list around it has to become null (GraphQL specification, 6.4.4, Handling Execution Errors).

**Nothing is paid for paths.** A function that meets something wrong notes a `Fault`: its own static `Position`, and the
object or list in which the value stood. Since the data tree is a tree (see `merge`), the identity of that container is
enough to find the exact path afterwards, in one walk per position, and only when there are faults.

**The shortest way for leaves.** For a leaf whose JSON type says all (a string, a Boolean) the loop over an
object's fields compares the value's type and calls nothing.

Faults are notes, not errors yet: `explain` drops those that an error of a subgraph already explains.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeAlias

from kong_federation.executor.context import JsonObject
from kong_federation.executor.leaves import MAX_INT, MIN_INT, UNLIKE, compile_leaf
from kong_federation.plan.nodes import (
    Composite,
    Given,
    Leaf,
    LeafKind,
    ListOf,
    NonNull,
    OutputField,
    OutputType,
    Variant,
)


class _Bubble:
    """The type of `BUBBLE`."""


BUBBLE: Final = _Bubble()


class FaultKind(Enum):
    """What is wrong at a place."""

    NULL = "null where the schema has none"
    ABSENT = "nothing was sent for a nullable field"
    MISFIT = "a value of the wrong kind"


@dataclass(frozen=True, slots=True)
class Position:
    """
    A place in the output, without list indices.

    Args:
        parent: The place of the object or list around it; None for the root.
        field: The field it stands for; None for the items of a list.
        owner: Name of the type that has the field, for texts.
        wanted: Name of the type that is expected, for texts.
    """

    parent: Position | None
    field: OutputField | None
    owner: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Fault:
    """
    Something wrong at one place of one answer.

    Args:
        kind: What.
        position: Where, without list indices.
        holder: The object or list of the data tree that has, or lacks, the value.
        index: The index in `holder` if it is a list.
    """

    kind: FaultKind
    position: Position
    holder: Any
    index: int | None


@dataclass(frozen=True, slots=True)
class Pass:
    """
    One projection.

    Args:
        flags: For each distinct condition of the output, whether it holds for this request.
        faults: What was wrong.
    """

    flags: tuple[bool, ...]
    faults: list[Fault] = field(default_factory=list)


# Uses after which a projection is let go of; the next is that of a plan whose program has given up, or that has none.
_PASSING = 2

When: TypeAlias = tuple[tuple[Given, ...], ...]
# Value, the container it stands in, its index there if that is a list, the pass.
Complete: TypeAlias = Callable[[Any, Any, int | None, Pass], Any]
# Response key, data key, the JSON type that needs no further look, and what looks at all other values.
CompiledField: TypeAlias = tuple[str, str, type, Complete]


@dataclass(frozen=True, slots=True)
class Projection:
    """The output of a plan, compiled."""

    root: Complete
    conditions: tuple[When, ...]

    def __call__(self, data: JsonObject, variables: Mapping[str, Any]) -> tuple[JsonObject | None, list[Fault]]:
        """Read the client's data from the root of the data tree; None if a null reached the root."""
        state = Pass(tuple(holds_one(when, variables) for when in self.conditions))
        return self.root(data, None, None, state), state.faults


def compile_projection(output: Composite) -> Projection:
    """Compile the output of a plan; its root is an object type with one variant."""
    conditions = conditions_of(output)
    root = _compile_variant(output.variants[0], output, None, conditions, lambda *_: None, None)
    return Projection(root, tuple(conditions))


class Passing:
    """
    The projection of a plan that may never come again.

    Compiled, the output is half of what a plan holds in memory, and most plans are interpreted once, or until they have
    a program. So it is let go of after a use, and compiled anew for the next (20 us for a small operation), until it
    has been needed so often that it stays until there is a program.

    Args:
        output: The plan's.

    Raises:
        RecursionError: It is nested too deeply.
    """

    __slots__ = ("_made", "_output", "_uses")

    def __init__(self, output: Composite) -> None:
        self._output = output
        self._made: Projection | None = compile_projection(output)
        self._uses = 0

    @property
    def is_held(self) -> bool:
        """Whether it is compiled at this moment."""
        return self._made is not None

    def let_go(self) -> None:
        """Forget it until it is needed again."""
        self._made = None

    def __call__(self, data: JsonObject, variables: Mapping[str, Any]) -> tuple[JsonObject | None, list[Fault]]:
        """As `Projection`."""
        project = self._made or compile_projection(self._output)
        self._uses += 1
        self._made = project if self._uses > _PASSING else None
        return project(data, variables)


def conditions_of(output: OutputType) -> dict[When, int]:
    """All distinct conditions below a type, numbered."""
    return {when: number for number, when in enumerate(dict.fromkeys(_conditions(output, set())))}


def _conditions(output: OutputType, seen: set[int]) -> Iterator[When]:
    """All conditions below a type; a composite that stands in many places is looked at once."""
    if isinstance(output, ListOf | NonNull):
        yield from _conditions(output.of, seen)
    elif isinstance(output, Composite) and id(output) not in seen:
        seen.add(id(output))
        for variant in output.variants:
            for item in variant.fields:
                if item.when:
                    yield item.when
                yield from _conditions(item.type, seen)


def holds(item: OutputField, variables: Mapping[str, Any]) -> bool:
    """Tell whether a field is answered for these variables."""
    return not item.when or holds_one(item.when, variables)


def holds_one(when: When, variables: Mapping[str, Any]) -> bool:
    """Tell whether one of a condition's alternatives holds for these variables."""
    return any(all(variables.get(given.variable) is given.expected for given in tests) for tests in when)


def _compile_type(
    output: OutputType, position: Position, conditions: Mapping[When, int], *, nullable: bool = True
) -> tuple[type, Complete]:
    """Compile one type to the JSON type that needs no further look, and the function for all other values."""
    match output:
        case NonNull(of):
            return _compile_type(of, position, conditions, nullable=False)
        case ListOf(of):
            return UNLIKE, _compile_list(of, position, conditions, nullable=nullable)
        case Composite():
            return UNLIKE, _compile_composite(output, position, conditions, nullable=nullable)
        case Leaf():
            return _compile_scalar(output, position, nullable=nullable)


def _compile_scalar(leaf: Leaf, position: Position, *, nullable: bool) -> tuple[type, Complete]:
    kind, convert = compile_leaf(leaf)
    unfit = _compile_unfit(position, nullable=nullable)

    def complete(value: Any, holder: Any, index: int | None, state: Pass) -> Any:
        taken = None if value is None else convert(value)
        return unfit(value, holder, index, state) if taken is None else taken

    if leaf.kind is not LeafKind.INT:
        return kind, complete

    def complete_int(value: Any, holder: Any, index: int | None, state: Pass) -> Any:
        # The most usual leaf that the type alone does not decide; saves a call.
        if type(value) is int and MIN_INT <= value <= MAX_INT:
            return value
        return complete(value, holder, index, state)

    return kind, complete_int


def _compile_list(of: OutputType, position: Position, conditions: Mapping[When, int], *, nullable: bool) -> Complete:
    kind, complete_item = _compile_type(of, Position(position, None, position.owner, _name(of)), conditions)
    unfit = _compile_unfit(position, nullable=nullable)
    collapsed = None if nullable else BUBBLE

    def complete(value: Any, holder: Any, index: int | None, state: Pass) -> Any:
        if type(value) is not list:
            return unfit(value, holder, index, state)
        items: list[Any] = []
        add = items.append
        for number, item in enumerate(value):
            if type(item) is kind:
                add(item)
                continue
            taken = complete_item(item, value, number, state)
            if taken is BUBBLE:
                return collapsed
            add(taken)
        return items

    return complete


def _compile_composite(
    output: Composite, position: Position, conditions: Mapping[When, int], *, nullable: bool
) -> Complete:
    unfit = _compile_unfit(position, nullable=nullable)
    collapsed = None if nullable else BUBBLE
    if not output.abstract:
        return _compile_variant(output.variants[0], output, position, conditions, unfit, collapsed)
    by_type = {name: variant for variant in output.variants for name in variant.types}
    compiled: dict[str, Complete] = {}

    def learn(typename: str) -> Complete:
        # A type's fields are compiled when its first object comes: where an interface of eighty types is nested in
        # itself, all of them in all places would be eighty times eighty times eighty.
        variant = by_type[typename]
        project = _compile_variant(variant, output, position, conditions, unfit, collapsed)
        compiled.update(dict.fromkeys(variant.types, project))
        return project

    def complete(value: Any, holder: Any, index: int | None, state: Pass) -> Any:
        typename = value.get("__typename") if type(value) is dict else None
        if type(typename) is not str or typename not in by_type:
            return unfit(value, holder, index, state)
        project = compiled.get(typename) or learn(typename)
        return project(value, holder, index, state)

    return complete


def _compile_variant(
    variant: Variant,
    output: Composite,
    position: Position | None,
    conditions: Mapping[When, int],
    unfit: Complete,
    collapsed: Any,
) -> Complete:
    """
    Compile the fields of an object.

    Args:
        variant: The fields.
        output: The type they belong to.
        position: The object's place; None for the root.
        conditions: All conditions of the output, with their numbers.
        unfit: What becomes of a value that is not an object.
        collapsed: What becomes of an object of which a non-nullable field is null.
    """
    owner = variant.types[0] if len(variant.types) == 1 else output.name
    fields = tuple(
        (item.key, item.source, *_compile_field(item, variant, owner, position, conditions)) for item in variant.fields
    )

    if not any(item.when for item in variant.fields):
        return _compile_plain(fields, unfit, collapsed)
    flags = [conditions[item.when] if item.when else None for item in variant.fields]
    return _compile_conditional(tuple(zip(flags, fields, strict=True)), unfit, collapsed)


def _compile_plain(fields: tuple[CompiledField, ...], unfit: Complete, collapsed: Any) -> Complete:
    def project(value: Any, holder: Any, index: int | None, state: Pass) -> Any:
        if type(value) is not dict:
            return unfit(value, holder, index, state)
        get = value.get
        answer: JsonObject = {}
        for key, source, kind, complete in fields:
            part = get(source)
            if type(part) is not kind:
                part = complete(part, value, None, state)
                if part is BUBBLE:
                    return collapsed
            answer[key] = part
        return answer

    return project


def _compile_conditional(
    fields: tuple[tuple[int | None, CompiledField], ...], unfit: Complete, collapsed: Any
) -> Complete:
    """The same where some fields depend on variables; apart, because most objects have no such field."""

    def project(value: Any, holder: Any, index: int | None, state: Pass) -> Any:
        if type(value) is not dict:
            return unfit(value, holder, index, state)
        get = value.get
        holding = state.flags
        answer: JsonObject = {}
        for flag, (key, source, kind, complete) in fields:
            if flag is not None and not holding[flag]:
                continue
            part = get(source)
            if type(part) is not kind:
                part = complete(part, value, None, state)
                if part is BUBBLE:
                    return collapsed
            answer[key] = part
        return answer

    return project


def _compile_field(
    item: OutputField, variant: Variant, owner: str, position: Position | None, conditions: Mapping[When, int]
) -> tuple[type, Complete]:
    bare = item.type.of if isinstance(item.type, NonNull) else item.type
    if isinstance(bare, Leaf) and bare.kind is LeafKind.TYPENAME and len(variant.types) == 1:
        typename = variant.types[0]
        return UNLIKE, lambda _value, _holder, _index, _state: typename
    return _compile_type(item.type, Position(position, item, owner, _name(item.type)), conditions)


def _compile_unfit(position: Position, *, nullable: bool) -> Complete:
    """What becomes of a value that cannot be answered: a null here, or further up."""
    source = position.field.source if position.field else None

    def unfit(value: Any, holder: Any, index: int | None, state: Pass) -> Any:
        if value is not None:
            state.faults.append(Fault(FaultKind.MISFIT, position, holder, index))
        elif not nullable:
            state.faults.append(Fault(FaultKind.NULL, position, holder, index))
        elif source is not None and source not in holder:
            state.faults.append(Fault(FaultKind.ABSENT, position, holder, index))
        return None if nullable else BUBBLE

    return unfit


def _name(output: OutputType) -> str:
    match output:
        case NonNull(of):
            return _name(of)
        case ListOf():
            return "list"
        case Leaf(name=name) | Composite(name=name):
            return name
