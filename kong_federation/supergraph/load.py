"""
SDL text to `Supergraph`: the only way in.

Join v0.2 to v0.5 say in full which subgraph has which type and field. Join v0.1 (federation 1) says less; what it
leaves unsaid is filled in here, so that nothing above has to know there was a v0.1:

- a value type has no `join__type` at all: every subgraph may return it, so it is in all of them;
- key fields are in every subgraph that has the key, though only the owner is named on them;
- a field of an entity that names no subgraph is the owner's;
- what `provides` names is external in that subgraph, which only later versions say.

In all versions, a field that is part of a subgraph's key is in that subgraph, external if nothing else is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from graphql import (
    DefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    GraphQLError,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    parse,
    print_ast,
)

from kong_federation.errors import FederationError
from kong_federation.errors.codes import SUPERGRAPH_INVALID
from kong_federation.selection import Field, InlineFragment, SelectionSet
from kong_federation.supergraph import joins
from kong_federation.supergraph.keys import key_fields
from kong_federation.supergraph.links import read_links, spec_name
from kong_federation.supergraph.model import (
    FieldInfo,
    JoinField,
    Kind,
    Link,
    Membership,
    Subgraph,
    Supergraph,
    TypeInfo,
    named_type,
)

_KINDS: dict[type[DefinitionNode], Kind] = {
    ObjectTypeDefinitionNode: Kind.OBJECT,
    InterfaceTypeDefinitionNode: Kind.INTERFACE,
    UnionTypeDefinitionNode: Kind.UNION,
    EnumTypeDefinitionNode: Kind.ENUM,
    InputObjectTypeDefinitionNode: Kind.INPUT,
    ScalarTypeDefinitionNode: Kind.SCALAR,
}


def load_supergraph(text: str) -> Supergraph:
    """
    Read a supergraph.

    Args:
        text: SDL that uses the join specification, v0.1 to v0.5.

    Raises:
        FederationError: SUPERGRAPH_INVALID, with a message for the operator.
    """
    try:
        document = parse(text)
        links = read_links(document)
        graphs = _graphs(document, links)
        types = {
            definition.name.value: _type(definition, links, frozenset(graphs))
            for definition in document.definitions
            if isinstance(definition, TypeDefinitionNode) and not of_specification(links, definition.name.value)
        }
    except GraphQLError as error:
        raise FederationError(SUPERGRAPH_INVALID, f"the supergraph is not valid SDL: {error}") from error
    except (ValueError, KeyError) as error:
        raise FederationError(SUPERGRAPH_INVALID, f"the supergraph cannot be read: {error}") from error
    types = _with_provided(types) if links["join"].version < (0, 2) else types
    roots = _roots(document, types)
    types = _with_external(types, key_fields(Supergraph(document, links, graphs, types, roots)))
    supergraph = Supergraph(document, links, graphs, types, roots)
    if supergraph.roots.get("query") not in types:
        raise FederationError(SUPERGRAPH_INVALID, "the supergraph has no query root type")
    return supergraph


def of_specification(links: Mapping[str, Link], name: str) -> bool:
    """Whether a type belongs to a linked specification (`join__Graph`, `link__Purpose`), not to the graph."""
    local = spec_name(links, name)
    return any(local.startswith(f"{link}__") for link in (*links, "core", "link")) or any(
        imported == name for link in links.values() for imported in link.imports.values()
    )


def _graphs(document: DocumentNode, links: Mapping[str, Link]) -> dict[str, Subgraph]:
    graphs: dict[str, Subgraph] = {}
    for definition in document.definitions:
        if not isinstance(definition, EnumTypeDefinitionNode | EnumTypeExtensionNode):
            continue
        if spec_name(links, definition.name.value) != "join__Graph":
            continue
        for value in definition.values or ():
            for arguments in joins.read(value.directives, links).join.get("graph", ()):
                graphs[value.name.value] = Subgraph(
                    value.name.value, str(arguments["name"]), str(arguments.get("url") or "")
                )
    if not graphs:
        raise ValueError("it names no subgraphs (join__Graph)")
    return graphs


def _type(definition: TypeDefinitionNode, links: Mapping[str, Link], graphs: frozenset[str]) -> TypeInfo:
    applied = joins.read(definition.directives, links)
    memberships = joins.memberships(applied)
    if not memberships:
        memberships = dict.fromkeys(graphs, Membership())  # v0.1 value type
    owner = next((str(item["graph"]) for item in applied.join.get("owner", ())), None)
    if owner is not None and owner not in memberships:
        memberships[owner] = Membership()
    members = frozenset(item.name.value for item in getattr(definition, "types", None) or ())
    values = getattr(definition, "values", None) or ()
    interfaces = frozenset(item.name.value for item in getattr(definition, "interfaces", None) or ())
    memberships = _complete(memberships, applied, interfaces, members)
    if values:
        memberships = _enum_memberships(memberships, values, links)
    fields = {
        field.name.value: _field(field, links, memberships, owner)
        for field in getattr(definition, "fields", None) or ()
    }
    return TypeInfo(
        name=definition.name.value,
        kind=_KINDS[type(definition)],
        joins=memberships,
        fields=fields,
        interfaces=interfaces,
        members=members or frozenset(value.name.value for value in values),
        directives=applied.others,
        inaccessible=applied.inaccessible,
        hidden_values=frozenset(
            value.name.value for value in values if joins.read(value.directives, links).inaccessible
        ),
    )


def _complete(
    memberships: dict[str, Membership],
    applied: joins.Applications,
    interfaces: frozenset[str],
    members: frozenset[str],
) -> dict[str, Membership]:
    """Before v0.3 interfaces and union members were the same everywhere and not said per subgraph."""
    if interfaces and "implements" not in applied.join:
        memberships = {graph: replace(found, implements=interfaces) for graph, found in memberships.items()}
    if members and "unionMember" not in applied.join:
        memberships = {graph: replace(found, members=members) for graph, found in memberships.items()}
    return memberships


def _enum_memberships(
    memberships: dict[str, Membership], values: tuple[object, ...], links: Mapping[str, Link]
) -> dict[str, Membership]:
    known: dict[str, set[str]] = {graph: set() for graph in memberships}
    for value in values:
        said = joins.read(getattr(value, "directives", ()), links).join.get("enumValue")
        name = value.name.value  # type: ignore[attr-defined]  # an EnumValueDefinitionNode
        for graph, names in known.items():
            if said is None or any(item["graph"] == graph for item in said):
                names.add(name)
    return {graph: replace(found, members=frozenset(known[graph])) for graph, found in memberships.items()}


def _field(
    definition: object, links: Mapping[str, Link], memberships: Mapping[str, Membership], owner: str | None
) -> FieldInfo:
    name = definition.name.value  # type: ignore[attr-defined]  # a (Input)FieldDefinitionNode
    text = print_ast(definition.type)  # type: ignore[attr-defined]
    applied = joins.read(definition.directives, links)  # type: ignore[attr-defined]
    said = joins.join_fields(applied, text)
    if said is None:
        everywhere = memberships if owner is None else (owner,)
        said = {graph: JoinField(text) for graph in everywhere}
    if owner is not None:
        for graph, membership in memberships.items():
            in_key = any(
                isinstance(part, Field) and part.name == name for key in membership.keys for part in key.fields
            )
            if in_key and graph not in said:
                said[graph] = JoinField(text)
    return FieldInfo(name, text, said, applied.others, applied.inaccessible)


def _with_provided(types: dict[str, TypeInfo]) -> dict[str, TypeInfo]:
    """The types, with fields that are provided in a subgraph known there as external."""
    provided: set[tuple[str, str, str]] = set()

    def note(graph: str, type_name: str, selections: SelectionSet) -> None:
        for selection in selections:
            if isinstance(selection, InlineFragment):
                note(graph, selection.type_name, selection.selections)
            elif selection.name in types[type_name].fields:
                provided.add((graph, type_name, selection.name))
                note(graph, named_type(types[type_name].fields[selection.name].type), selection.selections)

    for info in types.values():
        for field in info.fields.values():
            for graph, join in field.joins.items():
                note(graph, named_type(field.type), join.provides)
    return _with_external(types, provided)


def _with_external(types: dict[str, TypeInfo], known: Iterable[tuple[str, str, str]]) -> dict[str, TypeInfo]:
    """The types, with `(subgraph, type, field)` known as external where nothing is said of them."""
    completed = dict(types)
    for graph, owner, name in sorted(known):
        info = completed[owner]
        field = info.fields[name]
        if graph not in field.joins and graph in info.joins:
            joined = replace(field, joins={**field.joins, graph: JoinField(field.type, external=True)})
            completed[owner] = replace(info, fields={**info.fields, name: joined})
    return completed


def _roots(document: DocumentNode, types: Mapping[str, TypeInfo]) -> dict[str, str]:
    for definition in document.definitions:
        if isinstance(definition, SchemaDefinitionNode):
            return {item.operation.value: item.type.name.value for item in definition.operation_types}
    return {kind: kind.title() for kind in ("query", "mutation", "subscription") if kind.title() in types}
