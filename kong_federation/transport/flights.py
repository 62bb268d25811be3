"""
Requests in flight that others may join.

Two requests are the same if URL, body and all headers that may change the answer are equal, and neither changes
anything at the subgraph. One that joins gets an answer that was asked for a little earlier, by at most the time of one
exchange. What changes something ends that: when it is over, nobody joins what was asked before, so within one worker a
client reads what it wrote.

Bodies are found by length and end, where the variables are, and compared then: to hash a body of 10 KB would cost more
than everything else here. Of two that are alike in that and different, the older can no longer be joined.
"""

from __future__ import annotations

from typing import Final

from kong_federation.transport.base import SubgraphRequest
from kong_federation.transport.exchange import Exchange, Key
from kong_federation.transport.headers import HeaderBlock

# Bytes at the end of a body by which it is found.
_TAIL: Final = 64


def flight_key(request: SubgraphRequest) -> Key:
    """Where a request is looked for."""
    body = request.body
    return request.url, len(body), body[-_TAIL:]


class Flights:
    """Exchanges that may be joined."""

    __slots__ = ("_flights",)

    def __init__(self) -> None:
        self._flights: dict[Key, Exchange] = {}

    def find(self, key: Key, request: SubgraphRequest, block: HeaderBlock) -> Exchange | None:
        """
        Find an exchange whose answer is also this request's.

        Args:
            key: The request's.
            request: One that changes nothing.
            block: Its headers.
        """
        found = self._flights.get(key)
        if (
            found is None
            or found.request.body != request.body
            or (found.block is not block and found.block.identity != block.identity)
        ):
            return None
        return found

    def add(self, exchange: Exchange) -> None:
        """Let others join an exchange that has a key."""
        if exchange.key is not None:
            self._flights[exchange.key] = exchange

    def end(self, exchange: Exchange) -> None:
        """Let nobody join an exchange that is over, and none that began before a change was over."""
        key = exchange.key
        if key is not None:
            if self._flights.get(key) is exchange:
                del self._flights[key]
        elif not exchange.request.safe:
            self._flights.clear()
