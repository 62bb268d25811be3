"""Field set text, such as `upc organization { id }`, to selections; and the canonical text of arguments."""

from __future__ import annotations

from collections.abc import Sequence

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    print_ast,
)

from kong_federation.selection.model import Field, InlineFragment, Selection, SelectionSet


def parse_field_set(text: str) -> SelectionSet:
    """
    Parse the text of a field set, with or without outer braces.

    Raises:
        ValueError: The text is not a field set.
    """
    body = text.strip()
    try:
        document = parse(body if body.startswith("{") else f"{{{body}}}", no_location=True)
    except GraphQLError as error:
        raise ValueError(f"not a field set: {text!r}") from error
    definition = document.definitions[0]
    alone = len(document.definitions) == 1
    if not alone or not isinstance(definition, OperationDefinitionNode) or not definition.selection_set.selections:
        raise ValueError(f"not a field set: {text!r}")
    return _selections(definition.selection_set)


def arguments_text(arguments: Sequence[ArgumentNode]) -> str:
    """Arguments as canonical text, sorted by name, with parentheses; empty if there are none."""
    if not arguments:
        return ""
    return "(" + ", ".join(sorted(map(print_ast, arguments))) + ")"


def _selections(node: SelectionSetNode | None) -> SelectionSet:
    return tuple(_selection(child) for child in node.selections) if node else ()


def _selection(node: object) -> Selection:
    match node:
        case FieldNode():
            return Field(node.name.value, arguments_text(node.arguments or ()), _selections(node.selection_set))
        case InlineFragmentNode(type_condition=condition) if condition is not None:
            return InlineFragment(condition.name.value, _selections(node.selection_set))
    raise ValueError("a field set holds fields and inline fragments with a type only")
