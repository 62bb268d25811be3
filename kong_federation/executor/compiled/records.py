"""
What a program's answers are parsed into, and what it answers.

The parser (msgspec) does not make dictionaries but *records*: objects of a class that is made for one selection set,
with an attribute for each data key. They take less time and a third of the memory, and the parser looks at the kinds of
values while it reads them, much faster than a program could. So the projection *claims* what it reads: a value that it
has claimed as `Int!` is a small integer when it gets it, or the answer was not parsed, and the program gives up. What
the client is answered is made of records as well.

    Record     what is asked for of one object: data keys, what is below them, what has been claimed
    Records    those of all fetches of one plan

An attribute is called as its data key with `k_` before it, so that nothing in GraphQL is a name of Python's.
Records of equal structure are of one class, in whatever plans they are.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias, Union

import msgspec

from kong_federation.executor.compiled.shapes import Shape
from kong_federation.executor.compiled.sources import Place, Source, Sources
from kong_federation.executor.leaves import MAX_INT, MIN_INT
from kong_federation.plan.nodes import Composite, Introspect, Leaf, LeafKind, ListOf, NonNull, OutputType

# A structure, or annotation, as the parser's: there is no better type for it.
Annotation: TypeAlias = Any

# They are put together from what is known only then.
_LIST: Final[Any] = list
_UNION: Final[Any] = Union
_LITERAL: Final[Any] = Literal
_INT: Final = Annotated[int, msgspec.Meta(ge=MIN_INT, le=MAX_INT)]


# Around the objects of a field; of more, the interpreter takes care.
_MOST_LISTS: Final = 5


class Claim(Enum):
    """
    What the parser sees to.

    Attributes:
        NOTHING: Whoever reads the value has to look at it.
        KIND: It is of the right kind, or null.
        ALL: It is right.
    """

    NOTHING = 0
    KIND = 1
    ALL = 2


class Attribute(NamedTuple):
    """
    An attribute of a class.

    Args:
        key: The data key.
        sure: Whether every object has it.
        kind: Equal for what is parsed in the same way.
        annotation: What it is.
    """

    key: str
    sure: bool = True
    kind: object = None
    annotation: Annotation = Any


class _Field:
    """One data key of a record: whether every object has it, and what has been claimed of it."""

    def __init__(self, below: Record | None, *, sure: bool) -> None:
        self.below = below
        self.sure = sure
        self.claimed: OutputType | None = None

    def attribute(self, key: str) -> Attribute:
        """As the parser is told of it."""
        below = None if self.below is None else self.below.made
        # As long as the class that this becomes a part of lives, so does the one below, and no other has its number.
        kind = (None if self.claimed is None else _kind(self.claimed), None if below is None else id(below))
        if self.claimed is not None:
            annotation = _annotation(self.claimed, below)
        elif below is None:
            annotation = Any
        else:
            # The document does not tell how many lists are around the objects.
            annotation = _UNION[below, None]
            for _ in range(_MOST_LISTS):
                annotation = _UNION[below, _LIST[annotation], None]
        return Attribute(key, self.sure, kind, annotation)


class Record:
    """
    What is asked for of one object.

    Args:
        shape: By data key.
        exact: Whether numbers must stay as they are written.
        known: The records of shapes that have been met; planners spread one fragment in many places.
        typename: The name under which it was asked for as an entity.
        nulls: Whether an object of nulls may stand in its place, which the parser has not seen.
        absent: Whether an object without anything may stand in its place.
    """

    def __init__(
        self,
        shape: Shape,
        known: dict[int, Record],
        *,
        exact: bool,
        typename: str | None = None,
        nulls: bool = False,
        absent: bool = False,
    ) -> None:
        self.exact = exact
        self._shape = shape
        self._nulls = nulls
        self._order: tuple[str, ...] | None = None
        self._made: type | None = None
        self.fields = {
            key: _Field(self._below(key, known, typename), sure=not absent and shape.surely_has(key, typename))
            for key in shape.fields
        }

    def _below(self, key: str, known: dict[int, Record], typename: str | None) -> Record | None:
        found = self._shape.below(key, None if typename is None else (typename,), frozenset())
        if found is None:
            return None
        if id(found) not in known:
            # It keeps the shape, so no other one can have its number.
            known[id(found)] = Record(found, known, exact=self.exact)
        return known[id(found)]

    def claim(self, key: str, output: OutputType) -> Claim:
        """
        Have the parser see to it that a field's value is of the right kind.

        Args:
            key: The data key.
            output: What it must be.
        """
        field = self.fields[key]
        if not field.sure or not _is_claimable(output, exact=self.exact):
            return Claim.NOTHING
        bare = output
        if self._nulls and isinstance(output, NonNull):
            bare = output.of
        if field.claimed is None:
            field.claimed = bare
        elif _kind(field.claimed) != _kind(bare):
            return Claim.NOTHING
        return Claim.ALL if bare is output else Claim.KIND

    def settle(self, keys: tuple[str, ...]) -> bool:
        """Have the fields in some order, as they are answered; tells whether they are these, in that order."""
        if self._order is None and keys and set(keys) == set(self.fields):
            self._order = keys
        return self._order == keys

    @property
    def made(self) -> type:
        """The class; nothing can be claimed any more."""
        if self._made is None:
            keys = self._order or self.fields
            self._made = CLASSES.find(tuple([self.fields[key].attribute(key) for key in keys]))
        return self._made

    def forget_annotations(self) -> None:
        """Let go of what the parser has read by now: a tenth of what a program holds."""
        if self._made is not None:
            _forget_annotations(self._made)

    def of_nulls(self) -> Any:
        """An object whose fields are all null."""
        return self.made(**dict.fromkeys(map(attribute, self.fields)))

    def of_nothing(self) -> Any:
        """An object that has no field."""
        return self.made()

    def __str__(self) -> str:
        return f"{{{', '.join(self._members())}}}"

    def _members(self) -> Iterator[str]:
        for key in self._order or self.fields:
            field = self.fields[key]
            below = "" if field.below is None else str(field.below)
            told = below if field.claimed is None else _told(field.claimed, below)
            yield f"{key}{'' if field.sure else '?'}{f': {told}' if told else ''}"


class Records:
    """
    The records of one plan.

    Args:
        sources: All of the plan.
        trusting: Whether anything may be claimed.
    """

    def __init__(self, sources: Sources, *, trusting: bool) -> None:
        self._trusting = trusting
        self.roots: list[Record] = []
        self._entities: dict[tuple[int, str], Record] = {}
        self._known: list[dict[int, Record]] = []
        for number, (fetch, shape) in enumerate(zip(sources.fetches, sources.shapes, strict=True)):
            of = sources.of(number)
            exact = not isinstance(fetch, Introspect) and fetch.exact
            absent = any(one.may_be_absent for one in of)
            known: dict[int, Record] = {}
            self._known.append(known)
            root = Record(shape, known, exact=exact, absent=absent)
            self.roots.append(root)
            for one in of:
                if one.flatten is not None and root.fields[one.flatten.key].below is not None:
                    root.fields[one.flatten.key].below = self._of_entities(one, known, exact=exact)

    def _of_entities(self, source: Source, known: dict[int, Record], *, exact: bool) -> Record:
        assert source.flatten is not None
        key = (source.fetch, source.flatten.key)
        if key not in self._entities:
            names = {one.typename for one in source.flatten.representations}
            typename = names.pop() if len(names) == 1 else None
            self._entities[key] = Record(source.shape, known, exact=exact, typename=typename, nulls=True)
        return self._entities[key]

    def entities(self, source: Source) -> Record:
        """The record of the entities of a source."""
        assert source.flatten is not None
        return self._entities[source.fetch, source.flatten.key]

    def at(self, source: Source, place: Place) -> Record:
        """The record of what a source holds at a place."""
        record = self.roots[source.fetch] if source.flatten is None else self.entities(source)
        for key in place.chain[len(source.steps) :]:
            below = record.fields[key].below
            assert below is not None
            record = below
        return record

    def claim(self, source: Source, place: Place, key: str, output: OutputType) -> Claim:
        """Have the parser see to a value that is read of an object; see `Record.claim`."""
        return self.at(source, place).claim(key, output) if self._trusting else Claim.NOTHING

    def decoders(self) -> tuple[msgspec.json.Decoder[Any], ...]:
        """What parses the answers of the plan's fetches: objects with `data` and `errors`."""
        made = tuple(self._decoder(root) for root in self.roots)
        records = (
            *self.roots,
            *self._entities.values(),
            *(record for known in self._known for record in known.values()),
        )
        for record in records:
            record.forget_annotations()
        return made

    def _decoder(self, root: Record) -> msgspec.json.Decoder[Any]:
        # A number that stays as it is written is kept as a piece of text; `write_number` knows these, too.
        data = Attribute("data", sure=False, kind=id(root.made), annotation=_UNION[root.made, None])
        answer = CLASSES.find((data, Attribute("errors", sure=False)))
        decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
            answer, float_hook=msgspec.Raw if root.exact else None
        )
        _forget_annotations(answer)
        return decoder


