"""The labels of a supergraph's progressive `@override`s."""

from __future__ import annotations

from kong_federation.supergraph.model import Supergraph


def override_labels(supergraph: Supergraph) -> frozenset[str]:
    """All labels on which it depends where a field is resolved."""
    return frozenset(
        join.override_label
        for info in supergraph.types.values()
        for field in info.fields.values()
        for join in field.joins.values()
        if join.override_label is not None
    )
