"""
By what an object finds its entity.

Entities are kept in a *table*: identity → entity. An object's identity must be the same exactly when its representation
is the same, but it need not be the representation: what an object's representation takes from another entity of the
same object follows from the identity by which that entity was found. So identities are reduced to the fields that the
object itself has, which nearly always is one key.

Two paths of one `_entities` selection share a table if their objects are represented in the same way. Those that are
not, because one path has at hand what another must take from an earlier entity, have a table each, and the
representations are compared as they are written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from kong_federation.executor.compiled.sources import Held, Place, Source, Sources
from kong_federation.plan.nodes import Representation, RepresentationField


@dataclass(frozen=True, slots=True)
class Part:
    """
    A field of the object itself.

    Args:
        source: Which holds it.
        key: The data key.
        strict: Whether it belongs to the `@key`: then there is no entity if it is null.
    """

    source: Source
    key: str
    strict: bool


@dataclass(frozen=True, slots=True)
class Borrowed:
    """
    A field of another entity of the same object.

    Args:
        source: Of that entity.
        key: The data key.
        strict: As for parts.
    """

    source: Source
    key: str
    strict: bool


Member: TypeAlias = Part | Borrowed


@dataclass(frozen=True, slots=True)
class Identity:
    """
    How objects of one place are represented, and by what they find their entity.

    Args:
        source: The entities.
        representation: The plan's.
        members: For each field of the representation, where it is; None if it is not as simple as that, and the whole
            representation, as it is written, is the identity.
        parts: The fields that make the identity.
        table: Objects with equal names share a table.
    """

    source: Source
    representation: Representation
    members: tuple[Member, ...] | None
    parts: tuple[Part, ...]
    table: tuple[object, ...]

    @property
    def is_direct(self) -> bool:
        """Whether two objects have the same representation only if they have the same identity."""
        return self.members is not None and all(isinstance(member, Part) for member in self.members)


def identity(sources: Sources, source: Source, representation: Representation, place: Place, held: Held) -> Identity:
    """
    Find by what the objects of a place find their entity.

    Args:
        sources: All of the plan.
        source: The entities that are asked for.
        representation: How the objects are represented.
        place: Where they are; what is known of their types.
        held: All that is held there.
    """
    flatten = (source.fetch, source.order)
    early = {one: shape for one, shape in held.items() if one.fetch in source.before}
    members: list[Member] = []
    for item in representation.fields:
        member = _member(sources, item, place, early)
        if member is None:
            return Identity(source, representation, None, (), (flatten, representation))
        members.append(member)
    parts: list[Part] = []
    ways: list[object] = []
    for member in members:
        if isinstance(member, Part):
            own: tuple[Part, ...] = (member,)
            ways.append(None)
        else:
            other = find_identity(sources, member.source, place, held)
            if other is None or other.members is None or not other.representation.typename:
                return Identity(source, representation, None, (), (flatten, representation))
            own = other.parts
            ways.append((other.table, member.key))
        parts.extend(part for part in own if part not in parts)
    # The parts' places among all: the same fields in another order are another identity.
    numbers = tuple(None if isinstance(member, Borrowed) else parts.index(member) for member in members)
    table = (flatten, representation, tuple(ways), numbers, len(parts))
    return Identity(source, representation, tuple(members), tuple(parts), table)


def find_identity(sources: Sources, source: Source, place: Place, held: Held) -> Identity | None:
    """
    As `identity`, for the representation that fits what is known of the objects' types.

    Returns:
        None if they are not asked for, or not all in the same way.
    """
    found = {source.representation(name) for name in place.here or (None,)}
    representation = found.pop()
    if found or representation is None:
        return None
    return identity(sources, source, representation, place, held)


def _member(sources: Sources, item: RepresentationField, place: Place, early: Held) -> Member | None:
    if item.types or item.inner:
        return None
    candidates = sources.candidates(early, place, item.source)
    if len(candidates) != 1:
        return None
    (found,) = candidates
    if found.flatten is not None and found.chain == place.chain:
        return Borrowed(found, item.source, item.key)
    return Part(found, item.source, item.key)
