"""
The edges of the query graph: how an object, or a value below it, can be had from a subgraph.

    FieldMove   within a subgraph, from an object to the value of one of its fields
    KeyMove     from anywhere an object's key fields are known, into a subgraph, by `_entities`
    RootMove    from anywhere into a subgraph's root type
"""

from __future__ import annotations

from dataclasses import dataclass

from kong_federation.selection import SelectionSet
from kong_federation.supergraph import ContextArgument


@dataclass(frozen=True, slots=True)
class FieldMove:
    """
    A field of an object type in a subgraph.

    Args:
        graph: The subgraph.
        owner: The type that has the field there: the object's own, or the interface that is an object type there.
        name: The field.
        type: GraphQL text of its type there.
        type_name: The named type of it.
        external: Resolvable only where the path to it provides it.
        requires: What must be in the object's representation.
        provides: What is resolvable below though external.
        contexts: Arguments that are filled from objects further up.
    """

    graph: str
    owner: str
    name: str
    type: str
    type_name: str
    external: bool
    requires: SelectionSet
    provides: SelectionSet
    contexts: tuple[ContextArgument, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether the field is resolved wherever the object is at hand, without anything in its representation."""
        return not self.requires and not self.contexts


@dataclass(frozen=True, slots=True)
class KeyMove:
    """
    An entry into a subgraph by a key.

    Args:
        graph: The subgraph entered.
        type_name: What the representation says as `__typename` and what the fields are selected on there.
        key: The key fields.
    """

    graph: str
    type_name: str
    key: SelectionSet


@dataclass(frozen=True, slots=True)
class RootMove:
    """An entry into a subgraph at a root type; it needs nothing."""

    graph: str
    type_name: str


@dataclass(frozen=True, slots=True)
class Doors:
    """
    The subgraphs that an object can get into at all, each in one of the two.

    Args:
        roots: At their root type.
        keys: By a key, if its fields are to be had.
    """

    roots: tuple[str, ...]
    keys: tuple[str, ...]
