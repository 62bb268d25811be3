"""One fetch: variables in, data out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from kong_federation.errors import FederationError
from kong_federation.executor.answers import Answer, malformed, read_answer
from kong_federation.executor.context import JsonObject
from kong_federation.executor.contexts import ContextWalk, compile_contexts
from kong_federation.executor.entities import Batch, EntityInput, Refusal, compile_entities, scatter
from kong_federation.executor.merge import copy, merge, spread
from kong_federation.executor.paths import Walk, compile_walk
from kong_federation.executor.request import Question, question_of, send
from kong_federation.executor.run import Outcome, Run
from kong_federation.plan.nodes import Fetch, Introspect


@dataclass(frozen=True, slots=True)
class RootFetch:
    """A fetch whose data is merged into the objects at its path, compiled."""

    source: int
    question: Question
    walk: Walk

    async def __call__(self, run: Run) -> None:
        """Send the request and merge the answer; nothing is sent if there is no object to merge into."""
        places = self.walk(run.data)
        if not places:
            return
        outcome = Outcome(self.source)
        try:
            answer = await _exchange(self.source, self.question, self.question.body(run.variables), run)
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
    question: Question
    inputs: tuple[EntityInput, ...]

    async def __call__(self, run: Run) -> None:
        """Gather the objects, ask for them, and merge what comes back; nothing is sent if there are none."""
        batches = [entity.gather(run.data) for entity in self.inputs]
        await _ask(self.source, self.question, run, batches, run.variables)


@dataclass(frozen=True, slots=True)
class ContextFetch:
    """
    A fetch of `_entities` with variables that are taken from objects further up, compiled.

    A variable has one value in one request, so entities with different values are asked for in requests of their own,
    at the same time.
    """

    source: int
    question: Question
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
                requests.create_task(_ask(self.source, self.question, run, batches, variables))


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
    question = question_of(fetch)
    if fetch.flattens and fetch.flattens[0].contexts:
        flatten = fetch.flattens[0]
        taken = (*fetch.variables, *(value.variable for value in flatten.contexts))
        whole = replace(question, names=taken)
        return ContextFetch(source, whole, compile_entities(flatten), compile_contexts(flatten))
    if fetch.flattens:
        return EntityFetch(source, question, tuple(map(compile_entities, fetch.flattens)))
    return RootFetch(source, question, compile_walk(fetch.path))


async def _ask(source: int, question: Question, run: Run, batches: list[Batch], variables: JsonObject) -> None:
    """Ask for entities, in several requests if they are too many for one; nothing is sent if there are none."""
    outcome = Outcome(source, batches)
    for batch in batches:
        for node, refusal in batch.refused:
            (outcome.unanswered if refusal is Refusal.NULL else outcome.bereft).add(id(node))
    first, *others = _pieces(batches, run.context.max_entities.get(question.subgraph))
    if not others:
        await _ask_at_once(source, question, run, first, variables, outcome)
        return
    async with asyncio.TaskGroup() as requests:
        requests.create_task(_ask_at_once(source, question, run, first, variables, replace(outcome, batches=first)))
        for piece in others:
            requests.create_task(_ask_at_once(source, question, run, piece, variables, Outcome(source, piece)))


def _pieces(batches: list[Batch], most: int | None) -> list[list[Batch]]:
    """The objects in pieces of at most so many representations of each selection."""
    longest = max((len(batch.representations) for batch in batches), default=0)
    if most is None or longest <= most:
        return [batches]
    return [[batch.piece(start, start + most) for batch in batches] for start in range(0, longest, most)]


async def _ask_at_once(
    source: int, question: Question, run: Run, batches: list[Batch], variables: JsonObject, outcome: Outcome
) -> None:
    """Ask for entities in one request and merge what comes back."""
    if any(batch.representations for batch in batches):
        try:
            lists = [b"[%b]" % b",".join(batch.representations) for batch in batches]
            answer = await _exchange(source, question, question.body(variables, lists), run)
            _integrate(answer, batches, outcome)
        except FederationError as error:
            outcome.failure = error
        except RecursionError:
            outcome.failure = malformed("is nested too deeply")
    if outcome.failure is not None or outcome.errors or outcome.unanswered or outcome.bereft:
        run.outcomes.append(outcome)


async def _exchange(source: int, question: Question, body: bytes, run: Run) -> Answer:
    """Send a request, or take the answer to the same one that a program has sent before it gave up."""
    sent = next((one for one in run.sent if one.source == source and one.body == body), None)
    if sent is None:
        answer = send(question, body, run.context)
    else:
        run.sent.remove(sent)
        answer = sent.answer
    return read_answer(await answer, exact=question.exact)


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
