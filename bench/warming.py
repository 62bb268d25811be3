"""
When a gateway is warm: when its CPU per request no longer falls.

V8 compiles what it has run thousands of times, the product what comes again, and neither says when it is done. So load
goes on in spells, and the CPU per request of each is compared with the level of those before: a spell that is clearly
below it sets a new level; when several in a row do not, the gateway is warm. Spells that others on the machine made
dear can end the waiting no sooner than that, and a fall too slow to show between neighbours adds up against the level.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

FALL = 0.05  # share of the level; less is noise
LEVEL = 2  # spells in a row without a fall


@dataclass(frozen=True, slots=True)
class Spell:
    """A short load: its requests, and the CPU milliseconds of the gateway for each."""

    requests: int
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Warmth:
    """
    How a gateway became warm.

    Args:
        requests: Asked meanwhile.
        seconds: That it took.
        first_ms: CPU per request of the first spell.
        level_ms: The level that it came down to.
        settled: Whether it was level before the time was up.
    """

    requests: int
    seconds: float
    first_ms: float
    level_ms: float
    settled: bool


async def settle(spell: Callable[[], Awaitable[Spell]], limit: float) -> Warmth:
    """
    Load a gateway until it is warm, or for so many seconds; one spell at least.

    Args:
        spell: Loads it for a moment.
        limit: Seconds; the spell in which they end is finished.
    """
    began = time.monotonic()
    first = await spell()
    requests, level, quiet = first.requests, first.cpu_ms, 0
    while quiet < LEVEL and time.monotonic() - began < limit:
        last = await spell()
        requests += last.requests
        if last.cpu_ms < level * (1 - FALL):
            level, quiet = last.cpu_ms, 0
        else:
            quiet += 1
    return Warmth(requests, time.monotonic() - began, first.cpu_ms, level, quiet >= LEVEL)
