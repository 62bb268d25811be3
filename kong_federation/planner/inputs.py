"""The operation's variables, and the input types that their values must fit, for coercion without the schema."""

from __future__ import annotations

import json
from typing import Any, Final

from graphql import (
    FloatValueNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    get_named_type,
    print_ast,
    type_from_ast,
    value_from_ast_untyped,
)

from kong_federation.plan import NO_DEFAULT, EnumInput, InputField, InputType, ObjectInput, Written

# Characters, sign included, that 64 bits hold whatever the digits are.
_INTEGER_CHARACTERS: Final = 19


def variables_of(
    node: OperationDefinitionNode, schema: GraphQLSchema
) -> tuple[tuple[InputField, ...], tuple[InputType, ...]]:
    """
    Read the variables of a valid operation.

    Returns:
        The variables in order, and all enums and input objects they use, at any depth.
    """
    variables = []
    inputs: dict[str, InputType] = {}
    for definition in node.variable_definitions or ():
        default = _default(definition.default_value)
        variables.append(InputField(definition.variable.name.value, print_ast(definition.type), default))
        _collect(get_named_type(type_from_ast(schema, definition.type)), inputs)
    return tuple(variables), tuple(inputs.values())


def definition_text(node: VariableDefinitionNode) -> str:
    """
    A variable's definition for a subgraph's document, minified: `$limit:Int=1`.

    The default goes along, although its value is sent: `$limit: Int = 1` may stand where `Int!` is needed, without its
    default it may not (GraphQL specification, section 5.8.5).
    """
    default = f"={print_ast(node.default_value)}" if node.default_value is not None else ""
    return f"${node.variable.name.value}:{print_ast(node.type)}{default}"


def _collect(kind: Any, inputs: dict[str, InputType]) -> None:
    if kind is None or kind.name in inputs:
        return
    if isinstance(kind, GraphQLEnumType):
        inputs[kind.name] = EnumInput(kind.name, tuple(kind.values))
    elif isinstance(kind, GraphQLInputObjectType):
        fields = []
        inputs[kind.name] = ObjectInput(kind.name, ())
        for name, field in kind.fields.items():
            node = field.ast_node.default_value if field.ast_node else None
            fields.append(InputField(name, str(field.type), _default(node)))
            _collect(get_named_type(field.type), inputs)
        inputs[kind.name] = ObjectInput(kind.name, tuple(fields), bool(kind.is_one_of))


def _default(node: ValueNode | None) -> Any:
    if node is None:
        return NO_DEFAULT
    if _is_changed(node):
        return Written(_json(node))
    value = value_from_ast_untyped(node)
    return NO_DEFAULT if value is Undefined else value


def _is_changed(node: ValueNode) -> bool:
    """Whether a literal holds a number that is written in another way once it has been read."""
    match node:
        case IntValueNode(value=text):
            return len(text) > _INTEGER_CHARACTERS or text == "-0"
        case FloatValueNode(value=text):
            return repr(float(text)) != text
        case ListValueNode(values=values):
            return any(map(_is_changed, values))
        case ObjectValueNode(fields=fields):
            return any(_is_changed(field.value) for field in fields)
        case _:
            return False


def _json(node: ValueNode) -> str:
    """A literal as JSON; GraphQL writes numbers as JSON does."""
    match node:
        case IntValueNode(value=text) | FloatValueNode(value=text):
            return text
        case ListValueNode(values=values):
            return f"[{','.join(map(_json, values))}]"
        case ObjectValueNode(fields=fields):
            return "{" + ",".join(f"{json.dumps(field.name.value)}:{_json(field.value)}" for field in fields) + "}"
        case _:
            return json.dumps(value_from_ast_untyped(node))
