"""
The connections and events under way in one worker: how many there may be, and what becomes of those that stay.

Deadlines are looked at a few times a second for all events together: that costs less than a timer for each.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from kong_federation.errors import ErrorCode
from kong_federation.errors.codes import SERVICE_UNAVAILABLE

_LOOK = 0.2  # seconds between two looks at the deadlines
_FLUSH = 2.0  # seconds for Kong to take the last answers


class Connection(Protocol):
    """A session, as far as its end is concerned."""

    @property
    def deadline(self) -> float:
        """When its event must be answered, in the loop's time."""
        ...

    def expire(self) -> None:
        """Answer that it took too long."""
        ...

    def fail(self, code: ErrorCode) -> None:
        """Answer with an error."""
        ...

    def close(self) -> None:
        """Close after what was written."""
        ...


class Events:
    """
    Bookkeeping of one worker.

    Args:
        most: Events that may be under way at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._connections: set[Connection] = set()
        self._running: set[Connection] = set()

    def __repr__(self) -> str:
        return f"<Events {len(self._running)} running, {len(self._connections)} connections>"

    @property
    def full(self) -> bool:
        """Whether no further event may begin."""
        return len(self._running) >= self._most

    def connected(self, connection: Connection) -> None:
        """A connection was made."""
        self._connections.add(connection)

    def disconnected(self, connection: Connection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)

    def begun(self, connection: Connection) -> None:
        """An event has begun on a connection."""
        self._running.add(connection)

    def ended(self, connection: Connection) -> None:
        """The event on a connection is over."""
        self._running.discard(connection)

    async def keep_deadlines(self) -> None:
        """Expire what is late; runs until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_LOOK)
            now = loop.time()
            for connection in [late for late in self._running if late.deadline <= now]:
                connection.expire()

    async def drain(self, seconds: float) -> None:
        """
        Let running events finish and close all connections.

        Args:
            seconds: How long events may go on; then they are answered that the server is leaving.
        """
        for connection in self._connections - self._running:
            connection.close()
        await self._until_none(self._running, seconds)
        for connection in list(self._running):
            connection.fail(SERVICE_UNAVAILABLE)
        for connection in list(self._connections):
            connection.close()
        await self._until_none(self._connections, _FLUSH)

    @staticmethod
    async def _until_none(connections: set[Connection], seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while connections and loop.time() < end:  # noqa: ASYNC110 - once in the life of a process
            await asyncio.sleep(0.02)
