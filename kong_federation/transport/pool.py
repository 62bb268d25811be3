"""
The connections to one origin.

The connection that was used last is used first, so that the others may go when there is less to do. When none is free,
a request waits, and a connection is begun for it as long as there are not too many; whichever is free first takes it, a
new one or one that has just got its answer.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kong_federation.transport.address import Origin
from kong_federation.transport.connect import Connector
from kong_federation.transport.connection import Connection
from kong_federation.transport.errors import TransportError, Trouble
from kong_federation.transport.exchange import Exchange
from kong_federation.transport.watch import PERIOD

_NEVER: Final = float("inf")
_TIMEOUT: Final = re.compile(rb"(?:^|[,;\s])timeout\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
# Seconds by which we let go earlier than the subgraph says it will: what we send now is still to arrive.
_EARLIER: Final = 1.0


@dataclass(frozen=True)
class PoolLimits:
    """
    What connections may cost.

    Args:
        response_size: Bytes accepted in one answer.
        connections: To one origin at the same time.
        waiting: Requests that wait for one of them at most.
        keep_alive: Seconds an unused connection is kept, if the subgraph does not say less.
    """

    response_size: int
    connections: int
    waiting: int
    keep_alive: float


class Pool:
    """
    The connections to one origin.

    Args:
        loop: The running loop.
        origin: Where they lead.
        connector: Makes them.
        limits: What they may cost.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, origin: Origin, connector: Connector, limits: PoolLimits
    ) -> None:
        self._loop = loop
        self._origin = origin
        self._connector = connector
        self._limits = limits
        self._idle: list[Connection] = []
        self._waiting: deque[Exchange] = deque()
        self._again: set[Exchange] = set()  # those that are repeated and have no connection yet
        self._taken = 0  # connections that count, those that are being made included
        self._connecting: set[asyncio.Task[None]] = set()
        self._coming = 0  # connections that are being made for those that wait
        self._open: set[Connection] = set()
        self._said = b""
        self._patience = limits.keep_alive
        self._closed = False
        self._time = loop.time
        self._gone = asyncio.Event()

    def submit(self, exchange: Exchange, now: float) -> None:
        """
        Send a request as soon as there is a connection for it.

        Args:
            exchange: New.
            now: Loop time.
        """
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.start(exchange, now):
                return
            connection.close()
        if self._taken < self._limits.connections:
            self._waiting.append(exchange)
            self._connect(exchange)
        elif len(self._waiting) < self._limits.waiting:
            self._waiting.append(exchange)
        else:
            exchange.fail(TransportError(Trouble.CROWDED))

    def look(self, now: float) -> float:
        """
        Look at what is under way, forget requests nobody waits for, and close what was unused for too long.

        Args:
            now: Loop time.

        Returns:
            When there will be something to do again; infinity: not before a request comes.
        """
        due = min((exchange.look(now) for exchange in self.under_way()), default=_NEVER)
        if due < _NEVER or self._connecting:
            # A connection that is being made may have nobody left to wait for it, and be unused from its first day.
            due = min(due, now + PERIOD)
        if any(exchange.over for exchange in self._waiting):
            self._waiting = deque(exchange for exchange in self._waiting if not exchange.over)
        stale = [connection for connection in self._idle if not connection.is_usable(now)]
        if stale:
            self._idle = [connection for connection in self._idle if connection.is_usable(now)]
            for connection in stale:
                connection.close()
        return min(due, min((connection.idle_until for connection in self._idle), default=_NEVER))

    def under_way(self) -> list[Exchange]:
        """What is sent to this origin or waits for a connection."""
        busy = (connection.exchange for connection in self._open)
        return [exchange for exchange in (*busy, *self._waiting, *self._again) if exchange is not None]

    async def close(self) -> None:
        """Close all connections, and see them closed."""
        self._closed = True
        tasks = list(self._connecting)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._waiting.clear()
        for connection in list(self._open):
            connection.give_up()
        while self._open:
            self._gone.clear()
            await self._gone.wait()

    # --- For connections ---

    def release(self, connection: Connection, keep_alive: bytes) -> None:
        """Take a connection back, for the request that waits longest or for later."""
        now = self._time()
        if keep_alive != self._said:
            self._read_patience(keep_alive)
        connection.idle_until = now + self._patience
        while self._waiting:
            exchange = self._waiting.popleft()
            if not exchange.is_wanted(now):
                continue
            if not connection.start(exchange, now):
                self._waiting.appendleft(exchange)
                connection.close()
            return
        self._idle.append(connection)

    def opened(self, connection: Connection) -> None:
        """Note that there is a socket, which must be seen closed."""
        self._open.add(connection)

    def ended(self, connection: Connection) -> None:
        """Let another connection be made instead."""
        if connection in self._idle:
            self._idle.remove(connection)
        self._taken -= 1
        self._fill()

    def lost(self, connection: Connection) -> None:
        """Note that a socket is gone."""
        self._open.discard(connection)
        self._gone.set()

    def repeat(self, exchange: Exchange) -> None:
        """
        Send a request again on a connection that is made for it.

        All that are idle have been so for longer than the one that turned out closed, so they go, too.
        """
        for connection in list(self._idle):
            connection.close()
        exchange.carrier = None
        self._again.add(exchange)
        self._connect(exchange, alone=True)

    # --- Steps ---

    def _read_patience(self, keep_alive: bytes) -> None:
        """Learn how many seconds connections are kept; subgraphs repeat themselves, so it is remembered."""
        said = _TIMEOUT.search(keep_alive)
        theirs = float(said[1]) if said is not None else _NEVER
        self._said = keep_alive
        self._patience = min(self._limits.keep_alive, max(theirs / 2, theirs - _EARLIER))

    def _fill(self) -> None:
        """Begin connections for those that wait, as many as may be."""
        while self._coming < len(self._waiting) and self._taken < self._limits.connections and not self._closed:
            self._connect(self._waiting[self._coming])

    def _connect(self, exchange: Exchange, *, alone: bool = False) -> None:
        """
        Begin a connection.

        Args:
            exchange: Because of which.
            alone: Whether it is for this one, and not for whoever waits longest when it is there.
        """
        self._taken += 1
        self._coming += not alone
        task = self._loop.create_task(self._make(exchange, alone=alone))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _make(self, cause: Exchange, *, alone: bool) -> None:
        connection: Connection | None = None
        trouble = TransportError(Trouble.NO_ANSWER)
        begun: list[Connection] = []

        def protocol() -> Connection:
            begun.append(self._protocol())
            return begun[-1]

        try:
            made = await self._connector.connect(self._origin, protocol, cause.connect_timeout)
            connection = made if made.adopt() else None
        except TransportError as error:
            trouble = error
        finally:
            self._again.discard(cause)
            self._coming -= not alone
            self._taken -= connection is None
            self._forget(one for one in begun if one is not connection)
        if connection is None:
            exchange = cause if alone else self._next()
            if exchange is not None:
                exchange.fail(trouble)
            self._fill()
        else:
            if alone:
                self._waiting.appendleft(cause)
            self.release(connection, self._said)
            if connection.exchange is None:
                connection.rest()

    def _forget(self, begun: Iterable[Connection]) -> None:
        """
        See those closed that were given up before they were handed over, because their time was over or we close.

        If that happens when they have just got their socket, uvloop closes it and does not tell the protocol.
        """
        for connection in begun:
            if connection in self._open:
                connection.give_up()
                self._loop.call_soon(connection.connection_lost, None)

    def _next(self) -> Exchange | None:
        while self._waiting:
            exchange = self._waiting.popleft()
            if exchange.is_wanted(self._time()):
                return exchange
        return None

    def _protocol(self) -> Connection:
        return Connection(self, self._limits.response_size)
