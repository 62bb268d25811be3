"""
The search: which subgraph resolves which field of an object.

**Objective.** The fewest waves, then the fewest requests (see `cost`), such that every want is resolved.

**How.** Top-down over positions, with memory. For one object (a runtime type, its wants, where it is at hand) each want
has a few ways: a subgraph at hand, or another one that a key leads to. The price of a way is the request to enter its
subgraph, if it has to be entered, and the price of everything below the field when it comes from there, which is the
same question one level deeper. Answers depend only on (type, wants, origins), never on the path that led there, so each
is computed once, and work grows with positions times subgraphs, not with the number of paths: this is why nested
`@shareable` types do not explode.

Wants of one object share entries, so they are decided together: wants with one source first, then the best combination
of the rest, exactly where combinations are few, else one want after the other, cheapest first.

**Several ways at once.** A field that several subgraphs share may be asked of all of them; the objects below are then
at hand in all of them. That is needed where the type below has no key and each subgraph knows a part of it, and saves
waves elsewhere. Ways that cost nothing are taken together, others if nothing else completes the answer, or if the
object would need more waves otherwise. Ways that nothing below makes use of are dropped again.

**Why it ends.** A position's wants are finite and each step down takes one level off. What machinery adds is finite
too: key fields are field sets; a `@requires` that is being resolved is not resolved again inside itself (`_pending`).

**What is not optimal.** The best answer for a position is taken without looking at its siblings; two positions that are
equally well served by two subgraphs may choose differently and share less. `schedule` mends most of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import product

from kong_federation.limits import Budget
from kong_federation.operation import Shape, Want
from kong_federation.planner.cost import NOTHING, Calls, Costs
from kong_federation.planner.decisions import (
    COMPLETE,
    UNUSED,
    Arrival,
    Decision,
    Demand,
    Entry,
    Origin,
    PositionDecision,
    Source,
    Uses,
    Way,
)
from kong_federation.planner.entering import Entering
from kong_federation.querygraph import FieldMove, FieldSets, KeyMove, QueryGraph
from kong_federation.selection import SelectionSet, narrow

# Combinations of sources that are compared exactly for one object; beyond it, want by want.
_EXACT_COMBINATIONS = 128


class Search:
    """
    The search for one operation.

    Args:
        graph: The query graph.
        budget: One step is one object or one way looked at.
    """

    def __init__(self, graph: QueryGraph, budget: Budget) -> None:
        self.graph = graph
        self.budget = budget
        self._costs = Costs(graph.graphs)
        self.field_sets = FieldSets(graph.catalog)
        self._entering = Entering(graph, self._costs, self.field_sets, self._key_source)
        self._positions: dict[tuple[Shape, tuple[Arrival, ...]], PositionDecision] = {}
        self._objects: dict[tuple[str, tuple[Want, ...], tuple[Origin, ...]], Decision] = {}
        self._entries: dict[tuple[str, tuple[Origin, ...]], dict[str, Entry]] = {}
        self._sizes: dict[Shape, int] = {}
        # Requirements that are being resolved; what is found meanwhile and depends on that (`_cut`) is not kept.
        self._pending: set[tuple[str, str, str]] = set()
        self._cut = False

    # --- positions ------------------------------------------------------------------------------------------------

    def position(self, shape: Shape, arrivals: tuple[Arrival, ...]) -> PositionDecision:
        """
        Decide for all objects at a position.

        Args:
            shape: What is wanted of them.
            arrivals: The subgraphs that deliver them.
        """
        key = (shape, arrivals)
        decision = self._positions.get(key)
        if decision is None:
            cut_before, self._cut = self._cut, False
            real = [one for one in arrivals if not self.graph.is_interface_object(one.graph, one.static_type)]
            decision = self._told(shape, arrivals, real) if real else self._untold(shape, arrivals)
            if not self._cut:
                self._positions[key] = decision
            self._cut = self._cut or cut_before
        return decision

    def _told(self, shape: Shape, arrivals: tuple[Arrival, ...], real: list[Arrival]) -> PositionDecision:
        """Decide where at least one arrival knows what the objects are."""
        known = {name for one in real for name in self.graph.possible(one.graph, one.static_type)}
        told = min(one.wave for one in real)
        by_type = {
            name: tuple(self._at_hand(one, told) for one in arrivals if self._may_be(one, name))
            for name in shape.by_type
            if name in known
        }
        abstract = [one.graph for one in real if self.graph.is_abstract(one.graph, one.static_type)]
        decision = self._by_type(shape, by_type)
        used = next((graph for graph in abstract if graph in decision.uses), next(iter(abstract), None))
        uses = decision.uses or frozenset({real[0].graph})
        if used is not None:
            uses |= {used}
        return PositionDecision(decision.by_type, decision.calls, decision.late, decision.missing, uses, teller=used)

    def _at_hand(self, arrival: Arrival, told: int) -> Origin:
        """The origin that an arrival makes; an interface object's only when others have told what it is."""
        late = self.graph.is_interface_object(arrival.graph, arrival.static_type)
        return Origin(arrival.graph, arrival.provided, max(arrival.wave, told) if late else arrival.wave)

    def _may_be(self, arrival: Arrival, runtime_type: str) -> bool:
        if self.graph.is_interface_object(arrival.graph, arrival.static_type):
            return arrival.static_type in self.graph.catalog.supertypes(runtime_type)
        return runtime_type in self.graph.possible(arrival.graph, arrival.static_type)

    def _untold(self, shape: Shape, arrivals: tuple[Arrival, ...]) -> PositionDecision:
        """
        Decide below interface objects, where the real types are unknown.

        As long as all types are asked for the same, and not for their names, nobody needs to know; otherwise a subgraph
        that has the real interface is asked first.
        """
        interface = arrivals[0].static_type
        origins = tuple(map(_origin, arrivals))
        variants = shape.variants()
        wants = variants[0][1] if variants else ()
        if len(variants) <= 1 and all(want.name != "__typename" for want in wants):
            decision = self.object(interface, wants, origins)
            if not decision.missing:
                uses = decision.uses or frozenset({arrivals[0].graph})
                return PositionDecision({interface: decision}, decision.calls, decision.late, COMPLETE, uses)
        best: PositionDecision | None = None
        for entry in self._entries_of(interface, origins).values():
            graph = entry.move.graph
            if not isinstance(entry.move, KeyMove) or not self.graph.is_abstract(graph, interface):
                continue
            told = Origin(graph, (), entry.wave + 1, entry.calls)
            types = [name for name in self.graph.possible(graph, interface) if name in shape.by_type]
            # What starts from the interface objects has to wait until their types are told.
            waiting = tuple(replace(origin, wave=told.wave) for origin in origins)
            found = self._by_type(shape, dict.fromkeys(types, (*waiting, told)))
            uses = (found.uses | entry.uses) - {graph}
            calls = found.calls | entry.calls
            candidate = PositionDecision(found.by_type, calls, found.late, found.missing, uses, entry)
            if best is None or self._rank(candidate) < self._rank(best):
                best = candidate
        if best is not None:
            return best
        missing = frozenset((want, name) for name, listed in shape.by_type.items() for want in listed)
        return PositionDecision({}, NOTHING, 0, missing)

    def _by_type(self, shape: Shape, origins: Mapping[str, tuple[Origin, ...]]) -> PositionDecision:
        calls, late, missing, uses = NOTHING, 0, COMPLETE, UNUSED
        by_type = {}
        for runtime_type, at_hand in origins.items():
            decision = self.object(runtime_type, shape.by_type[runtime_type], at_hand)
            by_type[runtime_type] = decision
            calls |= decision.calls
            late = max(late, decision.late)
            missing |= decision.missing
            uses |= decision.uses
        return PositionDecision(by_type, calls, late, missing, uses)

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
        chosen: list[Source | None] = [None] * len(wants)
        open_wants: list[tuple[int, list[Source]]] = []
        missing = COMPLETE
        entries: dict[str, Entry] = {}
        origins = self._most_useful_first(runtime_type, wants, origins)
        for index, want in enumerate(wants):
            if want.name == "__typename":
                continue
            here = self._ways_here(runtime_type, want, origins)
            free = self._free(want, here)
            if free is not None:
                chosen[index] = free
                continue
            if not entries:
                entries = self._entries_of(runtime_type, origins)
            elsewhere = self._ways_elsewhere(runtime_type, want, origins, entries)
            sources = self._sources(want, here, elsewhere, at_root=not origins)
            complete = [source for source in sources if not source.missing]
            if complete:
                open_wants.append((index, complete))
            elif sources:
                chosen[index] = best = min(sources, key=self._rank)
                missing |= best.missing
            else:
                missing |= {(want, runtime_type)}
        self._combine(chosen, open_wants)
        self._shorten(wants, chosen, open_wants)
        found = [source for source in chosen if source is not None]
        uses = frozenset(graph for source in found for way in source.ways for graph in way.uses)
        late = sum(source.late for source in found)
        return Decision(tuple(chosen), entries, _union(found), late, missing, uses)

    def _most_useful_first(
        self, runtime_type: str, wants: tuple[Want, ...], origins: tuple[Origin, ...]
    ) -> tuple[Origin, ...]:
        """Origins that resolve many of the wants first, so that few of them are made use of."""
        if len(origins) < 2:
            return origins

        def rank(origin: Origin) -> tuple[int, int]:
            moves = (self.graph.field(origin.graph, runtime_type, want.name) for want in wants)
            return (origin.wave, -sum(move is not None and not move.external for move in moves))

        return tuple(sorted(origins, key=rank))

    # --- ways and sources -----------------------------------------------------------------------------------------

    def _ways_here(self, runtime_type: str, want: Want, origins: tuple[Origin, ...]) -> list[Way]:
        """Ways by subgraphs where the object is at hand and the field needs nothing."""
        ways = []
        for origin in origins:
            move = self.graph.field(origin.graph, runtime_type, want.name)
            if move is None or not move.plain:
                continue
            if move.external and not self._entering.is_provided(origin.provided, runtime_type, want.name):
                continue
            below = self._provided_below(move, runtime_type, origin.provided)
            ways.append(Way(move, below, origin.wave, origin.calls, frozenset({origin.graph})))
        return ways

    def _ways_elsewhere(
        self, runtime_type: str, want: Want, origins: tuple[Origin, ...], entries: Mapping[str, Entry]
    ) -> list[Way]:
        """Ways that need an entry: another subgraph, or the same one again with what the field requires."""
        ways = []
        at_hand = {origin.graph for origin in origins}
        for move in self.graph.resolvers(runtime_type, want.name):
            self.budget.spend()
            if not move.plain:
                way = self._requiring(runtime_type, move, origins, entries)
                if way is not None:
                    ways.append(way)
            elif move.graph not in at_hand and move.graph in entries:
                entry = entries[move.graph]
                ways.append(Way(move, move.provides, entry.wave + 1, entry.calls, entry.uses))
        return ways

    def _requiring(
        self, runtime_type: str, move: FieldMove, origins: tuple[Origin, ...], entries: Mapping[str, Entry]
    ) -> Way | None:
        """A way whose object must enter the subgraph with more than its key: requirements, values of a context."""
        pending = (runtime_type, move.graph, move.name)
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
        entry = self._entering.into(move.graph, runtime_type, origins, entries)
        if entry is None:
            return None
        wave = max(entry.wave, self._costs.depth(decision.calls))
        before = (entry.calls & ~self._costs.call(entry.wave, move.graph)) | decision.calls
        calls = before | self._costs.call(wave, move.graph)
        uses = entry.uses | decision.uses
        return Way(move, move.provides, wave + 1, calls, uses, entry, Demand(wants, decision))

    def _free(self, want: Want, ways: list[Way]) -> Source | None:
        """A source that costs nothing, if there is one."""
        for way in ways:
            source = self._source(want, (way,))
            if not source.calls and not source.missing:
                return source
        if len(ways) > 1 and want.shape is not None and self._alike(ways):
            source = self._source(want, tuple(ways))
            if not source.calls and not source.missing:
                return source
        return None

    def _sources(self, want: Want, here: list[Way], elsewhere: list[Way], *, at_root: bool) -> list[Source]:
        """
        All sources of a want: each way alone, and ways together.

        Together go the ways that cost nothing, at a root all, since roots are entered side by side. If something is
        missing all the same, others join one by one as long as that helps.
        """
        ways = [*here, *elsewhere]
        sources = [self._source(want, (way,)) for way in ways]
        if want.shape is None or len(ways) < 2:
            return sources
        best = min(sources, key=self._rank)
        pool = ways if at_root else here
        if len(pool) > 1 and (best.missing or self._alike(pool)):
            together = self._source(want, tuple(pool))
            sources.append(together)
            best = min(best, together, key=self._rank)
        while best.missing:
            taken = {way.move.graph for way in best.ways}
            joined = [self._source(want, (*best.ways, way)) for way in ways if way.move.graph not in taken]
            better = min(joined, key=self._rank, default=best)
            if self._rank(better) >= self._rank(best):
                break
            best = better
            sources.append(best)
        return sources

    def _alike(self, ways: list[Way]) -> bool:
        """
        Whether the same objects can come by all ways.

        A subgraph that does not know a type answers such an object with an error; it is asked only if need be.
        """
        possible = {self.graph.possible(way.move.graph, way.move.type_name) for way in ways}
        return len(possible) == 1

    def _source(self, want: Want, ways: tuple[Way, ...]) -> Source:
        if want.shape is None:
            return Source(ways, None, ways[0].calls, ways[0].wave)
        self.budget.spend()
        first = min(way.wave for way in ways)
        arrivals = tuple(Arrival(way.move.graph, way.move.type_name, way.provided, way.wave - first) for way in ways)
        below = self.position(want.shape, tuple(sorted(arrivals, key=_arrival_order)))
        used = tuple(way for way in ways if way.move.graph in below.uses) or ways[:1]
        calls = self._costs.later(below.calls, first)
        for way in used:
            calls |= way.calls
        late = below.late + first * self._size(want.shape)
        return Source(used, below, calls, late, below.missing)

    def _combine(self, chosen: list[Source | None], wants: list[tuple[int, list[Source]]]) -> None:
        """Choose one source for each want that is open, such that together they are cheapest."""
        undecided = []
        for index, sources in wants:
            if len(sources) == 1:
                chosen[index] = sources[0]
            else:
                undecided.append((index, sources))
        base = _union(source for source in chosen if source is not None)
        combinations = 1
        for _, sources in undecided:
            combinations *= len(sources)
        if combinations <= _EXACT_COMBINATIONS:
            self.budget.spend(combinations)
            best = min(
                product(*(sources for _, sources in undecided)),
                key=lambda picked: self._costs.price(base | _union(picked), sum(one.late for one in picked)),
            )
            for (index, _), source in zip(undecided, best, strict=True):
                chosen[index] = source
            return
        for index, sources in sorted(undecided, key=lambda item: len(item[1])):
            source = min(sources, key=lambda one: self._costs.price(base | one.calls, one.late))
            base |= source.calls
            chosen[index] = source

    def _shorten(
        self, wants: tuple[Want, ...], chosen: list[Source | None], open_wants: list[tuple[int, list[Source]]]
    ) -> None:
        """
        Save waves by asking several subgraphs for a field, so that the objects below are at hand in all of them.

        Only the sources that need all the waves there are matter, and only if each of them can do with fewer.
        """
        open_sources = dict(open_wants)
        while depth := self._costs.depth(_union(source for source in chosen if source is not None)):
            late = [index for index, source in enumerate(chosen) if source and self._costs.depth(source.calls) == depth]
            ways = {index: _ways(open_sources.get(index, ())) for index in late}
            if not all(self._may_shorten(chosen[index], ways[index], depth) for index in late):
                return
            for index in late:
                together = self._source(wants[index], ways[index])
                if together.missing or self._costs.depth(together.calls) >= depth:
                    return
                open_sources[index].append(together)
            for index in open_sources:
                chosen[index] = None
            self._combine(chosen, open_wants)

    def _may_shorten(self, source: Source | None, ways: tuple[Way, ...], depth: int) -> bool:
        """Whether something below might come earlier by ways that are not taken."""
        if source is None or source.below is None or len(ways) <= len(source.ways):
            return False
        return any(self._costs.depth(way.calls) < depth for way in ways)

    def _entries_of(self, runtime_type: str, origins: tuple[Origin, ...]) -> dict[str, Entry]:
        """The subgraphs an object can get into."""
        key = (runtime_type, origins)
        entries = self._entries.get(key)
        if entries is None:
            cut_before, self._cut = self._cut, False
            entries = self._entering.entries(runtime_type, origins)
            if not self._cut:
                self._entries[key] = entries
            self._cut = self._cut or cut_before
        return entries

    def again(self, graph: str, runtime_type: str, at_hand: Iterable[str]) -> Entry | None:
        """The way into a subgraph where an object is at hand already, for a request of its own for some fields."""
        origins = tuple(map(Origin, at_hand))
        return self._entering.into(graph, runtime_type, origins, self._entries_of(runtime_type, origins))

    # --- small things ---------------------------------------------------------------------------------------------

    def _key_source(self, move: FieldMove, want: Want, runtime_type: str, origin: Origin, uses: Uses) -> Source:
        """A key field, taken from one subgraph where the object is at hand."""
        below = self._provided_below(move, runtime_type, origin.provided)
        return self._source(want, (Way(move, below, origin.wave, origin.calls, uses),))

    def _provided_below(self, move: FieldMove, runtime_type: str, provided: SelectionSet) -> SelectionSet:
        """What is provided below a field: by the field itself, and by what provided the way here."""
        if not provided:
            return move.provides
        return move.provides + narrow(provided, move.name, self.graph.catalog.supertypes(runtime_type))

    def _rank(self, found: Source | PositionDecision) -> tuple[int, tuple[int, int, int], int]:
        ways = len(found.ways) if isinstance(found, Source) else 0
        return (len(found.missing), self._costs.price(found.calls, found.late), ways)

    def _size(self, shape: Shape) -> int:
        """How many fields are wanted of an object, at all depths; of the type that is asked for most."""
        if shape not in self._sizes:
            sizes = [sum(1 + (self._size(w.shape) if w.shape else 0) for w in wants) for _, wants in shape.variants()]
            self._sizes[shape] = max(sizes, default=0)
        return self._sizes[shape]


def _origin(arrival: Arrival) -> Origin:
    return Origin(arrival.graph, arrival.provided, arrival.wave)


def _arrival_order(arrival: Arrival) -> tuple[int, str]:
    return (arrival.wave, arrival.graph)


def _ways(sources: Iterable[Source]) -> tuple[Way, ...]:
    """All ways of some sources, one for each subgraph."""
    return tuple({way.move.graph: way for source in sources for way in source.ways}.values())


def _union(sources: Iterable[Source]) -> Calls:
    calls = NOTHING
    for source in sources:
        calls |= source.calls
    return calls
