"""
The search: which subgraph resolves which field of an object.

**Objective.** The fewest requests in the fewest waves (see `cost`), such that every want is resolved.

**How.** Top-down over positions, with memory. For one object (a runtime type, its wants, where it is at hand) each want
has a few candidate sources: the subgraph at hand, or another one that a key leads to. The price of a source
is the request to enter its subgraph, if it has to be entered, and the price of everything below the field when it
comes from there, which is the same question one level deeper. Answers depend only on (type, wants, origins), never on
the path that led there, so each is computed once, and work grows with positions times subgraphs, not with the number
of paths: this is why nested `@shareable` types do not explode.

Wants of one object share entries, so they are decided together: wants with one candidate first, then the best
combination of the rest, exactly where combinations are few, else one want after the other, cheapest first.

**Why it ends.** A position's wants are finite and each step down takes one level off. What machinery adds is finite
too: key fields are field sets; a `@requires` that is being resolved is not resolved again inside itself (`_pending`).

**What is not optimal.** The best answer for a position is taken without looking at its siblings; two positions that are
equally well served by two subgraphs may choose differently and share less. `schedule` mends most of that.

**Incomplete sources.** A field that several subgraphs share may lead to a type without keys, of which each subgraph
knows a part. Then no source is complete, and the want is given several, each for what the others miss.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import product
from typing import TypeAlias

from kong_federation.limits.budget import Budget
from kong_federation.operation import Shape, Want
from kong_federation.planner.cost import NOTHING, Calls, Costs
from kong_federation.planner.decisions import (
    COMPLETE,
    Decision,
    Demand,
    Entry,
    Missing,
    Origin,
    PositionDecision,
    Source,
)
from kong_federation.planner.restrict import Restrictor
from kong_federation.querygraph import FieldMove, FieldSets, KeyMove, QueryGraph
from kong_federation.selection import SelectionSet, fields_on, narrow

# Combinations of sources that are compared exactly for one object; beyond it, want by want.
_EXACT_COMBINATIONS = 128

# Subgraph in which an object is at hand -> wave, calls and what is provided there, as in `Origin`.
AtHand: TypeAlias = Mapping[str, tuple[int, Calls, SelectionSet]]


class Search:
    """
    The search for one operation.

    Args:
        graph: The query graph.
        budget: One step is one object or one source looked at.
    """

    def __init__(self, graph: QueryGraph, budget: Budget) -> None:
        self.graph = graph
        self.costs = Costs(graph.graphs)
        self.field_sets = FieldSets(graph.catalog)
        self.budget = budget
        self._restrictor = Restrictor()
        self._positions: dict[tuple[Shape, str, str, SelectionSet], PositionDecision] = {}
        self._objects: dict[tuple[str, tuple[Want, ...], tuple[Origin, ...]], Decision] = {}
        self._sizes: dict[Shape, int] = {}
        self._pending: set[tuple[str, str, str]] = set()
        self._cut = False

    # --- positions ------------------------------------------------------------------------------------------------

    def position(self, shape: Shape, graph: str, static_type: str, provided: SelectionSet) -> PositionDecision:
        """
        Decide for all objects at a position.

        Args:
            shape: What is wanted of them.
            graph: The subgraph they come from.
            static_type: The position's type there.
            provided: What the path provides though external.
        """
        key = (shape, graph, static_type, provided)
        decision = self._positions.get(key)
        if decision is None:
            cut_before, self._cut = self._cut, False
            origin = Origin(graph, provided)
            if self.graph.is_interface_object(graph, static_type):
                decision = self._interface_object(shape, origin, static_type)
            else:
                types = self.graph.possible(graph, static_type)
                decision = self._by_type(shape, dict.fromkeys(types, (origin,)))
            if not self._cut:
                self._positions[key] = decision
            self._cut = self._cut or cut_before
        return decision

    def _by_type(self, shape: Shape, origins: Mapping[str, tuple[Origin, ...]]) -> PositionDecision:
        calls, late, missing = NOTHING, 0, COMPLETE
        by_type = {}
        for runtime_type, at_hand in origins.items():
            wants = shape.by_type.get(runtime_type)
            if wants is None:
                continue
            decision = self.object(runtime_type, wants, at_hand)
            by_type[runtime_type] = (at_hand, decision)
            calls |= decision.calls
            late = max(late, decision.late)
            missing |= decision.missing
        return PositionDecision(by_type, calls, late, missing)

    def _interface_object(self, shape: Shape, origin: Origin, interface: str) -> PositionDecision:
        """
        Below an interface object the real types are unknown.

        As long as all types are asked for the same, and not for their names, nobody needs to know; otherwise a subgraph
        that has the real interface is asked first.
        """
        variants = shape.variants()
        wants = variants[0][1] if variants else ()
        if len(variants) <= 1 and all(want.name != "__typename" for want in wants):
            decision = self.object(interface, wants, (origin,))
            if not decision.missing:
                return PositionDecision({interface: ((origin,), decision)}, decision.calls, decision.late)
        best: PositionDecision | None = None
        for entry in self.entries(interface, (origin,)).values():
            graph = entry.move.graph
            if not isinstance(entry.move, KeyMove) or not self.graph.is_abstract(graph, interface):
                continue
            told = Origin(graph, (), entry.wave + 1, entry.calls)
            types = self.graph.possible(graph, interface)
            found = self._by_type(shape, dict.fromkeys(types, (origin, told)))
            candidate = PositionDecision(found.by_type, found.calls | entry.calls, found.late, found.missing, entry)
            if best is None or self._rank(candidate) < self._rank(best):
                best = candidate
        if best is not None:
            return best
        missing = frozenset((want, name) for name, listed in shape.by_type.items() for want in listed)
        return PositionDecision({}, NOTHING, 0, missing)

    # --- objects --------------------------------------------------------------------------------------------------

    def object(self, runtime_type: str, wants: tuple[Want, ...], origins: tuple[Origin, ...]) -> Decision:
        """
        Decide for one object.

        Args:
            runtime_type: What it is; an interface below an interface object; a root type at the root.
            wants: What is wanted of it.
            origins: Where it is at hand; none at the root.
        """
        key = (runtime_type, wants, origins)
        decision = self._objects.get(key)
        if decision is None:
            self.budget.spend()
            cut_before, self._cut = self._cut, False
            decision = self._decide(runtime_type, wants, origins)
            if not self._cut:
                self._objects[key] = decision
            self._cut = self._cut or cut_before
        return decision

    def _decide(self, runtime_type: str, wants: tuple[Want, ...], origins: tuple[Origin, ...]) -> Decision:
        chosen: list[tuple[Source, ...]] = [()] * len(wants)
        open_wants: list[tuple[int, list[Source]]] = []
        calls, late, missing = NOTHING, 0, COMPLETE
        entries: dict[str, Entry] = {}
        for index, want in enumerate(wants):
            if want.name == "__typename":
                continue
            local = self._local_sources(runtime_type, want, origins)
            free = next((source for source in local if not source.calls and not source.missing), None)
            if free is not None:
                chosen[index] = (free,)
                continue
            if not entries:
                entries = self.entries(runtime_type, origins)
            sources = local + self._distant_sources(runtime_type, want, origins, entries)
            complete = [source for source in sources if not source.missing]
            if complete:
                open_wants.append((index, complete))
            elif sources:
                chosen[index] = self._together(want, sources)
                calls |= self._union(chosen[index])
                late += sum(source.late for source in chosen[index])
                missing |= frozenset.intersection(*(source.missing for source in chosen[index]))
            else:
                missing |= {(want, runtime_type)}
        for index, source in self._combine(calls, open_wants):
            chosen[index] = (source,)
            calls |= source.calls
            late += source.late
        return Decision(tuple(chosen), entries, calls, late, missing)

    def _local_sources(self, runtime_type: str, want: Want, origins: tuple[Origin, ...]) -> list[Source]:
        """Sources in subgraphs where the object is at hand and the field needs nothing."""
        sources = []
        for origin in origins:
            move = self.graph.field(origin.graph, runtime_type, want.name)
            if move is None or move.requires:
                continue
            if move.external and not self._is_provided(origin, runtime_type, want.name):
                continue
            sources.append(self._source(move, want, runtime_type, origin.provided, origin.wave, origin.calls))
        return sources

    def _distant_sources(
        self, runtime_type: str, want: Want, origins: tuple[Origin, ...], entries: Mapping[str, Entry]
    ) -> list[Source]:
        """Sources that need an entry: another subgraph, or the same one again with what the field requires."""
        sources = []
        at_hand = {origin.graph for origin in origins}
        for move in self.graph.resolvers(runtime_type, want.name):
            self.budget.spend()
            if move.requires:
                source = self._requiring(runtime_type, want, move, origins, entries)
                if source is not None:
                    sources.append(source)
            elif move.graph not in at_hand and move.graph in entries:
                entry = entries[move.graph]
                sources.append(self._source(move, want, runtime_type, (), entry.wave + 1, entry.calls))
        return sources

    def _source(
        self, move: FieldMove, want: Want, runtime_type: str, provided: SelectionSet, wave: int, calls: Calls
    ) -> Source:
        if want.shape is None:
            return Source(move, None, calls, wave)
        inside = self.provided_below(move, runtime_type, provided)
        below = self.position(want.shape, move.graph, move.type_name, inside)
        late = below.late + wave * self._size(want.shape)
        calls |= self.costs.later(below.calls, wave)
        return Source(move, want.shape, calls, late, below.missing, provided=inside)

    def _requiring(
        self,
        runtime_type: str,
        want: Want,
        move: FieldMove,
        origins: tuple[Origin, ...],
        entries: Mapping[str, Entry],
    ) -> Source | None:
        """A source whose object must enter the subgraph with more than its key."""
        pending = (runtime_type, move.graph, want.name)
        if pending in self._pending:
            self._cut = True
            return None
        self._pending.add(pending)
        try:
            wants = self.field_sets.wants(move.requires, runtime_type)
            decision = self.object(runtime_type, wants, origins)
        finally:
            self._pending.discard(pending)
        if decision.missing:
            return None
        way_in = self._entry_into(move.graph, runtime_type, origins, entries)
        if way_in is None:
            return None
        wave = max(way_in.wave, self.costs.depth(decision.calls))
        before = (way_in.calls & ~self.costs.call(way_in.wave, move.graph)) | decision.calls
        calls = before | self.costs.call(wave, move.graph)
        plain = self._source(move, want, runtime_type, (), wave + 1, calls)
        return replace(plain, entry=way_in, demand=Demand(wants, decision))

    def _together(self, want: Want, sources: list[Source]) -> tuple[Source, ...]:
        """Several incomplete sources, each restricted to what those before it miss."""
        first = min(sources, key=self._rank)
        chosen, missing, calls = [first], first.missing, first.calls
        while missing:
            helpful = [source for source in sources if not missing <= source.missing]
            if not helpful or want.shape is None:
                break
            best = min(helpful, key=lambda source: self._added(source, calls, missing))
            wanted = frozenset(lost for lost, _ in missing - best.missing)
            shape = self._restrictor.restrict(want.shape, wanted)
            chosen.append(replace(best, shape=shape))
            missing, calls = missing & best.missing, calls | best.calls
        return tuple(chosen)

    def _combine(self, base: Calls, wants: list[tuple[int, list[Source]]]) -> Iterable[tuple[int, Source]]:
        """One source for each want, such that together they are cheapest."""
        decided = [(index, sources[0]) for index, sources in wants if len(sources) == 1]
        undecided = sorted(((i, s) for i, s in wants if len(s) > 1), key=lambda item: len(item[1]))
        for _, source in decided:
            base |= source.calls
        combinations = 1
        for _, sources in undecided:
            combinations *= len(sources)
        if combinations <= _EXACT_COMBINATIONS:
            self.budget.spend(combinations)
            best = min(
                product(*(sources for _, sources in undecided)),
                key=lambda chosen: self.costs.price(base | self._union(chosen), sum(source.late for source in chosen)),
            )
            return [*decided, *((index, source) for (index, _), source in zip(undecided, best, strict=True))]
        for index, sources in undecided:
            source = min(sources, key=lambda candidate: self.costs.price(base | candidate.calls, candidate.late))
            base |= source.calls
            decided.append((index, source))
        return decided

    # --- entries --------------------------------------------------------------------------------------------------

    def entries(self, runtime_type: str, origins: tuple[Origin, ...]) -> dict[str, Entry]:
        """
        The subgraphs that an object can get into, each on its shortest way, in as many hops as it takes.

        Subgraph after subgraph is entered, nearest first; a key may be taken from any subgraph entered before.
        """
        at_hand, start = _at_hand(origins), _start(origins)
        entered: dict[str, Entry] = {}
        while True:
            best: Entry | None = None
            for graph in self.graph.graphs:
                if graph in at_hand:
                    continue
                entry = self._shortest(graph, runtime_type, at_hand, start)
                if entry is not None and (best is None or self._entry_rank(entry) < self._entry_rank(best)):
                    best = entry
            if best is None:
                return entered
            entered[best.move.graph] = best
            at_hand[best.move.graph] = (best.wave + 1, best.calls, ())

    def _entry_into(
        self, graph: str, runtime_type: str, origins: tuple[Origin, ...], entries: Mapping[str, Entry]
    ) -> Entry | None:
        """The way into a subgraph, also into one where the object is at hand already."""
        if graph in entries:
            return entries[graph]
        at_hand = _at_hand(origins)
        at_hand.update({name: (entry.wave + 1, entry.calls, ()) for name, entry in entries.items()})
        return self._shortest(graph, runtime_type, at_hand, _start(origins))

    def _shortest(self, graph: str, runtime_type: str, at_hand: AtHand, start: int) -> Entry | None:
        root = self.graph.root(graph, runtime_type)
        if root is not None:
            return Entry(root, start, self.costs.call(start, graph))
        best: Entry | None = None
        for move in self.graph.keys(graph, runtime_type):
            entry = self._by_key(move, runtime_type, at_hand)
            if entry is not None and (best is None or self._entry_rank(entry) < self._entry_rank(best)):
                best = entry
        return best

    def _by_key(self, move: KeyMove, runtime_type: str, at_hand: AtHand) -> Entry | None:
        """The entry by one key, if all its fields are to be had where the object is at hand."""
        wants = self.field_sets.wants(move.key, runtime_type)
        sources: list[FieldMove] = []
        wave, calls = 0, NOTHING
        for want in wants:
            found = self._key_source(want, runtime_type, at_hand)
            if found is None:
                return None
            source, source_wave, source_calls = found
            sources.append(source)
            wave, calls = max(wave, source_wave), calls | source_calls
        return Entry(move, wave, calls | self.costs.call(wave, move.graph), wants, tuple(sources))

    def _key_source(self, want: Want, runtime_type: str, at_hand: AtHand) -> tuple[FieldMove, int, Calls] | None:
        best: tuple[FieldMove, int, Calls] | None = None
        for graph, (wave, calls, provided) in at_hand.items():
            source = self.graph.field(graph, runtime_type, want.name)
            if source is None or source.requires:
                continue
            if source.external and not any(
                field.name == want.name for field in fields_on(provided, self.graph.catalog.supertypes(runtime_type))
            ):
                continue
            after = self._source(source, want, runtime_type, provided, wave, calls)
            if after.missing:
                continue
            ready = max(wave, self.costs.depth(after.calls)) if after.calls != calls else wave
            if best is None or (ready, after.calls.bit_count()) < (best[1], best[2].bit_count()):
                best = (source, ready, after.calls)
        return best

    # --- small things ---------------------------------------------------------------------------------------------

    def provided_below(self, move: FieldMove, runtime_type: str, provided: SelectionSet) -> SelectionSet:
        """What is provided below a field: by the field itself, and by what provided the way here."""
        if not provided:
            return move.provides
        return move.provides + narrow(provided, move.name, self.graph.catalog.supertypes(runtime_type))

    def _is_provided(self, origin: Origin, runtime_type: str, name: str) -> bool:
        names = self.graph.catalog.supertypes(runtime_type)
        return any(field.name == name for field in fields_on(origin.provided, names))

    def _rank(self, found: Source | PositionDecision) -> tuple[int, tuple[int, int, int]]:
        return (len(found.missing), self.costs.price(found.calls, found.late))

    def _added(self, source: Source, calls: Calls, missing: Missing) -> tuple[int, tuple[int, int, int]]:
        return (len(missing & source.missing), self.costs.price(calls | source.calls, source.late))

    def _size(self, shape: Shape) -> int:
        """How many fields are wanted of an object, at all depths; of the type that is asked for most."""
        if shape not in self._sizes:
            sizes = [sum(1 + (self._size(w.shape) if w.shape else 0) for w in wants) for _, wants in shape.variants()]
            self._sizes[shape] = max(sizes, default=0)
        return self._sizes[shape]

    def _entry_rank(self, entry: Entry) -> tuple[int, int, int]:
        return (entry.wave, entry.calls.bit_count(), len(entry.wants))

    @staticmethod
    def _union(sources: Iterable[Source]) -> Calls:
        calls = NOTHING
        for source in sources:
            calls |= source.calls
        return calls


def _at_hand(origins: tuple[Origin, ...]) -> dict[str, tuple[int, Calls, SelectionSet]]:
    return {origin.graph: (origin.wave, origin.calls, origin.provided) for origin in origins}


def _start(origins: tuple[Origin, ...]) -> int:
    """The first wave in which a root can be entered: as soon as there is an object."""
    return min((origin.wave for origin in origins), default=0)
