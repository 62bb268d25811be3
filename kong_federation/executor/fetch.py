"""
One fetch: variables in, data out.

Everything that is the same for all requests is written at preparation: the request's body up to the variables is a
constant, and a fetch without variables and representations has a constant body.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from kong_federation.errors import FederationError
from kong_federation.errors.codes import SUBREQUEST_HTTP_ERROR, SUBREQUEST_TIMEOUT, VALIDATION_INVALID_TYPE_VARIABLE
from kong_federation.executor.answers import Answer, malformed, read_answer
from kong_federation.executor.context import ExecutionContext, JsonObject
from kong_federation.executor.contexts import ContextWalk, compile_contexts
from kong_federation.executor.entities import Batch, EntityInput, Refusal, compile_entities, scatter
from kong_federation.executor.exact import write_json
from kong_federation.executor.merge import copy, merge, spread
from kong_federation.executor.paths import Walk, compile_walk
from kong_federation.executor.run import Outcome, Run
from kong_federation.plan.nodes import Fetch, Introspect, OperationKind
from kong_federation.transport import SubgraphRequest

PROTOCOL_HEADERS = (
    ("content-type", "application/json"),
    ("accept", "application/graphql-response+json, application/json;q=0.9"),
)


@dataclass(frozen=True, slots=True)
class RootFetch:
    """A fetch whose data is merged into the objects at its path, compiled."""

    source: int
    fetch: Fetch
    head: bytes
    walk: Walk

    async def __call__(self, run: Run) -> None:
        """Send the request and merge the answer; nothing is sent if there is no object to merge into."""
        places = self.walk(run.data)
        if not places:
            return
        outcome = Outcome(self.source)
        try:
            answer = await _exchange(self.fetch, _body(self.head, self.fetch.variables, run.variables), run.context)
            outcome.errors = answer.errors
            if answer.data is None:
                outcome.blank = True
            else:
                spread(answer.data, places)
        except FederationError as error:
            outcome.failure = error
        except RecursionError:
            outcome.failure = malformed("is nested too deeply")
        if outcome.failure is not None or outcome.errors:
            run.outcomes.append(outcome)


@dataclass(frozen=True, slots=True)
class EntityFetch:
    """A fetch of `_entities`, compiled."""

    source: int
    fetch: Fetch
    head: bytes
    inputs: tuple[EntityInput, ...]

    async def __call__(self, run: Run) -> None:
        """Gather the objects, ask for them, and merge what comes back; nothing is sent if there are none."""
        batches = [entity.gather(run.data) for entity in self.inputs]
        await _ask(self.source, self.fetch, self.head, run, batches, run.variables)


@dataclass(frozen=True, slots=True)
class ContextFetch:
    """
    A fetch of `_entities` with variables that are taken from objects further up, compiled.

    A variable has one value in one request, so entities with different values are asked for in requests of their own,
    at the same time.
    """

    source: int
    fetch: Fetch
    head: bytes
    entity: EntityInput
    contexts: ContextWalk

    async def __call__(self, run: Run) -> None:
        """Gather the objects by the values above them and ask for each group."""
        groups, lost = self.contexts.gather(run.data)
        if lost:
            run.outcomes.append(Outcome(self.source, bereft=set(map(id, lost))))
        async with asyncio.TaskGroup() as requests:
            for values, objects in groups:
                batches = [self.entity.represent(objects)]
                variables = {**run.variables, **values}
                requests.create_task(_ask(self.source, self.fetch, self.head, run, batches, variables))


@dataclass(frozen=True, slots=True)
class Introspection:
    """Introspection at the root, answered by the gateway."""

    source: int
    node: Introspect

    async def __call__(self, run: Run) -> None:
        """Ask the gateway and merge a copy, because what it gives may be shared between requests."""
        try:
            variables = {name: run.variables[name] for name in self.node.variables if name in run.variables}
            merge(run.data, copy(await run.context.introspect(self.node.document, variables)))
        except FederationError as error:
            run.outcomes.append(Outcome(self.source, failure=error))


def compile_fetch(source: int, fetch: Fetch) -> RootFetch | EntityFetch | ContextFetch:
    """Prepare one fetch; `source` is its number among the plan's fetches and introspections."""
    head = b'{"query":' + orjson.dumps(fetch.document)
    if fetch.flattens and fetch.flattens[0].contexts:
        flatten = fetch.flattens[0]
        taken = (*fetch.variables, *(value.variable for value in flatten.contexts))
        whole = replace(fetch, variables=taken)
        return ContextFetch(source, whole, head, compile_entities(flatten), compile_contexts(flatten))
    if fetch.flattens:
        return EntityFetch(source, fetch, head, tuple(map(compile_entities, fetch.flattens)))
    return RootFetch(source, fetch, head, compile_walk(fetch.path))


