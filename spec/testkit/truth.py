"""
The data: what is true in the world that all subgraphs of a supergraph tell of.

Nothing is stored. There are a few objects of each type, and what a field of an object is follows from the seed, the
object, the field and its arguments, so the data is endless in depth, cyclic, and the same for whoever asks. A field
with `@requires` follows from the required values: a subgraph that is told something else answers something else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kong_federation.selection import SelectionSet, fields_on
from kong_federation.supergraph import Kind, Supergraph
from spec.testkit.facts import Facts, FieldFacts
from spec.testkit.whole import Whole

# Objects of each type that is no root.
OBJECTS = 3
# One of so many nullable values is null.
_NULLS = 6
_LONGEST_LIST = 3


@dataclass(frozen=True, slots=True)
class Thing:
    """
    An object.

    Args:
        type_name: Its runtime type.
        index: Which of its type.
    """

    type_name: str
    index: int


class Truth:
    """
    The data of one world.

    Args:
        supergraph: The model.
        seed: Which world.
        labels: Active labels of progressive overrides.
    """

    def __init__(self, supergraph: Supergraph, seed: int, labels: frozenset[str] = frozenset()) -> None:
        self.facts = Facts(supergraph, labels)
        self.whole = Whole(supergraph)
        self._seed = seed
        self._roots = frozenset(supergraph.roots.values())
        objects = sorted(info.name for info in supergraph.types.values() if info.kind is Kind.OBJECT)
        self._ordinals = {name: index for index, name in enumerate(objects)}
        self._known: dict[tuple[Thing, str, str], Any] = {}
        self._pending: set[tuple[Thing, str]] = set()

    def things(self, type_name: str) -> list[Thing]:
        """All objects of an object type."""
        return [Thing(type_name, index) for index in range(1 if type_name in self._roots else OBJECTS)]

    def value(self, thing: Thing, name: str, arguments: Mapping[str, Any]) -> Any:
        """
        The value of a field: a JSON leaf, a `Thing`, None, or lists of these.

        Args:
            thing: Whose field.
            name: Which field.
            arguments: Coerced; those that have their default's value make no difference.
        """
        text = self._text(thing, name, arguments)
        key = (thing, name, text)
        if key not in self._known:
            self._known[key] = self._find(thing, name, text)
        return self._known[key]

    def derived(self, thing: Thing, name: str, arguments: Mapping[str, Any], required: Any) -> Any:
        """The value of a field with `@requires`, from the required values as JSON."""
        text = f"{self._text(thing, name, arguments)} from {_canonical(required)}"
        return self._make(thing, name, text, self.facts.field(thing.type_name, name))

    def select(self, thing: Thing, selections: SelectionSet) -> dict[str, Any]:
        """The values of a field set as JSON, as a representation should carry them."""
        found: dict[str, Any] = {}
        for field in fields_on(selections, self.facts.catalog.supertypes(thing.type_name)):
            if field.name == "__typename":
                continue
            arguments = self.whole.arguments(thing.type_name, field.name, field.arguments)
            value = self._json(self.value(thing, field.name, arguments), field.selections)
            found[field.name] = _union(found[field.name], value) if field.name in found else value
        return found

    def from_contexts(self, way: Sequence[Thing], name: str) -> dict[str, Any]:
        """
        The arguments of a field that are taken from further up.

        Args:
            way: The object whose field it is, then those around it, up to the root.
            name: The field.
        """
        found = {}
        for join in self.facts.joins(way[0].type_name, name).values():
            for argument in join.context_arguments:
                above = next(one for one in way if self.facts.sets_context(one.type_name, argument.context))
                value: Any = self.select(above, argument.selection)
                while isinstance(value, dict):
                    value = next(iter(value.values()), None)
                found[argument.name] = value
        return found

    def find(self, types: frozenset[str], key: SelectionSet, given: Mapping[str, Any]) -> Thing | None:
        """The object whose key has the given values."""
        found = [
            thing
            for type_name in sorted(types)
            for thing in self.things(type_name)
            if self.select(thing, key) == carried(key, given, self.facts.catalog.supertypes(type_name))
        ]
        assert len(found) <= 1, f"a key is not unique: {key}"
        return found[0] if found else None

    def _find(self, thing: Thing, name: str, text: str) -> Any:
        facts = self.facts.field(thing.type_name, name)
        if facts.requires and (thing, name) not in self._pending:
            self._pending.add((thing, name))
            try:
                text = f"{text} from {_canonical(self.select(thing, facts.requires))}"
            finally:
                self._pending.discard((thing, name))
        return self._make(thing, name, text, facts)

    def _make(self, thing: Thing, name: str, text: str, facts: FieldFacts) -> Any:
        return self._level(thing, name, text, facts, 0)

    def _level(self, thing: Thing, name: str, text: str, facts: FieldFacts, level: int) -> Any:
        number = self._number(thing, text, level)
        if not facts.required[level] and number % _NULLS == 0:
            return None
        if level < len(facts.required) - 1:
            length = 2 if facts.key else (number // _NULLS) % (_LONGEST_LIST + 1)
            return [self._level(thing, name, f"{text}[{item}]", facts, level + 1) for item in range(length)]
        if facts.types:
            chosen = facts.types[number // _NULLS % len(facts.types)]
            if chosen in self._roots:
                return Thing(chosen, 0)
            offset = text.count("[1]")
            return Thing(chosen, (thing.index + offset if facts.key else number // 97) % OBJECTS)
        return self._leaf(thing, name, number, facts)

    def _leaf(self, thing: Thing, name: str, number: int, facts: FieldFacts) -> Any:
        # Different for all objects of all types, since objects of an interface may be told apart by their keys alone.
        unique = self._ordinals[thing.type_name] * OBJECTS + thing.index
        match facts.named:
            case "Int":
                return unique if facts.key else number % 1000
            case "Float":
                return (unique if facts.key else number % 1000) + 0.25
            case "Boolean":
                return number % 2 == 0
            case named if named in self.facts.supergraph.types and self.facts.supergraph.types[named].members:
                values = self.facts.values(named)
                return values[number % len(values)]
        return f"{name}-{unique}" if facts.key else f"{name}-{number % 100_000}"

    def _json(self, value: Any, selections: SelectionSet) -> Any:
        if isinstance(value, list):
            return [self._json(item, selections) for item in value]
        return self.select(value, selections) if isinstance(value, Thing) else value

    def _number(self, thing: Thing, text: str, level: int) -> int:
        source = f"{self._seed} {thing.type_name} {thing.index} {text} {level}"
        return int.from_bytes(hashlib.blake2b(source.encode(), digest_size=6).digest())

    def _text(self, thing: Thing, name: str, arguments: Mapping[str, Any]) -> str:
        if not arguments:
            return name
        defaults = self.whole.defaults(thing.type_name, name)
        said = {key: value for key, value in arguments.items() if key not in defaults or value != defaults[key]}
        return f"{name}{_canonical(said)}" if said else name


def carried(selections: SelectionSet, given: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    """
    What a representation carries of a field set.

    A type condition at its top is decided by `names`; below it, where nothing says what the objects are, by what is
    there.

    Raises:
        KeyError: A field that the field set asks of every object is not there.
    """
    found: dict[str, Any] = {}
    for field in fields_on(selections, names):
        if field.name != "__typename":
            value = _carried(given[field.name], field.selections)
            found[field.name] = _union(found[field.name], value) if field.name in found else value
    return found


def _carried(given: Any, selections: SelectionSet) -> Any:
    if isinstance(given, list):
        return [_carried(item, selections) for item in given]
    if not isinstance(given, dict) or not selections:
        return given
    found: dict[str, Any] = {}
    certain = {field.name for field in fields_on(selections, ())}
    for field in fields_on(selections, _Everything()):
        if field.name == "__typename" or (field.name not in given and field.name not in certain):
            continue
        value = _carried(given[field.name], field.selections)
        found[field.name] = _union(found[field.name], value) if field.name in found else value
    return found


class _Everything(frozenset[str]):
    """Contains every name."""

    __slots__ = ()

    def __contains__(self, _: object) -> bool:
        return True


def _union(first: Any, second: Any) -> Any:
    if isinstance(first, dict) and isinstance(second, dict):
        return {**first, **{key: _union(first[key], value) if key in first else value for key, value in second.items()}}
    if isinstance(first, list) and isinstance(second, list):
        return [_union(left, right) for left, right in zip(first, second, strict=True)]
    return second


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
