"""The state of one execution of a compiled plan: what its functions call `S`."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from kong_federation.executor.context import ExecutionContext, JsonObject
from kong_federation.executor.request import Answer, Question, Sent


class State:
    """
    One execution.

    Compiled functions keep in it, as attributes: `r3`, the data of root fetch 3; `t1`, a table of entities; `n3_0`, how
    many entities were asked for; `l_p4`, the objects that function p4 has walked to; `f1`, the first of each identity
    on one walk; `o_p4` and `m_p4`, what function p4 has answered once, and often. `sent` has the number of the fetch,
    the body and the answer to come of each request; `received` counts the bytes of all answers.

    Args:
        questions: What the plan's fetches ask.
        decoders: What parses their answers.
        variables: The client's, coerced.
        context: The surroundings.
        flags: For each distinct condition of the output, whether it holds.
    """

    def __init__(
        self,
        questions: tuple[Question, ...],
        decoders: tuple[Any, ...],
        variables: JsonObject,
        context: ExecutionContext,
        flags: tuple[bool, ...],
    ) -> None:
        self.variables = variables
        self.flags = flags
        self.sent: list[tuple[int, bytes, Answer]] = []
        self.received = 0
        self.questions = questions
        self.decoders = decoders
        self.context = context
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, branch: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a branch of the plan at the same time."""
        task = asyncio.get_running_loop().create_task(branch)
        self._tasks.append(task)
        return task

    async def settle(self) -> None:
        """Wait until no branch runs, whatever became of them."""
        # A branch may start others while it is awaited.
        while running := [task for task in self._tasks if not task.done()]:
            await asyncio.wait(running)
        for task in self._tasks:
            if not task.cancelled():
                task.exception()

    def cancel(self) -> None:
        """Give up all that is under way."""
        for task in self._tasks:
            task.cancel()
        for sent in self.so_far():
            sent.forget()

    def so_far(self) -> list[Sent]:
        """What has been sent."""
        return [Sent(number, body, answer) for number, body, answer in self.sent]