def attribute(key: str) -> str:
    """The attribute in which a record has what the data have under a key."""
    return f"k_{key}"


def answered(keys: Sequence[str]) -> type:
    """The class of what is answered with some keys; it is called with the values in their order."""
    found = CLASSES.find(tuple(map(Attribute, keys)), keywords=False)
    _forget_annotations(found)
    return found


def _forget_annotations(kind: type) -> None:
    kind.__annotations__ = _NONE


def _is_claimable(output: OutputType, *, exact: bool) -> bool:
    match output:
        case NonNull(of) | ListOf(of):
            return _is_claimable(of, exact=exact)
        case Leaf(LeafKind.CUSTOM) | Leaf(LeafKind.ENUM, values=()):
            return False
        case Leaf(LeafKind.FLOAT):
            return not exact
        case _:
            return True


def _kind(output: OutputType) -> object:
    """Equal for what the parser sees to in the same way."""
    match output:
        case NonNull(of):
            return "!", _kind(of)
        case ListOf(of):
            return "[]", _kind(of)
        case Leaf(kind, _, values):
            return kind, values
        case Composite():
            return "{}"


def _annotation(output: OutputType, below: Annotation, *, nullable: bool = True) -> Annotation:
    """How the parser is told of a type; `below` stands for its objects."""
    if isinstance(output, NonNull):
        return _annotation(output.of, below, nullable=False)
    if isinstance(output, ListOf):
        one = _LIST[_annotation(output.of, below)]
    elif isinstance(output, Leaf):
        one = _LEAVES.get(output.kind) or _LITERAL[output.values]
    else:
        one = below
    return _UNION[one, None] if nullable else one


