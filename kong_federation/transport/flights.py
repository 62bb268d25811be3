"""
Requests in flight that others may join.

Two requests are the same if URL, body and all headers that may change the answer are equal, and neither changes
anything at the subgraph. One that joins gets an answer that was asked for a little earlier, by at most the time of one
exchange. What changes something ends that: when it is over, nobody joins what was asked before, so within one worker a
client reads what it wrote.

Bodies are looked up and compared then. A short one is looked up by itself: most have no variables and are constants,
which know their hash. To hash one of 10 KB would cost more than everything else here, so a long one is looked up by its
end, where the variables are. Of two that are alike in that and different, the older can no longer be joined.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kong_federation.transport.address import Address
from kong_federation.transport.exchange import Exchange
from kong_federation.transport.headers import HeaderBlock

SHORT: Final = 256
"""Bytes of a body that is looked up by itself; to hash it takes 0.2 us at most."""

TAIL: Final = 64
"""Bytes at the end of a longer body by which it is looked up."""


class Lane:
    """
    What goes to one URL.

    Args:
        address: The URL, read.
        seal: Lets nobody join what is under way, on any lane.
    """

    __slots__ = ("_address", "block", "flights", "head", "seal")

    def __init__(self, address: Address, seal: Callable[[], None]) -> None:
        self._address = address
        self.seal = seal
        self.flights: dict[bytes, Exchange] = {}
        """What may be joined, by what it is looked up by."""
        self.head = b""
        self.block: HeaderBlock | None = None

    def encode(self, block: HeaderBlock) -> bytes:
        """The head of a request up to its length; the last one is kept in `head` with its headers in `block`."""
        self.block = block
        self.head = head = self._address.starts[block.given] + block.text
        return head
