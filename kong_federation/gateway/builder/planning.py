"""The planner that builders use unless they are told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kong_federation.plan import QueryPlan
from kong_federation.planner import Planner, PlannerOptions
from kong_federation.supergraph import load_supergraph, override_labels

# Seconds. The builder ends a planning process that takes longer than its order allows, 55 seconds at most.
_LONGEST = 60.0


class FederationPlanner:
    """
    The planner of one supergraph, as the builder asks it.

    Args:
        sdl: The supergraph.

    Raises:
        FederationError: SUPERGRAPH_INVALID.
    """

    def __init__(self, sdl: str) -> None:
        self._planner = Planner(load_supergraph(sdl), PlannerOptions(timeout=_LONGEST))

    def subgraphs(self) -> Mapping[str, str]:
        """Names and addresses of the subgraphs."""
        return {subgraph.name: subgraph.url for subgraph in self._planner.supergraph.graphs.values()}

    def override_labels(self) -> frozenset[str]:
        """The labels on which plans depend."""
        return override_labels(self._planner.supergraph)

    def plan(self, document: str, operation_name: str | None, labels: frozenset[str]) -> QueryPlan:
        """Parse, validate and plan an operation."""
        return self._planner.plan(document, operation_name, labels)

    def introspect(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Answer an introspection query with its `data`."""
        return self._planner.introspect(document, variables)


make_planner = FederationPlanner
