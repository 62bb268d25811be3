"""
Steps to GraphQL text: minified, because it is sent with every request.

    { __typename id ... on Book { title } }    for objects of an interface
    ... on Product { name }                    for entities

A field that all possible types are asked for stands on the interface itself, if the subgraph's interface has it;
otherwise it stands in a fragment per type. What is selected below such a field is then written once, as a named
fragment: types nested in types would otherwise multiply the document at each level.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kong_federation.limits import Budget
from kong_federation.operation import NO_CONDITION, Conjunction, variables_of
from kong_federation.planner.data import ALIAS_PREFIX
from kong_federation.planner.steps import Step, Tree, TreeField
from kong_federation.querygraph import QueryGraph
from kong_federation.supergraph import Kind

# A selection that would stand in several places becomes a named fragment if it has so many characters: below that, a
# document with fragments is no shorter and harder to read.
_CHARACTERS = 100

_WITHOUT_FRACTIONS = frozenset({"Boolean", "ID", "Int", "String"})


@dataclass(frozen=True, slots=True)
class Printed:
    """
    GraphQL text and the named fragments it needs.

    Args:
        text: The text.
        fragments: Names of the fragments that are spread in it, directly or through others.
    """

    text: str
    fragments: frozenset[str] = frozenset()


class Printer:
    """
    Prints steps.

    Args:
        graph: The query graph, for what the subgraphs' types are.
        variables: The client's variable definitions by name, as text: `$limit:Int=1`.
        budget: One step is one field printed.
    """

    def __init__(self, graph: QueryGraph, variables: Mapping[str, str], budget: Budget) -> None:
        self._graph = graph
        self._budget = budget
        self._variables = variables
        self._names: dict[str, str] = {}

    def selection(self, step: Step) -> Printed:
        """What a step selects, with braces."""
        if not step.inputs:
            return self._tree(step.tree, step.graph)
        places: dict[str, dict[TreeField, None]] = {}
        for field in step.tree.fields.values():
            for runtime_type in sorted(field.types):
                known = step.inputs.get(runtime_type)
                places.setdefault(known.typename if known else runtime_type, {})[field] = None
        copies = Counter(field for fields in places.values() for field in fields)
        printed = {field: self._field(field, step.graph, copies[field]) for field in copies}
        parts = ["__typename"] if step.tree.typename else []
        for on, fields in places.items():
            parts.append(f"...on {on}{{{' '.join(printed[field].text for field in fields)}}}")
        return _braced(parts or ["__typename"], printed.values())

    def document(self, kind: str, name: str, head: list[str], used: frozenset[str], body: Printed) -> str:
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
        listed = f"({','.join(definitions)})" if definitions else ""
        plain = kind == "query" and not name and not definitions
        operation = body.text if plain else f"{kind}{' ' + name if name else ''}{listed}{body.text}"
        fragments = [f"fragment {label} {text}" for text, label in self._names.items() if label in body.fragments]
        return " ".join([operation, *fragments])

    def is_exact(self, tree: Tree) -> bool:
        """Whether a selection has a leaf whose numbers must stay as the subgraph writes them."""
        return any(
            self.is_exact(field.tree) if field.tree is not None else self._may_be_any_number(field.move.type_name)
            for field in tree.fields.values()
        )

    def _may_be_any_number(self, leaf: str) -> bool:
        info = self._graph.catalog.info(leaf)
        return leaf not in _WITHOUT_FRACTIONS and (info is None or info.kind is not Kind.ENUM)

    def _tree(self, tree: Tree, graph: str) -> Printed:
        abstract = self._graph.is_abstract(graph, tree.static_type)
        possible = self._graph.possible(graph, tree.static_type)
        parts = ["__typename"] if tree.typename else []
        apart: dict[str, list[str]] = {}
        printed = []
        for field in tree.fields.values():
            together = not abstract or self._on_interface(field, tree.static_type, graph, possible)
            found = self._field(field, graph, 1 if together else len(field.types))
            printed.append(found)
            if together:
                parts.append(found.text)
                continue
            for runtime_type in sorted(field.types):
                apart.setdefault(runtime_type, []).append(found.text)
        parts += [f"...on {on}{{{' '.join(texts)}}}" for on, texts in apart.items()]
        return _braced(parts or [self._anything(tree, graph)], printed)

    def _anything(self, tree: Tree, graph: str) -> str:
        """What is selected where nothing is wanted, because GraphQL has no empty selections."""
        # Under its own name, what an interface object says would be taken for the objects' type.
        named = self._graph.is_interface_object(graph, tree.static_type)
        return f"{ALIAS_PREFIX}:__typename" if named else "__typename"

    def _on_interface(self, field: TreeField, interface: str, graph: str, possible: tuple[str, ...]) -> bool:
        for name in possible:
            if name not in field.types and not self._along(field, name, graph):
                return False
        return self._graph.interface_field_type(graph, interface, field.data.name) == field.move.type_name

    def _along(self, field: TreeField, runtime_type: str, graph: str) -> bool:
        """Whether a field may be asked of objects that clients cannot see, though nobody wants it of them."""
        if not self._graph.is_inaccessible(runtime_type):
            return False
        move = self._graph.field(graph, runtime_type, field.data.name)
        return move is not None and move.plain and not move.external

    def _field(self, field: TreeField, graph: str, copies: int) -> Printed:
        self._budget.spend()
        data = field.data
        alias = f"{data.key}:" if data.key != data.name else ""
        alternatives = field.when or (NO_CONDITION,)
        below = self._tree(field.tree, graph) if field.tree is not None else Printed("")
        if field.tree is not None and copies * len(alternatives) > 1 and len(below.text) > _CHARACTERS:
            text = f"on {field.tree.static_type}{below.text}"
            name = self._names.setdefault(text, f"{ALIAS_PREFIX}{len(self._names)}")
            below = Printed(f"{{...{name}}}", below.fragments | {name})
        call = f"{alias}{data.name}{_arguments(field)}"
        # A field asked for under two conditions is printed twice.
        texts = (_guarded(call, conjunction, below.text) for conjunction in alternatives)
        return Printed(" ".join(texts), below.fragments)


def _braced(parts: list[str], printed: Iterable[Printed]) -> Printed:
    fragments = frozenset(name for one in printed for name in one.fragments)
    return Printed("{" + " ".join(parts) + "}", fragments)


def _arguments(field: TreeField) -> str:
    """The client's arguments, and those it does not see."""
    contextual = [f"{name}: ${variable}" for name, variable in field.contextual]
    given = field.data.arguments[1:-1]
    listed = ", ".join([given, *contextual] if given else contextual)
    return f"({listed})" if listed else ""


def variables_used(tree: Tree) -> frozenset[str]:
    """The client's variables that a selection uses, in arguments and conditions."""
    return frozenset(_variables(tree))


def _variables(tree: Tree) -> Iterator[str]:
    for field in tree.fields.values():
        yield from field.variables
        yield from variables_of(field.when)
        if field.tree is not None:
            yield from _variables(field.tree)


def _guarded(call: str, conjunction: Conjunction, below: str) -> str:
    """
    A field under all tests of a conjunction.

    A field may have one `@include` and one `@skip`; further tests stand on inline fragments around it.
    """
    includes = [f"@include(if:${variable})" for variable, wanted in sorted(conjunction) if wanted]
    skips = [f"@skip(if:${variable})" for variable, wanted in sorted(conjunction) if not wanted]
    text = f"{call}{''.join((*includes[:1], *skips[:1]))}{below}"
    for directive in (*includes[1:], *skips[1:]):
        text = f"...{directive}{{{text}}}"
    return text