async def _ask(source: int, fetch: Fetch, head: bytes, run: Run, batches: list[Batch], variables: JsonObject) -> None:
    """Ask for entities and merge what comes back; nothing is sent if there are none."""
    outcome = Outcome(source, batches)
    for batch in batches:
        for node, refusal in batch.refused:
            (outcome.unanswered if refusal is Refusal.NULL else outcome.bereft).add(id(node))
    if any(batch.representations for batch in batches):
        try:
            body = _body(head, fetch.variables, variables, batches)
            answer = await _exchange(fetch, body, run.context)
            _integrate(answer, batches, outcome)
        except FederationError as error:
            outcome.failure = error
        except RecursionError:
            outcome.failure = malformed("is nested too deeply")
    if outcome.failure is not None or outcome.errors or outcome.unanswered or outcome.bereft:
        run.outcomes.append(outcome)


def _body(head: bytes, names: tuple[str, ...], variables: JsonObject, batches: Sequence[Batch] = ()) -> bytes:
    members: list[bytes] = []
    if names:
        used = {name: variables[name] for name in names if name in variables}
        if used:
            try:
                members.append(write_json(used)[1:-1])
            except orjson.JSONEncodeError as error:
                raise FederationError(
                    VALIDATION_INVALID_TYPE_VARIABLE, f"A variable cannot be sent: {error}."
                ) from None
    members.extend(
        b'"%b":[%b]' % (batch.flatten.variable.encode(), b",".join(batch.representations)) for batch in batches
    )
    if not members:
        return head + b"}"
    return b'%b,"variables":{%b}}' % (head, b",".join(members))


async def _exchange(fetch: Fetch, body: bytes, context: ExecutionContext) -> Answer:
    target = context.targets.get(fetch.subgraph)
    if target is None:
        raise FederationError(SUBREQUEST_HTTP_ERROR, f'No address is known for subgraph "{fetch.subgraph}".')
    timeout = target.timeout
    if context.deadline is not None:
        timeout = min(timeout, context.deadline - asyncio.get_running_loop().time())
        if timeout <= 0:
            raise FederationError(SUBREQUEST_TIMEOUT, "No time was left for the request.")
    headers = PROTOCOL_HEADERS + target.headers
    safe = fetch.kind is OperationKind.QUERY
    request = SubgraphRequest(fetch.subgraph, target.url, headers, body, timeout, safe=safe)
    return read_answer(await context.transport.send(request), exact=fetch.exact)


def _integrate(answer: Answer, batches: Sequence[Batch], outcome: Outcome) -> None:
    """Merge the entities of every selection whose list is what was asked for, and note what is not."""
    outcome.errors = answer.errors
    if answer.data is None:
        outcome.blank = True
        return
    for batch in batches:
        entities: Any = answer.data.get(batch.flatten.key)
        if entities is None and answer.errors:
            # The error that made the whole list null is its explanation.
            outcome.blank = True
        elif type(entities) is not list:
            outcome.failure = malformed("lacks the list of entities")
        elif len(entities) != len(batch.representations):
            outcome.failure = malformed(
                f"has {len(entities)} entities where {len(batch.representations)} were asked for"
            )
        else:
            unanswered, sound = scatter(batch, entities)
            outcome.unanswered.update(map(id, unanswered))
            if not sound:
                outcome.failure = malformed("has an entity that is not an object")
