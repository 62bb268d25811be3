"""
What the client gets: wants and bindings to the `Output` tree.

It is read off after all fields have their data keys. Runtime types that are asked for the same, and whose fields lie
under the same data keys, share a variant.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from graphql import ListTypeNode, NamedTypeNode, NonNullTypeNode, TypeNode, parse_type

from kong_federation.limits import Budget
from kong_federation.operation import Shape, Want, When
from kong_federation.plan import (
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
from kong_federation.planner.data import DataField, DataNode
from kong_federation.supergraph import Catalog, Kind

_BUILT_IN = {kind.value: kind for kind in LeafKind if kind.value in {"Int", "Float", "String", "Boolean", "ID"}}


class Outputs:
    """
    Builds the output of one operation.

    Args:
        catalog: The public types.
        bound: Where each want's data lies.
        parts: Which deferred part a want comes in, where it is one.
        budget: One step is one field of one variant.
    """

    def __init__(
        self,
        catalog: Catalog,
        bound: Mapping[tuple[DataNode, str, Want], DataField],
        parts: Mapping[tuple[DataNode, Want], int],
        budget: Budget,
    ) -> None:
        self._catalog = catalog
        self._bound = bound
        self._parts = parts
        self._budget = budget
        self._leaves: dict[str, Leaf] = {}
        self._composites: dict[tuple[DataNode, Shape], Composite] = {}

    def composite(self, node: DataNode, shape: Shape) -> Composite:
        """The output of the objects at a node; places that are alike share one."""
        found = self._composites.get((node, shape))
        if found is None:
            found = self._composites[node, shape] = self._composite(node, shape)
        return found

    def _composite(self, node: DataNode, shape: Shape) -> Composite:
        variants = tuple(
            Variant(tuple(types), tuple(self._field(node, types, *turn) for turn in shape.answered(types[0])))
            for types in self._alike(node, shape)
        )
        return Composite(shape.type_name, node.typed and self._catalog.is_abstract(shape.type_name), variants)

    def _alike(self, node: DataNode, shape: Shape) -> list[list[str]]:
        """The runtime types in groups that are answered alike, from the same data keys."""
        groups: list[tuple[tuple[object, ...], list[str | None], list[str]]] = []
        for runtime_type, wants in shape.by_type.items():
            asked = (id(wants), shape.turns.get(runtime_type))
            keys = [self._key(node, runtime_type, want) for want in wants]
            for same, known, types in groups:
                if same == asked and all(a is None or b is None or a == b for a, b in zip(known, keys, strict=True)):
                    known[:] = [a or b for a, b in zip(known, keys, strict=True)]
                    types.append(runtime_type)
                    break
            else:
                groups.append((asked, keys, [runtime_type]))
        return [types for _, _, types in groups]

    def _key(self, node: DataNode, runtime_type: str, want: Want) -> str | None:
        """Where a want's data lies; None: of a type that no subgraph on the way can return, nothing ever comes."""
        bound = self._bound.get((node, runtime_type, want))
        return None if bound is None else bound.key

    def _field(self, node: DataNode, types: list[str], want: Want, when: When) -> OutputField:
        self._budget.spend()
        part = self._parts.get((node, want))
        if want.name == "__typename":
            kind = NonNull(Leaf(LeafKind.TYPENAME, "String"))
            return OutputField(want.key, "__typename", kind, _tests(when), part)
        if want.nodes:
            leaf: OutputType = Leaf(LeafKind.CUSTOM, want.type.rstrip("!"))
            return OutputField(want.key, want.key, leaf, _tests(when))
        # Of types that share a variant some may never come on the way here; what is below is bound for the others.
        found = (self._bound.get((node, name, want)) for name in types)
        bound = next((one for one in found if one is not None), None)
        below = bound.node if bound is not None else None
        inner = self.composite(below or DataNode(), want.shape) if want.shape is not None else None
        return OutputField(
            want.key,
            bound.key if bound is not None else want.key,
            self._wrap(_parsed(want.type), inner),
            _tests(when),
            part,
        )

    def _wrap(self, node: TypeNode, inner: Composite | None) -> OutputType:
        match node:
            case NonNullTypeNode(type=of):
                return NonNull(self._wrap(of, inner))
            case ListTypeNode(type=of):
                return ListOf(self._wrap(of, inner))
            case NamedTypeNode(name=name):
                return inner if inner is not None else self._leaf(name.value)
        raise TypeError(f"not a type: {node}")

    def _leaf(self, name: str) -> Leaf:
        if name not in self._leaves:
            info = self._catalog.info(name)
            if name in _BUILT_IN:
                self._leaves[name] = Leaf(_BUILT_IN[name], name)
            elif info is not None and info.kind is Kind.ENUM:
                self._leaves[name] = Leaf(LeafKind.ENUM, name, self._catalog.enum_values(name))
            else:
                self._leaves[name] = Leaf(LeafKind.CUSTOM, name)
        return self._leaves[name]


@lru_cache(maxsize=4096)
def _parsed(text: str) -> TypeNode:
    """A type's text as a tree; there are few different ones in a supergraph, and parsing was most of the work here."""
    return parse_type(text, no_location=True)


def _tests(when: When) -> tuple[tuple[Given, ...], ...]:
    return tuple(tuple(Given(variable, wanted) for variable, wanted in sorted(conjunction)) for conjunction in when)
