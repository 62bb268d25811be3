"""
The cost of a partial plan: which subgraphs are called in which wave.

All entity fetches of one wave to one subgraph are batched into one request, so a plan's price is not the number of its
hops but the number of different (wave, subgraph) pairs. A set of pairs is one integer, bit `wave * graphs + graph`:
putting two partial plans side by side is `|`, hanging one below a hop is a shift, counting requests is a popcount. This
is what makes the search cheap enough to look at every alternative.

Waves are counted from the position the partial plan starts at: wave 0 is the first request after the object is there.
"""

from __future__ import annotations

from typing import TypeAlias

# A set of (wave, subgraph) pairs.
Calls: TypeAlias = int

NOTHING: Calls = 0


class Costs:
    """
    The arithmetic of calls for a number of subgraphs.

    Args:
        graphs: The subgraphs, in the order of their bits.
    """

    def __init__(self, graphs: tuple[str, ...]) -> None:
        self._bits = {graph: index for index, graph in enumerate(graphs)}
        self._width = max(1, len(graphs))

    def call(self, wave: int, graph: str) -> Calls:
        """One request to a subgraph in a wave."""
        return 1 << (wave * self._width + self._bits[graph])

    def later(self, calls: Calls, waves: int) -> Calls:
        """The calls, so many waves later."""
        return calls << (waves * self._width)

    def depth(self, calls: Calls) -> int:
        """The number of waves."""
        return (calls.bit_length() - 1) // self._width + 1

    def price(self, calls: Calls, late: int) -> tuple[int, int, int]:
        """
        What is compared: smaller is better.

        First the waves, which the client waits for; then the requests, which subgraphs pay for; between plans of equal
        waves and requests, the one that fetches more of its fields early and less through entities.

        Args:
            calls: The requests.
            late: Number of fields times the wave they are fetched in, summed up; wave 0 counts as 1, what comes with
                the position itself as 0.
        """
        return (self.depth(calls), calls.bit_count(), late)
