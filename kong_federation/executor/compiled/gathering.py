"""
Gathering the entities of one fetch, and taking in what comes back.

    ask3(S)           walk to the objects, note each identity once, write the representations; the request's body, or
                      None if there is nobody to ask for
    take3(S, data)    the answer's lists become the tables that identities are looked up in

A walk goes down the plan's path with only those answers in hand that something is read of: at the end the key fields,
on the way the field that leads on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from kong_federation.executor.compiled.keys import Borrowed, Identity, Part
from kong_federation.executor.compiled.scope import Scope, Tables, represented
from kong_federation.executor.compiled.shapes import Shape, Types
from kong_federation.executor.compiled.sources import Held, Place, Source, Sources, Step, UnsuitableError
from kong_federation.executor.compiled.support import Nulls
from kong_federation.executor.compiled.writer import Functions, Names, Writer
from kong_federation.plan.nodes import Fetch, Representation

# Python allows twenty blocks inside each other.
_MOST_LISTS = 18


class Gathering:
    """
    The functions of all entity fetches of one plan.

    Args:
        sources: All of the plan.
        tables: Filled while the functions are written.
        functions: Filled likewise.
        names: The program's.
    """

    def __init__(self, sources: Sources, tables: Tables, functions: Functions, names: Names) -> None:
        self._sources = sources
        self._tables = tables
        self._functions = functions
        self._names = names

    def ask(self, number: int, fetch: Fetch) -> str:
        """The text of the function that writes the request of a fetch that needs objects to be sent at all."""
        write = Writer()
        sources = self._sources.of(number)
        if not fetch.flattens:
            for _ in self._walk(write, sources[0], alone=True).write():
                pass
            write("return None")
            return write.text(f"def ask{number}(S):")
        for order in range(len(fetch.flattens)):
            own = [source for source in sources if source.order == order]
            self._gather(write, order, own)
        self._body(write, number, fetch)
        return write.text(f"def ask{number}(S):")

    def take(self, number: int, fetch: Fetch) -> str:
        """The text of the function that takes the answer of an entity fetch."""
        write = Writer()
        for order, flatten in enumerate(fetch.flattens):
            nulls = self._nulls(number, order)
            write(f"e = entities_of(data, {flatten.key!r}, S.n{number}_{order}, {nulls})")
            tables = self._tables.of.get((number, order), ())
            for table in tables:
                write(f"t = S.{table}")
                taken = "{k: e[i] for k, i in t.items()}"
                if len(tables) == 1:
                    # As many as were asked for: then they are in that order. Of several tables that is not certain.
                    taken = f"dict(zip(t, e)) if len(t) == len(e) - 1 else {taken}"
                write(f"S.{table} = {taken}")
        return write.text(f"def take{number}(S, data):")

    # --- One `_entities` selection ---

    def _gather(self, write: Writer, order: int, sources: list[Source]) -> None:
        """Write what fills the list of representations `r{order}` and the tables, which have their indices in it."""
        # Once to see the identities, and once to keep: how objects are noted depends on all of them.
        identities = [found for source in sources for found in self._walk(Writer(), source, alone=False).write()]
        alone = len({one.table for one in identities}) == 1 and identities[0].is_direct
        write(f"r{order} = []")
        if not alone:
            write(f"s{order} = {{}}")
        for table in self._tables.of[sources[0].fetch, order]:
            write(f"{table} = S.{table} = {{}}")
        for source in sources:
            for _ in self._walk(write, source, alone=alone).write():
                pass

    def _walk(self, write: Writer, source: Source, *, alone: bool) -> _Walk:
        return _Walk(self._sources, self._tables, self._functions, write, source, alone=alone)

    def _body(self, write: Writer, number: int, fetch: Fetch) -> None:
        orders = range(len(fetch.flattens))
        with write.block(f"if not ({' or '.join(f'r{order}' for order in orders)}):"):
            for order in orders:
                for table in self._tables.of.get((number, order), ()):
                    write(f"S.{table} = dict.fromkeys({table}, {self._nulls(number, order)})")
            write("return None")
        for order in orders:
            write(f"S.n{number}_{order} = len(r{order})")
        lists = ", ".join(f"r{order}" for order in orders)
        write(f"return S.body({number}, ({lists},))")

    def _nulls(self, number: int, order: int) -> str:
        source = next(one for one in self._sources.of(number) if one.order == order)
        nulls = Nulls(dict.fromkeys(source.shape.fields))
        return self._names.constant("NULLS", (number, order), nulls)


class _Walk:
    """
    The walk along one path.

    Args:
        sources: All of the plan.
        tables: All of the program.
        functions: All of the program.
        write: Where to.
        source: What the objects are gathered for.
        alone: Whether no representation can be the same as another under another identity.
    """

    def __init__(
        self, sources: Sources, tables: Tables, functions: Functions, write: Writer, source: Source, *, alone: bool
    ) -> None:
        self._sources = sources
        self._tables = tables
        self._functions = functions
        self._write = write
        self._source = source
        self._alone = alone
        if sum(step.lists for step in source.steps) > _MOST_LISTS:
            raise UnsuitableError("a path through too many lists")
        self._levels = list(self._survey())
        self._needed = self._needs()

    def write(self) -> Iterator[Identity]:
        """Write the loops; gives the identities that are gathered at their end."""
        yield from self._descend(0, {})

    # --- Which answers are needed ---

    def _survey(self) -> Iterator[tuple[Place, Held]]:
        """What is held on each level when the fetch begins."""
        place = Place()
        held = self._early(self._sources.held(place, {}))
        yield place, held
        for step in self._source.steps:
            below = self._sources.below(held, place, step.key)
            place = place.below(step.key, step.types)
            held = self._early(self._sources.held(place, below))
            yield place, held

    def _early(self, held: Held) -> dict[Source, Shape]:
        return {one: shape for one, shape in held.items() if one.fetch in self._source.before}

    def _needs(self) -> set[Source]:
        """The sources that something is read of at the end of the walk, or on it, and those that these depend on."""
        place, held = self._levels[-1]
        needed: set[Source] = set()
        if self._source.flatten is None:
            # The objects need only be there.
            needed.update(sorted(held, key=lambda source: source.number)[:1])
        else:
            for one in self._source.flatten.representations:
                known = place.known_as(_both(place.here, self._types(one)))
                needed.update(self._read_by(one, known, held))
        for step, (place, held) in zip(self._source.steps, self._levels[1:], strict=True):
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

    # --- The loops ---

    def _descend(self, level: int, variables: dict[Source, str]) -> Iterator[Identity]:
        place, held = self._levels[level]
        scope = self._scope(place, held, variables)
        if level == len(self._source.steps):
            yield from self._note(scope)
            return
        step = self._source.steps[level]
        with contextlib.ExitStack() as blocks:
            values = {}
            for source in self._leading(scope, step):
                holder = scope.maybe_holder(source)
                name = self._write.fresh("o")
                if source not in variables:
                    blocks.enter_context(self._write.block(f"if {holder} is not None:"))
                self._write(f"{name} = {holder}.get({step.key!r})")
                values[source] = name
            below = self._through_lists(step, values, blocks)
            below_place, below_held = self._levels[level + 1]
            if step.types is not None:
                typename = self._scope(below_place.known_as(None), below_held, below).type_name()
                blocks.enter_context(self._write.block(f"if {typename} in {step.types!r}:"))
            yield from self._descend(level + 1, below)

    def _leading(self, scope: Scope, step: Step) -> list[Source]:
        leading = [one for one in self._sources.below(scope.held, scope.place, step.key) if one in self._needed]
        if not leading:
            raise UnsuitableError("a path that no answer leads along")
        return leading

    def _through_lists(self, step: Step, values: dict[Source, str], blocks: contextlib.ExitStack) -> dict[Source, str]:
        """Write the loops over the lists around a field's objects; null ends the walk."""
        write = self._write
        for level in range(step.lists + 1):
            first, *others = values.values()
            blocks.enter_context(write.block(f"if {first} is not None:"))
            if level == step.lists:
                break
            items = {source: write.fresh("i") for source in values}
            for other in others:
                with write.block(f"if len({other}) != len({first}):"):
                    write("odd()")
            together = f"zip({', '.join(values.values())})" if others else first
            blocks.enter_context(write.block(f"for {', '.join(items.values())} in {together}:"))
            values = items
        return values

    # --- At the end ---

    def _note(self, scope: Scope) -> Iterator[Identity]:
        flatten = self._source.flatten
        if flatten is None:
            self._write(f"return S.body({self._source.fetch})")
            return
        asked = flatten.representations
        head = "if"
        for one in asked:
            types = self._types(one)
            if one.types:
                typename = scope.type_name()
                with self._write.block(f"{head} {typename} in {one.types!r}:"):
                    yield self._note_one(scope.known_as(_both(scope.place.here, types)), one)
            elif head == "if":
                yield self._note_one(scope.known_as(_both(scope.place.here, types)), one)
            else:
                with self._write.block("else:"):
                    yield self._note_one(scope.known_as(_both(scope.place.here, types)), one)
            head = "elif"
            if not one.types:
                break

    def _note_one(self, scope: Scope, representation: Representation) -> Identity:
        """Note an object under its identity, and its representation if it is the first of that identity."""
        write = self._write
        found = represented(scope, self._source, representation)
        table = self._tables.add(found)
        key = scope.key(found)
        if key.startswith("("):
            name = write.fresh("k")
            write(f"{name} = {key}")
            key = name
        with write.block(f"if {key} not in {table}:"):
            nulls = self._null_tests(scope, found)
            inner = scope.fork()
            if not nulls:
                self._add(inner, found, table, key)
            else:
                with write.block(f"if {' or '.join(nulls)}:"):
                    write(f"{table}[{key}] = -1")
                with write.block("else:"):
                    self._add(inner, found, table, key)
        return found

    def _add(self, scope: Scope, found: Identity, table: str, key: str) -> None:
        write = self._write
        representations, seen = f"r{self._source.order}", f"s{self._source.order}"
        written = scope.representation(found)
        if self._alone:
            write(f"{table}[{key}] = len({representations})")
            write(f"{representations}.append({written})")
            return
        write(f"w = {written}")
        write("d = dumps(w)")
        write(f"x = {seen}.get(d)")
        with write.block("if x is None:"):
            write(f"x = {seen}[d] = len({representations})")
            write(f"{representations}.append(w)")
        write(f"{table}[{key}] = x")

    def _null_tests(self, scope: Scope, found: Identity) -> list[str]:
        """
        Expressions of which one is true for an object that has no entity.

        A key of it is null, or what it takes from another entity was never sent, because that one is not known.
        """
        if found.members is None:
            return [f"{scope.key(found)} is None"]
        tests = []
        for member in found.members:
            if isinstance(member, Part) and member.strict:
                tests.append(f"{scope.part(member)} is None")
            elif isinstance(member, Borrowed) and member.strict:
                tests.append(f"{scope.holder(member.source)}[{member.key!r}] is None")
            elif isinstance(member, Borrowed):
                tests.append(f"type({scope.holder(member.source)}) is Nulls")
        return list(dict.fromkeys(tests))

    def _scope(self, place: Place, held: Held, variables: dict[Source, str]) -> Scope:
        available = {one: shape for one, shape in held.items() if one in variables or one.chain == place.chain}
        return Scope(self._sources, self._tables, self._functions, self._write, place, available, dict(variables))

    def _types(self, representation: Representation) -> Types | None:
        """What an object that is represented so may be."""
        if representation.types:
            return representation.types
        name = representation.typename
        return (name,) if name in self._sources.objects else None


def _both(one: Types | None, other: Types | None) -> Types | None:
    """What an object may be of which two things are known."""
    if one is None or other is None:
        return other if one is None else one
    return tuple(name for name in one if name in other)
