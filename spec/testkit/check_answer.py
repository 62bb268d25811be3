"""
Is an answer complete? The operation, collected per runtime type as the specification says, against the plan's output.

For every type that clients can see, the output must have the operation's response keys in their order, with the types
of the public schema, and each must be read from where the plan's fetches put that very field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLAbstractType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    visit,
)

from kong_federation.plan import Composite, LeafKind, ListOf, NonNull, OutputField, OutputType
from kong_federation.selection import arguments_text
from spec.testkit.known import Node


def answer_problems(
    api: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    output: Composite,
    root: Node,
    given: Mapping[str, bool],
) -> Iterator[str]:
    """
    What is missing or wrong in an answer.

    Args:
        api: The public schema.
        document: The client's.
        operation: The one that was planned.
        output: The plan's.
        root: All that the plan fetches.
        given: Values of the variables that decide conditions.
    """
    fragments = {item.name.value: item for item in document.definitions if isinstance(item, FragmentDefinitionNode)}
    yield from _Comparison(api, fragments, given).composite((operation.selection_set,), output, root, "")


def deciding(document: DocumentNode) -> set[str]:
    """The variables in `@skip` and `@include`."""
    found: set[str] = set()

    class Finder(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            if node.name.value in {"skip", "include"}:
                found.update(
                    item.value.name.value for item in node.arguments or () if isinstance(item.value, VariableNode)
                )

    visit(document, Finder())
    return found


def holds(directives: tuple[DirectiveNode, ...] | None, given: Mapping[str, bool]) -> bool:
    """Whether `@skip` and `@include` let an element stand."""
    for directive in directives or ():
        name = directive.name.value
        if name not in {"skip", "include"}:
            continue
        value = next(item.value for item in directive.arguments or () if item.name.value == "if")
        decided = given[value.name.value] if isinstance(value, VariableNode) else None
        if isinstance(value, BooleanValueNode):
            decided = value.value
        if decided is not (name == "include"):
            return False
    return True


class _Comparison:
    def __init__(
        self, api: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], given: Mapping[str, bool]
    ) -> None:
        self._api = api
        self._fragments = fragments
        self._given = given

    def composite(
        self, selections: tuple[SelectionSetNode, ...], output: Composite, node: Node, path: str
    ) -> Iterator[str]:
        if not output.abstract and len(output.variants) != 1:
            yield f"answer {path or '.'}: {len(output.variants)} variants, but objects need not tell what they are"
        for runtime_type in sorted(node.types):
            kind = self._api.type_map.get(runtime_type)
            if not isinstance(kind, GraphQLObjectType):
                if not output.abstract:
                    yield f"answer {path or '.'}: hidden objects of type {runtime_type} are not recognised"
                continue
            here = f"answer {path}({runtime_type})"
            if output.abstract and not _told(node, runtime_type):
                yield f"{here}: objects do not tell what they are"
            fitting = [variant for variant in output.variants if runtime_type in variant.types]
            if len(fitting) != 1:
                yield f"{here}: {len(fitting)} variants are for it"
                continue
            fields = [field for field in fitting[0].fields if self._stands(field)]
            wanted = self._collect(kind, selections)
            keys = [field.key for field in fields]
            if keys != list(wanted):
                yield f"{here}: has {keys} for {list(wanted)}"
                continue
            for field in fields:
                yield from self._field(field, wanted[field.key], kind, node, output, here)

    def _field(
        self,
        field: OutputField,
        nodes: list[FieldNode],
        kind: GraphQLObjectType,
        node: Node,
        output: Composite,
        here: str,
    ) -> Iterator[str]:
        name, arguments = nodes[0].name.value, arguments_text(nodes[0].arguments or ())
        leaf = _innermost(field.type)
        if name == "__typename":
            if getattr(leaf, "kind", None) is not LeafKind.TYPENAME:
                yield f"{here}.{field.key}: is not read as a type's name"
            if not output.abstract and len(node.types) > 1:
                yield f"{here}.{field.key}: cannot be known"
            return
        found = node.fields.get((kind.name, field.source))
        if found is None:
            yield f"{here}.{field.key}: nobody fetches it"
            return
        if (found.name, found.arguments) != (name, arguments):
            yield f"{here}.{field.key}: is read from {found.name}{found.arguments}"
        if name.startswith("__"):
            return
        expected = str(kind.fields[name].type)
        if _text(field.type) != expected:
            yield f"{here}.{field.key}: is read as {_text(field.type)}, not {expected}"
        if isinstance(leaf, Composite) and found.node is not None:
            below = tuple(one.selection_set for one in nodes if one.selection_set is not None)
            yield from self.composite(below, leaf, found.node, f"{here.removeprefix('answer ')}.{field.key}")

    def _collect(self, kind: GraphQLObjectType, selections: tuple[SelectionSetNode, ...]) -> dict[str, list[FieldNode]]:
        found: dict[str, list[FieldNode]] = {}
        seen: set[str] = set()
        for selection_set in selections:
            self._gather(kind, selection_set, found, seen)
        return found

    def _gather(
        self,
        kind: GraphQLObjectType,
        selection_set: SelectionSetNode,
        found: dict[str, list[FieldNode]],
        seen: set[str],
    ) -> None:
        for item in selection_set.selections:
            if not holds(item.directives, self._given):
                continue
            if isinstance(item, FieldNode):
                found.setdefault(item.alias.value if item.alias else item.name.value, []).append(item)
                continue
            fragment: FragmentDefinitionNode | InlineFragmentNode
            if isinstance(item, FragmentSpreadNode):
                if item.name.value in seen:
                    continue
                seen.add(item.name.value)
                fragment = self._fragments[item.name.value]
            else:
                assert isinstance(item, InlineFragmentNode)
                fragment = item
            condition = fragment.type_condition
            if condition is None or self._is(kind, condition.name.value):
                self._gather(kind, fragment.selection_set, found, seen)

    def _is(self, kind: GraphQLObjectType, name: str) -> bool:
        other = self._api.type_map[name]
        return other is kind or (isinstance(other, GraphQLAbstractType) and self._api.is_sub_type(other, kind))

    def _stands(self, field: OutputField) -> bool:
        if not field.when:
            return True
        return any(all(self._given[test.variable] is test.expected for test in tests) for tests in field.when)


def _told(node: Node, runtime_type: str) -> bool:
    return (runtime_type, "__typename") in node.fields


def _innermost(kind: OutputType) -> OutputType:
    while isinstance(kind, ListOf | NonNull):
        kind = kind.of
    return kind


def _text(kind: OutputType) -> str:
    match kind:
        case NonNull(of):
            return f"{_text(of)}!"
        case ListOf(of):
            return f"[{_text(of)}]"
    return kind.name
