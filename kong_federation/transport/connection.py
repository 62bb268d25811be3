"""
One connection to a subgraph: an asyncio protocol that carries one exchange at a time.

    idle ──start──> busy ──whole answer──> idle, or closed
                     │ ──anything else──> closed

A connection that was idle before may have been closed by the subgraph in this very moment. If it ends before a byte of
the answer, nobody knows whether the request arrived: one that changes nothing is sent again, once and on a fresh
connection; for another the caller is told. Before such another is sent, the socket is looked at once more.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Final, Protocol, cast

from kong_federation.streams import Stream
from kong_federation.transport.answer import AnswerReader
from kong_federation.transport.base import SubgraphResponse
from kong_federation.transport.errors import TransportError, Trouble
from kong_federation.transport.exchange import Exchange

# Bytes. Up to here it is cheaper to copy a body behind its head than to hand the loop two pieces.
_JOINED: Final = 64 * 1024


class Owner(Protocol):
    """Who has the connection when it is not busy."""

    def release(self, connection: Connection, keep_alive: bytes) -> None:
        """
        Take a connection back that can be used again.

        Args:
            connection: Idle.
            keep_alive: What the subgraph's `Keep-Alive` says, empty if it sends none.
        """
        ...

    def opened(self, connection: Connection) -> None:
        """Note that a connection has a socket."""
        ...

    def ended(self, connection: Connection) -> None:
        """Note that a connection that was adopted is closed, or as good as; called once for each."""
        ...

    def lost(self, connection: Connection) -> None:
        """Note that a connection's socket is gone."""
        ...

    def repeat(self, exchange: Exchange) -> None:
        """Send a request again, on a fresh connection."""
        ...


class Connection(Stream):
    """
    One connection.

    Args:
        owner: Who has it when it is not busy.
        limit: Bytes accepted in one answer.
    """

    __slots__ = (
        "_adopted",
        "_heard",
        "_owner",
        "_reader",
        "_rested",
        "_transport",
        "_write",
        "exchange",
        "idle_until",
    )

    def __init__(self, owner: Owner, limit: int) -> None:
        self._owner = owner
        self._reader = AnswerReader(limit)
        self._transport: asyncio.Transport
        self._write: Callable[[bytes], None]
        self.exchange: Exchange | None = None
        """What is under way on it."""
        self._heard = False
        # Whether it was idle before, if only between two exchanges.
        self._rested = False
        self._adopted = False
        self.idle_until = 0.0

    # --- For the owner ---

    def adopt(self) -> bool:
        """Count from here on; False: it is closed again already."""
        self._adopted = not self._transport.is_closing()
        return self._adopted

    def is_usable(self, now: float) -> bool:
        """Whether a request may be sent on this idle connection, as far as the loop knows."""
        return now < self.idle_until and not self._transport.is_closing()

    def rest(self) -> None:
        """Be idle before anything was sent."""
        self._rested = True

    def start(self, exchange: Exchange, now: float) -> bool:
        """
        Send a request on this connection, which is new or idle, unless it should not be used any more.

        A query on a connection that was idle is sent without a further look: it is sent again if that turns out to have
        been too late. For what must not be sent twice, it must not be closed as far as the loop knows, and the
        operating system is asked whether the subgraph has said anything since its last answer, if only that this was
        the end, which costs some microseconds.

        Args:
            exchange: It is under way afterwards.
            now: Loop time.

        Returns:
            False: Nothing was sent.
        """
        request = exchange.request
        if self._rested and (now >= self.idle_until or not (request.safe or self._is_quiet())):
            return False
        self.exchange = exchange
        self._heard = False
        exchange.carrier = self
        body = request.body
        size = len(body)
        if size <= _JOINED:
            self._write(b"%bcontent-length: %d\r\n\r\n%b" % (exchange.head, size, body))
        else:
            self._write(b"%bcontent-length: %d\r\n\r\n" % (exchange.head, size))
            self._write(body)
        return True

    def give_up(self) -> None:
        """Close at once; an exchange that was under way is not touched any more."""
        self.exchange = None
        self._end()
        self._transport.abort()

    def close(self) -> None:
        """Close an idle connection."""
        self._end()
        self._transport.close()

    # --- For the loop ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._write = self._transport.write
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        """Read a piece of the answer."""
        exchange = self.exchange
        if exchange is None:
            # Nobody has asked.
            self.give_up()
            return
        self._heard = True
        reader = self._reader
        try:
            response = reader.feed(data)
        except TransportError as error:
            self.give_up()
            exchange.fail(error)
            return
        if response is None:
            return
        # Who waits goes on inside `succeed`, so all is done before, and the next request finds this connection.
        self.exchange = None
        self._rested = True
        if self._transport.get_write_buffer_size():
            # Answered before all was sent; nobody may ever read the rest.
            self.give_up()
        elif reader.reusable:
            self._owner.release(self, reader.keep_alive or b"")
        else:
            self.close()
        exchange.succeed(response)

    def eof_received(self) -> None:
        """Be unfit for another request; the loop closes the connection."""
        self.idle_until = 0.0

    def connection_lost(self, exc: Exception | None) -> None:
        """End what was under way: it may be complete by that, be sent again, or fail."""
        exchange = self.exchange
        self.exchange = None
        outcome: SubgraphResponse | TransportError | None = None
        if exchange is not None and not exchange.over:
            if not self._heard and self._rested and exchange.request.safe and not exchange.repeated:
                exchange.repeated = True
                self._owner.repeat(exchange)
            else:
                outcome = self._outcome(exchange, exc)
        self._end()
        self._owner.lost(self)
        self._reader.close()
        if exchange is None or outcome is None:
            return
        if isinstance(outcome, TransportError):
            exchange.fail(outcome)
        else:
            exchange.succeed(outcome)

    # --- Steps ---

    def _is_quiet(self) -> bool:
        if self._transport.is_closing():
            return False
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    def _outcome(self, exchange: Exchange, cause: Exception | None) -> SubgraphResponse | TransportError:
        """What a lost connection means to an exchange that cannot be repeated."""
        if not self._heard:
            return TransportError(Trouble.NO_ANSWER if exchange.request.safe else Trouble.UNCERTAIN, cause)
        if cause is not None:
            return TransportError(Trouble.BROKEN_OFF, cause)
        try:
            return self._reader.end() or TransportError(Trouble.INCOMPLETE)
        except TransportError as error:
            return error

    def _end(self) -> None:
        if self._adopted:
            self._adopted = False
            self._owner.ended(self)
