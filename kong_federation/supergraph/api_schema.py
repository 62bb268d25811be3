"""The schema clients see: the supergraph without its specifications' machinery and what is `@inaccessible`."""

from __future__ import annotations

from typing import Any

from graphql import (
    REMOVE,
    DirectiveDefinitionNode,
    DirectiveLocation,
    DocumentNode,
    GraphQLDeferDirective,
    GraphQLError,
    GraphQLSchema,
    Node,
    SchemaDefinitionNode,
    TypeDefinitionNode,
    Visitor,
    build_ast_schema,
    validate_schema,
    visit,
)

from kong_federation.errors import FederationError
from kong_federation.errors.codes import SUPERGRAPH_INVALID
from kong_federation.supergraph.links import spec_name
from kong_federation.supergraph.load import of_specification
from kong_federation.supergraph.model import Supergraph

# Type system directives that clients see by introspection.
_SHOWN = frozenset({"deprecated", "specifiedBy", "oneOf"})
_EXECUTABLE = frozenset(
    {
        DirectiveLocation.QUERY,
        DirectiveLocation.MUTATION,
        DirectiveLocation.SUBSCRIPTION,
        DirectiveLocation.FIELD,
        DirectiveLocation.FRAGMENT_DEFINITION,
        DirectiveLocation.FRAGMENT_SPREAD,
        DirectiveLocation.INLINE_FRAGMENT,
        DirectiveLocation.VARIABLE_DEFINITION,
    }
)


def api_schema(supergraph: Supergraph) -> GraphQLSchema:
    """
    The public schema.

    Raises:
        FederationError: SUPERGRAPH_INVALID where what is left is not a valid schema.
    """
    document = visit(supergraph.document, _Public(supergraph))
    try:
        schema = build_ast_schema(document, assume_valid_sdl=True)
        errors = validate_schema(schema)
    except (GraphQLError, TypeError, KeyError) as error:
        raise FederationError(SUPERGRAPH_INVALID, f"the public schema cannot be built: {error}") from error
    if errors:
        text = "; ".join(error.message for error in errors[:5])
        raise FederationError(SUPERGRAPH_INVALID, f"the public schema is not valid: {text}")
    return schema


def request_schema(schema: GraphQLSchema) -> GraphQLSchema:
    """
    The public schema for documents: with `@defer`, which introspection does not list as long as it is refused.

    Clients' tools take what is listed for what is offered; a client that defers all the same is told why it cannot, and
    one that says `@defer(if: false)` is answered.
    """
    if schema.get_directive(GraphQLDeferDirective.name) is not None:
        return schema
    parts = schema.to_kwargs()
    parts["directives"] = (*schema.directives, GraphQLDeferDirective)
    parts["assume_valid"] = True
    return GraphQLSchema(**parts)


class _Public(Visitor):
    """Removes specifications' types and directives, and all that is inaccessible."""

    def __init__(self, supergraph: Supergraph) -> None:
        super().__init__()
        self._links = supergraph.links
        self._hidden = {info.name for info in supergraph.types.values() if info.inaccessible}

    def enter_document(self, node: DocumentNode, *_: Any) -> DocumentNode:
        """Drop what belongs to specifications before walking the rest."""
        kept = tuple(definition for definition in node.definitions if self._kept(definition))
        return DocumentNode(definitions=kept)

    def enter(self, node: Node, *_: Any) -> Any:
        """Drop inaccessible elements, references to hidden types and directives that clients do not see."""
        directives = getattr(node, "directives", None)
        if directives:
            if any(spec_name(self._links, item.name.value) == "inaccessible" for item in directives):
                return REMOVE
            shown = tuple(item for item in directives if item.name.value in _SHOWN)
            if len(shown) != len(directives):
                node = _with(node, directives=shown)
        for attribute in ("interfaces", "types"):
            listed = getattr(node, attribute, None)
            if listed and any(item.name.value in self._hidden for item in listed):
                node = _with(node, **{attribute: tuple(item for item in listed if item.name.value not in self._hidden)})
        return node

    def _kept(self, definition: Node) -> bool:
        if isinstance(definition, TypeDefinitionNode):
            return not of_specification(self._links, definition.name.value)
        if isinstance(definition, DirectiveDefinitionNode):
            name = definition.name.value
            executable = any(DirectiveLocation[location.value] in _EXECUTABLE for location in definition.locations)
            return name in _SHOWN or (executable and spec_name(self._links, name) == name)
        return isinstance(definition, SchemaDefinitionNode) or hasattr(definition, "fields")


def _with(node: Node, **changes: Any) -> Node:
    """A copy of an AST node with other attributes."""
    values = {key: getattr(node, key) for key in node.keys if hasattr(node, key)}
    return type(node)(**{**values, **changes})
