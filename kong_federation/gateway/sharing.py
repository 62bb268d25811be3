"""
One execution for identical queries that are under way at the same time.

Identical are queries of one document and operation with equal variables, override labels and identity, and with all
headers equal but those of traces, request ids and the message itself: whatever a subgraph may look at to answer one
client otherwise than another. Mutations are never shared, and what began before one of them was over is not joined
afterwards: within one worker a client reads what it wrote.

The execution belongs to nobody in particular: a client that leaves does not end it for the others, and the last one
that leaves does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, Final

from kong_federation.executor import Result, write_json
from kong_federation.gateway.exchange import HttpRequest
from kong_federation.transport import TRACE_HEADERS

# What says how the message itself is written, and never travels. `connection` is not here, because it may name other
# headers that must not travel, nor is `user-agent`, which a rule may send on.
_MESSAGE: Final = frozenset({"accept", "accept-encoding", "content-length", "content-type"})
_IRRELEVANT: Final = TRACE_HEADERS | _MESSAGE


class _Execution:
    """An execution under way, and how many wait for it."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: asyncio.Future[Result]) -> None:
        self.task = task
        self.waiting = 0


class Sharing:
    """The shared executions of one gateway."""

    __slots__ = ("_running",)

    def __init__(self) -> None:
        self._running: dict[Hashable, _Execution] = {}

    def __len__(self) -> int:
        return len(self._running)

    async def result(self, key: Hashable, execute: Callable[[], Awaitable[Result]]) -> Result:
        """
        The result of the execution with a key.

        Args:
            key: What `sharing_key` gave.
            execute: Begins it, if there is none.
        """
        execution = self._running.get(key)
        if execution is None:
            execution = self._running[key] = _Execution(asyncio.ensure_future(execute()))
            execution.task.add_done_callback(lambda _: self._forget(key, execution))
        execution.waiting += 1
        try:
            return await asyncio.shield(execution.task)
        finally:
            execution.waiting -= 1
            if not execution.waiting and not execution.task.done():
                # A client that comes at this moment must not join what is being given up.
                self._forget(key, execution)
                execution.task.cancel()

    async def alone(self, execute: Callable[[], Awaitable[Result]]) -> Result:
        """The result of an execution that changes something: when it is over, nobody joins what began before."""
        try:
            return await execute()
        finally:
            self._running.clear()

    def _forget(self, key: Hashable, execution: _Execution) -> None:
        """Let nobody join an execution; another may have begun under its key."""
        if self._running.get(key) is execution:
            del self._running[key]


def sharing_key(request: HttpRequest, plan: Hashable, variables: Mapping[str, Any]) -> Hashable:
    """
    What two queries must have in common to be identical.

    Args:
        request: The client's.
        plan: What its plan alone has.
        variables: Coerced.
    """
    headers = tuple(
        [(name, tuple(values)) for name, values in sorted(request.headers.items()) if name not in _IRRELEVANT]
    )
    return plan, write_json(variables), headers, request.identity
