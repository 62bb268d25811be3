"""
The planner: one valid operation and the supergraph to a plan.

    parse > choose > validate > normalise > search > build > schedule > emit > output

`search` decides which subgraph resolves what, `build` writes that down as steps, `schedule` puts steps into requests,
`emit` turns requests into plan nodes; `output` says how the answer is read off the data.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

from graphql import GraphQLError, GraphQLSchema, execute_sync, parse

from kong_federation.errors import FederationError
from kong_federation.errors.codes import (
    INTERNAL_SERVER_ERROR,
    NO_PLAN,
    QUERY_PLANNING_LIMIT,
    UNSUPPORTED_OPERATION,
    VALIDATION_INVALID_TYPE_VARIABLE,
)
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
from kong_federation.plan import (
    Defer,
    Deferred,
    Fetch,
    Introspect,
    Node,
    OperationKind,
    Parallel,
    QueryPlan,
    Sequence,
    Subscription,
)
from kong_federation.planner.build import Binding, Builder
from kong_federation.planner.data import DataField, DataNode
from kong_federation.planner.decisions import Decision
from kong_federation.planner.documents import Printer
from kong_federation.planner.emit import Emitter
from kong_federation.planner.inputs import definition_text, variables_of
from kong_federation.planner.introspection import introspection
from kong_federation.planner.options import PlannerOptions
from kong_federation.planner.output import Outputs
from kong_federation.planner.parts import Part, Parts
from kong_federation.planner.schedule import Request, schedule
from kong_federation.planner.search import Search
from kong_federation.planner.stages import Run, Stages
from kong_federation.planner.steps import Site
from kong_federation.planner.whole import is_whole
from kong_federation.querygraph import QueryGraph
from kong_federation.supergraph import Catalog, Supergraph, api_schema, request_schema

# Sets of override labels for which the query graph is kept.
_KEPT_GRAPHS = 16


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
        self._request_schema = request_schema(self.api_schema)
        self._options = options or PlannerOptions()
        self._catalog = Catalog(supergraph, public=True)
        self._graphs: dict[tuple[frozenset[str], bool], QueryGraph] = {}
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
            check_document(self._request_schema, document)
            budget = Budget(self._options.max_steps, time.monotonic() + self._options.timeout)
            operation = normalize(self.supergraph, self._catalog, document, node, budget)
            return self._planned(operation, override_labels, budget)
        except RecursionError as error:
            message = "The operation is nested too deeply to be planned."
            raise FederationError(QUERY_PLANNING_LIMIT, message) from error

    def introspect(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """
        Answer the document of an `Introspect` node.

        Raises:
            FederationError: VALIDATION_INVALID_TYPE_VARIABLE, a variable is null where its default allows it to stand
                and null is not allowed; INTERNAL_SERVER_ERROR, which nothing else in a valid operation can cause.
        """
        result = execute_sync(self.api_schema, parse(document, no_location=True), variable_values=dict(variables))
        if result.errors or result.data is None:
            errors = result.errors or []
            # What the library raises itself is about the operation, anything else is a mistake of ours.
            if errors and all(isinstance(error.original_error, GraphQLError | None) for error in errors):
                raise FederationError(VALIDATION_INVALID_TYPE_VARIABLE, errors[0].message)
            raise FederationError(INTERNAL_SERVER_ERROR, f"introspection failed: {errors}")
        return dict(result.data)

    def _planned(self, operation: Operation, labels: frozenset[str], budget: Budget) -> Stages:
        try:
            return self._plan(operation, self._graph(labels, lenient=False), budget)
        except FederationError as error:
            if error.code is not NO_PLAN:
                raise
            # The last resort: to count on external key fields.
            return self._plan(operation, self._graph(labels, lenient=True), budget)

    def _graph(self, labels: frozenset[str], *, lenient: bool) -> QueryGraph:
        key = (labels, lenient)
        if key not in self._graphs:
            if len(self._graphs) >= _KEPT_GRAPHS:
                self._graphs.clear()
            self._graphs[key] = QueryGraph(self.supergraph, labels, lenient=lenient)
        return self._graphs[key]

    def _plan(self, operation: Operation, graph: QueryGraph, budget: Budget) -> Stages:
        kind = OperationKind(operation.kind)
        search = Search(graph, budget)
        root, bound = DataNode(), dict[Binding, DataField]()
        # Events of a subscription are answered whole.
        parts = Parts() if operation.defers and kind is not OperationKind.SUBSCRIPTION else None
        decided = tuple(_decided(operation, kind, search))

        defined = operation.node.variable_definitions or ()
        definitions = {item.variable.name.value: definition_text(item) for item in defined}
        ours = partial(_free, definitions)

        def builders(parts: Parts | None) -> list[Builder]:
            built = [Builder(search, kind, Site((), root), bound, parts, ours) for _ in decided]
            for builder, (wants, decision) in zip(built, decided, strict=True):
                builder.build(operation.root, wants, decision)
            return built

        first = builders(parts)
        otherwise = builders(None) if parts and not parts.always else []
        for builder in (*first, *otherwise):
            builder.settle()
        requests = [schedule(builder.steps) for builder in first]
        printer = Printer(graph, definitions, budget)
        emitter = Emitter(printer, bound, self._names, operation.name, ours)
        asked = introspection(operation.shape.by_type[operation.root], operation.fragments, definitions)
        node = _whole(kind, _emitted(emitter, requests, None), asked)
        if parts:
            deferred = tuple(_deferred(emitter, requests, part) for part in parts)
            whole = [schedule(builder.steps) for builder in otherwise]
            node = Defer(node, deferred, _whole(kind, _emitted(emitter, whole, None), asked) if whole else None)
        variables, inputs = variables_of(operation.node, self.api_schema)
        numbers = parts.numbers if parts else {}
        output = Outputs(self._catalog, bound, numbers, budget).composite(root, operation.shape)
        plan = QueryPlan(
            kind=kind,
            operation_name=operation.name,
            node=node,
            output=output,
            variables=variables,
            inputs=inputs,
            whole=isinstance(node, Fetch) and is_whole(kind, requests, output, graph.catalog),
        )
        runs = tuple(Run(*choice, made) for choice, made in zip(decided, requests, strict=True))
        return Stages(operation, runs, printer, plan, self._names)


def _free(taken: Collection[str], name: str) -> str:
    """A name for a variable of ours that none of the client's has."""
    while name in taken:
        name += "_"
    return name


def _decided(operation: Operation, kind: OperationKind, search: Search) -> Iterator[tuple[tuple[Want, ...], Decision]]:
    """What is planned together, and how it is resolved."""
    for wants in _together(operation, kind, search):
        decision = search.object(operation.root, wants, ())
        _refuse_missing(decision, operation)
        yield wants, decision


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


def _emitted(emitter: Emitter, runs: list[list[Request]], part: Part | None) -> list[Node]:
    """The nodes of all requests for one part of the answer, run by run."""
    nodes = (emitter.emit([request for request in requests if request.part is part]) for requests in runs)
    return [node for node in nodes if node is not None]


def _deferred(emitter: Emitter, runs: list[list[Request]], part: Part) -> Deferred:
    nodes = _emitted(emitter, runs, part)
    # All its fields stand below one field of the root, or in a query.
    node = nodes[0] if nodes else None
    before = {need.part for run in runs for request in run if request.part is part for need in request.needs}
    after = {one.number for one in (part.around, *before) if one is not None and one is not part}
    return Deferred(part.deferral.label, part.path, node, part.deferral.variable, tuple(sorted(after)))


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
