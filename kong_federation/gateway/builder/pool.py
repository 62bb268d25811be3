"""
The builder's planning processes, and the one way to have a job done by one of them.

A few jobs run at once, others wait in order. A job that takes too long ends with its process; one whose process died is
tried once more in a new one, because the system may have chosen that process by chance.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from dataclasses import dataclass
from typing import Any

from kong_federation.errors import FederationError
from kong_federation.errors.codes import QUERY_PLANNING_LIMIT, SERVICE_UNAVAILABLE
from kong_federation.gateway.builder.process import fork_planning
from kong_federation.gateway.builder.service import PlannerLike
from kong_federation.gateway.messages import Order, Reader, pack_work

_LOG = logging.getLogger("kong_federation.gateway.builder")

# A few operations at once are enough: plans are cached, and the cores belong to the workers. Two at least, so that one
# operation that takes all its time does not stop the others.
MOST_PROCESSES = min(4, max(2, os.cpu_count() or 1))
"""How many plan at once for live requests."""

# What planning remembers and leaks, and pages that stopped being shared, are given back by starting anew.
_JOBS_PER_PROCESS = 1_000

# Orders beyond this cannot be done within anybody's patience.
_MOST_WAITING = 1_000

# Seconds after which a process of a pool that is rarely used is given up.
_LINGER = 10.0

_CHUNK = 1 << 16


class _DiedError(Exception):
    """The process ended in the middle of a job."""


@dataclass(slots=True, eq=False)
class _Process:
    pid: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    jobs: int = 0

    async def run(self, order: Order) -> Any:
        """One job's result."""
        self.jobs += 1
        messages = Reader()
        try:
            self.writer.write(pack_work(order))
            while data := await self.reader.read(_CHUNK):
                for result in messages.feed(data):
                    return result
        except OSError:
            pass
        raise _DiedError

    def end(self) -> None:
        """Kill it and take its exit status, so that no zombie stays."""
        self.writer.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Pool:
    """
    Planning processes.

    Args:
        planner: What they are forks of.
        places: How many there are at most.
        nice: How much less urgent they are than the builder.
        lingers: Whether they stay when there is nothing to do; otherwise they end after a while.
    """

    def __init__(
        self, planner: PlannerLike, places: int = MOST_PROCESSES, *, nice: int = 0, lingers: bool = True
    ) -> None:
        self._planner = planner
        self._nice = nice
        self._lingers = lingers
        self._places = asyncio.Semaphore(places)
        self._waiting = 0
        self._all: set[_Process] = set()
        self._free: list[_Process] = []

    async def run(self, order: Order) -> tuple[bool, bytes]:
        """
        Have a job done.

        Returns:
            Whether it was done, and what to reply with.

        Raises:
            FederationError: QUERY_PLANNING_LIMIT (took too long), SERVICE_UNAVAILABLE (waited too long, too many wait,
                died twice, cannot be started).
        """
        if self._waiting >= _MOST_WAITING:
            raise FederationError(SERVICE_UNAVAILABLE, "too many operations wait to be planned")
        loop = asyncio.get_running_loop()
        expires = loop.time() + order.patience / 1000
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            if loop.time() > expires:
                raise FederationError(SERVICE_UNAVAILABLE, "the operation waited too long to be planned")
            try:
                done, content = await self._run(order)
            except _DiedError:
                _LOG.warning("a planning process died; its operation is tried once more")
                done, content = await self._run(order)
        except _DiedError:
            _LOG.error("a planning process died again of the same operation")
            raise FederationError(SERVICE_UNAVAILABLE, "planning the operation ended its process twice") from None
        except OSError as error:
            # Too many processes, or too little memory.
            _LOG.error("a planning process cannot be started: %s", error)
            raise FederationError(SERVICE_UNAVAILABLE, "no planning process can be started") from None
        else:
            return done, content
        finally:
            self._places.release()

    def close(self) -> None:
        """End all processes."""
        for process in self._all:
            process.end()

    async def _run(self, order: Order) -> Any:
        process = self._free.pop() if self._free else await self._start()
        healthy = False
        try:
            async with asyncio.timeout(order.timeout / 1000):
                result = await process.run(order)
            healthy = process.jobs < _JOBS_PER_PROCESS
        except TimeoutError:
            message = f"Planning the operation takes longer than {order.timeout} milliseconds."
            raise FederationError(QUERY_PLANNING_LIMIT, message) from None
        else:
            return result
        finally:
            if healthy:
                self._free.append(process)
                if not self._lingers:
                    asyncio.get_running_loop().call_later(_LINGER, self._end_if_idle, process, process.jobs)
            else:
                self._all.discard(process)
                process.end()

    def _end_if_idle(self, process: _Process, jobs: int) -> None:
        if process in self._free and process.jobs == jobs:
            self._free.remove(process)
            self._all.discard(process)
            process.end()

    async def _start(self) -> _Process:
        pid, connection = fork_planning(self._planner, self._nice)
        reader, writer = await asyncio.open_unix_connection(sock=connection)
        process = _Process(pid, reader, writer)
        self._all.add(process)
        return process
