"""
The connections and events under way in one worker: how many there may be, and what becomes of those that stay.

Deadlines are looked at a few times a second for all events together: that costs less than a timer for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from kong_federation.kong.pulse import Pulse

_LOOK = 0.2  # seconds between two looks at the deadlines
_FLUSH = 2.0  # seconds for Kong to take the last answers
_FIRST_CALL = 0.5  # seconds that a new connection has to say what it is for when the worker is leaving


class Connection(Protocol):
    """A session, as far as its end is concerned."""

    @property
    def deadline(self) -> float:
        """When its event must be answered, in the loop's time."""
        ...

    @property
    def fresh(self) -> bool:
        """Whether nothing has been asked of it yet."""
        ...

    def expire(self) -> None:
        """Answer that it took too long."""
        ...

    def give_up(self) -> None:
        """Answer that the server is leaving."""
        ...

    def hang_up(self) -> None:
        """Say that nothing more will be answered; to be closed by the other side."""
        ...

    def close(self) -> None:
        """Close after what was written."""
        ...


class Events:
    """
    Bookkeeping of one worker.

    Args:
        most: Events that may be under way at once.
        pulse: What the supervisor sees of this worker.

    Attributes:
        connections: All that are open; each enters and leaves by itself.
        running: Those with an event under way; each leaves by itself.
    """

    def __init__(self, most: int, pulse: Pulse) -> None:
        self.leaving = False
        self.connections: set[Connection] = set()
        self.running: set[Connection] = set()
        self._most = most
        self._pulse = pulse

    def __repr__(self) -> str:
        return f"<Events {len(self.running)} running, {len(self.connections)} connections>"

    def begin(self, connection: Connection) -> bool:
        """Count an event that begins on a connection; False: there are too many."""
        if len(self.running) >= self._most:
            return False
        self.running.add(connection)
        return True

    async def keep_deadlines(self) -> None:
        """Expire what is late, and show that the loop runs; runs until it is cancelled."""
        while True:
            self._pulse.live(len(self.running))
            await asyncio.sleep(_LOOK)
            now = monotonic()
            for connection in [late for late in self.running if late.deadline <= now]:
                connection.expire()

    async def drain(self, seconds: float) -> None:
        """
        Let running events finish and all connections go.

        A connection that is closed while Kong is writing to it would be reset, and Kong would answer its client with
        500. So the end is only announced: Kong takes an idle connection out of its pool, and what it had just sent it
        sends again, over another connection.

        Args:
            seconds: How long events may go on; then they are answered that the server is leaving.
        """
        self.leaving = True
        loop = asyncio.get_running_loop()
        first_calls = loop.time() + min(_FIRST_CALL, seconds)
        for connection in self.connections - self.running:
            if not connection.fresh:
                connection.hang_up()
        await _until(lambda: not self.running and not any(one.fresh for one in self.connections), first_calls)
        for connection in self.connections - self.running:
            connection.hang_up()
        await _until(lambda: not self.running, first_calls + seconds)
        for connection in list(self.running):
            connection.give_up()
        await _until(lambda: not self.connections, loop.time() + _FLUSH)
        for connection in list(self.connections):
            connection.close()


async def _until(condition: Callable[[], bool], end: float) -> None:
    loop = asyncio.get_running_loop()
    while not condition() and loop.time() < end:  # noqa: ASYNC110 - once in the life of a process
        await asyncio.sleep(0.02)
