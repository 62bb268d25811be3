"""
The walks to the objects that are asked for.

A walk goes down a plan's path with only those answers in hand that something is read of: at the end the key fields, on
the way the field that leads on.

Fetches often go the same way, for a while or to its end. The last list on the way that several walks have in common is
a *level*: a function lists its objects, in the order in which a walk comes to them, and remembers them. So whoever asks
first walks, and the others begin where it has been:

    def p3(S):
        x = S.l_p3
        if not x:
            x = []
            for h0 in p1(S):
                ...
                x += o4
            S.l_p3 = x
        return x

That two walks go the same way is seen by the text that is written for each step: equal text does the same. All answers
that the text reads are over when any of these walks begins, so it does not matter which is the first.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

from kong_federation.executor.compiled.records import attribute
from kong_federation.executor.compiled.scope import Scope, Tables
from kong_federation.executor.compiled.shapes import Shape, Types
from kong_federation.executor.compiled.sources import Held, Place, Source, Sources, UnsuitableError
from kong_federation.executor.compiled.writer import OWN_NAME, Functions, Writer
from kong_federation.plan.nodes import Representation

# Python allows twenty blocks inside each other.
_MOST_LISTS = 18


class Walk:
    """
    The walk along one path.

    Args:
        sources: All of the plan.
        tables: All of the program.
        functions: All of the program.
        source: What the objects are gathered for.

    Raises:
        UnsuitableError: No answer leads along, or through too many lists.
    """

    def __init__(self, sources: Sources, tables: Tables, functions: Functions, source: Source) -> None:
        self._sources = sources
        self._tables = tables
        self._functions = functions
        self.source = source
        if sum(step.lists for step in source.steps) > _MOST_LISTS:
            raise UnsuitableError("a path through too many lists")
        self._levels = list(self._survey())
        self._needed = self._needs()
        self._leading = list(self._leads())

    @property
    def length(self) -> int:
        """How many steps it has."""
        return len(self.source.steps)

    def holding(self, level: int) -> tuple[Source, ...]:
        """The sources that lead to a level: what a walk has in hand there."""
        return self._leading[level - 1] if level else ()

    @property
    def is_near(self) -> bool:
        """Whether its first step leads to what a list at the root has."""
        first = self.source.steps[0]
        return first.lists < 2 and first.types is None and self.holding(1)[0].flatten is None

    def ends_in_list(self, level: int) -> bool:
        """Whether the last step to a level ends in a list that can be taken as a whole."""
        step = self.source.steps[level - 1]
        return step.lists > 0 and step.types is None and len(self.holding(level)) == 1

    def names(self, level: int) -> dict[Source, str]:
        """What the objects of a level are called where they come from a list; no fresh name is like these."""
        return {source: f"h{number}" for number, source in enumerate(self.holding(level))}

    def is_field(self, level: int) -> bool:
        """Whether the last step to a level is no more than a field with one object."""
        step = self.source.steps[level - 1]
        held = self.holding(level)
        return not step.lists and step.types is None and len(held) == 1 and held[0] in self.holding(level - 1)

    def scope(self, write: Writer, level: int, variables: dict[Source, str]) -> Scope:
        """The object that is in hand at a level."""
        place, held = self._levels[level]
        available = {one: shape for one, shape in held.items() if one in variables or one.chain == place.chain}
        return Scope(self._sources, self._tables, self._functions, write, place, available, dict(variables))

    def step(
        self,
        write: Writer,
        level: int,
        variables: dict[Source, str],
        blocks: contextlib.ExitStack,
        *,
        whole: bool = False,
    ) -> dict[Source, str]:
        """
        Write one step down.

        Args:
            write: Where to.
            level: Where it begins.
            variables: What is in hand there.
            blocks: Entered, for what is written next to be done for each object.
            whole: Whether to stop before the innermost list, which is given instead of its objects.

        Returns:
            What is in hand below.
        """
        scope = self.scope(write, level, variables)
        step = self.source.steps[level]
        values = {}
        for source in self._leading[level]:
            holder = scope.maybe_holder(source)
            name = write.fresh("o")
            if source not in variables:
                blocks.enter_context(write.block(f"if {holder} is not None:"))
            sure = not source.conditional and scope.held[source].surely_has(step.key)
            write(f"{name} = {holder}.{attribute(step.key)}")
            if not sure:
                with write.block(f"if {name} is UNSET:"):
                    write(f"{name} = None")
            values[source] = name
        below = _through_lists(write, step.lists, values, blocks, whole=whole)
        if step.types is not None:
            found = self.scope(write, level + 1, below)
            typename = found.known_as(None).type_name()
            blocks.enter_context(write.block(f"if {typename} in {step.types!r}:"))
        return below

    # --- Which answers are needed ---

    def _survey(self) -> Iterator[tuple[Place, Held]]:
        """What is held on each level when the fetch begins."""
        place = Place()
        held = self._early(self._sources.held(place, {}))
        yield place, held
        for step in self.source.steps:
            below = self._sources.below(held, place, step.key)
            place = place.below(step.key, step.types)
            held = self._early(self._sources.held(place, below))
            yield place, held

    def _early(self, held: Held) -> dict[Source, Shape]:
        return {one: shape for one, shape in held.items() if one.fetch in self.source.before}

    def _needs(self) -> set[Source]:
        """The sources that something is read of at the end of the walk, or on it, and those that these depend on."""
        place, held = self._levels[-1]
        needed: set[Source] = set()
        if self.source.flatten is None:
            # The objects need only be there.
            needed.update(sorted(held, key=lambda source: source.number)[:1])
        else:
            for one in self.source.flatten.representations:
                known = place.known_as(both(place.here, types_of(self._sources, one)))
                needed.update(self._read_by(one, known, held))
        for step, (place, held) in zip(self.source.steps, self._levels[1:], strict=True):
            if step.types is not None:
                needed.update(self._sources.candidates(held, place, "__typename"))
        while more := {one for source in needed for one in self._dependencies(source)} - needed:
            needed |= more
        return needed

    def _dependencies(self, source: Source) -> Iterator[Source]:
        """The sources by which an entity on the way is found."""
        if source.flatten is not None and source.chain == self._levels[len(source.steps)][0].chain:
            place, held = self._levels[len(source.steps)]
            for one in source.flatten.representations:
                yield from self._read_by(one, place, held)

    def _read_by(self, representation: Representation, place: Place, held: Held) -> Iterator[Source]:
        """The sources that may be read for a representation."""
        for item in representation.fields:
            yield from self._sources.candidates(held, place, item.source)
            if item.types:
                yield from self._sources.candidates(held, place, "__typename")
        if representation.types or not representation.typename:
            yield from self._sources.candidates(held, place, "__typename")

    def _leads(self) -> Iterator[tuple[Source, ...]]:
        """The sources that lead on from each level."""
        inside: tuple[Source, ...] = ()
        for step, (place, held) in zip(self.source.steps, self._levels, strict=False):
            available = {one: shape for one, shape in held.items() if one in inside or one.chain == place.chain}
            inside = tuple(one for one in self._sources.below(available, place, step.key) if one in self._needed)
            if not inside:
                raise UnsuitableError("a path that no answer leads along")
            if len(inside) > 1 and not all(_surely_leads(one, available[one], place, step.key) for one in inside):
                # All of them are gone through at once.
                raise UnsuitableError("a path along several answers, of which an object may have one alone")
            yield inside


class Levels:
    """
    The levels of a program.

    All walks must have been noted before anything is written.

    Args:
        functions: All of the program.
    """

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        # By the place from which a step begins and its text: the place where it ends. The root is 0.
        self._places: dict[tuple[int, str], int] = {}
        self._passed: dict[Walk, list[int]] = {}
        self._spared: set[Walk] = set()

    @property
    def memories(self) -> list[str]:
        """The attributes of `S` in which they are remembered."""
        return [f"l_{name}" for name in self._functions.names_with(f"S.l_{OWN_NAME}")]

    def note(self, walk: Walk) -> None:
        """Note which way a walk goes."""
        passed = [0]
        for level in range(walk.length):
            write = Writer()
            with contextlib.ExitStack() as blocks:
                walk.step(write, level, walk.names(level), blocks)
            passed.append(self._places.setdefault((passed[-1], write.text("")), len(self._places) + 1))
        self._passed[walk] = passed

    def spare(self, walk: Walk) -> None:
        """Note that a walk need not be gone: its objects are known."""
        self._spared.add(walk)

    def enter(self, write: Writer, walk: Walk, blocks: contextlib.ExitStack) -> dict[Source, str]:
        """Write the loops to the end of a walk; gives what is in hand there."""
        return self._descend(write, walk, self._remembered(walk, walk.length), walk.length, blocks)

    def end(self, walk: Walk) -> int:
        """The place where a walk ends; walks that end in the same place have the same objects there."""
        return self._passed[walk][-1]

    def _remembered(self, walk: Walk, end: int) -> int:
        """The last level, up to one, whose objects are remembered; the root if there is none."""
        return next((level for level in range(end, 0, -1) if self._passed[walk][level] in self._lists), 0)

    @functools.cached_property
    def _lists(self) -> set[int]:
        """The places whose objects are remembered."""
        gone = {walk: passed for walk, passed in self._passed.items() if walk not in self._spared}
        # By place: how walks go on from it, ends of walks included.
        ways: dict[int, set[object]] = {}
        for walk, passed in gone.items():
            for place, way in zip(passed, (*passed[1:], walk), strict=True):
                ways.setdefault(place, set()).add(way)
        found = set()
        for walk, passed in gone.items():
            for level, place in enumerate(passed):
                if len(ways[place]) < 2:
                    continue
                # Single objects are soon come to from the list above them.
                last = next((one for one in range(level, 0, -1) if not walk.is_field(one)), 0)
                # The objects of a list at the root are at hand as it is.
                if last > 1 or (last and not walk.is_near):
                    found.add(passed[last])
        return found

    def _descend(
        self, write: Writer, walk: Walk, begin: int, end: int, blocks: contextlib.ExitStack, *, whole: bool = False
    ) -> dict[Source, str]:
        """Write the loops from the root, or a level that is remembered, to another one; `whole` as for `Walk.step`."""
        variables = walk.names(begin)
        if begin:
            held = ", ".join(variables.values())
            blocks.enter_context(write.block(f"for {held} in {self._function(walk, begin)}(S):"))
            if walk.ends_in_list(begin):
                blocks.enter_context(write.block(f"if {held} is not None:"))
        for level in range(begin, end):
            variables = walk.step(write, level, variables, blocks, whole=whole and level == end - 1)
        return variables

    def _function(self, walk: Walk, level: int) -> str:
        """The name of the function that lists the objects of a level."""
        write = Writer()
        memory = f"S.l_{OWN_NAME}"
        write(f"x = {memory}")
        # If there are none it looks again, which is soon done.
        with write.block("if not x:"):
            write("x = []")
            with contextlib.ExitStack() as blocks:
                whole = walk.ends_in_list(level)
                begin = self._remembered(walk, level - 1)
                found = ", ".join(self._descend(write, walk, begin, level, blocks, whole=whole).values())
                if whole:
                    write(f"x += {found}")
                else:
                    write(f"x.append(({found}))" if "," in found else f"x.append({found})")
            write(f"{memory} = x")
        write("return x")
        return self._functions.add(write, ())


def _surely_leads(source: Source, shape: Shape, place: Place, key: str) -> bool:
    """Whether every object that a source holds at a place has a field."""
    names: set[str | None] = set(place.here or (None,))
    if source.flatten is not None and source.chain == place.chain:
        representations = source.flatten.representations
        represented = {name for one in representations for name in one.types}
        if all(one.types for one in representations) and not represented.issuperset(names):
            return False  # objects of other types have no entity
        names = {one.typename for one in representations}
    return shape.surely_has(key, names.pop() if len(names) == 1 else None)


def types_of(sources: Sources, representation: Representation) -> Types | None:
    """What an object that is represented so may be."""
    if representation.types:
        return representation.types
    name = representation.typename
    return (name,) if name in sources.objects else None


def both(one: Types | None, other: Types | None) -> Types | None:
    """What an object may be of which two things are known."""
    if one is None or other is None:
        return other if one is None else one
    return tuple(name for name in one if name in other)


def _through_lists(
    write: Writer, lists: int, values: dict[Source, str], blocks: contextlib.ExitStack, *, whole: bool
) -> dict[Source, str]:
    """Write the loops over the lists around a field's objects; null ends the walk."""
    for level in range(lists + 1):
        first, *others = values.values()
        blocks.enter_context(write.block(f"if {first} is not None:"))
        if level == lists - whole:
            break
        items = {source: write.fresh("i") for source in values}
        for other in others:
            with write.block(f"if len({other}) != len({first}):"):
                write("odd()")
        together = f"zip({', '.join(values.values())})" if others else first
        blocks.enter_context(write.block(f"for {', '.join(items.values())} in {together}:"))
        values = items
    return values
