"""
One connection to a subgraph: an asyncio protocol that carries one exchange at a time.

    idle ──start──> busy ──whole answer──> idle, or closed
                     │ ──anything else──> closed

A connection that was used before may have been closed by the subgraph in this very moment. If it ends before a byte of
the answer, nobody knows whether the request arrived: one that changes nothing is sent again, once and on a fresh
connection; for another the caller is told. Before such another is sent, the socket is looked at once more.
"""

from __future__ import annotations

import asyncio
import select
from typing import Final, Protocol, cast

from kong_federation.transport.answer import AnswerReader
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
            keep_alive: The answer's `Keep-Alive`, empty if it had none.
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


class Connection(asyncio.Protocol):
    """
    One connection.

    Args:
        owner: Who has it when it is not busy.
        limit: Bytes accepted in one answer.
    """

    __slots__ = ("_adopted", "_exchange", "_heard", "_owner", "_reader", "_transport", "_used", "idle_until")

    def __init__(self, owner: Owner, limit: int) -> None:
        self._owner = owner
        self._reader = AnswerReader(limit)
        self._transport: asyncio.Transport
        self._exchange: Exchange | None = None
        self._heard = False
        self._used = False
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

    def is_fit(self, exchange: Exchange, now: float) -> bool:
        """
        Whether this request may be sent on this idle connection.

        For one that must not be sent twice, the operating system is asked whether the subgraph has said anything since
        its last answer, if only that this was the end; that costs some microseconds.
        """
        return (
            now < self.idle_until
            and not self._transport.is_closing()
            and (exchange.request.safe or not self._used or self._is_quiet())
        )

    def start(self, exchange: Exchange) -> None:
        """Send a request."""
        self._exchange = exchange
        self._heard = False
        exchange.carrier = self
        body = exchange.request.body
        size = len(body)
        block = exchange.block
        start = exchange.address.starts[block.given]
        if size <= _JOINED:
            self._transport.write(b"%b%bcontent-length: %d\r\n\r\n%b" % (start, block.text, size, body))
        else:
            self._transport.write(b"%b%bcontent-length: %d\r\n\r\n" % (start, block.text, size))
            self._transport.write(body)

    def give_up(self) -> None:
        """Close at once; an exchange that was under way is not touched any more."""
        self._exchange = None
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
        self._owner.opened(self)

    def data_received(self, data: bytes) -> None:
        """Read a piece of the answer."""
        exchange = self._exchange
        if exchange is None:
            # Nobody has asked.
            self.give_up()
            return
        self._heard = True
        try:
            if self._reader.feed(data):
                self._deliver(exchange)
        except TransportError as error:
            self._fail(exchange, error)

    def connection_lost(self, exc: Exception | None) -> None:
        """End what was under way: it may be complete by that, be sent again, or fail."""
        exchange = self._exchange
        self._exchange = None
        if exchange is not None and not exchange.over:
            self._broken_off(exchange, exc)
        self._end()
        self._owner.lost(self)
        self._reader.close()

    # --- Steps ---

    def _deliver(self, exchange: Exchange) -> None:
        reader, transport = self._reader, self._transport
        self._exchange = None
        self._used = True
        keep_alive = reader.keep_alive
        reusable = reader.reusable
        exchange.succeed(reader.take())
        if transport.get_write_buffer_size():
            # Answered before all was sent; nobody may ever read the rest.
            self.give_up()
        elif not reusable or transport.is_closing():
            self.close()
        else:
            self._owner.release(self, keep_alive)

    def _is_quiet(self) -> bool:
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    def _fail(self, exchange: Exchange, error: TransportError) -> None:
        self.give_up()
        exchange.fail(error)

    def _broken_off(self, exchange: Exchange, cause: Exception | None) -> None:
        if self._heard:
            try:
                if cause is None and self._reader.end():
                    exchange.succeed(self._reader.take())
                    return
            except TransportError as error:
                exchange.fail(error)
                return
            exchange.fail(TransportError(Trouble.INCOMPLETE if cause is None else Trouble.BROKEN_OFF, cause))
        elif self._used and exchange.request.safe and not exchange.repeated:
            exchange.repeated = True
            self._owner.repeat(exchange)
        else:
            exchange.fail(TransportError(Trouble.NO_ANSWER if exchange.request.safe else Trouble.UNCERTAIN, cause))

    def _end(self) -> None:
        if self._adopted:
            self._adopted = False
            self._owner.ended(self)
