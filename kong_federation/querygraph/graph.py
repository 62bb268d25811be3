"""
The query graph: which fields of an object a subgraph resolves, and how objects get from one subgraph into another.

Nodes are pairs of a subgraph and a runtime type; they are not objects of their own, because each question is answered
from the supergraph in constant time and remembered. The runtime type is an object type, or, below an interface object,
the interface itself: there the subgraph does not know what the object really is.

A graph is made for one set of active override labels: labels decide which subgraph a field belongs to.

**External key fields.** A subgraph may have a key whose fields it marks as external: it can be entered by them. Whether
it also answers them where its own fields lead to the object is not said; it should, and mostly does, but composition
does not count on it. So it is not counted on here either, unless there is no other way: a `lenient` graph does.
"""

from __future__ import annotations

from kong_federation.querygraph.moves import Doors, FieldMove, KeyMove, RootMove
from kong_federation.supergraph import Catalog, JoinField, Kind, Supergraph, key_fields, named_type


class QueryGraph:
    """
    The graph of one supergraph under one set of labels.

    Args:
        supergraph: The model.
        labels: Labels of progressive `@override` that are active.
        lenient: Whether external key fields are resolved by the subgraphs that have the key.
    """

    def __init__(self, supergraph: Supergraph, labels: frozenset[str] = frozenset(), *, lenient: bool = False) -> None:
        self.catalog = Catalog(supergraph, public=False)
        self.graphs = tuple(supergraph.graphs)
        self._roots = {name: kind for kind, name in supergraph.roots.items()}
        self._types = supergraph.types
        self._labels = labels
        self._known_by_key = key_fields(supergraph) if lenient else frozenset()
        # Whether any field is filled from a context; if not, nobody needs to look for one.
        self.has_contexts = any(
            join.context_arguments
            for info in supergraph.types.values()
            for field in info.fields.values()
            for join in field.joins.values()
        )
        self._fields: dict[tuple[str, str, str], FieldMove | None] = {}
        self._keys: dict[tuple[str, str], tuple[KeyMove, ...]] = {}
        self._doors: dict[str, Doors] = {}
        self._possible: dict[tuple[str, str], tuple[str, ...]] = {}
        self._owners: dict[tuple[str, str], tuple[FieldMove, ...]] = {}

    def field(self, graph: str, runtime_type: str, name: str) -> FieldMove | None:
        """The field of an object in a subgraph; None if the subgraph cannot resolve it, external ones are given."""
        key = (graph, runtime_type, name)
        if key not in self._fields:
            self._fields[key] = self._find_field(graph, runtime_type, name)
        return self._fields[key]

    def resolvers(self, runtime_type: str, name: str) -> tuple[FieldMove, ...]:
        """The field of an object in all subgraphs that resolve it by themselves (external ones left out)."""
        key = (runtime_type, name)
        if key not in self._owners:
            moves = (self.field(graph, runtime_type, name) for graph in self.graphs)
            self._owners[key] = tuple(move for move in moves if move is not None and not move.external)
        return self._owners[key]

    def keys(self, graph: str, runtime_type: str) -> tuple[KeyMove, ...]:
        """The ways into a subgraph for an object, shortest key first."""
        key = (graph, runtime_type)
        if key not in self._keys:
            self._keys[key] = self._find_keys(graph, runtime_type)
        return self._keys[key]

    def root(self, graph: str, runtime_type: str) -> RootMove | None:
        """The way into a subgraph's query root, if the type is the query root and the subgraph has it."""
        if self._roots.get(runtime_type) is None or graph not in self._types[runtime_type].joins:
            return None
        return RootMove(graph, runtime_type)

    def doors(self, runtime_type: str) -> Doors:
        """The subgraphs that an object can get into; of many subgraphs most types are in few."""
        if runtime_type not in self._doors:
            roots = tuple(graph for graph in self.graphs if self.root(graph, runtime_type))
            keys = tuple(graph for graph in self.graphs if graph not in roots and self.keys(graph, runtime_type))
            self._doors[runtime_type] = Doors(roots, keys)
        return self._doors[runtime_type]

    def possible(self, graph: str, static_type: str) -> tuple[str, ...]:
        """
        The runtime types that objects of a type can have in a subgraph.

        For an interface object it is the interface itself, and it alone.
        """
        key = (graph, static_type)
        if key not in self._possible:
            self._possible[key] = self._find_possible(graph, static_type)
        return self._possible[key]

    def is_interface_object(self, graph: str, type_name: str) -> bool:
        """Whether a subgraph knows an interface as an object type only."""
        info = self._types.get(type_name)
        membership = info.joins.get(graph) if info else None
        return membership is not None and membership.interface_object

    def is_abstract(self, graph: str, type_name: str) -> bool:
        """Whether a type is an interface or a union in a subgraph."""
        info = self._types.get(type_name)
        return (
            info is not None
            and info.kind in {Kind.INTERFACE, Kind.UNION}
            and not self.is_interface_object(graph, type_name)
        )

    def interface_field_type(self, graph: str, type_name: str, name: str) -> str | None:
        """The named type of a field that an interface itself has in a subgraph: selectable without a fragment."""
        info = self._types.get(type_name)
        if info is None or info.kind is not Kind.INTERFACE or name not in info.fields:
            return None
        join = info.fields[name].joins.get(graph)
        return named_type(join.type) if join else None

    def sets_context(self, runtime_type: str, context: str) -> bool:
        """Whether objects of a type set a context, by themselves or by an interface or union they belong to."""
        for name in self.catalog.supertypes(runtime_type):
            info = self._types[name]
            if any(one.name == "context" and one.arguments.get("name") == context for one in info.directives):
                return True
        return False

    def is_inaccessible(self, type_name: str) -> bool:
        """Whether clients cannot see a type."""
        return self._types[type_name].inaccessible

    def _find_field(self, graph: str, runtime_type: str, name: str) -> FieldMove | None:
        info = self._types[runtime_type]
        if info.kind is Kind.INTERFACE and not self.is_interface_object(graph, runtime_type):
            return self._common_field(graph, runtime_type, name)
        if graph in info.joins:
            return self._move(graph, runtime_type, name)
        for interface in sorted(info.interfaces):
            if self.is_interface_object(graph, interface):
                move = self._move(graph, interface, name)
                if move is not None:
                    return move
        return None

    def _common_field(self, graph: str, interface: str, name: str) -> FieldMove | None:
        """A field of an object of which only the interface is known: all that implement it must resolve it plainly."""
        if self.interface_field_type(graph, interface, name) is None:
            return None
        for runtime_type in self.possible(graph, interface):
            move = self.field(graph, runtime_type, name)
            if move is None or move.external or not move.plain:
                return None
        return self._move(graph, interface, name)

    def _move(self, graph: str, owner: str, name: str) -> FieldMove | None:
        info = self._types[owner].fields.get(name)
        join = info.joins.get(graph) if info else None
        if join is None or not self._in_force(join):
            return None
        return FieldMove(
            graph,
            owner,
            name,
            join.type,
            named_type(join.type),
            join.external and (graph, owner, name) not in self._known_by_key,
            join.requires,
            join.provides,
            join.context_arguments,
        )

    def _in_force(self, join: JoinField) -> bool:
        if join.used_overridden and join.override_label is None:
            return False
        if join.override_label is None:
            return True
        return (join.override is not None) == (join.override_label in self._labels)

    def _find_keys(self, graph: str, runtime_type: str) -> tuple[KeyMove, ...]:
        found: list[KeyMove] = []
        info = self._types[runtime_type]
        for owner in (runtime_type, *sorted(info.interfaces)):
            if owner != runtime_type and not self.is_interface_object(graph, owner):
                continue
            membership = self._types[owner].joins.get(graph)
            keys = membership.keys if membership else ()
            found += [KeyMove(graph, owner, key.fields) for key in keys if key.resolvable]
        return tuple(sorted(found, key=lambda move: len(str(move.key))))

    def _find_possible(self, graph: str, static_type: str) -> tuple[str, ...]:
        info = self._types[static_type]
        membership = info.joins.get(graph)
        if membership is None:
            return ()
        if info.kind is Kind.OBJECT or membership.interface_object:
            return (static_type,)
        if info.kind is Kind.UNION:
            return tuple(sorted(membership.members))
        implementers = []
        for name in self.catalog.possible(static_type):
            joined = self._types[name].joins.get(graph)
            if joined is not None and static_type in joined.implements:
                implementers.append(name)
        return tuple(implementers)
