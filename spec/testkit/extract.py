"""
Subgraphs' schemas, extracted from the supergraph: for each subgraph what the join specification says it has.

A subgraph keeps exactly its types, fields, enum values, union members and input fields, with its own field types. An
interface that is an object type there becomes one. What the specification does not record per subgraph (arguments,
defaults) is as in the supergraph.
"""

from __future__ import annotations

from typing import Any

from graphql import (
    DefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    NamedTypeNode,
    NameNode,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    build_ast_schema,
    parse,
    parse_type,
    print_ast,
    specified_scalar_types,
)

from kong_federation.supergraph import Kind, Supergraph, TypeInfo, named_type

_MACHINERY = """
scalar _Any
type _Service { sdl: String! }
"""


def extract(supergraph: Supergraph, document: DocumentNode, graph: str) -> GraphQLSchema:
    """
    The schema of one subgraph, with `_service`, and with `_entities` if it has entities.

    Args:
        supergraph: The model.
        document: The whole supergraph's types without directives.
        graph: `Subgraph.graph`.
    """
    return build_ast_schema(_Extraction(supergraph, document, graph).document(), assume_valid=True)


class _Extraction:
    def __init__(self, supergraph: Supergraph, document: DocumentNode, graph: str) -> None:
        self._types = supergraph.types
        self._roots = supergraph.roots
        self._graph = graph
        self._document = document

    def document(self) -> DocumentNode:
        definitions: list[DefinitionNode] = []
        for definition in self._document.definitions:
            if isinstance(definition, TypeDefinitionNode) and self._has(definition.name.value):
                definitions += self._type(definition)
        query = self._roots["query"]
        if not self._has(query):
            definitions.append(ObjectTypeDefinitionNode(name=NameNode(value=query), fields=(), interfaces=()))
        entities = sorted(
            info.name
            for info in self._types.values()
            if self._has(info.name)
            and info.joins[self._graph].keys
            and (info.kind is Kind.OBJECT or info.joins[self._graph].interface_object)
        )
        machinery = f"{_MACHINERY} extend type {query} {{ _service: _Service! }}"
        if entities:
            machinery += f" union _Entity = {' | '.join(entities)}"
            machinery += f" extend type {query} {{ _entities(representations: [_Any!]!): [_Entity]! }}"
        roots = " ".join(f"{kind}: {name}" for kind, name in self._roots.items() if self._has(name) or kind == "query")
        extra = parse(f"{machinery} schema {{ {roots} }}").definitions
        return _merged((*definitions, *extra))

    def _has(self, name: str) -> bool:
        return self._graph in self._types[name].joins

    def _type(self, node: TypeDefinitionNode) -> list[DefinitionNode]:
        info = self._types[node.name.value]
        membership = info.joins[self._graph]
        match node:
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
                kind = ObjectTypeDefinitionNode if membership.interface_object else type(node)
                interfaces = tuple(item for item in node.interfaces or () if item.name.value in membership.implements)
                return [kind(name=node.name, fields=self._fields(node, info), interfaces=interfaces)]
            case InputObjectTypeDefinitionNode():
                return [
                    InputObjectTypeDefinitionNode(
                        name=node.name, directives=node.directives, fields=self._fields(node, info)
                    )
                ]
            case EnumTypeDefinitionNode():
                values = tuple(item for item in node.values or () if item.name.value in membership.members)
                return [EnumTypeDefinitionNode(name=node.name, values=values)]
            case UnionTypeDefinitionNode():
                types = tuple(NamedTypeNode(name=NameNode(value=name)) for name in sorted(membership.members))
                return [UnionTypeDefinitionNode(name=node.name, types=types)] if types else []
        return [node]

    def _fields(self, node: Any, info: TypeInfo) -> tuple[Any, ...]:
        kept = []
        for field in node.fields or ():
            join = info.fields[field.name.value].joins.get(self._graph)
            if join is not None:
                changes: dict[str, Any] = {"type": parse_type(join.type, no_location=True)}
                if hasattr(field, "arguments"):
                    changes["arguments"] = tuple(
                        item for item in field.arguments or () if self._knows(named_type(print_ast(item.type)))
                    ) + tuple(_argument(one.name, one.type) for one in join.context_arguments)
                kept.append(_with(field, changes))
        return tuple(kept)

    def _knows(self, name: str) -> bool:
        return name in specified_scalar_types or (name in self._types and self._has(name))


def _argument(name: str, type_text: str) -> InputValueDefinitionNode:
    """An argument that clients do not see: it is filled from a context."""
    return InputValueDefinitionNode(
        name=NameNode(value=name), type=parse_type(type_text, no_location=True), directives=()
    )


def _merged(definitions: tuple[DefinitionNode, ...]) -> DocumentNode:
    """Extensions put into the types they extend: `build_ast_schema` does not read extensions of its own document."""
    extra: dict[str, list[Any]] = {}
    kept: list[Any] = []
    for definition in definitions:
        if definition.kind == "object_type_extension":
            extra.setdefault(definition.name.value, []).extend(definition.fields)  # type: ignore[attr-defined]
        else:
            kept.append(definition)
    return DocumentNode(
        definitions=tuple(
            _with(node, {"fields": (*(node.fields or ()), *extra[node.name.value])})
            if isinstance(node, ObjectTypeDefinitionNode) and node.name.value in extra
            else node
            for node in kept
        )
    )


def _with(node: Any, changes: dict[str, Any]) -> Any:
    values = {key: getattr(node, key) for key in node.keys if hasattr(node, key)}
    return type(node)(**{**values, **changes})
