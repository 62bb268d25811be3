"""Which fields are part of keys."""

from __future__ import annotations

from collections.abc import Iterator

from kong_federation.selection import InlineFragment, SelectionSet
from kong_federation.supergraph.model import Supergraph, named_type


def key_fields(supergraph: Supergraph) -> frozenset[tuple[str, str, str]]:
    """`(subgraph, type, field)` of all fields that a key of the subgraph consists of, at all depths."""
    return frozenset(
        (graph, owner, name)
        for info in supergraph.types.values()
        for graph, membership in info.joins.items()
        for key in membership.keys
        for owner, name in _fields(supergraph, info.name, key.fields)
    )


def _fields(supergraph: Supergraph, owner: str, selections: SelectionSet) -> Iterator[tuple[str, str]]:
    for selection in selections:
        if isinstance(selection, InlineFragment):
            yield from _fields(supergraph, selection.type_name, selection.selections)
            continue
        info = supergraph.types.get(owner)
        field = info.fields.get(selection.name) if info else None
        if field is not None:
            yield owner, selection.name
            yield from _fields(supergraph, named_type(field.type), selection.selections)
