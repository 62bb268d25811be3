"""
Signs of life of one worker, in memory that its supervisor reads, also after its death.

    beat      when the worker's loop last had a turn
    state     what the worker is doing with its life
    running   events under way
    on_cpu    the place, among the requests under way, of the one whose code runs at this moment; 0: none

`on_cpu` is written around each step of a request's strand (`strands`, whose ledger it is) and of the tasks it starts:
that is what makes it possible to blame the request that killed a worker and not one that happened to wait there.
"""

from __future__ import annotations

import asyncio
import mmap
from collections.abc import Coroutine, Generator
from enum import IntEnum
from time import monotonic
from types import TracebackType
from typing import Any

_RECORD = 64  # bytes: a line of the processor's cache for each worker
_BEAT = 0  # of the view of doubles
_STATE, _RUNNING, _ON_CPU = 2, 3, 4  # of the view of 32-bit numbers


class LifeState(IntEnum):
    """What a worker is doing; NONE: there is no worker."""

    NONE = 0
    STARTING = 1
    SERVING = 2
    LEAVING = 3


class Pulse:
    """
    The signs of one worker.

    Args:
        memory: Its record.
    """

    __slots__ = ("_doubles", "_numbers", "ledger")

    def __init__(self, memory: memoryview) -> None:
        self._doubles = memory.cast("d")
        self._numbers = memory.cast("I")
        # For strands: `on_cpu`, and nothing else.
        self.ledger = self._numbers[_ON_CPU : _ON_CPU + 1]

    def __repr__(self) -> str:
        return f"<Pulse {self.state.name.lower()}, {self.running} running>"

    @property
    def beat(self) -> float:
        """Monotonic seconds."""
        return self._doubles[_BEAT]

    @property
    def state(self) -> LifeState:
        """What the worker is doing."""
        return LifeState(self._numbers[_STATE])

    @state.setter
    def state(self, state: LifeState) -> None:
        self._numbers[_STATE] = state

    @property
    def running(self) -> int:
        """Events under way."""
        return self._numbers[_RUNNING]

    @property
    def on_cpu(self) -> int:
        """A place in `Flights`, or 0."""
        return self._numbers[_ON_CPU]

    def live(self, running: int = 0) -> None:
        """The loop has a turn."""
        self._doubles[_BEAT] = monotonic()
        self._numbers[_RUNNING] = running

    def reset(self) -> None:
        """A new worker begins here."""
        self._numbers[_STATE] = LifeState.STARTING
        self._numbers[_ON_CPU] = 0
        self.live()

    def make_task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        """A task factory for `loop.set_task_factory`: what a request starts is marked as it is."""
        place = self._numbers[_ON_CPU]
        if place:
            coroutine = _Marked(coroutine, self._numbers, place)
        return asyncio.Task(coroutine, loop=loop, **options)


def pulses(count: int) -> list[Pulse]:
    """The records of so many workers, to be made before they are forked."""
    memory = memoryview(mmap.mmap(-1, count * _RECORD))
    return [Pulse(memory[at : at + _RECORD]) for at in range(0, count * _RECORD, _RECORD)]


class _Marked(Coroutine[Any, Any, Any]):
    """
    A coroutine each of whose steps is marked.

    Args:
        work: The coroutine.
        numbers: The worker's record.
        place: Written while a step runs.
    """

    __slots__ = ("_numbers", "_place", "_send", "_work")

    def __init__(self, work: Coroutine[Any, Any, Any], numbers: memoryview, place: int) -> None:
        self._work = work
        self._send = work.send
        self._numbers = numbers
        self._place = place

    def send(self, value: Any, /) -> Any:
        self._numbers[_ON_CPU] = self._place
        try:
            return self._send(value)
        finally:
            self._numbers[_ON_CPU] = 0

    def __next__(self) -> Any:
        return self.send(None)

    def __iter__(self) -> _Marked:
        return self

    def __await__(self) -> Generator[Any, Any, Any]:
        return self  # send, throw and close are all that is asked of it

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: BaseException | object = None,
        trace: TracebackType | None = None,
        /,
    ) -> Any:
        self._numbers[_ON_CPU] = self._place
        try:
            if isinstance(kind, BaseException):
                return self._work.throw(kind)
            return self._work.throw(kind, value, trace)
        finally:
            self._numbers[_ON_CPU] = 0

    def close(self) -> None:
        self._work.close()
