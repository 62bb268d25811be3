"""
What a fetch's document asks for, as far as it helps to know where a value may come from.

A shape says for each data key of an object under which type conditions it is asked for, and what is asked for below.
Workers have no schema, so a condition on an abstract type may hold for any type; a condition on a type that the plan
itself knows as an object's holds for that type alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    parse,
)
from graphql.language import OperationDefinitionNode, SelectionSetNode

Types: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """
    One place in a document where a field is asked for.

    Args:
        conditions: Types it is asked for, all of which must fit.
        below: What is asked for of the field's objects; None for a leaf.
        always: Whether it is asked for whatever the variables are.
    """

    conditions: frozenset[str]
    below: Shape | None
    always: bool = True

    def is_sure(self, typename: str | None) -> bool:
        """Whether it is asked for of every object; `typename`: what these are, if that is known."""
        return self.always and self.conditions <= {typename}


@dataclass(eq=False, slots=True)
class Shape:
    """
    What is asked for of an object.

    Args:
        fields: By data key, every place that asks for it.
        sure: Data keys that every object has although no single place always asks for them.
    """

    fields: dict[str, list[Asked]] = field(default_factory=dict)
    sure: frozenset[str] = frozenset()

    def may_have(self, key: str, types: Types | None, objects: frozenset[str]) -> bool:
        """
        Tell whether a field may be asked for.

        Args:
            key: The data key.
            types: What the object may be; None if that is not known.
            objects: The types that are known to be objects'.
        """
        return any(True for _ in self._fitting(key, types, objects))

    def below(self, key: str, types: Types | None, objects: frozenset[str]) -> Shape | None:
        """What is asked for of a field's objects; None if it is not asked for, or is a leaf."""
        places = [(asked, asked.below) for asked in self._fitting(key, types, objects) if asked.below is not None]
        if len(places) < 2:
            return places[0][1] if places else None
        typename = types[0] if types is not None and len(types) == 1 else None
        # Whichever place it was that asked for the object, all of them ask for these.
        _, first = places[0]
        common = (name for name in first.fields if all(shape.surely_has(name) for _, shape in places))
        joined = Shape(sure=frozenset(common))
        for asked, shape in places:
            sure = asked.is_sure(typename)
            if sure:
                joined.sure |= shape.sure
            for name, inner in shape.fields.items():
                kept = inner if sure else [replace(one, always=False) for one in inner]
                joined.fields.setdefault(name, []).extend(kept)
        return joined

    def surely_has(self, key: str, typename: str | None = None) -> bool:
        """
        Tell whether every object has a field.

        Args:
            key: The data key.
            typename: What every object is; None: it may be of any type.
        """
        return key in self.sure or any(asked.is_sure(typename) for asked in self.fields.get(key, ()))

    def _fitting(self, key: str, types: Types | None, objects: frozenset[str]) -> Iterator[Asked]:
        for asked in self.fields.get(key, ()):
            if types is None or all(one in types or one not in objects for one in asked.conditions):
                yield asked


def read_shape(document: str) -> Shape:
    """
    What a document's operation asks for at its root.

    Raises:
        RecursionError: It is nested too deeply.
    """
    try:
        parsed = parse(document, no_location=True)
    except GraphQLSyntaxError:
        # The planner has written it, so that is all that can be wrong.
        raise RecursionError from None
    fragments = {one.name.value: one for one in parsed.definitions if isinstance(one, FragmentDefinitionNode)}
    operation = next(one for one in parsed.definitions if isinstance(one, OperationDefinitionNode))
    return _shape((operation.selection_set,), fragments, {})


# What has been read of some selection sets; planners spread one fragment in many places.
_Read: TypeAlias = dict[tuple[int, ...], Shape]


def _shape(
    selections: Iterable[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode], read: _Read
) -> Shape:
    known = tuple(map(id, selections))
    if known in read:
        return read[known]
    shape = read[known] = Shape()
    for one in selections:
        for conditions, found, always in _fields(one, frozenset(), fragments):
            key = found.alias.value if found.alias else found.name.value
            below = _shape((found.selection_set,), fragments, read) if found.selection_set else None
            shape.fields.setdefault(key, []).append(Asked(conditions, below, always))
    return shape


def _fields(
    selections: SelectionSetNode,
    conditions: frozenset[str],
    fragments: Mapping[str, FragmentDefinitionNode],
    *,
    always: bool = True,
) -> Iterator[tuple[frozenset[str], FieldNode, bool]]:
    """The fields of one selection set: the types they are asked for, and whether they always are."""
    for selection in selections.selections:
        # `@include` and `@skip`.
        sure = always and not selection.directives
        if isinstance(selection, FieldNode):
            yield conditions, selection, sure
        elif isinstance(selection, FragmentSpreadNode):
            fragment = fragments[selection.name.value]
            within = conditions | {fragment.type_condition.name.value}
            yield from _fields(fragment.selection_set, within, fragments, always=sure)
        elif isinstance(selection, InlineFragmentNode):
            named = selection.type_condition
            within = conditions | {named.name.value} if named else conditions
            yield from _fields(selection.selection_set, within, fragments, always=sure)
