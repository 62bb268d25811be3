"""
The supergraph as a model: which subgraph offers what.

The join spec's directives are spread over the SDL; here each fact stands once, where the planner, composition and
authorisation look for it. Nothing is thrown away that a later stage may need: applications of directives that the model
does not interpret itself are kept as `Applied`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from graphql import DocumentNode

from kong_federation.selection import SelectionSet


class Kind(Enum):
    """The kinds of named types."""

    OBJECT = "object"
    INTERFACE = "interface"
    UNION = "union"
    ENUM = "enum"
    INPUT = "input"
    SCALAR = "scalar"


@dataclass(frozen=True, slots=True)
class Link:
    """
    One `@link` or `@core` of the schema.

    Args:
        identity: The URL without its version, such as `https://specs.apollo.dev/join`.
        name: The last part of the identity: `join`.
        version: `(0, 3)`.
        prefix: What its elements are prefixed with in this document.
        imports: Elements that stand without prefix: name in the specification -> name here; directives with `@`.
        purpose: `SECURITY`, `EXECUTION` or None.
    """

    identity: str
    name: str
    version: tuple[int, int]
    prefix: str
    imports: Mapping[str, str]
    purpose: str | None


@dataclass(frozen=True, slots=True)
class Applied:
    """
    A directive on an element, by its name in its specification (`requiresScopes`, even where it was renamed).

    Args:
        name: Without `@`.
        arguments: JSON values.
    """

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subgraph:
    """
    One subgraph.

    Args:
        graph: The value of `join__Graph`.
        name: Its name for people and for settings.
        url: Where it answers, maybe empty.
    """

    graph: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Key:
    """
    One `@key` of a type in a subgraph.

    Args:
        fields: The key fields.
        resolvable: Whether `_entities` finds objects by it there.
    """

    fields: SelectionSet
    resolvable: bool


@dataclass(frozen=True, slots=True)
class Membership:
    """
    What a type is in one subgraph.

    Args:
        keys: In the order of the SDL.
        interface_object: An interface of the supergraph that is an object type there.
        implements: Interfaces it implements there.
        members: Union members, or enum values, there.
    """

    keys: tuple[Key, ...] = ()
    interface_object: bool = False
    implements: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ContextArgument:
    """
    An argument that `@fromContext` fills. Clients do not see it.

    Args:
        name: The argument.
        type: GraphQL text of its type in the subgraph.
        context: The context, as types are marked with it by `@context`.
        selection: What is taken of the object that sets the context; for each of its types one leaf.
    """

    name: str
    type: str
    context: str
    selection: SelectionSet


@dataclass(frozen=True, slots=True)
class JoinField:
    """
    What a field is in one subgraph.

    Args:
        type: GraphQL text of its type there.
        external: Only known there as part of a key, `@requires` or `@provides`.
        requires: What must be in the representation for it to be resolved.
        provides: What is resolvable below it, though external.
        override: Name of the subgraph it was taken over from.
        override_label: The take-over holds only where this label is on (for `override`), or off (for the field it
            overrides).
        used_overridden: It was taken over, but is still needed there for an interface or a key.
        context_arguments: Arguments that the gateway fills.
    """

    type: str
    external: bool = False
    requires: SelectionSet = ()
    provides: SelectionSet = ()
    override: str | None = None
    override_label: str | None = None
    used_overridden: bool = False
    context_arguments: tuple[ContextArgument, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """
    A field of an object or interface, or of an input object.

    Args:
        name: Its name.
        type: GraphQL text of its type in the supergraph.
        joins: By subgraph (`Subgraph.graph`); a subgraph that does not have the field is absent.
        directives: Applications that the model does not interpret.
        inaccessible: Hidden from clients.
    """

    name: str
    type: str
    joins: Mapping[str, JoinField]
    directives: tuple[Applied, ...] = ()
    inaccessible: bool = False


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """
    A named type.

    Args:
        name: Its name.
        kind: Its kind in the supergraph.
        joins: By subgraph.
        fields: By name; empty for unions, enums and scalars.
        interfaces: Interfaces it implements in the supergraph.
        members: Of a union its types, of an enum its values.
        directives: Applications that the model does not interpret.
        inaccessible: Hidden from clients.
        hidden_values: Of an enum, the values that are hidden from clients.
    """

    name: str
    kind: Kind
    joins: Mapping[str, Membership]
    fields: Mapping[str, FieldInfo]
    interfaces: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    directives: tuple[Applied, ...] = ()
    inaccessible: bool = False
    hidden_values: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Supergraph:
    """
    The whole.

    Args:
        document: The SDL's AST, from which the API schema is made.
        links: Specifications the schema uses, by their name.
        graphs: Subgraphs by the value of `join__Graph`.
        types: All types but those of specifications, by name.
        roots: `query`, `mutation`, `subscription` -> type name.
    """

    document: DocumentNode
    links: Mapping[str, Link]
    graphs: Mapping[str, Subgraph]
    types: Mapping[str, TypeInfo]
    roots: Mapping[str, str]

    @property
    def subgraphs(self) -> dict[str, Subgraph]:
        """Subgraphs by name."""
        return {subgraph.name: subgraph for subgraph in self.graphs.values()}


def named_type(text: str) -> str:
    """`[Book!]!` -> `Book`."""
    return text.strip("[]!")


def list_depth(text: str) -> int:
    """`[[Book!]!]` -> 2."""
    return text.count("[")
