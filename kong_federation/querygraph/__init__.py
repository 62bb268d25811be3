"""The supergraph as a graph to search: fields, keys and roots as moves between subgraphs."""

from kong_federation.querygraph.fieldsets import FieldSets
from kong_federation.querygraph.graph import QueryGraph
from kong_federation.querygraph.moves import Doors, FieldMove, KeyMove, RootMove

__all__ = ["Doors", "FieldMove", "FieldSets", "KeyMove", "QueryGraph", "RootMove"]
