"""
One request on its way, and everybody who waits for its answer.

Usually that is one, and the exchange is itself the promise that this one waits for. Requests that are identical and
change nothing may share an exchange (`flights`): each who joins has a promise and a time of its own, and the exchange
is given up when nobody waits any more. That somebody has gone is not told to us, it is seen when the watch looks around
(`watch`): a callback for each request would cost more than all the rest of the bookkeeping, and an answer that comes
meanwhile leaves the connection fit for use.

Who waits on a strand goes on inside the call that keeps the promise, and may send, cancel or join there. So whatever
happens to an exchange is first written down, in the exchange and by whoever holds it, and then told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from kong_federation.strands import Promise
from kong_federation.transport.base import SubgraphRequest, SubgraphResponse
from kong_federation.transport.errors import TransportError, Trouble, failure
from kong_federation.transport.headers import HeaderBlock

_NEVER: Final = float("inf")


class Carrier(Protocol):
    """What an exchange takes place on."""

    def give_up(self) -> None:
        """End the exchange's connection; the exchange is not touched any more."""
        ...


class Ledger(Protocol):
    """Where an exchange is written down while it is not over."""

    flights: dict[bytes, Exchange]
    seal: Callable[[], None]


class Waiter(NamedTuple):
    """
    Somebody who waits for an answer.

    Args:
        promise: Gets the answer or a FederationError.
        deadline: Loop time by which it must have one.
        timeout: How many seconds that are, for the error.
    """

    promise: Promise[SubgraphResponse]
    deadline: float
    timeout: float


class Exchange(Promise[SubgraphResponse]):
    """
    One request on its way; the promise is that of the first who waits for it.

    Args:
        request: What is sent.
        head: The bytes before its body, but for the line with the body's length.
        block: The request's headers.
        ledger: Where it is written down; the exchange adds itself, and takes itself out when it is over.
        key: By what it is found there by those who may join it; None: nobody may.
        deadline: Loop time by which the first must have an answer.
        connect_timeout: Seconds for a connection that has to be made for it.
    """

    __slots__ = (
        "_block",
        "_deadline",
        "_joined",
        "_key",
        "_ledger",
        "carrier",
        "connect_timeout",
        "head",
        "over",
        "repeated",
        "request",
    )

    def __init__(  # noqa: PLR0917 - names cost as much as the assignments
        self,
        request: SubgraphRequest,
        head: bytes,
        block: HeaderBlock,
        ledger: Ledger,
        key: bytes | None,
        deadline: float,
        connect_timeout: float,
    ) -> None:
        Promise.__init__(self)
        self.request = request
        self.head = head
        self.connect_timeout = connect_timeout
        self.carrier: Carrier | None = None
        self.over = False
        self.repeated = False
        self._block = block
        self._ledger = ledger
        self._key = key
        self._deadline = deadline
        self._joined: list[Waiter] | None = None
        if key is not None:
            ledger.flights[key] = self

    def is_for(self, request: SubgraphRequest, block: HeaderBlock) -> bool:
        """
        Whether its answer is also another request's.

        Args:
            request: One to the same URL that changes nothing.
            block: Its headers.
        """
        return self.request.body == request.body and (self._block is block or self._block.identity == block.identity)

    def join(self, deadline: float, timeout: float) -> Promise[SubgraphResponse]:
        """
        Wait for the answer, too.

        Args:
            deadline: Loop time by which there must be one.
            timeout: How many seconds that are, for the error.

        Returns:
            The answer, or a FederationError.
        """
        promise: Promise[SubgraphResponse] = Promise()
        if self._joined is None:
            self._joined = []
        self._joined.append(Waiter(promise, deadline, timeout))
        return promise

    def succeed(self, response: SubgraphResponse) -> None:
        """Give the answer to all who still wait."""
        self._finish()
        if not self.done():  # neither cancelled nor sent away
            self._end(response)
        if self._joined is not None:
            for promise, _, _ in self._joined:
                if not promise.done():
                    promise.set_result(response)

    def fail(self, error: TransportError) -> None:
        """Give an error of their own to all who still wait; nothing is done when it is over."""
        if not self.over:
            self._finish()
            for waiter in self._waiting():
                self._tell(waiter, error)

    def is_wanted(self, now: float) -> bool:
        """Whether anybody still waits, so that it may begin; otherwise it is over."""
        return not self.over and self.look(now) < _NEVER

    def look(self, now: float) -> float:
        """
        Send those away whose time is over, and give up when nobody is left.

        Args:
            now: Loop time.

        Returns:
            When the next one's time is over; infinity: nobody waits, or it is over.
        """
        if self.over:
            return _NEVER
        waiting = self._waiting()
        late = [waiter for waiter in waiting if waiter.deadline <= now]
        if len(late) == len(waiting):
            self._finish()
            if self.carrier is not None:
                self.carrier.give_up()
        for waiter in late:
            self._tell(waiter, TransportError(Trouble.LATE, limit=waiter.timeout))
        return min((waiter.deadline for waiter in waiting if waiter.deadline > now), default=_NEVER)

    def _finish(self) -> None:
        self.over = True
        ledger = self._ledger
        key = self._key
        if key is not None:
            if ledger.flights.get(key) is self:
                del ledger.flights[key]
        elif not self.request.safe:
            ledger.seal()

    def _waiting(self) -> list[Waiter]:
        everybody = [Waiter(self, self._deadline, self.request.timeout), *(self._joined or ())]
        return [waiter for waiter in everybody if not waiter.promise.done()]

    def _tell(self, waiter: Waiter, error: TransportError) -> None:
        # One who was told before may have cancelled it.
        if not waiter.promise.done():
            waiter.promise.set_exception(failure(error, self.request.url))
