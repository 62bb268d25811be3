"""
From decisions to fetches: walk what is wanted, along what the search decided, and write down who is asked for what.

For each object position and runtime type there are *places*: the steps in which the object is at hand, one per
subgraph. A want is added to the selection of its source's place. A place that does not exist yet is made: the key
fields are asked for where the search says, and a new step enters the subgraph with them. Steps are shared by all that
enter a subgraph at one site with the same prerequisites, whatever the runtime type.

Everything that is asked for is bound: `(node, runtime type, want) -> data field`. The answer's projection and the
representations are read off these bindings afterwards.

**Deferred fragments.** Objects are looked at once more for each deferred part that adds to them, as if they were at
hand nowhere: their subgraphs are entered again, with keys that are taken where the objects are. What has no key cannot
be asked for again; its fields are fetched along with the object, however late they are delivered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from kong_federation.errors import FederationError
from kong_federation.errors.codes import NO_PLAN
from kong_federation.operation import ALWAYS, NO_CONDITION, Conjunction, Shape, Want, When
from kong_federation.plan import Each, Key, OperationKind
from kong_federation.planner.data import ALIAS_PREFIX, DataField, DataNode
from kong_federation.planner.decisions import Decision, Entry, Origin, PositionDecision, Source, Way
from kong_federation.planner.parts import Part, Parts
from kong_federation.planner.search import Search
from kong_federation.planner.steps import Context, Input, Site, Step, Tree, unconditional
from kong_federation.querygraph import KeyMove
from kong_federation.supergraph import ContextArgument

# An object's place, its runtime type, what is wanted of it.
Binding: TypeAlias = tuple[DataNode, str, Want]


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
        parent: The objects around them; None at the root.
        origin: The step that brought the objects here; None at the root.
        places: Subgraph -> place.
        entries: Subgraph -> way in, for places that do not exist yet.
        teller: The place that can say what the objects are, if other runtime types may stand at the same site.
        at_hand: The subgraphs in which the objects were when they came.
        part: The deferred part that the steps made for them belong to; None: the first answer.
        base: The same objects where they are at hand, if this is a look at them for a deferred part.
        looks: Such looks, by part.
    """

    site: Site
    runtime_type: str
    types: tuple[str, ...]
    parent: Objects | None
    origin: Step | None
    places: dict[str, Place]
    entries: dict[str, Entry]
    teller: Place | None = None
    at_hand: tuple[str, ...] = ()
    part: Part | None = None
    base: Objects | None = None
    looks: dict[Part, Objects] = field(default_factory=dict)

    def above(self) -> Iterator[Objects]:
        """These objects, then those around them, up to the root."""
        found: Objects | None = self
        while found is not None:
            yield found
            found = found.parent


