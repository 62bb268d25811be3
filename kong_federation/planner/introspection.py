"""`__schema` and `__type` of an operation as a document of their own, which the gateway answers itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from graphql import (
    FragmentDefinitionNode,
    FragmentSpreadNode,
    Node,
    VariableNode,
    Visitor,
    print_ast,
    visit,
)

from kong_federation.operation import Want
from kong_federation.plan import Introspect


def introspection(
    wants: Iterable[Want], fragments: Mapping[str, FragmentDefinitionNode], definitions: Mapping[str, str]
) -> Introspect | None:
    """
    The node that answers the introspection fields among the root's wants.

    Args:
        wants: The root's wants.
        fragments: The client's fragments, of which those that are used go along.
        definitions: The client's variable definitions by name, as text.
    """
    fields = [node for want in wants for node in want.nodes]
    if not fields:
        return None
    found = _Used(fragments)
    for node in fields:
        visit(node, found)
    used = tuple(sorted(found.variables))
    head = f"query({','.join(definitions[name] for name in used)})" if used else ""
    body = " ".join(map(print_ast, fields))
    parts = [f"{head}{{{body}}}", *(print_ast(fragments[name]) for name in found.fragments)]
    return Introspect("\n".join(parts), used)


class _Used(Visitor):
    """Collects the variables and fragments that nodes use, through fragments too."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.fragments: dict[str, None] = {}
        self._known = fragments

    def enter(self, node: Node, *_: object) -> None:
        if isinstance(node, VariableNode):
            self.variables.add(node.name.value)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in self.fragments:
            self.fragments[node.name.value] = None
            visit(self._known[node.name.value], self)
