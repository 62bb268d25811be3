"""
The planner: one valid operation and the supergraph to a plan.

    parse > choose > validate > normalise > search > build > schedule > emit > output

`search` decides which subgraph resolves what, `build` writes that down as steps, `schedule` puts steps into requests,
`emit` turns requests into plan nodes; `output` says how the answer is read off the data.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import GraphQLSchema, execute_sync, parse

from kong_federation.errors import FederationError
from kong_federation.errors.codes import INTERNAL_SERVER_ERROR, NO_PLAN, QUERY_PLANNING_LIMIT, UNSUPPORTED_OPERATION
from kong_federation.limits import Budget
from kong_federation.operation import (
    Operation,
    Want,
    When,
    check_document,
    choose_operation,
    normalize,
    parse_document,
)
from kong_federation.plan import Fetch, Introspect, Node, OperationKind, Parallel, QueryPlan, Sequence, Subscription
from kong_federation.planner.build import Builder
from kong_federation.planner.data import DataField, DataNode
from kong_federation.planner.decisions import Decision
from kong_federation.planner.documents import Printer
from kong_federation.planner.emit import Emitter
from kong_federation.planner.inputs import definition_text, variables_of
from kong_federation.planner.introspection import introspection
from kong_federation.planner.options import PlannerOptions
from kong_federation.planner.output import Outputs
from kong_federation.planner.schedule import schedule
from kong_federation.planner.search import Search
from kong_federation.planner.stages import Run, Stages
from kong_federation.planner.steps import Site
from kong_federation.querygraph import QueryGraph
from kong_federation.supergraph import Catalog, Supergraph, api_schema

# Sets of override labels for which the query graph is kept.
_KEPT_GRAPHS = 16


Binding = tuple[DataNode, str, Want]


class Planner:
    """
    Plans operations on one supergraph.

    Args:
        supergraph: The model.
        options: Limits.

    Raises:
        FederationError: SUPERGRAPH_INVALID where the public schema is not valid.
    """

    def __init__(self, supergraph: Supergraph, options: PlannerOptions | None = None) -> None:
        self.supergraph = supergraph
        self.api_schema: GraphQLSchema = api_schema(supergraph)
        self._options = options or PlannerOptions()
        self._catalog = Catalog(supergraph, public=True)
        self._graphs: dict[frozenset[str], QueryGraph] = {}
        self._names = {graph: subgraph.name for graph, subgraph in supergraph.graphs.items()}

    def plan(
        self, text: str, operation_name: str | None = None, override_labels: frozenset[str] = frozenset()
    ) -> QueryPlan:
        """
        Plan one operation of a document.

        Args:
            text: The client's document.
            operation_name: Which of its operations; may be None if there is one.
            override_labels: Labels of progressive overrides that are active.

        Raises:
            FederationError: The document or the operation name is at fault, or planning took too much.
            FederationErrors: The document does not fit the schema.
        """
        return self.stages(text, operation_name, override_labels).plan

    def stages(
        self, text: str, operation_name: str | None = None, override_labels: frozenset[str] = frozenset()
    ) -> Stages:
        """Plan as `plan` does, and keep what each stage came to."""
        document = parse_document(text)
        node = choose_operation(document, operation_name)
        try:
            check_document(self.api_schema, document)
            budget = Budget(self._options.max_steps, time.monotonic() + self._options.timeout)
            operation = normalize(self.supergraph, self._catalog, document, node, budget)
            return self._plan(operation, self._graph(override_labels), budget)
        except RecursionError as error:
            message = "The operation is nested too deeply to be planned."
            raise FederationError(QUERY_PLANNING_LIMIT, message) from error

    def introspect(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """
        Answer the document of an `Introspect` node.

        Raises:
            FederationError: INTERNAL_SERVER_ERROR, which a valid operation cannot cause.
        """
        result = execute_sync(self.api_schema, parse(document, no_location=True), variable_values=dict(variables))
        if result.errors or result.data is None:
            raise FederationError(INTERNAL_SERVER_ERROR, f"introspection failed: {result.errors}")
        return dict(result.data)

    def _graph(self, labels: frozenset[str]) -> QueryGraph:
        if labels not in self._graphs:
            if len(self._graphs) >= _KEPT_GRAPHS:
                self._graphs.clear()
            self._graphs[labels] = QueryGraph(self.supergraph, labels)
        return self._graphs[labels]

    def _plan(self, operation: Operation, graph: QueryGraph, budget: Budget) -> Stages:
        kind = OperationKind(operation.kind)
        search = Search(graph, budget)
        root, bound = DataNode(), dict[Binding, DataField]()
        runs = tuple(self._runs(operation, kind, search, root, bound))
        defined = operation.node.variable_definitions or ()
        definitions = {item.variable.name.value: definition_text(item) for item in defined}
        printer = Printer(graph, definitions, budget)
        emitter = Emitter(printer, bound, self._names, operation.name)
        nodes = [node for run in runs if (node := emitter.emit(run.requests)) is not None]
        asked = introspection(operation.shape.by_type[operation.root], operation.fragments, definitions)
        variables, inputs = variables_of(operation.node, self.api_schema)
        plan = QueryPlan(
            kind=kind,
            operation_name=operation.name,
            node=_whole(kind, nodes, asked),
            output=Outputs(self._catalog, bound, budget).composite(root, operation.shape),
            variables=variables,
            inputs=inputs,
        )
        return Stages(operation, runs, printer, plan, self._names)

    def _runs(
        self,
        operation: Operation,
        kind: OperationKind,
        search: Search,
        root: DataNode,
        bound: dict[Binding, DataField],
    ) -> Iterator[Run]:
        for wants in _together(operation, kind, search):
            decision = search.object(operation.root, wants, ())
            _refuse_missing(decision, operation)
            builder = Builder(search, kind, Site((), root))
            builder.build(operation.root, wants, decision)
            bound.update(builder.bound)
            yield Run(wants, decision, schedule(builder.steps))


def _together(operation: Operation, kind: OperationKind, search: Search) -> list[tuple[Want, ...]]:
    """
    The root wants that are planned together: all of a query; of a mutation, neighbours that go to one subgraph.

    Mutations run one after the other (GraphQL specification, section 6.2.2); a subgraph keeps that order itself within
    one request.
    """
    wants = tuple(want for want in operation.shape.by_type[operation.root] if not want.nodes)
    if kind is not OperationKind.MUTATION:
        return [wants] if wants else []
    runs: list[list[Want]] = []
    last: tuple[str, When] | None = None
    for want in wants:
        source = search.object(operation.root, (want,), ()).sources[0]
        # Wants under different conditions are requests under different conditions, and those would run side by side.
        here = (source.ways[0].move.graph if source is not None else "", want.when)
        if runs and here == last:
            runs[-1].append(want)
        else:
            runs.append([want])
        last = here
    return [tuple(run) for run in runs]


def _refuse_missing(decision: Decision, operation: Operation) -> None:
    if decision.missing:
        names = sorted({f"{runtime_type}.{want.name}" for want, runtime_type in decision.missing})
        raise FederationError(NO_PLAN, f"no subgraph resolves {', '.join(names)} in {operation.kind} {operation.name}")


def _whole(kind: OperationKind, nodes: list[Node], asked: Introspect | None) -> Node | None:
    """The plan's root: all runs one after the other, introspection beside them."""
    if not nodes:
        return asked
    node = nodes[0] if len(nodes) == 1 else Sequence(tuple(nodes))
    if kind is OperationKind.SUBSCRIPTION:
        return _subscription(node)
    return Parallel((asked, node)) if asked is not None else node


def _subscription(node: Node) -> Subscription:
    """What opens the stream, and what is fetched for each event."""
    match node:
        case Fetch():
            return Subscription(node, None)
        case Sequence((Fetch() as primary, *rest)):
            return Subscription(primary, rest[0] if len(rest) == 1 else Sequence(tuple(rest)))
    raise FederationError(UNSUPPORTED_OPERATION, "A subscription cannot start in several subgraphs.")
