"""
One request on its way, and everybody who waits for its answer.

Usually that is one. Requests that are identical and change nothing may share an exchange: each waits no longer than its
own time, and the exchange is given up when nobody waits any more. That somebody has gone is not told to us, it is seen
when the watch looks around (`watch`): a callback for each request would cost more than all the rest of the bookkeeping,
and an answer that comes meanwhile leaves the connection fit for use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

from kong_federation.transport.address import Address
from kong_federation.transport.base import SubgraphRequest, SubgraphResponse
from kong_federation.transport.errors import TransportError, Trouble, failure
from kong_federation.transport.headers import HeaderBlock

Key: TypeAlias = tuple[str, int, bytes]
Answer: TypeAlias = asyncio.Future[SubgraphResponse]


class Carrier(Protocol):
    """What an exchange takes place on."""

    def give_up(self) -> None:
        """End the exchange's connection; the exchange is not touched any more."""
        ...


class Exchange:
    """
    One request on its way.

    Args:
        request: What is sent.
        address: Where to.
        block: The request's headers.
        future: Gets the answer or a FederationError.
        deadline: Loop time by which `future` must have one.
        connect_timeout: Seconds for a connection that has to be made for it.
        key: By what it is found by those who may join it; None: nobody may.
        after: Called when it is over.
    """

    __slots__ = (
        "_after",
        "_deadline",
        "_future",
        "_joined",
        "address",
        "block",
        "carrier",
        "connect_timeout",
        "key",
        "over",
        "repeated",
        "request",
    )

    def __init__(
        self,
        request: SubgraphRequest,
        address: Address,
        block: HeaderBlock,
        future: Answer,
        deadline: float,
        *,
        connect_timeout: float,
        key: Key | None,
        after: Callable[[Exchange], None],
    ) -> None:
        self.request = request
        self.address = address
        self.block = block
        self.connect_timeout = connect_timeout
        self.key = key
        self.carrier: Carrier | None = None
        self.over = False
        self.repeated = False
        self._after = after
        self._future = future
        self._deadline = deadline
        self._joined: list[tuple[Answer, float, float]] | None = None

    def join(self, future: Answer, deadline: float, timeout: float) -> None:
        """
        Wait for the answer, too.

        Args:
            future: Gets the answer or a FederationError.
            deadline: Loop time by which it must have one.
            timeout: How many seconds that are, for the error.
        """
        if self._joined is None:
            self._joined = []
        self._joined.append((future, deadline, timeout))

    def succeed(self, response: SubgraphResponse) -> None:
        """Give the answer to all who still wait."""
        if not self._future.done():
            self._future.set_result(response)
        if self._joined is not None:
            for future, _, _ in self._joined:
                if not future.done():
                    future.set_result(response)
        self._end()

    def fail(self, error: TransportError) -> None:
        """Give an error of their own to all who still wait."""
        for future, _, _ in self._waiting():
            future.set_exception(failure(error, self.request.url))
        if not self.over:
            self._end()

    def is_wanted(self, now: float) -> bool:
        """Whether anybody still waits, so that it may begin; otherwise it is over."""
        return not self.over and self.look(now) < float("inf")

    def look(self, now: float) -> float:
        """
        Send those away whose time is over, and give up when nobody is left.

        Args:
            now: Loop time.

        Returns:
            When the next one's time is over; infinity: nobody waits.
        """
        first = float("inf")
        for future, deadline, timeout in self._waiting():
            if deadline <= now:
                future.set_exception(failure(TransportError(Trouble.LATE, limit=timeout), self.request.url))
            else:
                first = min(first, deadline)
        if first == float("inf"):
            self._end()
            if self.carrier is not None:
                self.carrier.give_up()
        return first

    def _end(self) -> None:
        self.over = True
        self._after(self)

    def _waiting(self) -> Iterator[tuple[Answer, float, float]]:
        everybody = [(self._future, self._deadline, self.request.timeout), *(self._joined or ())]
        return (waiter for waiter in everybody if not waiter[0].done())
