"""The schema of the whole supergraph, hidden elements included: for arguments, not for clients."""

from __future__ import annotations

from typing import Any

from graphql import (
    REMOVE,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    GraphQLField,
    GraphQLSchema,
    OperationDefinitionNode,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    Visitor,
    build_ast_schema,
    get_argument_values,
    parse,
    value_from_ast,
    visit,
)

from kong_federation.supergraph import Supergraph


class Whole:
    """
    The whole schema.

    Args:
        supergraph: The model; of its document, what belongs to specifications is left out.
    """

    def __init__(self, supergraph: Supergraph) -> None:
        kept = [
            definition
            for definition in supergraph.document.definitions
            if isinstance(definition, SchemaDefinitionNode)
            or (isinstance(definition, TypeDefinitionNode) and definition.name.value in supergraph.types)
        ]
        document = visit(DocumentNode(definitions=tuple(kept)), _Bare())
        self.document: DocumentNode = document
        self.schema: GraphQLSchema = build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)
        self._defaults: dict[tuple[str, str], dict[str, Any]] = {}
        self._arguments: dict[tuple[str, str, str], dict[str, Any]] = {}

    def field(self, owner: str, name: str) -> GraphQLField:
        """A field's definition."""
        fields: dict[str, GraphQLField] = self.schema.type_map[owner].fields  # type: ignore[attr-defined]
        return fields[name]

    def defaults(self, owner: str, name: str) -> dict[str, Any]:
        """The coerced defaults of a field's arguments."""
        key = (owner, name)
        if key not in self._defaults:
            self._defaults[key] = {
                argument: value_from_ast(found.ast_node.default_value, found.type)
                for argument, found in self.field(owner, name).args.items()
                if found.ast_node is not None and found.ast_node.default_value is not None
            }
        return self._defaults[key]

    def arguments(self, owner: str, name: str, text: str) -> dict[str, Any]:
        """What the canonical text of arguments, as in a field set, comes to."""
        key = (owner, name, text)
        if key not in self._arguments:
            operation = parse(f"{{{name}{text}}}").definitions[0]
            assert isinstance(operation, OperationDefinitionNode)
            node = operation.selection_set.selections[0]
            assert isinstance(node, FieldNode)
            self._arguments[key] = get_argument_values(self.field(owner, name), node)
        return self._arguments[key]


class _Bare(Visitor):
    """Takes directives off, but for those that the type system itself knows."""

    def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
        return None if node.name.value in {"oneOf", "specifiedBy", "deprecated"} else REMOVE
