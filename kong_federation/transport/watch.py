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

from kong_federation.transport.exchange import Exchange

PERIOD: Final = 0.05
"""Seconds between two looks; what nobody waits for any more may live on for so long."""

# Seconds. Loops count timers in whole milliseconds and may ring a little early.
_SLACK: Final = 0.001
_NEVER: Final = float("inf")


class Watch:
    """
    Looks at exchanges and at whatever else has to be tidied.

    Args:
        loop: The running loop.
        tidy: Called at each look with the loop's time; returns when it wants to be called again.
    """

    __slots__ = ("_due", "_live", "_loop", "_tidy", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, tidy: Callable[[float], float]) -> None:
        self._loop = loop
        self._tidy = tidy
        self._live: set[Exchange] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._due = _NEVER

    def add(self, exchange: Exchange, now: float, deadline: float) -> None:
        """
        Look after an exchange until it is over.

        Args:
            exchange: New.
            now: Loop time.
            deadline: Its first waiter's.
        """
        self._live.add(exchange)
        if deadline < self._due or now + PERIOD < self._due:
            self._arm(min(deadline, now + PERIOD))

    def expect(self, deadline: float) -> None:
        """Make sure to look in time for somebody who has begun to wait for an exchange that is looked after."""
        if deadline < self._due:
            self._arm(deadline)

    def end(self, exchange: Exchange) -> None:
        """Look after an exchange no longer."""
        self._live.discard(exchange)

    def stop(self) -> list[Exchange]:
        """Stop looking; returns what was under way."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due = _NEVER
        return list(self._live)

    def _arm(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._look)

    def _look(self) -> None:
        self._timer = None
        self._due = _NEVER
        now = self._loop.time()
        due = _NEVER
        for exchange in list(self._live):
            due = min(due, exchange.look(now + _SLACK))
        due = min(due, self._tidy(now))
        if self._live:
            due = min(due, now + PERIOD)
        if due < _NEVER:
            self._arm(due)
