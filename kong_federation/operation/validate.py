"""
Validation by graphql-core's rules, without looking for what a document cannot hold.

graphql-core runs some thirty rules over every node of every document, and finds out anew for each of them which of its
methods belong to which kind of node: for the operations that clients send this was half of the time from text to plan.
Two things are left out here, neither of which can change a finding:

- Rules about something that takes a certain character or word to write down (variables: `$`), where it is not in the
  text. A string or a comment may hold it too; then the rule runs for nothing.
- Rules at kinds of nodes for which they have no method. Which have one is remembered per class.

The order of findings is that of `graphql.validate`, since rules keep their order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphql import (
    BREAK,
    SKIP,
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    ParallelVisitor,
    TypeInfo,
    TypeInfoVisitor,
    ValidationContext,
    Visitor,
    specified_rules,
    visit,
)
from graphql.language.visitor import EnterLeaveVisitor
from graphql.validation.validate import FragmentNestingVisitor, ValidationAbortedError

# Rule -> texts of which one must occur in a document for the rule to find anything. Names, because not all rules of
# graphql-core are public; one that is not listed always runs.
_NEEDS: dict[str, tuple[str, ...]] = {
    "UniqueVariableNamesRule": ("$",),
    "VariablesAreInputTypesRule": ("$",),
    "NoUndefinedVariablesRule": ("$",),
    "NoUnusedVariablesRule": ("$",),
    "VariablesInAllowedPositionRule": ("$",),
    "KnownDirectivesRule": ("@",),
    "UniqueDirectivesPerLocationRule": ("@",),
    "DeferStreamDirectiveOnRootField": ("@",),
    "DeferStreamDirectiveOnValidOperationsRule": ("@",),
    "DeferStreamDirectiveLabel": ("@",),
    "StreamDirectiveOnListField": ("@",),
    "UniqueFragmentNamesRule": ("fragment",),
    "NoUnusedFragmentsRule": ("fragment",),
    "NoFragmentCyclesRule": ("fragment",),
    "FragmentsOnCompositeTypesRule": ("...", "fragment"),
    "KnownFragmentNamesRule": ("...",),
    "PossibleFragmentSpreadsRule": ("...",),
    "KnownTypeNamesRule": ("...", "fragment", "$"),
    "KnownArgumentNamesRule": ("(",),
    "UniqueArgumentNamesRule": ("(",),
    "UniqueInputFieldNamesRule": ("(",),
    "ValuesOfCorrectTypeRule": ("(",),
    "SingleFieldSubscriptionsRule": ("subscription",),
    "MaxIntrospectionDepthRule": ("__",),
}

# (class of a rule, kind of node) -> names of its methods for entering and leaving, or empty.
_METHODS: dict[tuple[type[Visitor], str], tuple[str, str]] = {}


def validate(
    schema: GraphQLSchema, document: DocumentNode, *, max_errors: int, hide_suggestions: bool = False
) -> list[GraphQLError]:
    """
    What is wrong with a document, as `graphql.validate` says it.

    Args:
        schema: A valid schema.
        document: Parsed with locations, which hold its text.
        max_errors: How many findings there may be.
        hide_suggestions: Whether to say nothing of names that might have been meant.

    Returns:
        The findings; the last is a `ValidationAbortedError` where the rest was not looked at.
    """
    errors: list[GraphQLError] = []

    def found(error: GraphQLError) -> None:
        if len(errors) >= max_errors:
            raise ValidationAbortedError("There are more errors.")
        errors.append(error)

    info = TypeInfo(schema)
    context = ValidationContext(schema, document, info, found, hide_suggestions)
    text = document.loc.source.body if document.loc else None
    rules: list[Visitor] = [rule(context) for rule in rules_for(text)]
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    if fragments:
        rules.insert(0, FragmentNestingVisitor(fragments))
    try:
        visit(document, TypeInfoVisitor(info, _Rules(rules)))
    except (ValidationAbortedError, RecursionError):
        # A new one: that which was caught holds all the frames.
        errors.append(ValidationAbortedError("Validation was aborted."))
    return errors


def rules_for(text: str | None) -> list[type[ASTValidationRule]]:
    """The rules that can find anything in a text; all of them if there is none."""
    return [
        rule
        for rule in specified_rules
        if text is None or any(sign in text for sign in _NEEDS.get(rule.__name__, ("",)))
    ]


class _Rules(ParallelVisitor):
    """All rules side by side; at each kind of node those that have a method for it."""

    def get_enter_leave_for_kind(self, kind: str) -> EnterLeaveVisitor:
        known = self.enter_leave_map.get(kind)
        if known is None:
            known = self.enter_leave_map[kind] = self._find(kind)
        return known

    def _find(self, kind: str) -> EnterLeaveVisitor:
        skipping = self.skipping
        enters: list[tuple[int, Callable[..., Any]]] = []
        leaves: list[tuple[int, Callable[..., Any] | None]] = []
        for index, visitor in enumerate(self.visitors):
            enter_name, leave_name = _methods(type(visitor), kind)
            if enter_name:
                enters.append((index, getattr(visitor, enter_name)))
            if enter_name or leave_name:
                # What skips a node on entering it is woken up on leaving, even if it does nothing there.
                leaves.append((index, getattr(visitor, leave_name) if leave_name else None))

        def enter(node: Node, *around: Any) -> None:
            for index, method in enters:
                if skipping[index] is None:
                    _note(method(node, *around), node, skipping, index)

        def leave(node: Node, *around: Any) -> None:
            for index, method in leaves:
                if skipping[index] is node:
                    skipping[index] = None
                elif method is not None and skipping[index] is None:
                    _note(method(node, *around), None, skipping, index)

        return EnterLeaveVisitor(enter if enters else None, leave if leaves else None)


def _note(result: Any, node: Node | None, skipping: list[Any], index: int) -> None:
    """Remember a rule's wish to see no more of a node, or no more at all; rules do not edit."""
    if result is BREAK or result is True:
        skipping[index] = BREAK
    elif node is not None and (result is SKIP or result is False):
        skipping[index] = node


def _methods(rule: type[Visitor], kind: str) -> tuple[str, str]:
    found = _METHODS.get((rule, kind))
    if found is None:
        found = _METHODS[rule, kind] = (_method(rule, "enter", kind), _method(rule, "leave", kind))
    return found


def _method(rule: type[Visitor], moment: str, kind: str) -> str:
    names: Sequence[str] = (f"{moment}_{kind}", moment)
    return next((name for name in names if hasattr(rule, name)), "")
