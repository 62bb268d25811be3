"""
Makes a failing case small: takes something away as long as it fails in the same way.

From the operation any selection, directive, alias or argument may go; a fragment may be replaced by its content. From
the supergraph only fields and types that nothing mentions may go, so that all that is left stays reachable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

from graphql import (
    REMOVE,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    InterfaceTypeDefinitionNode,
    Node,
    ObjectTypeDefinitionNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

from spec.fuzz.case import Case, category

Edit: TypeAlias = Callable[[Node], Node | None]


def shrink(case: Case) -> Case:
    """The smallest case that was found to fail as the given one does."""
    wanted = category(case.problems()[0])
    case = replace(case, operation=print_ast(parse(case.operation)))
    before = None
    while before != case:
        before = case
        for smaller in (_smaller_operations, _smaller_supergraphs):
            case = _while_failing(case, wanted, smaller)
    return case


def _while_failing(case: Case, wanted: str, smaller: Callable[[Case], Iterator[Case]]) -> Case:
    progress = True
    while progress:
        progress = False
        for candidate in smaller(case):
            problems = candidate.problems()
            if wanted in map(category, problems):
                case, progress = candidate, True
                break
    return case


# --- operations ---------------------------------------------------------------------------------------------------


def _smaller_operations(case: Case) -> Iterator[Case]:
    document = parse(case.operation, no_location=True)
    fragments = {item.name.value: item for item in document.definitions if isinstance(item, FragmentDefinitionNode)}
    for path, node in _places(document):
        for edit in _edits(node, fragments):
            text = _tidy(_edited(document, path, edit))
            if text is not None and _weight(text) < _weight(case.operation):
                yield replace(case, operation=text)


def _weight(text: str) -> tuple[int, int]:
    """A spread weighs more than what it stands for, so that fragments go."""
    return (len(re.findall(r"\.\.\.F\d", text)), len(text))


def _edits(node: Node, fragments: dict[str, FragmentDefinitionNode]) -> Iterator[Edit]:
    match node:
        case FieldNode() | InlineFragmentNode() | FragmentSpreadNode():
            yield lambda _: None
    if isinstance(node, FieldNode) and node.alias:
        yield lambda old: _with(old, alias=None)
    if isinstance(node, FieldNode) and node.arguments:
        yield lambda old: _with(old, arguments=())
    if getattr(node, "directives", None) and not isinstance(node, OperationDefinitionNode):
        yield lambda old: _with(old, directives=())
        yield lambda old: _with(old, directives=old.directives[1:])  # type: ignore[attr-defined]
    if isinstance(node, InlineFragmentNode):
        yield lambda old: old  # marks it to be replaced by its content, see `_edited`
    if isinstance(node, FragmentSpreadNode):
        fragment = fragments[node.name.value]
        yield lambda old: InlineFragmentNode(
            type_condition=fragment.type_condition, directives=node.directives, selection_set=fragment.selection_set
        )


def _places(document: DocumentNode) -> list[tuple[tuple[int | str, ...], Node]]:
    found: list[tuple[tuple[int | str, ...], Node]] = []

    class Finder(Visitor):
        def enter(self, node: Node, _key: Any, _parent: Any, path: list[int | str], _ancestors: Any) -> None:
            if isinstance(node, FieldNode | InlineFragmentNode | FragmentSpreadNode):
                found.append((tuple(path), node))

    visit(document, Finder())
    return found


def _edited(document: DocumentNode, path: tuple[int | str, ...], edit: Edit) -> DocumentNode:
    class Editor(Visitor):
        def enter(self, node: Node, _key: Any, _parent: Any, here: list[int | str], _ancestors: Any) -> Any:
            if tuple(here) == path[:-2] and isinstance(node, SelectionSetNode):
                kept: list[Node] = []
                for index, item in enumerate(node.selections):
                    if index != path[-1]:
                        kept.append(item)
                        continue
                    changed = edit(item)
                    if changed is item and isinstance(item, InlineFragmentNode):
                        kept += item.selection_set.selections
                    elif changed is not None:
                        kept.append(changed)
                return _with(node, selections=tuple(kept))
            return None

    edited: DocumentNode = visit(document, Editor())
    return edited


def _tidy(document: DocumentNode) -> str | None:
    """The text without empty selections and what is defined but not used; None if nothing is left."""
    while True:
        document = visit(document, _NoEmpty())
        used = _used(document)
        kept = [
            item
            for item in document.definitions
            if not isinstance(item, FragmentDefinitionNode) or f"...{item.name.value}" in used
        ]
        if not any(isinstance(item, OperationDefinitionNode) for item in kept):
            return None
        tidied = [
            _with(
                item,
                variable_definitions=tuple(
                    one for one in item.variable_definitions or () if f"${one.variable.name.value}" in used
                ),
            )
            if isinstance(item, OperationDefinitionNode)
            else item
            for item in kept
        ]
        text = "\n".join(map(print_ast, tidied))
        if len(kept) == len(document.definitions):
            return text
        document = DocumentNode(definitions=tuple(tidied))


class _NoEmpty(Visitor):
    def leave(self, node: Node, *_: Any) -> Any:
        below = getattr(node, "selection_set", None)
        if below is not None and not below.selections:
            return REMOVE
        return None


def _used(document: DocumentNode) -> set[str]:
    found: set[str] = set()

    class Finder(Visitor):
        def enter(self, node: Node, _key: Any, parent: Any, *_: Any) -> None:
            if isinstance(node, FragmentSpreadNode):
                found.add(f"...{node.name.value}")
            elif isinstance(node, VariableNode) and getattr(parent, "kind", "") != "variable_definition":
                found.add(f"${node.name.value}")

    visit(document, Finder())
    return found


# --- supergraphs --------------------------------------------------------------------------------------------------


def _smaller_supergraphs(case: Case) -> Iterator[Case]:
    document = parse(case.supergraph, no_location=True)
    mentioned = set(re.findall(r"\w+", " ".join(re.findall(r'(?:key|requires|provides): "([^"]*)"', case.supergraph))))
    for index, definition in enumerate(document.definitions):
        name = getattr(getattr(definition, "name", None), "value", "")
        if not name or "__" in name:
            continue
        if len(re.findall(rf"\b{name}\b", case.supergraph)) == 1:
            rest = (*document.definitions[:index], *document.definitions[index + 1 :])
            yield replace(case, supergraph=print_ast(DocumentNode(definitions=rest)))
        if not isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            continue
        for field in definition.fields or ():
            if field.name.value not in mentioned and len(definition.fields or ()) > 1:
                yield replace(case, supergraph=print_ast(_without(document, field)))
    for index, definition in enumerate(document.definitions):
        if isinstance(definition, EnumTypeDefinitionNode) and definition.name.value == "join__Graph":
            for value in definition.values or ():
                if len(re.findall(rf"graph: {value.name.value}\b", case.supergraph)) == 0:
                    changed = _with(definition, values=tuple(one for one in definition.values or () if one != value))
                    rest = (*document.definitions[:index], changed, *document.definitions[index + 1 :])
                    yield replace(case, supergraph=print_ast(DocumentNode(definitions=rest)))


def _without(document: DocumentNode, field: FieldDefinitionNode) -> DocumentNode:
    class Remover(Visitor):
        def enter_field_definition(self, node: FieldDefinitionNode, *_: Any) -> Any:
            return REMOVE if node is field else None

    smaller: DocumentNode = visit(document, Remover())
    return smaller


def _with(node: Any, **changes: Any) -> Any:
    values = {key: getattr(node, key) for key in node.keys if hasattr(node, key)}
    return type(node)(**{**values, **changes})