_LEAVES: Final[dict[LeafKind, Annotation]] = {
    LeafKind.INT: _INT,
    LeafKind.FLOAT: int | float,
    LeafKind.STRING: str,
    LeafKind.BOOLEAN: bool,
    LeafKind.ID: str,
    LeafKind.TYPENAME: str,
}


def _told(output: OutputType, below: str) -> str:
    """A type as people read it; `below` stands for its objects."""
    match output:
        case NonNull(of):
            return f"{_told(of, below)}!"
        case ListOf(of):
            return f"[{_told(of, below)}]"
        case Leaf(_, name):
            return name
        case Composite():
            return below


class _Classes:
    """
    The classes of all programs by their structure, while somebody has them.

    Plans have much in common, and a class takes two kilobytes and a half. One that nobody has any more is garbage that
    only the collector finds, and only if it looks at all that lives.

    Attributes:
        made: How many have been made so far.
    """

    def __init__(self) -> None:
        self._known: weakref.WeakValueDictionary[object, type] = weakref.WeakValueDictionary()
        self._left = 0
        self.made = 0

    def __len__(self) -> int:
        return len(self._known)

    def find(self, attributes: tuple[Attribute, ...], *, keywords: bool = True) -> type:
        """The class with some attributes, which are given when it is called: by name, or in their order."""
        # Not what they are, which would have the classes below live as long as the collector has not looked again.
        structure = (*((one.key, one.sure, one.kind) for one in attributes), keywords)
        found = self._known.get(structure)
        if found is None:
            found = self._known[structure] = msgspec.defstruct(
                "Record",
                [
                    (attribute(key), kind) if sure else (attribute(key), kind, msgspec.UNSET)
                    for key, sure, _, kind in attributes
                ],
                rename={attribute(one.key): one.key for one in attributes},
                kw_only=keywords,
                # They hold what was parsed, or what is answered: neither has cycles.
                gc=False,
            )
            self.made += 1
        return found

    def is_collection_due(self) -> bool:
        """Whether so many have been left since it was last said that they should be looked for."""
        if self._left < _MANY:
            return False
        self._left = 0
        return True

    def leave(self, made: int) -> None:
        """Note that a program is gone for which so many were made; others may have them still."""
        self._left += made


# In their place, for all classes.
_NONE: Final[dict[str, Any]] = {}

# Some twelve megabytes.
_MANY: Final = 4_000

CLASSES: Final = _Classes()
