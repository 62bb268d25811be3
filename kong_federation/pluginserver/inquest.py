"""
Who killed the worker: which request is put into quarantine after a death.

A request is taken for the cause in one of two cases.

- The worker's loop stood still, its processor did not, and the request's code was what ran. There is no other
  explanation, so one death is enough.
- It was a suspect at two deaths, begun the second time after the first, and was not answered in between. The suspect is
  the request whose code ran at the moment of death. If none did (the death came between two steps, in the loop's own
  code), all that were under way are; then it must also have been a rare one at the second death: alone, or at most half
  of what was under way.

Why the popular query is safe. Workers also die of what no request has done: a person with `kill -9`, the system when
memory runs out. At such a moment the most popular query is the likeliest to be on the processor and surely under way.
But it is answered all the time, by this worker or the others, and the first answer clears it; and when no code ran, it
is not rare. What kills whoever runs it is never answered.

Why a deadly request costs two workers. Kong sends it again after the first death. The second one that runs it dies.
Its third coming is refused for its id as soon as both deaths are judged (`kong/guard.py`), so by the time that the
client can ask again, the request is in quarantine. Only copies that are under way at the same time, in other workers,
can cost more.
"""

from __future__ import annotations

import logging
from collections import Counter
from time import monotonic
from typing import NamedTuple

from kong_federation.kong.flights import Flights, Left
from kong_federation.kong.quarantine import Quarantine

_log = logging.getLogger(__name__)

_MEMORY = 600.0  # seconds for which a suspicion is kept, at least


class Death(NamedTuple):
    """
    One death.

    Args:
        worker: The process id of the dead, or of one that is about to be killed.
        on_cpu: The place of the request whose code ran; 0: none.
        caught: Whether it was seen to keep the processor busy for long, without end.
    """

    worker: int
    on_cpu: int
    caught: bool = False


class Inquest:
    """
    Judges deaths; the supervisor's.

    Args:
        flights: The requests under way.
        quarantine: Where the guilty go.
        seconds: For how long; 0: nobody is put there.
    """

    def __init__(self, flights: Flights, quarantine: Quarantine, seconds: float) -> None:
        self._flights = flights
        self._quarantine = quarantine
        self._seconds = seconds
        self._suspected: dict[bytes, float] = {}

    def __repr__(self) -> str:
        return f"<Inquest: {len(self._suspected)} suspects>"

    def hold(self, *deaths: Death) -> None:
        """
        Judge deaths.

        Args:
            deaths: Those that were noticed at the same time, in any order.
        """
        cases = []
        for death in deaths:
            under_way = self._flights.left_by(death.worker)
            running = [one for one in under_way if one.place == death.on_cpu]
            cases.append((death, under_way, running))
        # Who died first of a request had it before anybody had died of it.
        cases.sort(key=lambda case: max((one.deaths for one in case[2]), default=0))
        for case in cases:
            self._judge(*case)

    def _judge(self, death: Death, under_way: list[Left], running: list[Left]) -> None:
        if not self._seconds or (death.on_cpu and not running):  # what ran has been answered by another worker since
            return
        if death.caught and running:
            self._convict(running[0].digest)
            return
        suspects = running or _rare(under_way)
        guilty = {one.digest for one in suspects if self._is_second_death(one)}
        for digest in guilty:
            self._convict(digest)
        for digest in {one.digest for one in running or under_way} - guilty:
            self._suspected[digest] = monotonic()
            self._quarantine.watch(digest)

    def tidy(self) -> None:
        """Forget suspicions that are old, and those whose time is over."""
        # What is refused is known by its suspicion: it must not be forgotten before its time is over.
        oldest = monotonic() - max(_MEMORY, self._seconds)
        for digest in [digest for digest, when in self._suspected.items() if when < oldest]:
            del self._suspected[digest]
            self._quarantine.forget(digest)

    def _is_second_death(self, one: Left) -> bool:
        """
        Whether a worker has died of this before.

        Workers that are killed at the same time have not died one of another's request: the second one must have begun
        after the first death.
        """
        suspected = self._suspected.get(one.digest)
        if suspected is None or self._quarantine.was_answered(one.digest):
            return False
        return one.deaths > 0 or one.began > suspected

    def _convict(self, digest: bytes) -> None:
        self._suspected[digest] = monotonic()
        self._quarantine.impose(digest, self._seconds)
        _log.error(
            "request %s killed its workers and is refused for %.0f s; the workers' log has the ids of those refused",
            digest.hex(),
            self._seconds,
        )


def _rare(under_way: list[Left]) -> list[Left]:
    copies = Counter(one.digest for one in under_way)
    return [one for one in under_way if copies[one.digest] == 1 or 2 * copies[one.digest] <= len(under_way)]
