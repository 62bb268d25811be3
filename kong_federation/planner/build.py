"""
From decisions to fetches: walk what is wanted, along what the search decided, and write down who is asked for what.

For each object position and runtime type there are *places*: the steps in which the object is at hand, one per
subgraph. A want is added to the selection of its source's place. A place that does not exist yet is made: the key
fields are asked for where the search says, and a new step enters the subgraph with them. Steps are shared by all that
enter a subgraph at one site with the same prerequisites, whatever the runtime type.

Everything that is asked for is bound: `(node, runtime type, want) -> data field`. The answer's projection and the
representations are read off these bindings afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kong_federation.operation import ALWAYS, NO_CONDITION, Conjunction, Shape, Want, When
from kong_federation.plan import OperationKind, Path
from kong_federation.planner.data import DataField, DataNode
from kong_federation.planner.decisions import Decision, Demand, Entry, PositionDecision, Source, Way
from kong_federation.planner.search import Search
from kong_federation.planner.steps import Input, Site, Step, Tree, unconditional
from kong_federation.querygraph import KeyMove


@dataclass(frozen=True, slots=True)
class Place:
    """A subgraph in which an object is at hand: the step that has it, and where in its document."""

    step: Step
    tree: Tree


@dataclass(slots=True)
class Objects:
    """
    Objects of one runtime type at one site.

    Args:
        site: Where they are.
        runtime_type: What the search knows them as.
        types: The runtime types they stand for: more than one only below an interface object.
        origin: The step that brought the objects here; None at the root.
        places: Subgraph -> place.
        entries: Subgraph -> way in, for places that do not exist yet.
        teller: The place that can say what the objects are, if other runtime types may stand at the same site.
    """

    site: Site
    runtime_type: str
    types: tuple[str, ...]
    origin: Step | None
    places: dict[str, Place]
    entries: dict[str, Entry]
    teller: Place | None = None


class Builder:
    """
    Builds the steps of one operation (or of one part of a mutation).

    Args:
        search: The search whose decisions are followed; it has the budget.
        kind: What the root steps are.
        root: The root's site; parts of a mutation share one.
    """

    def __init__(self, search: Search, kind: OperationKind, root: Site) -> None:
        self.steps: list[Step] = []
        self.bound: dict[tuple[DataNode, str, Want], DataField] = {}
        self._search = search
        self._kind = kind
        self._root = root
        self._done: dict[tuple[DataNode, Shape, frozenset[tuple[Step, Tree]]], frozenset[Step]] = {}
        self._steps: dict[tuple[DataNode, Path, str, frozenset[Step], Conjunction, str], list[Step]] = {}

    def build(self, root_type: str, wants: tuple[Want, ...], decision: Decision) -> None:
        """Build all steps for wants of the root object."""
        objects = Objects(self._root, root_type, (root_type,), None, {}, dict(decision.entries))
        self._object(objects, wants, decision, own_keys=True)

    # --- positions and objects ------------------------------------------------------------------------------------

    def _position(
        self, site: Site, shape: Shape, decision: PositionDecision, places: dict[str, Place], *, own_keys: bool
    ) -> frozenset[Step]:
        """Add all that is wanted at a position; returns the steps that supply it."""
        key = (site.node, shape, frozenset((place.step, place.tree) for place in places.values()))
        if key in self._done:
            return self._done[key]
        self._done[key] = frozenset()
        first = next(iter(places.values()))
        suppliers = {place.step for place in places.values()}
        teller = places.get(decision.teller) if decision.teller is not None else None
        if decision.discovery is not None:
            teller = self._discover(site, first.tree.static_type, places, decision.discovery)
            places = {**places, decision.discovery.move.graph: teller}
            suppliers.add(teller.step)
        elif self._must_tell_apart(shape):
            self._tell(site, teller or self._knowing(places))
        for runtime_type, decided in decision.by_type.items():
            types, wants = _stands_for(runtime_type, shape)
            objects = Objects(site, runtime_type, types, first.step, dict(places), dict(decided.entries), teller)
            suppliers |= self._object(objects, wants, decided, own_keys=own_keys)
        if teller is not None and self._keys_differ(site.node, shape):
            self._tell(site, teller)
        self._done[key] = frozenset(suppliers)
        return self._done[key]

    def _knowing(self, places: dict[str, Place]) -> Place | None:
        """A place whose subgraph knows the objects' type, be it that there is one only."""
        graph = self._search.graph
        real = (one for name, one in places.items() if not graph.is_interface_object(name, one.tree.static_type))
        return next(real, None)

    @staticmethod
    def _tell(site: Site, place: Place | None) -> None:
        """Have the objects of a site say what they are."""
        if place is not None:
            place.tree.typename = site.node.typed = True

    def _must_tell_apart(self, shape: Shape) -> bool:
        """Whether the answer depends on what the objects are; clients must not get objects of types they cannot see."""
        variants = shape.variants()
        named = any(want.name == "__typename" for _, wants in variants for want in wants)
        hidden = any(name not in shape.by_type for name in self._search.graph.catalog.possible(shape.type_name))
        return hidden or len(variants) > 1 or (named and len(shape.by_type) > 1)

    def _keys_differ(self, node: DataNode, shape: Shape) -> bool:
        """Whether a want that several types share lies under different data keys."""
        for types, wants in shape.variants():
            for want in wants:
                keys = {bound.key for name in types if (bound := self.bound.get((node, name, want))) is not None}
                if len(keys) > 1:
                    return True
        return False

    def _discover(self, site: Site, interface: str, places: dict[str, Place], entry: Entry) -> Place:
        """Ask a subgraph that has the real interface what the objects are."""
        types = self._search.graph.possible(entry.move.graph, interface)
        objects = Objects(site, interface, types, None, places, {})
        step = self._enter(objects, entry, frozenset(), NO_CONDITION, ())
        step.tree.typename = site.node.typed = True
        return Place(step, step.tree)

    def _object(self, objects: Objects, wants: tuple[Want, ...], decision: Decision, *, own_keys: bool) -> set[Step]:
        suppliers: set[Step] = set()
        asked = [(want, source) for want, source in zip(wants, decision.sources, strict=True) if source is not None]
        needed = {*objects.places}
        needed.update(way.move.graph for want, source in asked if len(want.when) != 1 for way in source.ways)
        for want, source in asked:
            places = {}
            for way in source.ways:
                # A request is worth a condition if nothing in it is needed otherwise; where some want needs it anyway,
                # the conditional ones ride along under `@include`.
                alone = len(want.when) == 1 and (way.demand is not None or way.move.graph not in needed)
                condition = want.when[0] if alone else NO_CONDITION
                places[way.move.graph] = self._place_for(objects, way, want.when, condition)
            suppliers |= self._field(objects, want, source, places, want.when, own_keys=own_keys)
        return suppliers

    def _field(
        self,
        objects: Objects,
        want: Want,
        source: Source,
        places: dict[str, Place],
        when: When,
        *,
        own_keys: bool,
    ) -> frozenset[Step]:
        """Ask places for a field and for what is below it; returns the steps that supply it."""
        self._search.budget.spend()
        node = objects.site.node
        data = self.bound.get((node, objects.types[0], want))
        below: dict[str, Place] = {}
        for way in source.ways:
            place = places[way.move.graph]
            if data is None:
                data = node.claim(want, objects.types, way.move.graph, way.move.type, own_key=own_keys)
            asked = place.tree.add(data, way, want, objects.runtime_type, unconditional(when, place.step))
            if asked.tree is not None:
                below[way.move.graph] = Place(place.step, asked.tree)
        assert data is not None, "a source has at least one way"
        for runtime_type in (*objects.types, objects.runtime_type):
            self.bound[node, runtime_type, want] = data
        suppliers = frozenset(place.step for place in places.values())
        if source.below is None or want.shape is None or data.node is None:
            return suppliers
        site = Site(objects.site.path + node.step(data), data.node)
        return suppliers | self._position(site, want.shape, source.below, below, own_keys=own_keys)

    # --- places ---------------------------------------------------------------------------------------------------

    def _place_for(self, objects: Objects, way: Way, when: When, condition: Conjunction) -> Place:
        """The place that a way is in, made if need be."""
        if way.demand is not None and way.entry is not None:
            return self._required_place(objects, way.entry, way.demand, when, condition)
        return self._place(objects, way.move.graph, condition)

    def _place(self, objects: Objects, graph: str, condition: Conjunction = NO_CONDITION) -> Place:
        if condition == NO_CONDITION and graph in objects.places:
            return objects.places[graph]
        entry = objects.entries[graph]
        step = self._enter(objects, entry, frozenset(), condition, ())
        place = Place(step, step.tree)
        if condition == NO_CONDITION:
            objects.places[graph] = place
        return place

    def _required_place(
        self, objects: Objects, entry: Entry, demand: Demand, when: When, condition: Conjunction
    ) -> Place:
        # A representation without what it should carry is not sent at all, so requirements may be conditional only
        # where the whole request is. Where they cost no request of their own they are not worth a condition.
        asked = when if condition != NO_CONDITION and demand.decision.calls else ALWAYS
        required = replace(objects, entries={**objects.entries, **demand.decision.entries})
        suppliers: set[Step] = set()
        for want, source in zip(demand.wants, demand.decision.sources, strict=True):
            if source is None:
                continue
            places = {}
            for way in source.ways:
                here = way.demand is None and way.move.graph in required.places
                under = NO_CONDITION if here or asked == ALWAYS else condition
                places[way.move.graph] = self._place_for(required, way, asked, under)
            suppliers |= self._field(required, want, source, places, asked, own_keys=False)
        step = self._enter(objects, entry, frozenset(suppliers), condition, demand.wants)
        step.alone = step.alone or asked != ALWAYS
        return Place(step, step.tree)

    def _enter(
        self,
        objects: Objects,
        entry: Entry,
        suppliers: frozenset[Step],
        condition: Conjunction,
        requires: Iterable[Want],
    ) -> Step:
        """The step that enters a subgraph, with the objects' key fields and all else it requires."""
        needs = set(suppliers)
        for want, source in zip(entry.wants, entry.sources, strict=True):
            places = {way.move.graph: self._place(objects, way.move.graph) for way in source.ways}
            needs |= self._field(objects, want, source, places, ALWAYS, own_keys=False)
        if objects.origin is not None:
            needs.add(objects.origin)
        if objects.teller is not None:
            # Below an interface object the types are told by another request than the one that has the keys.
            needs.add(objects.teller.step)
        wanted = tuple(requires)
        step = self._step(objects, entry, frozenset(needs), condition, wanted)
        if isinstance(entry.move, KeyMove):
            if objects.teller is not None:
                step.typed = objects.site.node.typed = objects.teller.tree.typename = True
            known = step.inputs.setdefault(objects.runtime_type, Input(entry.move.type_name, entry.wants))
            known.requires += [want for want in wanted if want not in known.requires]
        return step

    def _step(
        self,
        objects: Objects,
        entry: Entry,
        needs: frozenset[Step],
        condition: Conjunction,
        requires: tuple[Want, ...],
    ) -> Step:
        """The step of this site, subgraph and prerequisites; one of several where representations disagree."""
        site = objects.site
        by_key = isinstance(entry.move, KeyMove)
        owner = "" if by_key else entry.move.type_name
        alike = self._steps.setdefault((site.node, site.path, entry.move.graph, needs, condition, owner), [])
        for step in alike:
            known = step.inputs.get(objects.runtime_type)
            if known is None or not known.disagrees(requires):
                return step
        kind = self._kind if not site.path and not by_key else OperationKind.QUERY
        step = Step(entry.move.graph, kind, site, Tree(owner), set(needs), condition)
        alike.append(step)
        self.steps.append(step)
        return step


def _stands_for(runtime_type: str, shape: Shape) -> tuple[tuple[str, ...], tuple[Want, ...]]:
    """The runtime types of a shape that a type of the search stands for, and what is wanted of them."""
    if runtime_type in shape.by_type:
        return (runtime_type,), shape.by_type[runtime_type]
    # Below an interface object, where all types are asked for the same.
    return tuple(shape.by_type), next(iter(shape.by_type.values()), ())
