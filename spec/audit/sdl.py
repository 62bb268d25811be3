"""
From what a subgraph declares to a schema that can be executed.

A subgraph's SDL is not a schema by itself: its directives belong to federation and are not declared, a type may be
only `extend`ed because its base lives elsewhere, and `_service` and `_entities` are understood. Inside the subgraph the
directives mean nothing, so they are taken off; an extension without a base becomes the base; the federation fields are
added to `Query`, which is made where there is none.
"""

from __future__ import annotations

from graphql import (
    REMOVE,
    DefinitionNode,
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    OperationType,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    Visitor,
    build_ast_schema,
    parse,
    specified_directives,
    visit,
)
from graphql.language import ast


def executable(sdl: str) -> GraphQLSchema:
    """The schema a subgraph with this SDL serves: `_service`, and `_entities` if some object type has a `@key`."""
    document = parse(sdl, no_location=True)
    entities = sorted(_keyed(document))
    definitions = _based(_undirected(document).definitions)
    definitions += parse(_machinery(entities, _query_type(definitions)), no_location=True).definitions
    return build_ast_schema(DocumentNode(definitions=tuple(_based(definitions))))


def _keyed(document: DocumentNode) -> set[str]:
    return {
        node.name.value
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode | ast.ObjectTypeExtensionNode)
        and any(directive.name.value == "key" for directive in node.directives or ())
    }


def _undirected(document: DocumentNode) -> DocumentNode:
    """The document without the directives it does not declare itself."""
    known = {directive.name for directive in specified_directives}
    known |= {node.name.value for node in document.definitions if isinstance(node, DirectiveDefinitionNode)}

    class Strip(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: object) -> object:
            return None if node.name.value in known else REMOVE

    return visit(document, Strip())


def _based(definitions: tuple[DefinitionNode, ...] | list[DefinitionNode]) -> list[DefinitionNode]:
    """Give every extension a base: the first one of a type that has none becomes the definition."""
    bases = {node.name.value for node in definitions if isinstance(node, TypeDefinitionNode)}
    schema = any(isinstance(node, SchemaDefinitionNode) for node in definitions)
    based: list[DefinitionNode] = []
    for node in definitions:
        match node:
            case SchemaExtensionNode() if not schema:
                if node.operation_types:
                    based.append(_definition(node))
                    schema = True
            case TypeExtensionNode() if node.name.value not in bases:
                bases.add(node.name.value)
                based.append(_definition(node))
            case _:
                based.append(node)
    return based


def _definition(extension: TypeExtensionNode | SchemaExtensionNode) -> DefinitionNode:
    kind = getattr(ast, type(extension).__name__.replace("Extension", "Definition"))
    return kind(**{key: getattr(extension, key) for key in extension.keys if hasattr(extension, key)})


def _query_type(definitions: list[DefinitionNode]) -> str:
    for node in definitions:
        if isinstance(node, SchemaDefinitionNode):
            for root in node.operation_types:
                if root.operation is OperationType.QUERY:
                    return root.type.name.value
    return "Query"


def _machinery(entities: list[str], query: str) -> str:
    lines = ["scalar _Any", "type _Service { sdl: String }", f"extend type {query} {{ _service: _Service! }}"]
    if entities:
        lines.append(f"union _Entity = {' | '.join(entities)}")
        lines.append(f"extend type {query} {{ _entities(representations: [_Any!]!): [_Entity]! }}")
    return "\n".join(lines)
