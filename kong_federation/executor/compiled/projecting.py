"""
The client's answer, read from where the values are.

Each composite place of the output becomes a function from the objects that hold it to the object that is answered:

    def p3(S, a, b):
        v1 = a['id']
        if type(v1) is not str: v1 = fix_0(v1)
        ...
        return {'id': v1, ...}

Functions of equal text are one function, so what the client selects in several places in the same way is written, and
compiled, once. Where all that is read of an object follows from the identity by which its entities are found, the
function takes that identity instead of the object, and what it answers is kept for the next object with the same one.
A product that stands in a hundred reviews is put together once, and written once more when it comes for the second
time: from then on it is a piece of JSON. Nothing is written into what was answered or parsed, so sharing is safe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kong_federation.executor.compiled.keys import Part, find_identity
from kong_federation.executor.compiled.records import Claim, Records, answered
from kong_federation.executor.compiled.scope import Scope, Tables
from kong_federation.executor.compiled.shapes import Shape, Types
from kong_federation.executor.compiled.sources import Held, Place, Source, Sources, UnsuitableError
from kong_federation.executor.compiled.support import fixer
from kong_federation.executor.compiled.writer import OWN_NAME, Call, Functions, Names, Writer
from kong_federation.executor.leaves import MAX_INT, MIN_INT, UNLIKE, compile_leaf
from kong_federation.executor.projection import When
from kong_federation.plan.nodes import Composite, Leaf, LeafKind, ListOf, NonNull, OutputField, OutputType, Variant


@dataclass(frozen=True, slots=True)
class Function:
    """
    A function that answers an object.

    Args:
        name: Its name.
        sources: What it is called with: what these sources hold, in this order.
        parts: If it is not empty, it is called with the values of these parts of an identity instead, and remembers.
        as_parsed: Whether it answers what it is called with, if that is an object.
    """

    name: str
    sources: tuple[Source, ...]
    parts: tuple[Part, ...] = ()
    as_parsed: bool = False


class Projecting:
    """
    The functions of one plan's output.

    Args:
        sources: All of the plan.
        tables: All of the program, as gathering has filled them.
        records: All of the plan; what is read of them is claimed.
        functions: All of the program.
        names: The program's.
        conditions: Numbers of the flags in `S.flags`.
    """

    def __init__(
        self,
        sources: Sources,
        tables: Tables,
        records: Records,
        functions: Functions,
        names: Names,
        conditions: Mapping[When, int],
    ) -> None:
        self._sources = sources
        self._tables = tables
        self._records = records
        self._functions = functions
        self._names = names
        self._conditions = conditions

    @property
    def memories(self) -> list[str]:
        """The attributes of `S` in which functions remember what they answered."""
        names = self._functions.names_with(f"S.m_{OWN_NAME}[")
        return [f"{stem}_{name}" for name in names for stem in ("o", "m")]

    def root(self, output: Composite) -> str:
        """Write the function that answers the whole operation."""
        function = self._composite(output, Place(), {})
        self._functions.keep(function.name)
        return f"def project(S):\n    return {function.name}(S)\n"

    # --- Objects ---

    def _composite(self, output: Composite, place: Place, above: Held) -> Function:
        """Write what answers the objects of a place, of which `above` is held by what came from above."""
        if not output.abstract:
            return self._variant(output.variants[0], place.known_as(output.variants[0].types), above)
        write = Writer()
        came = _ordered(above)
        scope = self._scope(write, place, self._sources.held(place, above), came)
        typename = scope.type_name()
        cases: dict[str, str] = {}
        for variant in output.variants:
            for types in self._alike(variant, place, above):
                known = place.known_as(types)
                own = {one: shape for one, shape in above.items() if not _excludes(one, known)}
                function = self._variant(variant, known, own)
                cases.update(dict.fromkeys(types, function.name))
                if function.parts or function.sources != came:
                    # What is called by the type's name must be called alike.
                    cases.update(dict.fromkeys(types, self._adapted(function, known, own, came)))
        for name in cases.values():
            self._functions.keep(name)
        by_type = self._names.constant("by_type", tuple(sorted(cases.items())), Cases(cases))
        return self._function(write, came, f"{by_type}[{typename}](S{_arguments(came)})")

    def _adapted(self, function: Function, place: Place, above: Held, came: tuple[Source, ...]) -> str:
        """A function that is called with what came from above, and calls another one as that wants it."""
        write = Writer()
        scope = self._scope(write, place, self._sources.held(place, above), came)
        self.call(scope, function, "$x0")
        return self._function(write, came, "$x0").name

    def _alike(self, variant: Variant, place: Place, above: Held) -> list[Types]:
        """A variant's types in groups whose objects are found in the same answers."""
        groups: dict[object, list[str]] = {}
        for name in variant.types:
            known = place.known_as((name,))
            own = {one: shape for one, shape in above.items() if not _excludes(one, known)}
            held = self._sources.held(known, own)
            keys = [item.source for item in variant.fields]
            group = (
                tuple(tuple(self._sources.candidates(held, known, key)) for key in keys),
                tuple(source.representation(name) for source in self._sources.entering(known) if source.flatten),
                tuple(_excludes(source, known) for source in self._sources.all),
            )
            groups.setdefault(group, []).append(name)
        return [tuple(names) for names in groups.values()]

    def _variant(self, variant: Variant, place: Place, above: Held) -> Function:
        """Write what answers objects of some types."""
        came = _ordered(above)
        held = self._sources.held(place, above)
        parts = self._determining(variant, place, held, came)
        write = Writer()
        scope = self._scope(write, place, held, came)
        if not parts:
            answer, as_parsed = self._fields(scope, variant, needs_look=True)
            keys = tuple(item.key for item in variant.fields)
            if as_parsed and len(came) == 1 and self._records.at(came[0], place).settle(keys):
                write = Writer()
                _look(write, "$o0")
                return self._function(write, came, "$o0", as_parsed=True)
            return self._function(write, came, answer)
        for number, part in enumerate(parts):
            scope.read[part.source, part.key] = f"$a{number}"
        key = _identity(scope, parts)
        once, often = f"S.o_{OWN_NAME}", f"S.m_{OWN_NAME}"
        write(f"x = {once}.get({key})")
        with write.block("if x is not None:"):
            write(f"x = {often}[{key}] = Raw(encode(x))")
            write("return x")
        answer, _ = self._fields(scope, variant, needs_look=False)
        write(f"x = {once}[{key}] = {answer}")
        write("return x")
        return self._function(write, came, parts=parts)

    def _determining(self, variant: Variant, place: Place, held: Held, came: tuple[Source, ...]) -> tuple[Part, ...]:
        """The parts of an identity from which all that is answered follows; empty if there are no such."""
        used: set[Part] = set()
        read: set[tuple[Source, str]] = set()
        for item in variant.fields:
            if _is_constant(item, variant):
                continue
            candidates = self._sources.candidates(held, place, item.source)
            for source in candidates:
                if source in came or source.flatten is None:
                    if len(candidates) > 1:
                        return ()
                    read.add((source, item.source))
                    continue
                found = find_identity(self._sources, source, place, held)
                if found is None or found.members is None or not found.representation.typename:
                    return ()
                used.update(found.parts)
        known = {(part.source, part.key) for part in used}
        if not used or not read <= known:
            return ()
        return tuple(sorted(used, key=lambda part: (part.source.number, part.key)))

    def _fields(self, scope: Scope, variant: Variant, *, needs_look: bool) -> tuple[str, bool]:
        """Write the reading of all fields; gives an expression for the answer, and whether all is as it was parsed."""
        write = scope.write
        if needs_look and all(item.when or _is_constant(item, variant) for item in variant.fields):
            # It may be that nothing is read of the object that would tell.
            for holder in scope.variables.values():
                _look(write, holder)
        for part in self._looked_up_by(scope, variant):
            # Read at first, it need not be read again where it is answered.
            scope.part_value(part)
        if not any(item.when for item in variant.fields):
            keys = tuple(item.key for item in variant.fields)
            values = [self._field(scope, item, variant) for item in variant.fields]
            made = self._names.constant("Answered", keys, answered(keys))
            return f"{made}({', '.join(value for value, _ in values)})", all(as_parsed for _, as_parsed in values)
        answer = write.fresh("x")
        write(f"{answer} = {{}}")
        for item in variant.fields:
            if not item.when:
                value, _ = self._field(scope, item, variant)
                write(f"{answer}[{item.key!r}] = {value}")
                continue
            with write.block(f"if S.flags[{self._conditions[item.when]}]:"):
                value, _ = self._field(scope.fork(), item, variant)
                write(f"{answer}[{item.key!r}] = {value}")
        return answer, False

    def _looked_up_by(self, scope: Scope, variant: Variant) -> list[Part]:
        """The parts of the identities by which entities are looked up whatever the conditions are."""
        parts: dict[Part, None] = {}
        for item in variant.fields:
            found = scope.candidates(item.source)
            if item.when or _is_constant(item, variant) or len(found) != 1 or found[0] in scope.variables:
                continue
            if found[0].flatten is not None:
                entity = find_identity(self._sources, found[0], scope.place, scope.held)
                parts.update(dict.fromkeys(entity.parts if entity is not None else ()))
        return list(parts)

    def _field(self, scope: Scope, item: OutputField, variant: Variant) -> tuple[str, bool]:
        """Write the reading of one field; gives an expression for its value, and whether it is as it was parsed."""
        if _is_constant(item, variant):
            return repr(variant.types[0]), False
        named = _named(item.type)
        # The name that subgraphs with an interface object give is not the object's own.
        is_typename = isinstance(named, Leaf) and named.kind is LeafKind.TYPENAME
        found = scope.type_sources() if is_typename else scope.candidates(item.source)
        if not found:
            # The planner knows that no such object comes from there.
            scope.write("odd()")
            return "None", False
        above = found[0] in scope.variables and item.key == item.source
        if isinstance(named, Leaf):
            known = scope.read.get((found[0], item.source)) if len(found) == 1 else None
            value = known or scope.value(item.source, found)
            if self._is_seen_to(scope, item, found, value):
                return value, above
            if known is not None:
                return self._known(scope, item.type, (found[0], item.source), known), False
            self._complete(scope, item.type, (value,), None)
            return value, False
        below = self._sources.below({one: scope.held[one] for one in found}, scope.place, item.source)
        place = scope.place.below(item.source)
        function = self._composite(named, place, below)
        came = _ordered(below)
        if len(came) > 1:
            self._look_at_all(scope, item.source, came)
        values = tuple(scope.value(item.source, [source]) for source in came)
        if function.as_parsed and self._is_seen_to(scope, item, found, values[0]):
            return values[0], above
        self._complete(scope, item.type, values, _Child(self, function, place, below))
        return values[0], False

    def _is_seen_to(self, scope: Scope, item: OutputField, found: list[Source], value: str) -> bool:
        """Have the parser look at a value instead of the program, if it can."""
        if len(found) > 1:
            return False
        claim = self._records.claim(found[0], scope.place, item.source, item.type)
        if claim is Claim.KIND:
            with scope.write.block(f"if {value} is None:"):
                scope.write("odd()")
        return claim is not Claim.NOTHING

    def _look_at_all(self, scope: Scope, key: str, came: tuple[Source, ...]) -> None:
        """See that an object that comes by several requests comes by all of them."""
        if any(source.conditional for source in came):
            raise UnsuitableError("an object that comes by one of several requests, as variables decide")
        alone = [(name,) for name in scope.place.here or ()]
        if not all(scope.held[one].may_have(key, types, self._sources.objects) for one in came for types in alone):
            raise UnsuitableError("an object that comes by one of several requests, as a type that is not told decides")

    def _known(self, scope: Scope, output: OutputType, place: tuple[Source, str], known: str) -> str:
        """Write the answering of a leaf that has been read, and is not always answered as it is."""
        write = scope.write
        value = write.fresh("v")
        bare = output.of if isinstance(output, NonNull) else output
        identity = ("identity", *place)
        if isinstance(bare, Leaf) and identity not in scope.read:
            kind, fix = self._fix(bare, nullable=bare is output)
            if kind is str:
                key = scope.read[identity] = write.fresh("k")
                with write.block(f"if type({known}) is str:"):
                    write(f"{key} = {value} = {known}")
                with write.block("else:"):
                    write(f"{key} = identity({known})")
                    write(f"{value} = {fix}({known})")
                return value
        write(f"{value} = {known}")
        self._complete(scope, output, (value,), None)
        return value

    # --- Values ---

    def _complete(
        self, scope: Scope, output: OutputType, values: tuple[str, ...], child: _Child | None, *, nullable: bool = True
    ) -> None:
        """Write what turns the first of some variables into what is answered."""
        write, value = scope.write, values[0]
        match output:
            case NonNull(of):
                self._complete(scope, of, values, child, nullable=False)
            case Leaf():
                kind, fix = self._fix(output, nullable=nullable)
                if output.kind is LeafKind.INT:
                    with write.block(f"if type({value}) is not int or not {MIN_INT} <= {value} <= {MAX_INT}:"):
                        write(f"{value} = {fix}({value})")
                elif kind is UNLIKE:
                    write(f"{value} = {fix}({value})")
                else:
                    with write.block(f"if type({value}) is not {kind.__name__}:"):
                        write(f"{value} = {fix}({value})")
            case ListOf(of):
                if not nullable:
                    self._items(scope, of, values, child)
                    return
                with write.block(f"if {' is not None or '.join(values)} is not None:"):
                    self._items(scope.fork(), of, values, child)
            case Composite():
                assert child is not None
                if not nullable:
                    child.call(scope, values)
                    return
                with write.block(f"if {' is not None or '.join(values)} is not None:"):
                    child.call(scope.fork(), values)

    def _items(self, scope: Scope, of: OutputType, values: tuple[str, ...], child: _Child | None) -> None:
        write, value = scope.write, values[0]
        for one in values:
            with write.block(f"if type({one}) is not list:"):
                write("odd()")
        for other in values[1:]:
            with write.block(f"if len({other}) != len({value}):"):
                write("odd()")
        bare = of.of if isinstance(of, NonNull) else of
        nullable = bare is of
        if isinstance(bare, Leaf):
            kind, fix = self._fix(bare, nullable=nullable)
            if kind is UNLIKE:
                write(f"{value} = [{fix}(i) for i in {value}]")
                return
            kinds = self._names.constant("kinds", kind, frozenset((kind,)))
            with write.block(f"if not {kinds}.issuperset(map(type, {value})):"):
                write(f"{value} = [i if type(i) is {kind.__name__} else {fix}(i) for i in {value}]")
            return
        items = tuple(write.fresh("i") for _ in values)
        together = value if len(values) == 1 else f"zip({', '.join(values)})"
        result = write.fresh("x")
        write(f"{result} = []")
        with write.block(f"for {', '.join(items)} in {together}:"):
            self._complete(scope.fork(), of, items, child)
            write(f"{result}.append({items[0]})")
        write(f"{value} = {result}")

    def _fix(self, leaf: Leaf, *, nullable: bool) -> tuple[type, str]:
        kind, _ = compile_leaf(leaf)
        return kind, self._names.constant("fix", (leaf, nullable), fixer(leaf, nullable=nullable))

    # --- Functions ---

    def _scope(self, write: Writer, place: Place, held: Held, came: tuple[Source, ...]) -> Scope:
        variables = {source: f"$o{number}" for number, source in enumerate(came)}
        return Scope(self._sources, self._tables, self._functions, write, place, held, variables)

    def _function(
        self,
        write: Writer,
        came: tuple[Source, ...],
        result: str = "",
        *,
        parts: tuple[Part, ...] = (),
        as_parsed: bool = False,
    ) -> Function:
        arguments = [f"$a{number}" for number in range(len(parts))] or [f"$o{number}" for number in range(len(came))]
        return Function(self._functions.add(write, arguments, result), came, parts, as_parsed)

    def call(self, scope: Scope, function: Function, target: str) -> None:
        """Write the call of a function for the object of a scope."""
        if not function.parts:
            scope.write(Call(target, function.name, tuple(scope.variables[one] for one in function.sources)))
            return
        key = _identity(scope, function.parts)
        values = [scope.part_value(part) for part in function.parts]
        scope.write(f"{target} = S.m_{function.name}.get({key})")
        with scope.write.block(f"if {target} is None:"):
            scope.write(f"{target} = {function.name}(S, {', '.join(values)})")


