"""
The client's document: parsed, the operation chosen, validated, normalised.

This is the only place that reads a client's text, and the only one whose errors quote it.

**No suggestions.** graphql-core can say "Did you mean ...?" with names of the schema that the client has not said; one
guess after the other shows the schema, though introspection is switched off. Such hints are never given: whoever may
introspect has tools that know the schema and give better ones. They are left out where they would be made, because
later they cannot be told from the client's own text, which may follow them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    parse,
)
from graphql.validation.validate import ValidationAbortedError

from kong_federation.errors import ErrorCode, FederationError, FederationErrors
from kong_federation.errors.codes import (
    DOCUMENT_LIMIT_EXCEEDED,
    GRAPHQL_PARSE_FAILED,
    GRAPHQL_UNKNOWN_OPERATION_NAME,
    GRAPHQL_VALIDATION_FAILED,
)
from kong_federation.limits import Budget
from kong_federation.operation.collect import ALL_AROUND, Collector
from kong_federation.operation.shape import Shape
from kong_federation.operation.validate import validate
from kong_federation.supergraph import Catalog, Supergraph

# More findings than this help nobody and cost time.
_MOST_ERRORS = 20


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One valid operation.

    Args:
        kind: `query`, `mutation` or `subscription`.
        name: Its own name, or empty.
        root: Name of the root type.
        node: Its definition, for its variables.
        shape: What it wants of the root object.
        fragments: The document's fragments by name.
        defers: Whether it has deferred fragments.
    """

    kind: str
    name: str
    root: str
    node: OperationDefinitionNode
    shape: Shape
    fragments: Mapping[str, FragmentDefinitionNode]
    defers: bool = False


def parse_document(text: str) -> DocumentNode:
    """
    Parse a client's text.

    Raises:
        FederationError: GRAPHQL_PARSE_FAILED with the place.
    """
    try:
        return parse(text)
    except GraphQLSyntaxError as error:
        raise _finding(GRAPHQL_PARSE_FAILED, error) from error
    except RecursionError as error:
        raise FederationError(GRAPHQL_PARSE_FAILED, "The document is nested too deeply.") from error


def choose_operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """
    The operation to run (GraphQL specification, section 6.1, GetOperation).

    Raises:
        FederationError: GRAPHQL_UNKNOWN_OPERATION_NAME.
    """
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if not name:
        if len(operations) == 1:
            return operations[0]
        found = "no operation" if not operations else "several operations; operationName must choose one"
        raise FederationError(GRAPHQL_UNKNOWN_OPERATION_NAME, f"The document holds {found}.")
    for operation in operations:
        if operation.name is not None and operation.name.value == name:
            return operation
    raise FederationError(GRAPHQL_UNKNOWN_OPERATION_NAME, f'The document holds no operation named "{name}".')


def check_document(schema: GraphQLSchema, document: DocumentNode) -> None:
    """
    Validate a document against the public schema.

    Raises:
        FederationErrors: GRAPHQL_VALIDATION_FAILED, all findings up to a limit; the last or only one may be
            DOCUMENT_LIMIT_EXCEEDED, where the rest was not looked at.
    """
    errors = validate(schema, document, max_errors=_MOST_ERRORS, hide_suggestions=True)
    if not errors:
        return
    findings = [_finding(GRAPHQL_VALIDATION_FAILED, error) for error in errors]
    if isinstance(errors[-1], ValidationAbortedError):
        # It comes last, and says nothing of which limit it was.
        findings[-1] = _too_many() if len(errors) > _MOST_ERRORS else _too_much()
    raise FederationErrors(findings)


def normalize(
    supergraph: Supergraph, catalog: Catalog, document: DocumentNode, node: OperationDefinitionNode, budget: Budget
) -> Operation:
    """
    What an operation of a valid document wants.

    Raises:
        FederationError: QUERY_PLANNING_LIMIT.
    """
    kind = node.operation.value
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    root = supergraph.roots[kind]
    collector = Collector(catalog, fragments, budget)
    shape = collector.shape(root, ((node.selection_set, ALL_AROUND),))
    if kind == "mutation" and root in shape.turns:
        # Mutations run in the order of the answer, so one with several turns is as many, of which one runs.
        shape = Shape(root, {root: tuple(replace(want, when=when) for want, when in shape.turns[root])})
    return Operation(kind, node.name.value if node.name else "", root, node, shape, fragments, collector.defers)


def _too_many() -> FederationError:
    return FederationError(
        GRAPHQL_VALIDATION_FAILED, f"There are more than {_MOST_ERRORS} errors; the rest is left out."
    )


def _too_much() -> FederationError:
    return FederationError(
        DOCUMENT_LIMIT_EXCEEDED,
        "Validating the document takes more work than allowed: its fragments are nested too deeply, or too many of its "
        "fields have the same name in the answer.",
    )


def _finding(code: ErrorCode, error: GraphQLError) -> FederationError:
    places = tuple((place.line, place.column) for place in error.locations or ())
    return FederationError(code, error.message, locations=places)
