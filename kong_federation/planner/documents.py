"""
Steps to GraphQL text: minified, because it is sent with every request.

    { __typename id ... on Book { title } }    for objects of an interface
    ... on Product { name }                    for entities

A field that all possible types are asked for stands on the interface itself, if the subgraph's interface has it;
otherwise it stands in a fragment per type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kong_federation.operation import ALWAYS, When
from kong_federation.planner.steps import Step, Tree, TreeField
from kong_federation.querygraph import QueryGraph


class Printer:
    """
    Prints steps.

    Args:
        graph: The query graph, for what the subgraphs' types are.
        variables: The client's variable definitions by name, as text: `$limit:Int=1`.
    """

    def __init__(self, graph: QueryGraph, variables: Mapping[str, str]) -> None:
        self._graph = graph
        self._variables = variables

    def selection(self, step: Step) -> str:
        """What a step selects, with braces."""
        if not step.inputs:
            return self._tree(step.tree, step.graph)
        parts = ["__typename"] if step.tree.typename else []
        fragments: dict[str, dict[TreeField, None]] = {}
        for field in step.tree.fields.values():
            for runtime_type in sorted(field.types):
                known = step.inputs.get(runtime_type)
                on = known.typename if known else runtime_type
                fragments.setdefault(on, {})[field] = None
        for on, fields in fragments.items():
            inner = " ".join(text for field in fields for text in self._field(field, step.graph))
            parts.append(f"...on {on}{{{inner}}}")
        return "{" + " ".join(parts or ["__typename"]) + "}"

    def document(self, kind: str, name: str, head: list[str], used: frozenset[str], body: str) -> str:
        """
        A whole document.

        Args:
            kind: `query` or `mutation`.
            name: The operation's name, or empty.
            head: Variable definitions of our own.
            used: The client's variables that it uses.
            body: The selection set with braces.
        """
        definitions = [*head, *(self._variables[variable] for variable in sorted(used))]
        if kind == "query" and not name and not definitions:
            return body
        listed = f"({','.join(definitions)})" if definitions else ""
        return f"{kind}{' ' + name if name else ''}{listed}{body}"

    def _tree(self, tree: Tree, graph: str) -> str:
        parts = ["__typename"] if tree.typename else []
        fragments: dict[str, list[str]] = {}
        abstract = self._graph.is_abstract(graph, tree.static_type)
        possible = self._graph.possible(graph, tree.static_type)
        for field in tree.fields.values():
            texts = self._field(field, graph)
            if not abstract or self._on_interface(field, tree.static_type, graph, possible):
                parts += texts
                continue
            for runtime_type in sorted(field.types):
                fragments.setdefault(runtime_type, []).extend(texts)
        parts += [f"...on {on}{{{' '.join(texts)}}}" for on, texts in fragments.items()]
        return "{" + " ".join(parts or ["__typename"]) + "}"

    def _on_interface(self, field: TreeField, interface: str, graph: str, possible: tuple[str, ...]) -> bool:
        if not field.types.issuperset(self._public(possible)):
            return False
        return self._graph.interface_field_type(graph, interface, field.data.name) == field.move.type_name

    def _public(self, names: tuple[str, ...]) -> set[str]:
        return {name for name in names if not self._graph.is_inaccessible(name)}

    def _field(self, field: TreeField, graph: str) -> list[str]:
        data = field.data
        alias = f"{data.key}:" if data.key != data.name else ""
        below = self._tree(field.tree, graph) if field.tree is not None else ""
        return [f"{alias}{data.name}{data.arguments}{directives}{below}" for directives in _directives(field.when)]


def variables_used(tree: Tree) -> frozenset[str]:
    """The client's variables that a selection uses, in arguments and conditions."""
    return frozenset(_variables(tree))


def _variables(tree: Tree) -> Iterator[str]:
    for field in tree.fields.values():
        yield from field.variables
        for conjunction in field.when:
            for variable, _ in conjunction:
                yield variable
        if field.tree is not None:
            yield from _variables(field.tree)


def _directives(when: When) -> list[str]:
    """The field's directives, one text per alternative: a field asked for under two conditions is printed twice."""
    if when == ALWAYS:
        return [""]
    return [
        "".join(f"@{'include' if wanted else 'skip'}(if:${variable})" for variable, wanted in sorted(conjunction))
        for conjunction in when
    ]
