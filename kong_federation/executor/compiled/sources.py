"""
Who fills which place of the data.

The answers of a plan's fetches are not merged when a plan is compiled: each stays as it was parsed, and a place of the
output reads its values where they are. So it must be known, before the first request, which answers may have them.

A *source* is one way in which data gets to a place and below it: the answer of a root fetch, to the root or to the
objects at its path; the entities of one `_entities` selection, to the objects at the end of one of its paths. A source
holds what its document asks for, which is a tree of its own; *holding* it at a place means that the place has an object
of that tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from kong_federation.executor.compiled.shapes import Shape, Types, read_shape
from kong_federation.plan.nodes import (
    Composite,
    Condition,
    Defer,
    Each,
    Fetch,
    Flatten,
    Introspect,
    Key,
    ListOf,
    Node,
    NonNull,
    OnTypes,
    OutputType,
    Parallel,
    Path,
    QueryPlan,
    Representation,
    Sequence,
    Subscription,
)


class UnsuitableError(Exception):
    """A plan that is not compiled; its text says why. The interpreter runs it as well, only slower."""


@dataclass(frozen=True, slots=True)
class Step:
    """
    One step from an object to the objects below.

    Args:
        key: The data key.
        lists: How many lists are around the objects.
        types: What the objects must be; None: anything.
    """

    key: str
    lists: int
    types: Types | None


@dataclass(eq=False, frozen=True, slots=True)
class Source:
    """
    One way in which data gets to a place.

    Args:
        number: In the order of the plan's text.
        fetch: Number of the fetch or introspection.
        before: The fetches that are over when this one begins.
        steps: From the root to the place.
        shape: What it holds there.
        flatten: For entities: what was gathered.
        order: For entities: which of the fetch's flattens this is.
        conditional: Whether it may be that the fetch is not made, by a variable of the client.
    """

    number: int
    fetch: int
    before: frozenset[int]
    steps: tuple[Step, ...]
    shape: Shape
    flatten: Flatten | None = None
    order: int = 0
    conditional: bool = False

    @property
    def chain(self) -> tuple[str, ...]:
        """The data keys to its place."""
        return tuple(step.key for step in self.steps)

    @property
    def may_be_absent(self) -> bool:
        """Whether it may be the data of a fetch that is not made."""
        return self.flatten is None and (self.conditional or bool(self.steps))

    def representation(self, typename: str | None) -> Representation | None:
        """How an object is represented; None: it is not asked for."""
        assert self.flatten is not None
        for one in self.flatten.representations:
            if not one.types or (typename is not None and typename in one.types):
                return one
        return None

    @property
    def is_borrower(self) -> bool:
        """Whether objects are represented under a type name that is not their own."""
        asked = self.flatten.representations if self.flatten is not None else ()
        return any(one.typename and one.types != (one.typename,) for one in asked)


@dataclass(frozen=True, slots=True)
class Place:
    """
    A place of the data, and what is known of the objects on the way.

    Args:
        chain: The data keys from the root.
        types: For the root and for each key: what the object there may be; None if that is not known.
    """

    chain: tuple[str, ...] = ()
    types: tuple[Types | None, ...] = (None,)

    def below(self, key: str, types: Types | None = None) -> Place:
        """The place of a field's objects."""
        return Place((*self.chain, key), (*self.types, types))

    def known_as(self, types: Types | None) -> Place:
        """The same place, with objects of these types."""
        return replace(self, types=(*self.types[:-1], types))

    @property
    def here(self) -> Types | None:
        """What the object may be."""
        return self.types[-1]


# What is held at a place.
Held: TypeAlias = Mapping[Source, Shape]


