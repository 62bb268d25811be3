"""
GraphQL selection sets to `Shape`s (GraphQL specification, section 6.3.2, CollectFields).

It ends because fragments cannot be cyclic in a valid document. Work is shared: a selection set that is reached on two
ways for one type gives one shape, so a fragment that is spread in many places is collected once. What cannot be shared
(documents whose fragments double at each level) is bounded by the budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    Node,
    SelectionSetNode,
    VariableNode,
)

from kong_federation.limits import Budget
from kong_federation.operation.conditions import NO_CONDITION, Conjunction, conjoin, either
from kong_federation.operation.deferrals import AT_ONCE, Deferral, Deferrals, below, common, read_deferral
from kong_federation.operation.order import Turn, find_turns
from kong_federation.operation.shape import Shape, Want
from kong_federation.selection import arguments_text
from kong_federation.supergraph import Catalog, named_type

# Under which circumstances something is selected.
_Around: TypeAlias = tuple[Conjunction, Deferrals]
_Part: TypeAlias = tuple[SelectionSetNode, _Around]

ALL_AROUND: _Around = (NO_CONDITION, AT_ONCE)

_INTROSPECTION = {"__schema": "__Schema!", "__type": "__Type"}


class Collector:
    """
    Collects the fields of one document.

    Args:
        catalog: The public types.
        fragments: The document's fragments by name.
        budget: One step is one field of one runtime type.
    """

    def __init__(self, catalog: Catalog, fragments: Mapping[str, FragmentDefinitionNode], budget: Budget) -> None:
        self._catalog = catalog
        self._fragments = fragments
        self._budget = budget
        self._shapes: dict[tuple[str, tuple[tuple[int, _Around], ...]], Shape] = {}
        self._deferrals: dict[int, Deferral | None] = {}

    @property
    def defers(self) -> bool:
        """Whether anything that was collected stands in a deferred fragment."""
        return any(self._deferrals.values())

    def shape(self, type_name: str, parts: tuple[_Part, ...]) -> Shape:
        """
        What the selection sets want of objects of a type.

        Args:
            type_name: An object, interface or union.
            parts: Selection sets that are merged, each with the condition and the deferred fragments it stands in.
        """
        key = (type_name, tuple((id(part), around) for part, around in parts))
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._shapes[key] = Shape(type_name)
            lists: dict[object, tuple[Want, ...]] = {}
            for runtime_type in self._catalog.possible(type_name):
                wants, turns = self._wants(runtime_type, parts)
                same = (
                    tuple(turns or ()),
                    *(
                        (want.key, want.name, want.arguments, want.type, want.when, id(want.shape), want.deferrals)
                        for want in wants
                    ),
                )
                wants = shape.by_type[runtime_type] = lists.setdefault(same, wants)
                if turns is not None:
                    by_key = {want.key: want for want in wants}
                    shape.turns[runtime_type] = tuple((by_key[key], when) for key, when in turns)
        return shape

    def _wants(self, runtime_type: str, parts: tuple[_Part, ...]) -> tuple[tuple[Want, ...], list[Turn] | None]:
        """What is wanted of a type; and the turns, where the order depends on variables."""
        selected: list[tuple[str, Conjunction]] = []
        found: dict[str, list[tuple[FieldNode, _Around]]] = {}
        seen: set[tuple[str, _Around]] = set()
        for selection_set, around in parts:
            for node, under in self._fields(runtime_type, selection_set, around, seen):
                key = node.alias.value if node.alias else node.name.value
                found.setdefault(key, []).append((node, under))
                selected.append((key, under[0]))
        wants = tuple(self._want(runtime_type, key, nodes) for key, nodes in found.items())
        # Whoever is always there at its first place has no other.
        if all(nodes[0][1][0] == NO_CONDITION or len(nodes) == 1 for nodes in found.values()):
            return wants, None
        return wants, find_turns(selected, self._budget)

    def _fields(
        self,
        runtime_type: str,
        selection_set: SelectionSetNode,
        around: _Around,
        seen: set[tuple[str, _Around]],
    ) -> Iterator[tuple[FieldNode, _Around]]:
        for node in selection_set.selections:
            self._budget.spend()
            under = self._around(node.directives, around) if node.directives else around
            if under is None:
                continue
            if isinstance(node, FieldNode):
                yield node, under
                continue
            fragment: Node = node
            if isinstance(node, FragmentSpreadNode):
                if (node.name.value, under) in seen:
                    continue
                seen.add((node.name.value, under))
                fragment = self._fragments[node.name.value]
            assert isinstance(fragment, InlineFragmentNode | FragmentDefinitionNode)
            on = fragment.type_condition
            if on is None or on.name.value in self._catalog.supertypes(runtime_type):
                yield from self._fields(runtime_type, fragment.selection_set, under, seen)

    def _around(self, directives: tuple[DirectiveNode, ...], around: _Around) -> _Around | None:
        """What is around a node, with its own `@skip`, `@include` and `@defer`; None if it can never be selected."""
        condition, deferrals = around
        under = _under(directives, condition)
        if under is None:
            return None
        for directive in directives:
            if directive.name.value == "defer":
                if id(directive) not in self._deferrals:
                    self._deferrals[id(directive)] = read_deferral(directive)
                deferral = self._deferrals[id(directive)]
                if deferral is not None:
                    deferrals = (*deferrals, (deferral, 0))
        return under, deferrals

    def _want(self, owner: str, key: str, nodes: list[tuple[FieldNode, _Around]]) -> Want:
        first = nodes[0][0]
        name = first.name.value
        conditions = {condition for _, (condition, _) in nodes}
        deferrals = common(deferrals for _, (_, deferrals) in nodes)
        # Alternatives are compared with each other.
        self._budget.spend(len(conditions) ** 2)
        when = either(conditions)
        variables = frozenset(variable for argument in first.arguments or () for variable in variables_in(argument))
        arguments = arguments_text(first.arguments or ())
        if name == "__typename":
            return Want(key, name, "", frozenset(), "String!", None, when, deferrals=deferrals)
        if name in _INTROSPECTION:
            every = tuple(node for node, _ in nodes)
            return Want(key, name, arguments, variables, _INTROSPECTION[name], None, when, every)
        info = self._catalog.field(owner, name)
        assert info is not None, "the document was validated"
        shape = None
        if first.selection_set is not None:
            # A condition that all nodes share already guards the field itself.
            shared = len(conditions) == 1
            parts = tuple(
                (node.selection_set, (NO_CONDITION if shared else condition, below(around)))
                for node, (condition, around) in nodes
                if node.selection_set is not None
            )
            shape = self.shape(named_type(info.type), parts)
        return Want(key, name, arguments, variables, info.type, shape, when, deferrals=deferrals)


def variables_in(node: Node) -> Iterator[str]:
    """The variables that a value or argument uses, at any depth."""
    if isinstance(node, VariableNode):
        yield node.name.value
        return
    for attribute in ("value", "values", "fields"):
        child = getattr(node, attribute, None)
        if isinstance(child, Node):
            yield from variables_in(child)
        elif isinstance(child, tuple | list):
            for item in child:
                yield from variables_in(item)


def _under(directives: tuple[DirectiveNode, ...], condition: Conjunction) -> Conjunction | None:
    """The condition together with a node's own `@skip` and `@include`; None if it can never hold."""
    for directive in directives:
        name = directive.name.value
        if name not in {"skip", "include"}:
            continue
        wanted = name == "include"
        value = next(argument.value for argument in directive.arguments or () if argument.name.value == "if")
        if isinstance(value, BooleanValueNode):
            if value.value is not wanted:
                return None
        elif isinstance(value, VariableNode):
            both = conjoin(condition, frozenset({(value.name.value, wanted)}))
            if both is None:
                return None
            condition = both
    return condition
