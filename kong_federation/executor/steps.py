"""
The nodes of a plan as what the interpreter runs.

Each becomes a coroutine function; what they share is the state of the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias

from kong_federation.errors import FederationError
from kong_federation.errors.codes import UNSUPPORTED_OPERATION
from kong_federation.executor.fetch import Introspection, compile_fetch
from kong_federation.executor.run import Run
from kong_federation.plan.nodes import (
    Condition,
    Defer,
    Fetch,
    Introspect,
    Node,
    Parallel,
    Sequence,
    Subscription,
)

DEFERRED: Final = "Deferred fragments (@defer) are"
SUBSCRIPTIONS: Final = "Subscriptions are"

Step: TypeAlias = Callable[[Run], Coroutine[Any, Any, None]]


def unsupported(what: str) -> FederationError:
    """The error for what is planned, and cannot be run."""
    return FederationError(UNSUPPORTED_OPERATION, f"{what} not supported by this gateway.")


def compile_node(node: Node, sources: list[Fetch | Introspect]) -> Step:
    """
    Make the step that runs a node.

    Args:
        node: Of the plan.
        sources: Is told every node below that asks for something, in order.

    Raises:
        FederationError: UNSUPPORTED_OPERATION for what cannot be run.
    """
    match node:
        case Fetch():
            sources.append(node)
            return compile_fetch(len(sources) - 1, node)
        case Introspect():
            sources.append(node)
            return Introspection(len(sources) - 1, node)
        case Sequence(nodes):
            return _compile_sequence(tuple(compile_node(inner, sources) for inner in nodes))
        case Parallel(nodes):
            return _compile_parallel(tuple(compile_node(inner, sources) for inner in nodes))
        case Condition():
            return _compile_condition(node, sources)
        case Subscription():
            raise unsupported(SUBSCRIPTIONS)
        case Defer():
            raise unsupported(DEFERRED)


def _compile_sequence(steps: tuple[Step, ...]) -> Step:
    if len(steps) == 1:
        return steps[0]

    async def sequence(run: Run) -> None:
        for step in steps:
            await step(run)

    return sequence


def _compile_parallel(steps: tuple[Step, ...]) -> Step:
    if len(steps) <= 1:
        return _compile_sequence(steps)
    *others, own = steps

    async def parallel(run: Run) -> None:
        async with asyncio.TaskGroup() as group:
            for step in others:
                group.create_task(step(run))
            # One of them needs no task of its own.
            await own(run)

    return parallel


def _compile_condition(node: Condition, sources: list[Fetch | Introspect]) -> Step:
    when_true = None if node.when_true is None else compile_node(node.when_true, sources)
    when_false = None if node.when_false is None else compile_node(node.when_false, sources)
    variable = node.variable

    async def condition(run: Run) -> None:
        step = when_true if run.variables.get(variable) is True else when_false
        if step is not None:
            await step(run)

    return condition