@dataclass(frozen=True, slots=True)
class _Child:
    """The function for the objects of a field, and what is held by those."""

    projecting: Projecting
    function: Function
    place: Place
    above: Held

    def call(self, outer: Scope, values: tuple[str, ...]) -> None:
        """Write what turns the first of some variables, which hold an object, into what is answered."""
        scope = Scope(
            outer.sources,
            outer.tables,
            outer.functions,
            outer.write,
            self.place,
            outer.sources.held(self.place, self.above),
            dict(zip(_ordered(self.above), values, strict=True)),
        )
        self.projecting.call(scope, self.function, values[0])


class Cases(dict[str, object]):
    """The functions for the types of an abstract place: names while the text is written, then functions."""

    def bind(self, find: Callable[[str], object]) -> None:
        """Put the functions in the place of their names."""
        for typename, name in self.items():
            self[typename] = find(str(name))


def _look(write: Writer, holder: str) -> None:
    """Write the look at an object of which nothing else may tell that it is one."""
    with write.block(f"if {holder} is None or {holder} is UNSET or type({holder}) is list:"):
        write("odd()")


def _identity(scope: Scope, parts: tuple[Part, ...]) -> str:
    """Write the parts of an identity; gives an expression for it."""
    keys = [scope.part(part) for part in parts]
    return keys[0] if len(keys) == 1 else f"({', '.join(keys)})"


def _arguments(came: tuple[Source, ...]) -> str:
    return "".join(f", $o{number}" for number in range(len(came)))


def _ordered(held: Mapping[Source, Shape]) -> tuple[Source, ...]:
    return tuple(sorted(held, key=lambda source: source.number))


def _excludes(source: Source, place: Place) -> bool:
    """Whether a source goes through a place, but not for objects of these types."""
    depth = len(place.chain)
    if not depth or len(source.steps) < depth or source.chain[:depth] != place.chain or place.here is None:
        return False
    types = source.steps[depth - 1].types
    return types is not None and not set(types) & set(place.here)


def _is_constant(item: OutputField, variant: Variant) -> bool:
    """Whether it is the name of a type that is known without looking."""
    bare = item.type.of if isinstance(item.type, NonNull) else item.type
    return isinstance(bare, Leaf) and bare.kind is LeafKind.TYPENAME and len(variant.types) == 1


def _named(output: OutputType) -> Leaf | Composite:
    while isinstance(output, NonNull | ListOf):
        output = output.of
    return output
