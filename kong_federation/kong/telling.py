"""
What Kong is told of each request, written quickly.

Of two requests of one operation nearly all that is told is the same; what differs are two numbers, which always take
eight bytes. So the calls are written once with two other numbers in their place and cut there, and each request puts
its own between the pieces.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Final

from kong_federation.gateway import Facts
from kong_federation.gateway.facts import NAME, Kind
from kong_federation.kong.pdk import Calls
from kong_federation.kong.values import encode_pair

# Bytes of kept texts: for each operation, way it was answered and outcome some hundred bytes, but a client may give its
# operation a name of a megabyte.
_KEPT: Final = 8 * 2**20
_OVERHEAD: Final = 1_000  # bytes of a kept entry beside its texts: the facts it is known by, lists, headers of objects

_number: Final[Callable[[float], bytes]] = struct.Struct("<d").pack
# Numbers whose eight bytes no text has: texts of clients and subgraphs have no such zero bytes in a row.
_BYTES, _MILLISECONDS = 1.0 + 2.0**-40, 3.0 + 2.0**-40
_HOLES: Final = (_number(_BYTES), _number(_MILLISECONDS))


class Telling:
    """
    The calls that tell Kong of requests.

    Args:
        functions: What is called with the facts.
    """

    __slots__ = ("_functions", "_kept", "_pieces")

    def __init__(self, functions: Sequence[str]) -> None:
        self._functions = tuple(functions)
        self._pieces: dict[Kind, list[bytes]] = {}
        self._kept = 0

    def calls(self, facts: Facts) -> tuple[tuple[str, bytes], ...]:
        """The functions with their argument; all take a name and a value, so it is the same."""
        told = encode_pair((NAME, facts.members()))
        return tuple((function, told) for function in self._functions)

    def written(self, facts: Facts | None) -> bytes:
        """The frames of the calls for a request that was answered here; empty: nothing is told."""
        if facts is None:
            return b""
        kind, response_bytes, duration = facts
        pieces = self._pieces.get(kind)
        if pieces is None:
            pieces = self._cut(kind)
        size, time = _number(response_bytes), _number(duration)
        written = [pieces[0]]
        for index in range(1, len(pieces), 2):
            written += (size, pieces[index], time, pieces[index + 1])
        return b"".join(written)

    def _cut(self, kind: Kind) -> list[bytes]:
        """The frames in pieces, with the size and the time left out in turn."""
        # On the wire every number is a double.
        marked = Facts(kind, _BYTES, _MILLISECONDS)  # type: ignore[arg-type]
        whole = Calls(*self.calls(marked)).written
        pieces: list[bytes] = []
        for number in range(2 * len(self._functions)):
            before, _, whole = whole.partition(_HOLES[number % 2])
            pieces.append(before)
        pieces.append(whole)
        weight = _OVERHEAD + 2 * sum(map(len, pieces))  # the texts stand in the facts, too
        if self._kept + weight > _KEPT:
            # All at once, because what is used is back at once.
            self._pieces.clear()
            self._kept = 0
        if weight <= _KEPT:
            self._pieces[kind] = pieces
            self._kept += weight
        return pieces
