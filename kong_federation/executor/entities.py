"""
Entities: gather the objects, represent them, scatter what comes back.

A representation is written as JSON at once, and its bytes are the identity by which objects are deduplicated: they are
needed for the request anyway, they tell `1` from `true` and from `1.0` (which Python's hash does not), and nested keys
need no special case. Objects are gathered in the tree's order, so that requests are deterministic.

An object whose representation cannot be built is left out, and the reason is kept: a key that is null was given so by a
subgraph, and the fields that could not be asked for are null without an error; a key that is absent is somebody's
mistake, which `explain` looks into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import combinations
from typing import Any, TypeAlias

import orjson

from kong_federation.executor.context import JsonObject
from kong_federation.executor.exact import write_number
from kong_federation.executor.merge import spread
from kong_federation.executor.paths import Walk, compile_walk, may_meet
from kong_federation.plan.nodes import Flatten, Representation, RepresentationField


class Refusal(Enum):
    """Why an object has no representation."""

    NULL = "a key is null"
    ABSENT = "a field is absent"


Represent: TypeAlias = Callable[[JsonObject], JsonObject | Refusal]
Read: TypeAlias = Callable[[JsonObject, JsonObject], Refusal | None]


@dataclass(frozen=True, slots=True)
class Batch:
    """
    The objects of one `_entities` selection.

    Args:
        flatten: What they were gathered for.
        borrowed: Type names under which objects of other types were represented.
        representations: JSON texts, each once.
        places: For each representation, the objects that have it; never the same object twice.
        refused: Objects that have none, and why.
    """

    flatten: Flatten
    borrowed: tuple[str, ...]
    representations: list[bytes]
    places: list[list[JsonObject]]
    refused: list[tuple[JsonObject, Refusal]]

    def piece(self, start: int, stop: int) -> Batch:
        """Some of the representations; the refused are told with the whole."""
        places = self.places[start:stop]
        return Batch(self.flatten, self.borrowed, self.representations[start:stop], places, [])


@dataclass(frozen=True, slots=True)
class EntityInput:
    """
    A `Flatten`, compiled.

    Args:
        flatten: The plan's node.
        walks: Its paths.
        may_repeat: Whether two paths may lead to the same object.
        borrowed: Type names that are sent for objects of other types.
        by_type: How objects of a runtime type are represented.
        otherwise: How all others are; None if they are left alone.
    """

    flatten: Flatten
    walks: tuple[Walk, ...]
    may_repeat: bool
    borrowed: tuple[str, ...]
    by_type: Mapping[str, Represent]
    otherwise: Represent | None

    def gather(self, root: JsonObject) -> Batch:
        """Find the objects and represent them."""
        return self.represent(self._objects(root))

    def represent(self, objects: Iterable[JsonObject]) -> Batch:
        """Represent objects, each of which is given once."""
        by_type, otherwise = self.by_type, self.otherwise
        places: dict[bytes, list[JsonObject]] = {}
        refused: list[tuple[JsonObject, Refusal]] = []
        for node in objects:
            typename = node.get("__typename")
            represent = by_type.get(typename, otherwise) if type(typename) is str else otherwise
            if represent is None:
                continue
            try:
                representation = represent(node)
                if type(representation) is dict:
                    places.setdefault(orjson.dumps(representation, write_number), []).append(node)
                    continue
            except (RecursionError, orjson.JSONEncodeError):
                # Nested deeper than can be written; as good as absent.
                representation = Refusal.ABSENT
            assert isinstance(representation, Refusal)
            refused.append((node, representation))
        return Batch(self.flatten, self.borrowed, list(places), list(places.values()), refused)

    def _objects(self, root: JsonObject) -> list[JsonObject]:
        if len(self.walks) == 1:
            return self.walks[0](root)
        nodes = [node for walk in self.walks for node in walk(root)]
        return list({id(node): node for node in nodes}.values()) if self.may_repeat else nodes


def compile_entities(flatten: Flatten) -> EntityInput:
    """Compile the paths and the representations of one `_entities` selection."""
    by_type: dict[str, Represent] = {}
    otherwise: Represent | None = None
    for representation in flatten.representations:
        represent = _compile_representation(representation)
        for name in representation.types:
            by_type.setdefault(name, represent)
        if not representation.types:
            otherwise = represent
            break
    may_repeat = any(may_meet(one, other) for one, other in combinations(flatten.paths, 2))
    borrowed = tuple(one.typename for one in flatten.representations if one.typename and one.types != (one.typename,))
    return EntityInput(flatten, tuple(map(compile_walk, flatten.paths)), may_repeat, borrowed, by_type, otherwise)


def scatter(batch: Batch, entities: list[Any]) -> tuple[list[JsonObject], bool]:
    """
    Merge each entity into every object that had its representation.

    A subgraph with an interface object answers the interface's name as `__typename`. Where the object's own type is
    known already, that name is not merged.

    Args:
        batch: What was asked.
        entities: As many as there are representations.

    Returns:
        The objects for which the subgraph answered null, and whether every answer was an object or null.
    """
    unanswered: list[JsonObject] = []
    sound = True
    for places, entity in zip(batch.places, entities, strict=True):
        if type(entity) is dict:
            if batch.borrowed and entity.get("__typename") in batch.borrowed and "__typename" in places[0]:
                del entity["__typename"]
            spread(entity, places)
        elif entity is None:
            unanswered.extend(places)
        else:
            sound = False
    return unanswered, sound


def _compile_representation(representation: Representation) -> Represent:
    typename = representation.typename
    match representation.fields:
        case (RepresentationField(types=(), inner=(), key=True) as key,) if typename:
            return _compile_key(typename, key.name, key.source)
    read = compile_fields(representation.fields)

    def represent(node: JsonObject) -> JsonObject | Refusal:
        name = typename or node.get("__typename")
        if type(name) is not str:
            return Refusal.ABSENT
        written: JsonObject = {"__typename": name}
        return read(node, written) or written

    return represent


def _compile_key(typename: str, name: str, source: str) -> Represent:
    """The usual case, one scalar key, in one call instead of two."""

    def represent(node: JsonObject) -> JsonObject | Refusal:
        value = node.get(source)
        if value is None:
            return Refusal.NULL if source in node else Refusal.ABSENT
        return {"__typename": typename, name: value}

    return represent


def compile_fields(fields: tuple[RepresentationField, ...]) -> Read:
    """Compile what is read of an object: it is written into another, unless something is missing."""
    compiled = tuple(
        (item.name, item.source, item.types, item.key, _compile_inner(item.inner) if item.inner else None)
        for item in fields
    )

    def read(node: JsonObject, written: JsonObject) -> Refusal | None:
        for name, source, types, key, inner in compiled:
            if types and node.get("__typename") not in types:
                continue
            value = node.get(source, Refusal.ABSENT)
            if value is None:
                if key:
                    return Refusal.NULL
            elif value is Refusal.ABSENT:
                return Refusal.ABSENT
            elif inner is not None:
                value = inner(value)
                if type(value) is Refusal:
                    return value
            written[name] = value
        return None

    return read


def _compile_inner(fields: tuple[RepresentationField, ...]) -> Callable[[Any], Any]:
    read = compile_fields(fields)

    def inner(value: Any) -> Any:
        if type(value) is dict:
            written: JsonObject = {}
            return read(value, written) or written
        if type(value) is not list:
            return Refusal.ABSENT
        items: list[Any] = []
        for item in value:
            taken = None if item is None else inner(item)
            if type(taken) is Refusal:
                return taken
            items.append(taken)
        return items

    return inner
