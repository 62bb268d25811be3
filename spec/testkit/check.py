"""
Is a plan valid? Decided from the plan and the supergraph alone, without the planner's own reasoning.

The plan is run on what is known instead of on data (`known`): every runtime type that a position can have is followed,
and every assignment of the variables that decide conditions. What is looked at:

- each fetch's document is valid in its subgraph's schema, and each field in it is resolvable there: in force, and not
  external unless it is a key field or the way to it provides it;
- each representation has a resolvable key of its subgraph, and what the fields below it require, all of it fetched
  before and under the right arguments;
- each field of the answer is fetched for every type, from the right field (see `check_answer`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    parse,
    validate,
)

from kong_federation.plan import (
    Condition,
    Fetch,
    Flatten,
    Introspect,
    Key,
    Parallel,
    QueryPlan,
    Representation,
    RepresentationField,
    Sequence,
)
from kong_federation.plan import (
    Node as PlanNode,
)
from kong_federation.planner import Planner
from kong_federation.selection import SelectionSet, arguments_text, fields_on, narrow
from kong_federation.supergraph import JoinField, named_type
from spec.testkit.check_answer import answer_problems, deciding, holds
from spec.testkit.extract import extract
from spec.testkit.facts import Facts
from spec.testkit.known import Node, Turn, reached
from spec.testkit.whole import Whole

# Assignments of conditions' variables that are looked at, at most.
_ASSIGNMENTS = 64


@dataclass(frozen=True, slots=True)
class Carried:
    """The representation that brought an object into a subgraph, and where the object is."""

    fields: tuple[RepresentationField, ...]
    node: Node
    runtime_type: str


@dataclass(frozen=True, slots=True)
class At:
    """
    Where a selection is walked.

    Args:
        graph: The subgraph.
        node: What is known of the objects.
        runtime_type: The type that is followed.
        now: When.
        provided: What the way to the objects provides.
        carried: Their representation, if they just entered the subgraph.
    """

    graph: str
    node: Node
    runtime_type: str
    now: Turn
    provided: SelectionSet = ()
    carried: Carried | None = None


class Checker:
    """
    Checks plans of one supergraph.

    Args:
        planner: Only asked for its supergraph and public schema.
        labels: Active labels of progressive overrides.
    """

    def __init__(self, planner: Planner, labels: frozenset[str] = frozenset()) -> None:
        supergraph = planner.supergraph
        document = Whole(supergraph).document
        self.api = planner.api_schema
        self.facts = Facts(supergraph, labels)
        self.graphs = {subgraph.name: graph for graph, subgraph in supergraph.graphs.items()}
        self.schemas = {graph: extract(supergraph, document, graph) for graph in supergraph.graphs}

    def problems(self, plan: QueryPlan, text: str) -> list[str]:
        """All that is wrong with a plan for an operation, each thing once."""
        found: dict[str, None] = {}
        idle: list[Mapping[str, str]] = []
        client = parse(text)
        operation = next(item for item in client.definitions if isinstance(item, OperationDefinitionNode))
        variables = sorted(deciding(client))
        for values in islice(product((True, False), repeat=len(variables)), _ASSIGNMENTS):
            given = dict(zip(variables, values, strict=True))
            root = Node(frozenset({self.facts.supergraph.roots[plan.kind.value]}))
            passage = _Passage(self, root, given)
            found.update(dict.fromkeys(passage.run(plan.node)))
            found.update(dict.fromkeys(answer_problems(self.api, client, operation, plan.output, root, given)))
            idle.append(passage.idle)
        if not variables:
            # Under conditions that exclude each other a fetch may be planned that never has anything to ask.
            found.update(dict.fromkeys(f"{name}: {reason}" for name, reason in idle[0].items()))
        return list(found)


class _Passage:
    """One passage through a plan, under one assignment of variables."""

    def __init__(self, checker: Checker, root: Node, given: Mapping[str, bool]) -> None:
        self.idle: dict[str, str] = {}
        self._checker = checker
        self._facts = checker.facts
        self._types = checker.facts.supergraph.types
        self._root = root
        self._given = given
        self._fragments: dict[str, FragmentDefinitionNode] = {}
        self._contextual: set[str] = set()
        self._parallels = 0

    def run(self, node: PlanNode | None, now: Turn = ()) -> Iterator[str]:
        match node:
            case Fetch():
                yield from (f"fetch {node.id} ({node.subgraph}): {problem}" for problem in self._fetch(node, now))
            case Introspect(document):
                for field in _operation(parse(document)).selection_set.selections:
                    if isinstance(field, FieldNode):
                        arguments = arguments_text(field.arguments or ())
                        self._root.put(min(self._root.types), _key(field), field.name.value, arguments, now)
            case Sequence(nodes):
                for inner in nodes:
                    yield from self.run(inner, now)
            case Parallel(nodes):
                self._parallels += 1
                number = self._parallels
                for branch, inner in enumerate(nodes):
                    yield from self.run(inner, (*now, (number, branch)))
            case Condition(variable, when_true, when_false):
                yield from self.run(when_true if self._given[variable] else when_false, now)

    # --- fetches --------------------------------------------------------------------------------------------------

    def _fetch(self, fetch: Fetch, now: Turn) -> Iterator[str]:
        graph = self._checker.graphs[fetch.subgraph]
        document = parse(fetch.document)
        yield from (error.message for error in validate(self._checker.schemas[graph], document))
        operation = _operation(document)
        self._fragments = {
            item.name.value: item for item in document.definitions if isinstance(item, FragmentDefinitionNode)
        }
        defined = {item.variable.name.value for item in operation.variable_definitions or ()}
        self._contextual = {one.variable for flatten in fetch.flattens for one in flatten.contexts}
        if defined != {*fetch.variables, *(flatten.variable for flatten in fetch.flattens), *self._contextual}:
            yield f"it defines {sorted(defined)}, which is not what is sent"
        if operation.operation.value != fetch.kind.value:
            yield "its document is of another kind"
        if not fetch.flattens:
            for node, types, _ in reached(self._root, fetch.path, now):
                for runtime_type in types:
                    yield from self._selection(operation.selection_set, At(graph, node, runtime_type, now))
        for flatten in fetch.flattens:
            yield from self._flatten(fetch, flatten, operation, now)

    def _flatten(self, fetch: Fetch, flatten: Flatten, operation: OperationDefinitionNode, now: Turn) -> Iterator[str]:
        graph = self._checker.graphs[fetch.subgraph]
        inside = [
            field.selection_set
            for field in operation.selection_set.selections
            if isinstance(field, FieldNode) and _key(field) == flatten.key and field.selection_set is not None
        ]
        if len(inside) != 1:
            yield f"its document has no {flatten.key}"
            return
        for context in flatten.contexts:
            way, on = flatten.paths[0][: context.depth], flatten.paths[0][context.depth :]
            key = next(step.name for step in on if isinstance(step, Key))
            for node, types, _ in reached(self._root, way, now):
                # Objects of other types have nothing below that is asked for.
                for runtime_type in sorted(name for name in types if (name, key) in node.fields):
                    yield from self._sources(context.fields, node, runtime_type, now)
        idle = "its paths lead nowhere"
        asked = False
        for node, types, apart in (end for path in flatten.paths for end in reached(self._root, path, now)):
            if not apart:
                yield "its path cannot tell the objects' types"
            for runtime_type in sorted(types):
                fitting = (one for one in flatten.representations if not one.types or runtime_type in one.types)
                representation = next(fitting, None)
                if representation is None:
                    continue
                absent = next(self._absent(representation, node, runtime_type, now), None)
                if absent is not None:
                    idle = absent
                    continue
                asked = True
                yield from self._represented(representation, graph, node, runtime_type)
                carried = Carried(representation.fields, node, runtime_type)
                yield from self._selection(inside[0], At(graph, node, runtime_type, now, (), carried))
        if not asked:
            self.idle[f"fetch {fetch.id} ({fetch.subgraph}) asks for nothing by {flatten.key}"] = idle

    def _absent(self, representation: Representation, node: Node, runtime_type: str, now: Turn) -> Iterator[str]:
        """What an object lacks to be represented; it is left out then, and its fields are found missing later."""
        if not node.tells(runtime_type, now) and (representation.types or not representation.typename):
            yield f"nobody told before that an object is a {runtime_type}"
        yield from self._sources(representation.fields, node, runtime_type, now)

    def _sources(
        self, fields: tuple[RepresentationField, ...], node: Node, runtime_type: str, now: Turn
    ) -> Iterator[str]:
        for field in fields:
            if field.types and runtime_type not in field.types:
                continue
            found = node.get(runtime_type, field.source, now)
            if found is None:
                yield f"{runtime_type}.{field.source} was not fetched before"
            elif field.inner and found.node is not None:
                for below in sorted(found.node.types):
                    yield from self._sources(field.inner, found.node, below, now)

    def _represented(self, representation: Representation, graph: str, node: Node, runtime_type: str) -> Iterator[str]:
        sent = representation.typename or runtime_type
        membership = self._types[sent].joins.get(graph) if sent in self._types else None
        if membership is None or runtime_type not in self._facts.possible(graph, sent):
            yield f"a {runtime_type} is represented as {sent}, which it is not there"
            return
        keys = [key.fields for key in membership.keys if key.resolvable]
        if not any(not list(self._lacks(key, representation.fields, node, runtime_type)) for key in keys):
            yield f"no resolvable key of {sent} is in the representation of a {runtime_type}"

    def _lacks(
        self, wanted: SelectionSet, fields: tuple[RepresentationField, ...], node: Node, runtime_type: str
    ) -> Iterator[str]:
        """What a representation lacks of a field set."""
        for want in fields_on(wanted, self._facts.catalog.supertypes(runtime_type)):
            if want.name == "__typename":
                continue
            having = [one for one in fields if one.name == want.name and (not one.types or runtime_type in one.types)]
            if len({one.source for one in having}) != 1:
                yield f"{runtime_type}.{want.name} is {len(having)} times in the representation"
                continue
            found = node.fields.get((runtime_type, having[0].source))
            if found is None or (found.name, found.arguments) != (want.name, want.arguments):
                yield f"{runtime_type}.{want.name}{want.arguments} is not what the representation has"
            elif want.selections and found.node is not None:
                inner = tuple(below for one in having for below in one.inner)
                for below in sorted(found.node.types):
                    yield from self._lacks(want.selections, inner, found.node, below)

    # --- selections -----------------------------------------------------------------------------------------------

    def _selection(self, selection_set: SelectionSetNode, at: At) -> Iterator[str]:
        for selection in selection_set.selections:
            if not holds(selection.directives, self._given):
                continue
            if isinstance(selection, FieldNode):
                yield from self._field(selection, at)
                continue
            fragment: Any = selection
            if isinstance(selection, FragmentSpreadNode):
                fragment = self._fragments[selection.name.value]
            on = fragment.type_condition.name.value if fragment.type_condition else None
            if on is None or at.runtime_type in self._facts.possible(at.graph, on):
                yield from self._selection(fragment.selection_set, at)

    def _field(self, field: FieldNode, at: At) -> Iterator[str]:
        name, owner = field.name.value, at.runtime_type
        arguments = arguments_text([one for one in field.arguments or () if not self._is_contextual(one)])
        if name == "__typename":
            if at.graph in self._types[owner].joins:
                at.node.put(owner, _key(field), name, arguments, at.now)
            return
        join = self._facts.joins(owner, name).get(at.graph)
        if join is None:
            yield f"{owner}.{name} is not there"
            return
        yield from self._resolvable(join, name, at)
        found = at.node.put(owner, _key(field), name, arguments, at.now)
        if found is None:
            yield f"two fields of {owner} share the key {_key(field)}"
            return
        if field.selection_set is None:
            return
        types = self._facts.possible(at.graph, named_type(join.type))
        if found.node is None:
            found.node = Node(types)
        found.node.types &= types
        provided = join.provides + narrow(at.provided, name, self._facts.catalog.supertypes(owner))
        for below in sorted(found.node.types):
            yield from self._selection(field.selection_set, At(at.graph, found.node, below, at.now, provided))

    def _is_contextual(self, argument: ArgumentNode) -> bool:
        """Whether an argument is one that clients do not see."""
        value = argument.value
        return isinstance(value, VariableNode) and value.name.value in self._contextual

    def _resolvable(self, join: JoinField, name: str, at: At) -> Iterator[str]:
        names, owner = self._facts.catalog.supertypes(at.runtime_type), at.runtime_type
        is_key = any(
            field.name == name
            for above in names
            if above in self._types and (membership := self._types[above].joins.get(at.graph)) is not None
            for key in membership.keys
            for field in fields_on(key.fields, names)
        )
        if not self._facts.in_force(join) and not is_key:
            yield f"{owner}.{name} is overridden"
        if join.external and not is_key and not any(one.name == name for one in fields_on(at.provided, names)):
            yield f"{owner}.{name} is external and not provided"
        if join.requires and at.carried is None:
            yield f"{owner}.{name} needs a representation"
        elif join.requires and at.carried is not None:
            carried = at.carried
            for lack in self._lacks(join.requires, carried.fields, carried.node, carried.runtime_type):
                yield f"{owner}.{name} requires more: {lack}"


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    (operation,) = (item for item in document.definitions if isinstance(item, OperationDefinitionNode))
    return operation


def _key(field: FieldNode) -> str:
    return field.alias.value if field.alias else field.name.value