class Builder:
    """
    Builds the steps of one operation (or of one part of a mutation).

    Args:
        search: The search whose decisions are followed; it has the budget.
        kind: What the root steps are.
        root: The root's site; builders of one operation share one.
        bound: Where data lies; shared too.
        parts: The deferred parts, which it fills; None to fetch deferred fields like all others.
        ours: Gives a name for a variable that the client has not taken.
    """

    def __init__(
        self,
        search: Search,
        kind: OperationKind,
        root: Site,
        bound: dict[Binding, DataField],
        parts: Parts | None,
        ours: Callable[[str], str],
    ) -> None:
        self.steps: list[Step] = []
        self.bound = bound
        self._parts = parts
        self._ours = ours
        self._search = search
        self._kind = kind
        self._root = root
        self._known: list[tuple[DataNode, Place]] = []
        self._done: dict[tuple[object, ...], frozenset[Step]] = {}
        self._steps: dict[tuple[object, ...], list[Step]] = {}

    def build(self, root_type: str, wants: tuple[Want, ...], decision: Decision) -> None:
        """Build all steps for wants of the root object."""
        objects = Objects(self._root, root_type, (root_type,), None, None, {}, dict(decision.entries))
        self._object(objects, wants, decision, own_keys=True)

    def settle(self) -> None:
        """To be called when all builders of an operation are done: have objects say what they are."""
        for node, place in self._known:
            # One place of the data tree may be filled on several ways; if one has to tell the types, all have to.
            place.tree.typename = place.tree.typename or node.typed

    # --- positions and objects ------------------------------------------------------------------------------------

    def _position(
        self,
        site: Site,
        shape: Shape,
        decision: PositionDecision,
        places: dict[str, Place],
        parent: Objects,
        *,
        own_keys: bool,
    ) -> frozenset[Step]:
        """Add all that is wanted at a position; returns the steps that supply it."""
        key = (site.node, shape, frozenset((place.step, place.tree) for place in places.values()), self._above(parent))
        if key in self._done:
            return self._done[key]
        self._done[key] = frozenset()
        first = next(iter(places.values()))
        suppliers = {place.step for place in places.values()}
        teller = places.get(decision.teller) if decision.teller is not None else None
        if decision.discovery is not None:
            teller = self._discover(site, first.tree.static_type, places, decision.discovery, parent.part)
            places = {**places, decision.discovery.move.graph: teller}
            suppliers.add(teller.step)
        else:
            knowing = teller or self._knowing(places)
            if knowing is not None:
                self._known.append((site.node, knowing))
                if self._must_tell_apart(shape):
                    self._tell(site, knowing)
        for runtime_type, decided in decision.by_type.items():
            types, wants = _stands_for(runtime_type, shape)
            entries, at_hand = dict(decided.entries), tuple(places)
            objects = Objects(
                site, runtime_type, types, parent, first.step, dict(places), entries, teller, at_hand, parent.part
            )
            suppliers |= self._object(objects, wants, decided, own_keys=own_keys)
        if teller is not None and self._keys_differ(site.node, shape):
            self._tell(site, teller)
        self._done[key] = frozenset(suppliers)
        return self._done[key]

    def _above(self, parent: Objects) -> tuple[str, ...]:
        """What tells apart two ways to one position: the types of the objects above, where contexts may be set."""
        if not self._search.graph.has_contexts:
            return ()
        return (parent.runtime_type, *(self._above(parent.parent) if parent.parent is not None else ()))

    def _knowing(self, places: dict[str, Place]) -> Place | None:
        """A place whose subgraph knows the objects' type, be it that there is one only."""
        graph = self._search.graph
        real = (one for name, one in places.items() if not graph.is_interface_object(name, one.tree.static_type))
        return next(real, None)

    @staticmethod
    def _tell(site: Site, place: Place) -> None:
        """Have the objects of a site say what they are."""
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

    def _discover(self, site: Site, interface: str, places: dict[str, Place], entry: Entry, part: Part | None) -> Place:
        """Ask a subgraph that has the real interface what the objects are."""
        types = self._search.graph.possible(entry.move.graph, interface)
        objects = Objects(site, interface, types, None, None, places, {}, part=part)
        step = self._enter(objects, entry, frozenset(), NO_CONDITION, ())
        step.tree.typename = site.node.typed = True
        return Place(step, step.tree)

    def _object(self, objects: Objects, wants: tuple[Want, ...], decision: Decision, *, own_keys: bool) -> set[Step]:
        suppliers: set[Step] = set()
        looks: dict[Part | None, list[tuple[Want, Source]]] = {}
        for want, source in zip(wants, decision.sources, strict=True):
            part = self._part(objects, want)
            if source is not None:
                looks.setdefault(part, []).append((want, source))
        for part, asked in looks.items():
            look = self._look(objects, part) if part is not None else objects
            suppliers |= self._asked(look, asked, own_keys=own_keys)
        return suppliers

    def _asked(self, objects: Objects, asked: list[tuple[Want, Source]], *, own_keys: bool) -> set[Step]:
        suppliers: set[Step] = set()
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
            if way.move.contexts:
                filled = (one for one in place.step.contexts if one.argument in way.move.contexts)
                asked.contextual = tuple((one.argument.name, one.variable) for one in filled)
            if asked.tree is not None:
                below[way.move.graph] = Place(place.step, asked.tree)
        assert data is not None, "a source has at least one way"
        for runtime_type in (*objects.types, objects.runtime_type):
            self.bound[node, runtime_type, want] = data
        suppliers = frozenset(place.step for place in places.values())
        if source.below is None or want.shape is None or data.node is None:
            return suppliers
        lists = (Each() for _ in range(data.lists))
        answer = (*objects.site.answer, Key(want.key), *lists) if self._parts is not None else ()
        site = Site(objects.site.path + node.step(data), data.node, answer)
        return suppliers | self._position(site, want.shape, source.below, below, objects, own_keys=own_keys)

    # --- deferred parts -----------------------------------------------------------------------------------------------

    def _part(self, objects: Objects, want: Want) -> Part | None:
        if self._parts is None or not want.deferrals:
            return None
        return self._parts.find(objects.site.node, want, [one.site.answer for one in objects.above()])

    def _look(self, objects: Objects, part: Part) -> Objects:
        """The objects as a deferred part sees them: at hand only where they cannot be asked for again."""
        if objects.places and all(place.step.part is part for place in objects.places.values()):
            return objects
        if part not in objects.looks:
            places, entries = {}, dict(objects.entries)
            for graph in objects.at_hand:
                place = objects.places[graph]
                entry = self._search.again(graph, objects.runtime_type, objects.at_hand)
                if entry is None or place.step.part is part:
                    places[graph] = place
                else:
                    entries[graph] = entry
            objects.looks[part] = replace(objects, places=places, entries=entries, part=part, base=objects, looks={})
        return objects.looks[part]

    # --- places ---------------------------------------------------------------------------------------------------

    def _place_for(self, objects: Objects, way: Way, when: When, condition: Conjunction) -> Place:
        """The place that a way is in, made if need be."""
        if way.demand is not None:
            return self._required_place(objects, way, when, condition)
        graph = way.move.graph
        by_path = way.move.external or way.provided != way.move.provides
        if by_path and objects.base is not None and graph in objects.base.places:
            # What the way to the objects provides cannot be asked for again by a key.
            return objects.base.places[graph]
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

    def _key_place(self, objects: Objects, graph: str) -> Place:
        """A place to take keys from; keys for a deferred part come with the objects, if they are there."""
        if objects.base is not None and graph in objects.base.places:
            return objects.base.places[graph]
        return self._place(objects, graph)

    def _required_place(self, objects: Objects, way: Way, when: When, condition: Conjunction) -> Place:
        assert way.entry is not None
        assert way.demand is not None
        demand = way.demand
        # A representation without what it should carry is not sent at all, so requirements may be conditional only
        # where the whole request is. Where they cost no request of their own they are not worth a condition.
        asked = when if condition != NO_CONDITION and demand.decision.calls else ALWAYS
        suppliers = self._collect(objects, demand.wants, demand.decision, asked, condition)
        contexts = [self._context(objects, argument) for argument in way.move.contexts]
        for context, above in contexts:
            wants = context.inputs[above.runtime_type]
            decision = self._search.object(above.runtime_type, wants, tuple(map(Origin, above.at_hand)))
            suppliers |= self._collect(above, wants, decision, ALWAYS, NO_CONDITION)
        step = self._enter(objects, way.entry, frozenset(suppliers), condition, demand.wants, contexts)
        step.alone = step.alone or asked != ALWAYS
        return Place(step, step.tree)

    def _collect(
        self, objects: Objects, wants: tuple[Want, ...], decision: Decision, asked: When, condition: Conjunction
    ) -> set[Step]:
        """Ask for what the machinery needs of objects; returns the steps that supply it."""
        needing = replace(objects, entries={**objects.entries, **decision.entries})
        suppliers: set[Step] = set()
        for want, source in zip(wants, decision.sources, strict=True):
            if source is None:
                continue
            places = {}
            for way in source.ways:
                here = way.demand is None and way.move.graph in needing.places
                under = NO_CONDITION if here or asked == ALWAYS else condition
                places[way.move.graph] = self._place_for(needing, way, asked, under)
            suppliers |= self._field(needing, want, source, places, asked, own_keys=False)
        return suppliers

    def _context(self, objects: Objects, argument: ContextArgument) -> tuple[Context, Objects]:
        """The nearest objects, going up, that set a context, and what is taken of them."""
        above: Objects | None = objects
        while above is not None and not self._search.graph.sets_context(above.runtime_type, argument.context):
            above = above.parent
        if above is None:
            text = f"nothing on the way to {objects.runtime_type} sets the context {argument.context}"
            raise FederationError(NO_PLAN, text)
        wants = self._search.field_sets.wants(argument.selection, above.runtime_type)
        return Context(argument, "", above.site, {above.runtime_type: wants}), above

    def _enter(
        self,
        objects: Objects,
        entry: Entry,
        suppliers: frozenset[Step],
        condition: Conjunction,
        requires: Iterable[Want],
        contexts: Sequence[tuple[Context, Objects]] = (),
    ) -> Step:
        """The step that enters a subgraph, with the objects' key fields and all else it requires."""
        needs = set(suppliers)
        for want, source in zip(entry.wants, entry.sources, strict=True):
            places = {way.move.graph: self._key_place(objects, way.move.graph) for way in source.ways}
            needs |= self._field(objects, want, source, places, ALWAYS, own_keys=False)
        if objects.origin is not None:
            needs.add(objects.origin)
        if objects.teller is not None:
            # Below an interface object the types are told by another request than the one that has the keys.
            needs.add(objects.teller.step)
        wanted = tuple(requires)
        taken = [context for context, _ in contexts]
        step = self._step(objects, entry, frozenset(needs), condition, wanted, taken)
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
        contexts: list[Context],
    ) -> Step:
        """The step of this site, subgraph and prerequisites; one of several where representations disagree."""
        site = objects.site
        by_key = isinstance(entry.move, KeyMove)
        owner = "" if by_key else entry.move.type_name
        taken = tuple((context.argument, context.site.path) for context in contexts)
        key = (site.node, site.path, entry.move.graph, needs, condition, owner, taken, objects.part)
        alike = self._steps.setdefault(key, [])
        for step in alike:
            known = step.inputs.get(objects.runtime_type)
            if known is None or not known.disagrees(entry.wants, requires):
                step.origins.add(objects.origin)
                for mine, other in zip(step.contexts, contexts, strict=True):
                    mine.inputs.update(other.inputs)
                return step
        kind = self._kind if not site.path and not by_key else OperationKind.QUERY
        step = Step(
            entry.move.graph, kind, site, Tree(owner), {objects.origin}, set(needs), condition, part=objects.part
        )
        for number, context in enumerate(contexts):
            variable = self._ours(f"{ALIAS_PREFIX}{number}_{context.argument.name}")
            step.contexts.append(replace(context, variable=variable))
        alike.append(step)
        self.steps.append(step)
        return step


def _stands_for(runtime_type: str, shape: Shape) -> tuple[tuple[str, ...], tuple[Want, ...]]:
    """The runtime types of a shape that a type of the search stands for, and what is wanted of them."""
    if runtime_type in shape.by_type:
        return (runtime_type,), shape.by_type[runtime_type]
    # Below an interface object, where all types are asked for the same.
    return tuple(shape.by_type), next(iter(shape.by_type.values()), ())
