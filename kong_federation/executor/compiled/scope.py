"""
One object under the hands of compiled code: which variables hold it, and what has been read of it.

A scope writes what it needs when it needs it first, so that nothing is read twice. What is written inside a block
that may not run is unknown outside of it: such a block gets a scope of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kong_federation.executor.compiled.keys import Borrowed, Identity, Part, find_identity, identity
from kong_federation.executor.compiled.records import attribute
from kong_federation.executor.compiled.shapes import Shape
from kong_federation.executor.compiled.sources import Place, Source, Sources, UnsuitableError
from kong_federation.executor.compiled.writer import Functions, Names, Writer
from kong_federation.plan.nodes import Representation, RepresentationField

# Looking an identity up in a table: it must be there, or it may be there.
_SURE: Final = "[{}]"
_MAYBE: Final = ".get({})"


class Tables:
    """
    The tables of a program: names of the attributes of `S` that hold them.

    Args:
        names: The program's.

    Attributes:
        of: Those of each `_entities` selection, by number and order.
        nulls: The names of entities whose fields are all null, likewise.
    """

    def __init__(self, names: Names) -> None:
        self._constants = names
        self._names: dict[tuple[object, ...], str] = {}
        self.nulls: dict[tuple[int, int], str] = {}
        self.of: dict[tuple[int, int], list[str]] = {}

    def add(self, found: Identity) -> str:
        """The table that objects of an identity are gathered into."""
        name = self._names.get(found.table)
        if name is None:
            name = self._names[found.table] = f"t{len(self._names)}"
            self.of.setdefault((found.source.fetch, found.source.order), []).append(name)
        return name

    def nulls_of(self, fetch: int, order: int) -> str:
        """The name of what stands for an entity that its subgraph does not know: every field of it is null."""
        name = self._constants.constant("NULLS", (fetch, order), None)
        self.nulls[fetch, order] = name
        return name

    def name(self, found: Identity) -> str:
        """
        The table in which an identity is looked up.

        Raises:
            UnsuitableError: Nothing is gathered into it, because less was known of the objects then.
        """
        name = self._names.get(found.table)
        if name is None:
            raise UnsuitableError("an entity that is not found by what it was asked for")
        return name


@dataclass(slots=True)
class Scope:
    """
    One object.

    Args:
        sources: All of the plan.
        tables: All of the program.
        functions: All of the program.
        write: The function's text.
        place: Where the object is, and what is known of its type.
        held: What is held there, incoming entities included.
        variables: What holds the object, for the sources that came from above.
        typename: An expression for the name of its type, if it has been read.
        read: Variables that have been written, by what they are.
        early: The fetches that are over; None: all.
    """

    sources: Sources
    tables: Tables
    functions: Functions
    write: Writer
    place: Place
    held: Mapping[Source, Shape]
    variables: dict[Source, str]
    typename: str | None = None
    read: dict[object, str] = field(default_factory=dict)
    early: frozenset[int] | None = None

    def fork(self) -> Scope:
        """The same object inside a block."""
        return Scope(
            self.sources,
            self.tables,
            self.functions,
            self.write,
            self.place,
            self.held,
            self.variables,
            self.typename,
            dict(self.read),
            self.early,
        )

    def known_as(self, types: tuple[str, ...] | None) -> Scope:
        """The same object, known to be of one of these types."""
        scope = self.fork()
        scope.place = self.place.known_as(types)
        return scope

    def before(self, fetch: frozenset[int]) -> Scope:
        """The same object, seen when only these fetches are over."""
        scope = self.fork()
        scope.early = fetch
        scope.held = {source: shape for source, shape in self.held.items() if source.fetch in fetch}
        return scope

    # --- What is read of it ---

    def candidates(self, key: str) -> list[Source]:
        """The sources that may have a field, the latest first."""
        return self.sources.candidates(self.held, self.place, key)

    def value(self, key: str, found: list[Source]) -> str:
        """
        Read a field.

        Args:
            key: The data key.
            found: The sources that may have it; at least one.

        Returns:
            A variable of its own, which may be assigned to.
        """
        name = self.write.fresh("v")
        if len(found) == 1:
            self.write(f"{name} = {self.holder(found[0])}.{attribute(key)}")
        else:
            holders = ", ".join(self.maybe_holder(source) for source in found)
            self.write(f"{name} = pick({attribute(key)!r}, {holders})")
        return name

    def holder(self, source: Source) -> str:
        """A variable with the source's object; it is odd if there is none."""
        return self.variables.get(source) or self._incoming(source, _SURE)

    def maybe_holder(self, source: Source) -> str:
        """A variable with the source's object, or None."""
        return self.variables.get(source) or self._incoming(source, _MAYBE)

    def type_name(self) -> str:
        """The name of the object's own type."""
        if self.typename is None:
            found = self.type_sources()
            if not found:
                raise UnsuitableError("an object that does not tell its type")
            self.typename = self.value("__typename", found)
        return self.typename

    def type_sources(self) -> list[Source]:
        """
        The sources that may tell the type.

        An interface's name tells nothing where the type is known already, nor does an entity that is found by it.
        """
        found = self.candidates("__typename")
        return [one for one in found if self._tells_type(one)] or found

    def _tells_type(self, source: Source) -> bool:
        if source in self.variables or source.flatten is None:
            return True
        found = None if source.is_borrower else find_identity(self.sources, source, self.place, self.held)
        return found is not None and bool(found.representation.typename)

    # --- Finding its entity ---

    def identity(self, source: Source) -> Identity:
        """By what the object finds its entity of one source."""
        found = find_identity(self.sources, source, self.place, self.held)
        if found is None:
            raise UnsuitableError("objects of one place are represented in several ways")
        return found

    def key(self, found: Identity) -> str:
        """An expression for the object's identity in a table."""
        known = self.read.get(found.table)
        if known is None:
            known = self.read[found.table] = self._key(found)
        return known

    def part(self, part: Part) -> str:
        """A variable with a part of an identity."""
        place = ("identity", part.source, part.key)
        known = self.read.get(place)
        if known is None:
            value = self.part_value(part)
            known = self.read[place] = self.write.fresh("k")
            self.write(f"{known} = {value} if type({value}) is str else identity({value})")
        return known

    def part_value(self, part: Part) -> str:
        """A variable with its value as it is sent."""
        place = (part.source, part.key)
        known = self.read.get(place)
        if known is None:
            known = self.read[place] = self.value(part.key, [part.source])
        return known

    def borrowed(self, member: Borrowed) -> str:
        """An expression for a field of another entity."""
        return f"{self.holder(member.source)}.{attribute(member.key)}"

    def never_sent(self, source: Source, holder: str) -> str:
        """An expression that tells whether what is held is an entity that its subgraph does not know."""
        return f"{holder} is {self.tables.nulls_of(source.fetch, source.order)}"

    def representation(self, found: Identity) -> str:
        """
        An expression for the representation, a dictionary.

        For identities that are the representation itself, `key` writes it.
        """
        if found.members is None:
            self.key(found)
            return self.read["representation", found.table]
        typename = repr(found.representation.typename) if found.representation.typename else self.type_name()
        written = [f"'__typename': {typename}"]
        for item, member in zip(found.representation.fields, found.members, strict=True):
            value = self.part_value(member) if isinstance(member, Part) else self.borrowed(member)
            written.append(f"{item.name!r}: {value}")
        return f"{{{', '.join(written)}}}"

    def _incoming(self, source: Source, look: str) -> str:
        known = self.read.get(source)
        if known is not None:
            return known
        if source.flatten is None:
            # Not `o`: so the arguments are called.
            known = self.write.fresh("root")
            self.write(f"{known} = S.r{source.fetch}")
        elif find_identity(self.sources, source, self.place, self.held) is None:
            known = self._entity_by_type(source, look)
        else:
            known = self.write.fresh("e")
            self._look_up(known, source, look)
        self.read[source] = known
        return known

    def _entity_by_type(self, source: Source, look: str) -> str:
        """Look an entity up where objects of several types are represented in several ways."""
        assert source.flatten is not None
        typename = self.type_name()
        entity = self.write.fresh("e")
        self.write(f"{entity} = None")
        for one in source.flatten.representations:
            if not one.types:
                raise UnsuitableError("objects of one place are represented in several ways")
            with self.write.block(f"if {typename} in {one.types!r}:"):
                self.known_as(one.types)._look_up(entity, source, look)  # noqa: SLF001 - the same object
        return entity

    def _look_up(self, entity: str, source: Source, look: str) -> None:
        """Write the look at a table; an entity that may be there is None if it was not asked for."""
        if not source.conditional or look != _MAYBE:
            key, table = self._place_in_table(source)
            self.write(f"{entity} = S.{table}{look.format(key)}")
            return
        # What identifies it may not have been asked for either.
        self.write(f"{entity} = None")
        with self.write.block(f"if S.{self.tables.name(self.identity(source))}:"):
            key, table = self.fork()._place_in_table(source)  # noqa: SLF001 - the same object
            self.write(f"{entity} = S.{table}{look.format(key)}")

    def _place_in_table(self, source: Source) -> tuple[str, str]:
        found = self.identity(source)
        return self.key(found), self.tables.name(found)

    def _key(self, found: Identity) -> str:
        if found.members is None:
            return self._written(found)
        own = () if found.representation.typename else (self.type_name(),)
        parts = [*own, *(self.part(part) for part in found.parts)]
        return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"

    def _written(self, found: Identity) -> str:
        """Write the representation, which is the identity; None if one of its keys is null."""
        representation = found.representation
        key, whole = self.write.fresh("k"), self.write.fresh("w")
        self.read["representation", found.table] = whole
        typename = repr(representation.typename) if representation.typename else self.type_name()
        self.write(f"{whole} = {{'__typename': {typename}}}")
        self.write(f"{key} = ''")
        self.before(found.source.before).members(representation.fields, whole, f"{key} = None")
        with self.write.block(f"if {key} is not None:"):
            self.write(f"{key} = dumps({whole})")
        return key

    def members(self, fields: tuple[RepresentationField, ...], whole: str, refuse: str) -> None:
        """
        Write the members of a representation, or of an object within it.

        Args:
            fields: The plan's.
            whole: The variable it is in.
            refuse: What to do if a key is null.
        """
        for item in fields:
            if item.types:
                with self.write.block(f"if {self.type_name()} in {item.types!r}:"):
                    self.fork()._member(item, whole, refuse)  # noqa: SLF001 - the same object
            else:
                self._member(item, whole, refuse)

    def _member(self, item: RepresentationField, whole: str, refuse: str) -> None:
        found = self.candidates(item.source)
        if not found:
            raise UnsuitableError("a part of a representation that no fetch asks for")
        for source in found:
            if not item.key and source.flatten is not None and source not in self.variables:
                with self.write.block(f"if {self.never_sent(source, self.maybe_holder(source))}:"):
                    self.write("odd()")
        value = self._nested(item, found) if item.inner else self.value(item.source, found)
        with self.write.block(f"if {value} is UNSET:"):
            self.write("odd()")
        if item.inner:
            with self.write.block(f"if {value} is Refusal.NULL:"):
                self.write(refuse)
        if item.key:
            with self.write.block(f"if {value} is None:"):
                self.write(refuse)
        self.write(f"{whole}[{item.name!r}] = {value}")

    def _nested(self, item: RepresentationField, found: list[Source]) -> str:
        """Write the part of a representation that is an object, or lists of objects, itself."""
        below = self.sources.below({one: self.held[one] for one in found}, self.place, item.source)
        came = sorted(below, key=lambda source: source.number)
        place = self.place.below(item.source)
        assert self.early is not None
        write = Writer()
        arguments = [f"$o{number}" for number in range(len(came))]
        variables = dict(zip(came, arguments, strict=True))
        held = self.sources.held(place, below)
        inner = Scope(self.sources, self.tables, self.functions, write, place, held, variables).before(self.early)
        write("w = {}")
        inner.members(item.inner, "w", "return Refusal.NULL")
        write("return w")
        name = self.functions.add(write, arguments)
        values = [self.value(item.source, [source]) for source in came]
        self.write(f"{values[0]} = nested({name}, S, {', '.join(values)})")
        return values[0]


def represented(scope: Scope, source: Source, representation: Representation) -> Identity:
    """As `Scope.identity`, where the representation has been chosen already."""
    return identity(scope.sources, source, representation, scope.place, scope.held)
