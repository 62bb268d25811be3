"""A whole world: the data, its subgraphs in memory, and the monolith that answers the same operation at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphql import GraphQLResolveInfo, GraphQLSchema, execute_sync, parse

from kong_federation.executor import Executable, ExecutionContext, SubgraphTarget, prepare, write_json
from kong_federation.plan import Fetch, QueryPlan
from kong_federation.planner import Planner
from kong_federation.supergraph import Supergraph
from kong_federation.transport import MemoryTransport, SubgraphRequest
from spec.testkit.subgraph import MemorySubgraph
from spec.testkit.truth import Thing, Truth

# Seconds; in-memory subgraphs answer at once, but the machine may be busy.
_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What an operation came to.

    Args:
        data: The response's `data`.
        errors: Texts.
        mutations: Mutation fields with their arguments, in the order they were run.
    """

    data: Any
    errors: tuple[str, ...]
    mutations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """An object of the monolith, then those around it, up to the root: some fields depend on where they stand."""

    way: tuple[Thing, ...]


def _placed(value: Any, around: Placed) -> Any:
    if isinstance(value, list):
        return [_placed(item, around) for item in value]
    return Placed((value, *around.way)) if isinstance(value, Thing) else value


class World:
    """
    One world.

    Args:
        planner: Of the supergraph.
        seed: Of the data.
        labels: Active labels of progressive overrides.
    """

    def __init__(self, planner: Planner, seed: int, labels: frozenset[str] = frozenset()) -> None:
        supergraph: Supergraph = planner.supergraph
        self._planner = planner
        self._api: GraphQLSchema = planner.api_schema
        self.truth = Truth(supergraph, seed, labels)
        self._log: list[str] = []
        self.subgraphs = {
            subgraph.name: MemorySubgraph(self.truth, graph, self._log) for graph, subgraph in supergraph.graphs.items()
        }

    def federated(self, plan: QueryPlan, variables: Mapping[str, Any]) -> Answer:
        """
        Run a plan on the subgraphs, by the interpreter and by a program.

        Returns:
            The interpreter's answer; that the program's is another one, or that it sent other requests, is an error.
        """
        executable = prepare(plan)
        answer, requests = self._run(executable, variables)
        if executable.tier.compile():
            other, others = self._run(executable, variables)
            if (json.dumps(other.data), other.errors) != (json.dumps(answer.data), answer.errors):
                return replace(answer, errors=(*answer.errors, f"the program answers {other}"))
            if others != requests or other.mutations != answer.mutations:
                return replace(answer, errors=(*answer.errors, f"the program sends {others}, not {requests}"))
            if executable.tier.given_up and not answer.errors:
                return replace(answer, errors=("the program gives up",))
        return answer

    def _run(self, executable: Executable, variables: Mapping[str, Any]) -> tuple[Answer, list[tuple[str, bytes]]]:
        self._log.clear()
        transport = MemoryTransport({f"memory:{name}": found.answer for name, found in self.subgraphs.items()})
        context = ExecutionContext(
            transport=transport,
            targets={name: SubgraphTarget(f"memory:{name}", _TIMEOUT) for name in self.subgraphs},
            introspect=self._introspect,
            mask_errors=False,
        )
        result = asyncio.run(executable.execute(executable.coerce(dict(variables)), context))
        # As the client reads it: pieces of a program's data are text already.
        data = json.loads(write_json(result.data))
        answer = Answer(data, tuple(str(error["message"]) for error in result.errors), tuple(self._log))
        return answer, sorted((request.subgraph, request.body) for request in transport.requests)

    def passed(self, plan: QueryPlan, variables: Mapping[str, Any]) -> Any:
        """The `data` that the one subgraph of a whole plan answers, untouched."""
        fetch = plan.node
        assert plan.whole
        assert isinstance(fetch, Fetch)
        coerced = prepare(plan).coerce(dict(variables))
        used = {name: coerced[name] for name in fetch.variables if name in coerced}
        body = write_json({"query": fetch.document, "variables": used})
        request = SubgraphRequest(fetch.subgraph, "memory:", (), body, _TIMEOUT)
        return json.loads(asyncio.run(self.subgraphs[fetch.subgraph].answer(request)).body)["data"]

    def monolith(self, text: str, variables: Mapping[str, Any]) -> Answer:
        """Execute the operation on the public schema with the same data."""
        log: list[str] = []
        mutation = self._planner.supergraph.roots.get("mutation")

        def resolve(placed: Placed, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
            name = info.field_name
            if info.parent_type.name == mutation:
                log.append(f"{name}{sorted(arguments.items())}")
            contexts = self.truth.from_contexts(placed.way, name)
            return _placed(self.truth.value(placed.way[0], name, {**arguments, **contexts}), placed)

        document = parse(text)
        kind = next(item.operation.value for item in document.definitions if hasattr(item, "operation"))
        result = execute_sync(
            self._api,
            document,
            root_value=Placed((Thing(self._planner.supergraph.roots[kind], 0),)),
            variable_values=dict(variables),
            field_resolver=resolve,
            type_resolver=lambda placed, *_: placed.way[0].type_name,
        )
        return Answer(result.data, tuple(error.message for error in result.errors or ()), tuple(log))

    async def _introspect(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        return self._planner.introspect(document, variables)