class Sources:
    """
    All sources of a plan.

    Args:
        plan: Without subscriptions and `@defer`.

    Raises:
        UnsuitableError: It has something that is not compiled.
    """

    def __init__(self, plan: QueryPlan) -> None:
        self.fetches: list[Fetch | Introspect] = []
        self.shapes: list[Shape] = []
        self.all: list[Source] = []
        if plan.node is not None:
            self._read(plan.node, frozenset(), conditional=False)
        self.objects = frozenset(_objects(plan.output, set())) | {
            name
            for source in self.all
            if source.flatten
            for one in source.flatten.representations
            for name in one.types
        }
        self._by_chain: dict[tuple[str, ...], list[Source]] = {}
        for source in self.all:
            self._by_chain.setdefault(source.chain, []).append(source)

    def of(self, fetch: int) -> list[Source]:
        """The sources of one fetch."""
        return [source for source in self.all if source.fetch == fetch]

    def entering(self, place: Place) -> list[Source]:
        """The sources that come in at a place, in the order of the plan."""
        return [source for source in self._by_chain.get(place.chain, ()) if not _excluded(source, place)]

    def held(self, place: Place, above: Held) -> dict[Source, Shape]:
        """All that is held at a place: what was `above` it, as far as it is asked for here, and what comes in."""
        return {**above, **{source: source.shape for source in self.entering(place)}}

    def below(self, held: Held, place: Place, key: str) -> dict[Source, Shape]:
        """What of that goes on below a field."""
        found = {source: shape.below(key, place.here, self.objects) for source, shape in held.items()}
        return {source: shape for source, shape in found.items() if shape is not None}

    def candidates(self, held: Held, place: Place, key: str) -> list[Source]:
        """The sources that may have a field of the object at a place, the latest first."""
        found = [source for source, shape in held.items() if shape.may_have(key, place.here, self.objects)]
        return sorted(found, key=lambda source: -source.number)

    def _read(self, node: Node, before: frozenset[int], *, conditional: bool) -> frozenset[int]:
        """Note the sources below a node; returns the fetches that are over after it."""
        match node:
            case Fetch() | Introspect():
                number = len(self.fetches)
                self.fetches.append(node)
                self._note(number, node, before, conditional=conditional)
                return before | {number}
            case Sequence(nodes):
                for inner in nodes:
                    before = self._read(inner, before, conditional=conditional)
                return before
            case Parallel(nodes):
                return frozenset().union(*(self._read(inner, before, conditional=conditional) for inner in nodes))
            case Condition(when_true=when_true, when_false=when_false):
                branches = [inner for inner in (when_true, when_false) if inner is not None]
                return before.union(*(self._read(inner, before, conditional=True) for inner in branches))
            case Subscription() | Defer():
                raise UnsuitableError("answers that come in parts")

    def _note(self, number: int, fetch: Fetch | Introspect, before: frozenset[int], *, conditional: bool) -> None:
        shape = read_shape(fetch.document)
        self.shapes.append(shape)
        if isinstance(fetch, Introspect) or not fetch.flattens:
            steps = steps_of(fetch.path) if isinstance(fetch, Fetch) else ()
            self.all.append(Source(len(self.all), number, before, steps, shape, conditional=conditional))
            return
        for order, flatten in enumerate(fetch.flattens):
            if flatten.contexts:
                raise UnsuitableError("variables taken from objects further up")
            entities = shape.below(flatten.key, None, frozenset()) or Shape()
            for path in flatten.paths:
                steps = steps_of(path)
                self.all.append(Source(len(self.all), number, before, steps, entities, flatten, order, conditional))


def steps_of(path: Path) -> tuple[Step, ...]:
    """
    A plan's path as steps from object to object.

    Raises:
        UnsuitableError: It begins with anything but a key.
    """
    steps: list[Step] = []
    for part in path:
        if isinstance(part, Key):
            steps.append(Step(part.name, 0, None))
            continue
        if not steps:
            raise UnsuitableError("a path that does not begin with a key")
        last = steps[-1]
        match part:
            case Each():
                steps[-1] = replace(last, lists=last.lists + 1)
            case OnTypes(names):
                both = names if last.types is None else tuple(one for one in last.types if one in names)
                steps[-1] = replace(last, types=both)
    return tuple(steps)


def _excluded(source: Source, place: Place) -> bool:
    return any(
        step.types is not None and types is not None and not set(step.types) & set(types)
        for step, types in zip(source.steps, place.types[1:], strict=True)
    )


def _objects(output: OutputType, seen: set[int]) -> Iterator[str]:
    match output:
        case NonNull(of) | ListOf(of):
            yield from _objects(of, seen)
        case Composite() if id(output) not in seen:
            seen.add(id(output))
            for variant in output.variants:
                yield from variant.types
                for item in variant.fields:
                    yield from _objects(item.type, seen)
        case _:
            return
