"""
What the data must respect, read off the join specification: who resolves a field, and what its values can be.

All subgraphs tell of the same world, so a value must be one that each of them may give: its runtime type is possible in
all of them, it is not null where one of them says so. Key fields are never null and different for every object.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kong_federation.selection import Field, InlineFragment, SelectionSet
from kong_federation.supergraph import Catalog, JoinField, Kind, Supergraph, list_depth, named_type


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """
    A field of an object type.

    Args:
        named: The named type.
        required: For each level, outermost list first, whether null is excluded there.
        types: Runtime types of its objects; empty for leaves.
        requires: What its value depends on; `()` if some subgraph resolves it without.
        key: Whether it is part of a `@key`.
    """

    named: str
    required: tuple[bool, ...]
    types: tuple[str, ...]
    requires: SelectionSet
    key: bool


class Facts:
    """
    The facts of one supergraph.

    Args:
        supergraph: The model.
        labels: Active labels of progressive overrides.
    """

    def __init__(self, supergraph: Supergraph, labels: frozenset[str] = frozenset()) -> None:
        self.supergraph = supergraph
        self.catalog = Catalog(supergraph, public=False)
        self._labels = labels
        self._fields: dict[tuple[str, str], FieldFacts] = {}
        self._keys: set[tuple[str, str]] = set()
        for info in supergraph.types.values():
            for membership in info.joins.values():
                for key in membership.keys:
                    self._note_key(key.fields, info.name)

    def field(self, type_name: str, name: str) -> FieldFacts:
        """What is known of a field of an object type."""
        key = (type_name, name)
        if key not in self._fields:
            self._fields[key] = self._find(type_name, name)
        return self._fields[key]

    def joins(self, type_name: str, name: str) -> dict[str, JoinField]:
        """A field in the subgraphs that have it, on the type itself or on an interface that is an object there."""
        info = self.supergraph.types[type_name]
        found = dict(info.fields[name].joins) if name in info.fields else {}
        for interface in sorted(info.interfaces):
            above = self.supergraph.types[interface]
            for graph, join in (above.fields[name].joins if name in above.fields else {}).items():
                if above.joins[graph].interface_object:
                    found.setdefault(graph, join)
        return found

    def in_force(self, join: JoinField) -> bool:
        """Whether a subgraph is asked for a field, as far as overrides go."""
        if join.override_label is not None:
            return (join.override is not None) == (join.override_label in self._labels)
        return not join.used_overridden

    def is_key(self, type_name: str, name: str) -> bool:
        """Whether a field is part of some key of its type, or of one that leads through its type."""
        return any((owner, name) in self._keys for owner in self.catalog.supertypes(type_name))

    def possible(self, graph: str, type_name: str) -> frozenset[str]:
        """The object types that a type stands for in a subgraph."""
        info = self.supergraph.types[type_name]
        membership = info.joins.get(graph)
        if membership is None:
            return frozenset()
        if info.kind is Kind.UNION:
            return membership.members
        if info.kind is Kind.INTERFACE:
            if membership.interface_object:
                return frozenset(self.catalog.possible(type_name))
            return frozenset(
                name
                for name in self.catalog.possible(type_name)
                if (joined := self.supergraph.types[name].joins.get(graph)) and type_name in joined.implements
            )
        return frozenset({type_name})

    def sets_context(self, type_name: str, context: str) -> bool:
        """Whether objects of a type set a context."""
        return any(
            one.name == "context" and one.arguments["name"] == context
            for name in self.catalog.supertypes(type_name)
            for one in self.supergraph.types[name].directives
        )

    def values(self, enum: str) -> tuple[str, ...]:
        """The values of an enum that all subgraphs and clients know."""
        info = self.supergraph.types[enum]
        known = set(info.members) - info.hidden_values
        for membership in info.joins.values():
            known &= membership.members
        return tuple(sorted(known or info.members))

    def _find(self, type_name: str, name: str) -> FieldFacts:
        joins = self.joins(type_name, name)
        info = self.supergraph.types[type_name].fields[name]
        key = self.is_key(type_name, name)
        texts = [info.type, *(join.type for join in joins.values())]
        required = tuple(any(level) or key for level in zip(*map(_required, texts), strict=True))
        own = [join for join in joins.values() if not join.external and self.in_force(join)]
        demands = {join.requires for join in own}
        return FieldFacts(
            named_type(info.type),
            required,
            self._types(joins, named_type(info.type)),
            demands.pop() if len(demands) == 1 else (),
            key,
        )

    def _types(self, joins: dict[str, JoinField], named: str) -> tuple[str, ...]:
        if self.supergraph.types.get(named) is None or not self.catalog.possible(named):
            return ()
        everywhere = [self.possible(graph, named_type(join.type)) for graph, join in joins.items()]
        resolvers = [self.possible(graph, named_type(join.type)) for graph, join in joins.items() if not join.external]
        for sets in (everywhere, resolvers, resolvers[:1]):
            common = frozenset.intersection(*sets) if sets else frozenset()
            if common:
                return tuple(sorted(common))
        return ()

    def _note_key(self, selections: Iterable[object], owner: str) -> None:
        for selection in selections:
            match selection:
                case Field(name, _, below) if name != "__typename":
                    self._keys.add((owner, name))
                    info = self.catalog.field(owner, name)
                    if below and info is not None:
                        self._note_key(below, named_type(info.type))
                case InlineFragment(type_name, below):
                    self._note_key(below, type_name)


def _required(text: str) -> tuple[bool, ...]:
    """`[Book!]` -> (False, True)."""
    levels = [text.endswith("!")]
    for _ in range(list_depth(text)):
        text = text.rstrip("!")[1:-1]
        levels.append(text.endswith("!"))
    return tuple(levels)
