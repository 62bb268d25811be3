"""
Running a plan: prepare once, then coerce and execute per request.

    prepare    plan → compiled variables, waves of prepared fetches, prepared projection
    coerce     the client's raw variables → values by the operation's types
    execute    waves → data tree → projection → errors that explain every null

That is the interpreter. A plan that comes again is compiled to a program of its own (`compiled`), which gives the data
where nothing is wrong and otherwise leaves it to the interpreter.

Nodes become coroutine functions over the state of one execution (`Run`). A fetch never raises what a subgraph can
cause: it notes an `Outcome`, and its siblings go on. What does raise is a mistake of ours or a cancelled client; then
the task group of each wave ends its other fetches before the exception leaves, so that no task outlives its request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kong_federation.errors import FederationErrors
from kong_federation.executor.compiled import GIVING_UP, LARGE, UNLIKE_CLAIMED, State
from kong_federation.executor.context import ExecutionContext, JsonObject, Result
from kong_federation.executor.explain import explain
from kong_federation.executor.origins import Origins
from kong_federation.executor.projection import Passing
from kong_federation.executor.run import Run
from kong_federation.executor.steps import DEFERRED, SUBSCRIPTIONS, Step, compile_node, unsupported
from kong_federation.executor.tier import Tier
from kong_federation.executor.variables import Variables, compile_variables
from kong_federation.plan.nodes import (
    Defer,
    Fetch,
    Introspect,
    Node,
    OperationKind,
    QueryPlan,
)

# Bytes of memory for each byte of a plan's encoded form, without and with the interpreter's projection: on plans of 100
# bytes to 4 KB 10 to 25 and 15 to 55, the more the smaller they are.
_PER_BYTE = 13
_PER_BYTE_WHOLE = 28


@dataclass(frozen=True)
class Executable:
    """A plan, ready to run any number of times at once; made by `prepare`."""

    plan: QueryPlan
    variables: Variables
    step: Step | None
    projection: Passing
    origins: Origins
    tier: Tier
    deferring: frozenset[str] = frozenset()

    def coerce(self, raw_variables: Mapping[str, Any] | None) -> JsonObject:
        """
        Coerce the client's variables to the operation's types.

        Raises:
            FederationErrors: VALIDATION_INVALID_TYPE_VARIABLE for every value that does not fit, or
                UNSUPPORTED_OPERATION where a variable switches `@defer` on.
        """
        values = self.variables(raw_variables)
        if self.deferring and any(values.get(name) is True for name in self.deferring):
            raise FederationErrors((unsupported(DEFERRED),))
        return values

    def weigh(self, size: int) -> int:
        """
        Estimate what it holds in memory at this moment, in bytes.

        Args:
            size: Of the plan's encoded form, in bytes.
        """
        return size * (_PER_BYTE_WHOLE if self.projection.is_held else _PER_BYTE) + self.tier.weight

    async def execute(self, variables: JsonObject, context: ExecutionContext) -> Result:
        """
        Run the plan.

        Args:
            variables: What `coerce` gave.
            context: The surroundings of this request.
        """
        program = self.tier.ready
        if program is None:
            program = self.tier.program()
            if program is None:
                return await self._in_a_task(Run(variables, context))
            self.projection.let_go()
        state = program.begin(variables, context)
        # Nothing is awaited where an exception is handled (decision 18).
        body: bytes | None = None
        broken: BaseException | None = None
        unlike = False
        try:
            await program.run(state)
            if state.received <= LARGE:
                body = program.answer(state)
            else:
                body = await asyncio.to_thread(program.answer, state)
        except UNLIKE_CLAIMED:
            unlike = True
        except GIVING_UP:
            pass
        except BaseException as error:  # noqa: BLE001 - it is raised again
            broken = error
        if body is None:
            if broken is None:
                return await self._go_over(state, unlike=unlike)
            # The client has gone, or we are mistaken.
            await _abandon(state)
            try:
                raise broken
            finally:
                del broken  # its traceback holds this frame
        if self.tier.given_up:
            self.tier.succeeded()
        return Result(None, body=body)

    async def _go_over(self, state: State, *, unlike: bool) -> Result:
        """Have the interpreter go over the answers at which a program gave up."""
        self.tier.gave_up(unlike=unlike)
        broken: BaseException | None = None
        try:
            await state.settle()
        except BaseException as error:  # noqa: BLE001 - it is raised again
            broken = error
        if broken is not None:
            # The client has gone, while the rest of what had been given up was awaited.
            await _abandon(state)
            try:
                raise broken
            finally:
                del broken  # its traceback holds this frame
        run = Run(state.variables, state.context, sent=state.so_far())
        try:
            return await self._in_a_task(run)
        finally:
            for one in run.sent:
                one.forget()

    def _in_a_task(self, run: Run) -> asyncio.Task[Result]:
        """Interpret the plan; who asks may be on a strand (`strands`), and task groups need a task above them."""
        return asyncio.get_running_loop().create_task(self._interpret(run))

    async def _interpret(self, run: Run) -> Result:
        if self.step is not None:
            await self.step(run)
        data, faults = self.projection(run.data, run.variables)
        if not faults and not run.outcomes:
            return Result(data)
        if self.origins.is_long_reading:
            await asyncio.to_thread(self.origins.read)
        return Result(data, explain(self.plan.output, self.origins, run, faults))


def prepare(plan: QueryPlan) -> Executable:
    """
    Decide everything about a plan that does not depend on the request.

    Raises:
        FederationError: UNSUPPORTED_OPERATION for subscriptions, and for `@defer` that no variable can switch off.
    """
    if plan.kind is OperationKind.SUBSCRIPTION:
        raise unsupported(SUBSCRIPTIONS)
    node, deferring = _at_once(plan.node)
    sources: list[Fetch | Introspect] = []
    step = None if node is None else compile_node(node, sources)
    origins = Origins(tuple(sources))
    projection = Passing(plan.output)
    tier = Tier(replace(plan, node=node))
    return Executable(plan, compile_variables(plan), step, projection, origins, tier, deferring)


def _at_once(node: Node | None) -> tuple[Node | None, frozenset[str]]:
    """What answers an operation in one part, and the variables that would have it answered in several."""
    if not isinstance(node, Defer):
        return node, frozenset()
    variables = [part.variable for part in node.deferred]
    if None in variables:
        raise unsupported(DEFERRED)
    return node.otherwise, frozenset(filter(None, variables))


async def _abandon(state: State) -> None:
    """Give up what an execution has begun, and see it ended."""
    state.cancel()
    await state.settle()
