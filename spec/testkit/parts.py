"""Plans with deferred parts, made comparable: all parts in one answer, or the first answer alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graphql import REMOVE, DirectiveNode, Visitor, parse, print_ast, visit

from kong_federation.plan import Composite, Defer, ListOf, NonNull, OutputType, QueryPlan, Sequence, Variant


def in_one(plan: QueryPlan) -> QueryPlan:
    """The plan whose answer holds all parts."""
    if not isinstance(plan.node, Defer):
        return plan
    nodes = (plan.node.primary, *(part.node for part in plan.node.deferred))
    return replace(plan, node=Sequence(tuple(node for node in nodes if node is not None)))


def first_answer(plan: QueryPlan) -> QueryPlan:
    """The plan whose answer is the first one of a plan with deferred parts."""
    assert isinstance(plan.node, Defer)
    return replace(plan, node=plan.node.primary, output=_Pruned().composite(plan.output))


def without_defer(text: str) -> str:
    """The document without `@defer`."""

    class Remover(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> Any:
            return REMOVE if node.name.value == "defer" else None

    return print_ast(visit(parse(text), Remover())) if "@defer" in text else text


class _Pruned:
    """Outputs without fields of deferred parts; what is shared stays shared."""

    def __init__(self) -> None:
        self._known: dict[int, Composite] = {}

    def composite(self, output: Composite) -> Composite:
        if id(output) not in self._known:
            variants = tuple(
                Variant(
                    variant.types,
                    tuple(replace(one, type=self._type(one.type)) for one in variant.fields if one.part is None),
                )
                for variant in output.variants
            )
            self._known[id(output)] = replace(output, variants=variants)
        return self._known[id(output)]

    def _type(self, output: OutputType) -> OutputType:
        if isinstance(output, NonNull | ListOf):
            return replace(output, of=self._type(output.of))
        return self.composite(output) if isinstance(output, Composite) else output
