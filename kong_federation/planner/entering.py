"""
How an object gets into other subgraphs: by keys, in as many hops as it takes, or at a root.

Roots need nothing and come first. Then subgraph after subgraph is entered, nearest first (Dijkstra); a key field may be
taken from any subgraph in which the object is at hand by then. It ends because each round enters one more subgraph or
none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from kong_federation.operation import Want
from kong_federation.planner.cost import NOTHING, Costs
from kong_federation.planner.decisions import UNUSED, Entry, Origin, Source, Uses
from kong_federation.querygraph import FieldMove, FieldSets, KeyMove, QueryGraph
from kong_federation.selection import SelectionSet, fields_on


class KeySource(Protocol):
    """The search's answer to: what does this key field cost, taken from there?"""

    def __call__(self, move: FieldMove, want: Want, runtime_type: str, origin: Origin, uses: Uses) -> Source:
        """The source; its calls include what it took to have the object at hand."""
        ...


class Entering:
    """
    Finds entries.

    Args:
        graph: The query graph.
        costs: The arithmetic of calls.
        field_sets: Keys as wants.
        key_source: The search, for key fields with something below.
    """

    def __init__(self, graph: QueryGraph, costs: Costs, field_sets: FieldSets, key_source: KeySource) -> None:
        self._graph = graph
        self._costs = costs
        self._field_sets = field_sets
        self._key_source = key_source

    def entries(self, runtime_type: str, origins: tuple[Origin, ...]) -> dict[str, Entry]:
        """The subgraphs that an object can get into, each on its shortest way."""
        at_hand = {origin.graph: (origin, frozenset({origin.graph})) for origin in origins}
        entered: dict[str, Entry] = {}
        # In turns over all subgraphs this would be quadratic in their number, for a query root that all of them have.
        doors = self._graph.doors(runtime_type)
        for graph in doors.roots:
            entry = None if graph in at_hand else self._shortest(graph, runtime_type, at_hand, origins)
            if entry is not None:
                entered[graph] = entry
        at_hand.update({graph: (_after(entry), entry.uses) for graph, entry in entered.items()})
        while True:
            best: Entry | None = None
            for graph in doors.keys:
                if graph in at_hand:
                    continue
                entry = self._shortest(graph, runtime_type, at_hand, origins)
                if entry is not None and (best is None or _rank(entry) < _rank(best)):
                    best = entry
            if best is None:
                return entered
            entered[best.move.graph] = best
            at_hand[best.move.graph] = (_after(best), best.uses)

    def into(
        self, graph: str, runtime_type: str, origins: tuple[Origin, ...], entries: Mapping[str, Entry]
    ) -> Entry | None:
        """The way into a subgraph, also into one where the object is at hand already."""
        if graph in entries:
            return entries[graph]
        at_hand = {origin.graph: (origin, frozenset({origin.graph})) for origin in origins}
        at_hand.update({name: (_after(entry), entry.uses) for name, entry in entries.items()})
        return self._shortest(graph, runtime_type, at_hand, origins)

    def is_provided(self, provided: SelectionSet, runtime_type: str, name: str) -> bool:
        """Whether a field of an object is among what the path to it provides."""
        names = self._graph.catalog.supertypes(runtime_type)
        return any(field.name == name for field in fields_on(provided, names))

    def _shortest(
        self,
        graph: str,
        runtime_type: str,
        at_hand: Mapping[str, tuple[Origin, Uses]],
        origins: tuple[Origin, ...],
    ) -> Entry | None:
        root = self._graph.root(graph, runtime_type)
        if root is not None:
            # A root needs nothing but an object to hang its data on.
            first = min(origins, key=lambda origin: origin.wave, default=None)
            wave = first.wave if first else 0
            uses = frozenset({first.graph}) if first else UNUSED
            return Entry(root, wave, self._costs.call(wave, graph), uses=uses)
        best: Entry | None = None
        for move in self._graph.keys(graph, runtime_type):
            entry = self._by_key(move, runtime_type, at_hand)
            if entry is not None and (best is None or _rank(entry) < _rank(best)):
                best = entry
        return best

    def _by_key(self, move: KeyMove, runtime_type: str, at_hand: Mapping[str, tuple[Origin, Uses]]) -> Entry | None:
        """The entry by one key, if all its fields are to be had where the object is at hand."""
        wants = self._field_sets.wants(move.key, runtime_type)
        sources: list[Source] = []
        wave, calls, uses = 0, NOTHING, UNUSED
        for want in wants:
            found = self._cheapest(want, runtime_type, at_hand)
            if found is None:
                return None
            ready, source = found
            sources.append(source)
            wave, calls, uses = max(wave, ready), calls | source.calls, uses | source.ways[0].uses
        return Entry(move, wave, calls | self._costs.call(wave, move.graph), wants, tuple(sources), uses)

    def _cheapest(
        self, want: Want, runtime_type: str, at_hand: Mapping[str, tuple[Origin, Uses]]
    ) -> tuple[int, Source] | None:
        best: tuple[int, Source] | None = None
        for graph, (origin, uses) in at_hand.items():
            move = self._graph.field(graph, runtime_type, want.name)
            if move is None or not move.plain:
                continue
            if move.external and not self.is_provided(origin.provided, runtime_type, want.name):
                continue
            source = self._key_source(move, want, runtime_type, origin, uses)
            if source.missing:
                continue
            more = source.calls & ~origin.calls
            ready = max(origin.wave, self._costs.depth(more)) if more else origin.wave
            if best is None or (ready, source.calls.bit_count()) < (best[0], best[1].calls.bit_count()):
                best = (ready, source)
        return best


def _after(entry: Entry) -> Origin:
    """The object at hand in the subgraph it has entered."""
    return Origin(entry.move.graph, (), entry.wave + 1, entry.calls)


def _rank(entry: Entry) -> tuple[int, int, int]:
    return (entry.wave, entry.calls.bit_count(), len(entry.wants))
