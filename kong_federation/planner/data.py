"""
The planner's picture of the data tree: which field lies under which data key.

Subgraph answers are merged into one tree (see `plan.nodes`), so two fields may share a data key only if they are the
same field with the same arguments, or can never be on the same object and have the same shape in every document that
asks for both (GraphQL specification, section 5.3.2, SameResponseShape). Whoever needs a field claims a key for it here:
the client's response key or the field's name if it is free, another one if not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kong_federation.operation import Want
from kong_federation.plan import Each, Key, OnTypes, Path
from kong_federation.supergraph import list_depth, named_type

# Data keys that clients did not choose start so; GraphQL leaves names with one underscore to everybody.
ALIAS_PREFIX = "_kf"


@dataclass(slots=True, eq=False)
class DataField:
    """
    A field under its data key.

    Args:
        key: The data key.
        name: The field's name.
        arguments: Canonical text.
        types: Runtime types whose objects have it here.
        shapes: Subgraph -> what it looks like in that subgraph's documents.
        node: What lies below; None for leaves.
        lists: How many lists its value is nested in.
    """

    key: str
    name: str
    arguments: str
    types: set[str]
    shapes: dict[str, str]
    node: DataNode | None
    lists: int


@dataclass(slots=True, eq=False)
class DataNode:
    """
    The objects at one place of the data tree.

    Args:
        below: Data key -> what lies below, shared by fields that share the key.
        typed: Whether the objects carry `__typename`, because something depends on it.
    """

    below: dict[str, DataNode] = field(default_factory=dict)
    typed: bool = False
    _by_key: dict[str, list[DataField]] = field(default_factory=dict)
    _by_call: dict[tuple[str, str], list[DataField]] = field(default_factory=dict)
    _aliases: int = 0

    def claim(self, want: Want, types: tuple[str, ...], graph: str, type_text: str, *, own_key: bool) -> DataField:
        """
        Get a data key for a field.

        Args:
            want: The field; its response key is the key it would like.
            types: Runtime types of the objects it is read from.
            graph: The subgraph it comes from.
            type_text: GraphQL text of its type there.
            own_key: Whether it must not share a field that lies under another response key. Clients may ask one field
                under two names and mean two calls; the machinery takes what is there.
        """
        shape = _shape(want, type_text)
        alike = self._by_key.get(want.key, ()) if own_key else self._by_call.get((want.name, want.arguments), ())
        for known in alike:
            same = known.name == want.name and known.arguments == want.arguments
            if same and self._fits(known, types, graph, shape):
                known.types.update(types)
                known.shapes[graph] = shape
                return known
        key = want.key if self._is_free(want.key, types, graph, shape) else self._alias(want.key)
        node = self.below.setdefault(key, DataNode()) if want.shape is not None else None
        claimed = DataField(key, want.name, want.arguments, set(types), {graph: shape}, node, list_depth(type_text))
        self._by_key.setdefault(key, []).append(claimed)
        self._by_call.setdefault((want.name, want.arguments), []).append(claimed)
        return claimed

    def step(self, claimed: DataField) -> Path:
        """The path from an object to what lies below a field."""
        alone = len(self._by_key[claimed.key]) == 1
        on_types = () if alone else (OnTypes(tuple(sorted(claimed.types))),)
        return (*on_types, Key(claimed.key), *(Each() for _ in range(claimed.lists)))

    def _fits(self, known: DataField, types: tuple[str, ...], graph: str, shape: str) -> bool:
        """Whether a field may be read from these types under its key, and asked for in that subgraph."""
        if known.shapes.get(graph, shape) != shape:
            return False
        return all(
            other is known or (not other.types.intersection(types) and other.shapes.get(graph, shape) == shape)
            for other in self._by_key[known.key]
        )

    def _is_free(self, key: str, types: tuple[str, ...], graph: str, shape: str) -> bool:
        if key.startswith("__"):
            return False
        return all(
            not other.types.intersection(types) and other.shapes.get(graph, shape) == shape
            for other in self._by_key.get(key, ())
        )

    def _alias(self, key: str) -> str:
        while True:
            alias = f"{ALIAS_PREFIX}{self._aliases}_{key.lstrip('_')}"
            self._aliases += 1
            if alias not in self._by_key:
                return alias


def _shape(want: Want, type_text: str) -> str:
    """What must be equal for two fields under one response name: lists and nulls, and a leaf's type."""
    return type_text.replace(named_type(type_text), "*") if want.shape is not None else type_text
