"""
One timer for everything that may take too long.

It looks every 50 ms while something is under way, sooner if somebody's time is over sooner, and otherwise when the next
unused connection has to go. A timer for each request would cost more than a tenth of the request, and nearly none would
ever ring.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

PERIOD: Final = 0.05
"""Seconds between two looks; what nobody waits for any more may live on for so long."""

# Seconds. Loops count timers in whole milliseconds and may ring a little early.
_SLACK: Final = 0.001
_NEVER: Final = float("inf")


class Watch:
    """
    Looks around from time to time.

    Args:
        loop: The running loop.
        look: Called at each look with the loop's time; returns when it wants to be called again.
    """

    __slots__ = ("_look", "_loop", "_timer", "due")

    def __init__(self, loop: asyncio.AbstractEventLoop, look: Callable[[float], float]) -> None:
        self._loop = loop
        self._look = look
        self._timer: asyncio.TimerHandle | None = None
        self.due = _NEVER
        """When it will look next, in the loop's time."""

    def expect(self, due: float) -> None:
        """Look at some time at the latest."""
        if due < self.due:
            if self._timer is not None:
                self._timer.cancel()
            self.due = due
            self._timer = self._loop.call_at(due, self._ring)

    def stop(self) -> None:
        """Stop looking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.due = _NEVER

    def _ring(self) -> None:
        self._timer = None
        self.due = _NEVER
        # Who is told at this look that its time is over may send something else, for which the next is set by then.
        self.expect(self._look(self._loop.time() + _SLACK))
