"""
Normalised selections: for each runtime type, the fields that are asked for, in the specification's order.

A `Shape` is what an operation (or a field set) wants of an object position. Where the position is abstract it has one
list of wants for each possible type; types that are asked for the same share one list. Fragments, type conditions and
repeated fields are gone by then: this is the result of the specification's CollectFields, done once per type instead of
once per object.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from graphql import FieldNode

from kong_federation.operation.conditions import ALWAYS, When
from kong_federation.operation.deferrals import AT_ONCE, Deferrals


@dataclass(slots=True, eq=False)
class Want:
    """
    One field that is wanted of an object.

    Args:
        key: The response key.
        name: The field's name; `__typename` is one.
        arguments: Canonical text with parentheses, or empty.
        variables: Variables that the arguments use.
        type: GraphQL text of the field's type.
        shape: What is wanted below it; None for leaves.
        when: Under which conditions, relative to the object.
        nodes: The field nodes it was made of, for `__schema` and `__type`, which are executed as they are.
        deferrals: The deferred fragments it stands in, as seen from the object.
    """

    key: str
    name: str
    arguments: str
    variables: frozenset[str]
    type: str
    shape: Shape | None
    when: When = ALWAYS
    nodes: tuple[FieldNode, ...] = ()
    deferrals: Deferrals = AT_ONCE


@dataclass(slots=True, eq=False)
class Shape:
    """
    What is wanted of the objects at one position.

    Args:
        type_name: The position's type in the schema.
        by_type: Possible runtime type -> wants, in order. Types with equal wants share the tuple.
        turns: For types where the order depends on variables: the wants, each as often as it has places, and when it
            stands there.
    """

    type_name: str
    by_type: dict[str, tuple[Want, ...]] = field(default_factory=dict)
    turns: dict[str, tuple[tuple[Want, When], ...]] = field(default_factory=dict)

    def answered(self, runtime_type: str) -> tuple[tuple[Want, When], ...]:
        """The fields of a type's answer in order, each with the condition under which it stands there."""
        turns = self.turns.get(runtime_type)
        return turns if turns is not None else tuple((want, want.when) for want in self.by_type[runtime_type])

    def variants(self) -> list[tuple[tuple[str, ...], tuple[Want, ...]]]:
        """Runtime types grouped by their wants."""
        groups: dict[int, tuple[list[str], tuple[Want, ...]]] = {}
        for name, wants in self.by_type.items():
            groups.setdefault(id(wants), ([], wants))[0].append(name)
        return [(tuple(names), wants) for names, wants in groups.values()]
