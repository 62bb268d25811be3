"""
Work in a thread that live requests hardly feel.

A thread holds the interpreter for a while each time it gets it, and the loop waits that long at each of its turns; the
system may even take the processor from it meanwhile, and then the loop waits for other processes, too. So work that
nobody waits for is done in pieces, and after each the thread rests for several times as long: a request meets a piece
at most once or twice, and most meet none.
"""

from __future__ import annotations

import time

# Seconds of rest for each second of work, and the work that is too short to rest from.
_REST = 4
_PIECE_SECONDS = 0.0005


class Breath:
    """Rests the calling thread in proportion to what it has worked since it last rested."""

    def __init__(self) -> None:
        self._rested = time.thread_time()

    def __call__(self) -> None:
        """Rest, if it is time to."""
        worked = time.thread_time() - self._rested
        if worked >= _PIECE_SECONDS:
            time.sleep(worked * _REST)
            self._rested = time.thread_time()
