"""
Gathering the entities of one fetch, and taking in what comes back.

    ask3(S)           walk to the objects, note each identity once, write the representations; the request's body, or
                      None if there is nobody to ask for
    take3(S, data)    the answer's lists become the tables that identities are looked up in

Who is to be asked for is found by walks (`walking`), one for each path; here is written what is done at their ends.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from kong_federation.executor.compiled.keys import Borrowed, Identity, Part
from kong_federation.executor.compiled.records import attribute
from kong_federation.executor.compiled.scope import Scope, Tables, represented
from kong_federation.executor.compiled.sources import Source, Sources
from kong_federation.executor.compiled.walking import Levels, Walk, both, types_of
from kong_federation.executor.compiled.writer import Functions, Writer
from kong_federation.plan.nodes import Fetch, Representation


class Gathering:
    """
    The functions of all entity fetches of one plan.

    Args:
        sources: All of the plan.
        tables: Filled at once.
        functions: Filled while the functions are written.

    Raises:
        UnsuitableError: Objects are gathered in a way that is not compiled.
    """

    def __init__(self, sources: Sources, tables: Tables, functions: Functions) -> None:
        self._sources = sources
        self._tables = tables
        self._levels = Levels(functions)
        # The attributes of `S` that walks leave the first objects of each identity in, or find them in.
        self._left: dict[Walk, str] = {}
        self._found: dict[Walk, str] = {}
        self._walks: dict[tuple[int, int], list[Walk]] = {}
        # How objects are noted depends on the identities of all of them, so walks' ends are written once to see these.
        self._identities: dict[Walk, list[Identity]] = {}
        for source in sources.all:
            if source.flatten is not None or source.steps:
                walk = Walk(sources, tables, functions, source)
                self._levels.note(walk)
                self._walks.setdefault((source.fetch, source.order), []).append(walk)
                self._identities[walk] = list(self._dry(walk))
        self._find_again()

    @property
    def memories(self) -> list[str]:
        """The attributes of `S` in which functions remember objects on the way."""
        return self._levels.memories

    def ask(self, number: int, fetch: Fetch) -> str:
        """The text of the function that writes the request of a fetch that needs objects to be sent at all."""
        write = Writer()
        if not fetch.flattens:
            with contextlib.ExitStack() as blocks:
                self._levels.enter(write, self._walks[number, 0][0], blocks)
                write(f"return body_of(S, {number})")
            write("return None")
            return write.text(f"def ask{number}(S):")
        for order in range(len(fetch.flattens)):
            self._gather(write, number, order)
        self._body(write, number, fetch)
        return write.text(f"def ask{number}(S):")

    def take(self, number: int, fetch: Fetch) -> str:
        """The text of the function that takes the answer of an entity fetch."""
        write = Writer()
        for order, flatten in enumerate(fetch.flattens):
            nulls = self._tables.nulls_of(number, order)
            write(f"e = entities_of(data.{attribute(flatten.key)}, S.n{number}_{order}, {nulls})")
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

    def _gather(self, write: Writer, number: int, order: int) -> None:
        """Write what fills the list of representations `r{order}` and the tables, which have their indices in it."""
        walks = self._walks[number, order]
        identities = [found for walk in walks for found in self._identities[walk]]
        alone = len({one.table for one in identities}) == 1 and identities[0].is_direct
        write(f"r{order} = []")
        if not alone:
            write(f"s{order} = {{}}")
        for table in self._tables.of[number, order]:
            write(f"{table} = S.{table} = {{}}")
        for walk in walks:
            if walk in self._left:
                write(f"{self._left[walk]} = S.{self._left[walk]} = []")
            with contextlib.ExitStack() as blocks:
                variables = self._enter(write, walk, blocks)
                for _ in self._note(write, walk, variables, alone=alone):
                    pass

    def _enter(self, write: Writer, walk: Walk, blocks: contextlib.ExitStack) -> dict[Source, str]:
        """Write the loops to the objects at the end of a walk, or to those that another one has left."""
        if walk not in self._found:
            return self._levels.enter(write, walk, blocks)
        variables = walk.names(walk.length)
        blocks.enter_context(write.block(f"for {', '.join(variables.values())} in S.{self._found[walk]}:"))
        return variables

    def _dry(self, walk: Walk) -> Iterator[Identity]:
        """The identities that are noted at the end of a walk."""
        variables = dict.fromkeys(walk.holding(walk.length), "o")
        if walk.source.flatten is not None:
            yield from self._note(Writer(), walk, variables, alone=False)

    def _body(self, write: Writer, number: int, fetch: Fetch) -> None:
        orders = range(len(fetch.flattens))
        with write.block(f"if not ({' or '.join(f'r{order}' for order in orders)}):"):
            for order in orders:
                for table in self._tables.of.get((number, order), ()):
                    write(f"S.{table} = dict.fromkeys({table}, {self._tables.nulls_of(number, order)})")
            write("return None")
        for order in orders:
            write(f"S.n{number}_{order} = len(r{order})")
        lists = ", ".join(f"r{order}" for order in orders)
        write(f"return body_of(S, {number}, ({lists},))")

    # --- The same objects again ---

    def _find_again(self) -> None:
        """
        Find the walks to objects that an earlier fetch has noted by the same identity.

        Only the first object of each identity matters, so these are left by the earlier walk for the later one. Which
        objects are the first depends on those before, so the walks before must be the same in both fetches.
        """
        noted: dict[tuple[object, ...], list[tuple[Walk, object]]] = {}
        for walk, identities in self._identities.items():
            mark = self._mark(walk, identities)
            for table in {found.table for found in identities}:
                noted.setdefault(table, []).append((walk, mark))
        for table, later in noted.items():
            for other, earlier in noted.items():
                source = earlier[0][0].source
                if other != table and not source.conditional and source.fetch in later[0][0].source.before:
                    self._pair(earlier, later)

    def _pair(self, earlier: list[tuple[Walk, object]], later: list[tuple[Walk, object]]) -> None:
        for (one, mark), (other, same) in zip(earlier, later, strict=False):
            if mark is None or mark != same:
                break
            if other not in self._found:
                self._found[other] = self._left.setdefault(one, f"f{len(self._left)}")
                self._levels.spare(other)

    def _mark(self, walk: Walk, identities: list[Identity]) -> object:
        """What is alike in walks that note the same objects by the same identity; None if that is not known."""
        if len(identities) != 1:
            return None
        (found,) = identities
        held = walk.holding(walk.length)
        is_plain = found.members is not None and found.representation.typename and not found.representation.types
        if not is_plain or not all(part.source in held for part in found.parts):
            return None
        return self._levels.end(walk), tuple((held.index(part.source), part.key) for part in found.parts)

    # --- At the end of a walk ---

    def _note(self, write: Writer, walk: Walk, variables: dict[Source, str], *, alone: bool) -> Iterator[Identity]:
        """
        Write what is done with the object in hand.

        Args:
            write: Where to.
            walk: The walk.
            variables: What is in hand.
            alone: Whether no representation can be the same as another under another identity.

        Returns:
            The identities of objects, whatever their types.
        """
        scope = walk.scope(write, walk.length, variables)
        assert walk.source.flatten is not None
        head = "if"
        for one in walk.source.flatten.representations:
            typename = scope.type_name() if one.types else ""
            known = scope.known_as(both(scope.place.here, types_of(self._sources, one)))
            if typename:
                with write.block(f"{head} {typename} in {one.types!r}:"):
                    yield self._note_one(known, walk, one, alone=alone)
            elif head == "if":
                yield self._note_one(known, walk, one, alone=alone)
            else:
                with write.block("else:"):
                    yield self._note_one(known, walk, one, alone=alone)
            head = "elif"
            if not one.types:
                break

    def _note_one(self, scope: Scope, walk: Walk, representation: Representation, *, alone: bool) -> Identity:
        """Note an object under its identity, and its representation if it is the first of that identity."""
        write = scope.write
        found = represented(scope, walk.source, representation)
        table = self._tables.add(found)
        key = scope.key(found)
        if key.startswith("("):
            name = write.fresh("k")
            write(f"{name} = {key}")
            key = name
        with write.block(f"if {key} not in {table}:"):
            if walk in self._left:
                held = ", ".join(scope.variables.values())
                write(f"{self._left[walk]}.append({f'({held})' if ',' in held else held})")
            nulls = self._null_tests(scope, found)
            inner = scope.fork()
            if not nulls:
                self._add(inner, found, key, alone=alone)
            else:
                with write.block(f"if {' or '.join(nulls)}:"):
                    write(f"{table}[{key}] = -1")
                with write.block("else:"):
                    self._add(inner, found, key, alone=alone)
        return found

    def _add(self, scope: Scope, found: Identity, key: str, *, alone: bool) -> None:
        write, table = scope.write, self._tables.name(found)
        representations, seen = f"r{found.source.order}", f"s{found.source.order}"
        written = scope.representation(found)
        if alone:
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
                tests.append(f"{scope.borrowed(member)} is None")
            elif isinstance(member, Borrowed):
                tests.append(scope.never_sent(member.source, scope.holder(member.source)))
        return list(dict.fromkeys(tests))
