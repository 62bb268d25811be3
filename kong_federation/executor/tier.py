"""
When a plan is compiled, and when its program is run.

Compiling costs milliseconds, and many plans are run once. So a plan is interpreted at first and compiled, in a thread,
when it comes again; where plans push each other out of the cache, when it has come often. The thread is one for all
plans: after a start many come again at the same time, and requests would wait for each thread that computes.

A program that gives up has cost its time for nothing, so after it has given up, the interpreter takes the next requests
alone: one, then two, then four, and so on, until the program succeeds again. A subgraph that is down, or always reports
some error, costs next to nothing then, and its recovery is noticed soon.

The parser is stricter than the specification: an ID may be answered as a number, and `1.0` is an Int. A subgraph that
does so does it always. So if that is what a program gives up at, again and again, the plan is compiled once more: to a
program that looks at the values itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from kong_federation.executor.compiled import Program, UnsuitableError, compile_plan
from kong_federation.plan.nodes import QueryPlan

_LOG = logging.getLogger(__name__)

# The use of a plan at which it is compiled; and the one where plans push each other out of the cache. A program takes
# several times the memory of its plan, and has paid for its making after some thirty uses.
COMPILED_AT: Final = 2
COMPILED_AT_LAST: Final = 16
# Requests that the interpreter takes alone at most, after a program has given up again and again.
MOST_SKIPPED: Final = 64
# Started with its first task, so that it is no trouble to who forks before.
_COMPILER: Final = ThreadPoolExecutor(1, "compiler")
# In a row, until a program is not made so that the parser looks at the values.
_DOUBTED_AT: Final = 3


class Tier:
    """
    The program of one plan, if it has one.

    Args:
        plan: The plan.

    Attributes:
        given_up: How often in a row the program has given up.
        ready: What runs the next request; None: `program` says.
    """

    __slots__ = (
        "_compiling",
        "_due",
        "_plan",
        "_program",
        "_skip",
        "_trusting",
        "_unlike",
        "_uses",
        "given_up",
        "ready",
    )

    def __init__(self, plan: QueryPlan) -> None:
        self._plan = plan
        self.ready: Program | None = None
        self._program: Program | None = None
        self._uses = 0
        self._due = COMPILED_AT
        self.given_up = 0
        self._skip = 0
        self._trusting = True
        self._unlike = 0
        self._compiling: asyncio.Future[bool] | None = None

    @property
    def is_compiling(self) -> bool:
        """Whether a program is being made at this moment."""
        return self._compiling is not None and not self._compiling.done()

    @property
    def weight(self) -> int:
        """What the program is estimated to hold in memory, in bytes."""
        return 0 if self._program is None else self._program.weight

    def program(self) -> Program | None:
        """What runs the next request, if nothing is `ready`; None: the interpreter."""
        if self._program is None:
            self._uses += 1
            if self._uses == self._due:
                self._compiling = asyncio.get_running_loop().run_in_executor(_COMPILER, self.compile)
            return None
        if self._skip:
            self._skip -= 1
            return None
        self.ready = self._program
        return self._program

    def put_off(self) -> None:
        """Have the plan compiled only if it comes often: most of those that push out others do not."""
        self._due = COMPILED_AT_LAST

    def succeeded(self) -> None:
        """The program has answered."""
        self.given_up = self._unlike = 0

    def gave_up(self, *, unlike: bool = False) -> None:
        """
        The program has left it to the interpreter.

        Args:
            unlike: Whether because the parser met a value of another kind than was claimed.
        """
        self.ready = None
        self._skip = min(2 ** min(self.given_up, 10), MOST_SKIPPED)
        self.given_up += 1
        self._unlike = self._unlike + 1 if unlike else 0
        if self._unlike == _DOUBTED_AT and self._trusting:
            self._trusting = False
            self._compiling = asyncio.get_running_loop().run_in_executor(_COMPILER, self.compile)

    def compile(self, breathe: Callable[[], None] = lambda: None) -> bool:
        """
        Compile the plan; may be called in a thread.

        Args:
            breathe: Called between small pieces of the work.

        Returns:
            Whether it has a program now.
        """
        try:
            self._program = compile_plan(self._plan, breathe, trusting=self._trusting)
        except (UnsuitableError, RecursionError) as error:
            _LOG.debug("a plan is not compiled: %s", error)
        except Exception:  # noqa: BLE001 - a plan can always be interpreted
            _LOG.exception("a plan could not be compiled")
        return self._program is not None
