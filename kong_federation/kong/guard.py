"""
What stands between an event and the gateway: a request that Kong sends again, and one that kills workers.

    comes again, once    a query is run once more; what may be a mutation is not, it may have been carried out before
    comes again, twice   whatever it is, two workers died of it or beside it: refused
    is older than us     another server may have had it under way: what may be a mutation is not run
    is in quarantine     refused, see `pluginserver/inquest.py`
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
from functools import lru_cache
from time import monotonic

from kong_federation.errors import ErrorCode
from kong_federation.errors.codes import REQUEST_INTERRUPTED, REQUEST_QUARANTINED
from kong_federation.gateway import HttpRequest
from kong_federation.kong.failures import failed
from kong_federation.kong.flights import STALE, Flight, Flights
from kong_federation.kong.pdk import Channel, Pdk
from kong_federation.kong.pulse import Pulse, pulses
from kong_federation.kong.quarantine import Quarantine, digest_of
from kong_federation.kong.records import Exit

_log = logging.getLogger(__name__)

# Requests up to so many bytes come again, and a look costs an eighth of a digest.
_SHORT = 4_096
_digest_of_short = lru_cache(512)(digest_of)

_INQUEST = 5.0  # seconds within which the supervisor has judged a death
_PATIENCE = 2.0  # seconds that a refusal waits for that
_LOOK = 0.01  # seconds between two looks


class Guard:
    """
    What one worker shares with the others; made in the worker.

    Args:
        flights: The requests under way in all workers.
        quarantine: The requests that are refused.
        pulse: This worker's own.
    """

    __slots__ = ("_began", "_knows_all", "_worker", "flights", "pulse", "quarantine")

    def __init__(self, flights: Flights, quarantine: Quarantine, pulse: Pulse) -> None:
        self.flights = flights
        self.quarantine = quarantine
        self.pulse = pulse
        self._worker = os.getpid()
        self._began = monotonic()
        self._knows_all = False

    @property
    def knows_all(self) -> bool:
        """Whether nothing can come that another server had under way before."""
        if not self._knows_all:
            self._knows_all = not self.flights.since or monotonic() - self._began > STALE
        return self._knows_all

    def admit(self, request: HttpRequest, graph: bytes) -> Admitted:
        """
        Write a request down until Kong has the answer.

        Not only until there is one: of a worker that dies before its answer has left it, Kong sends the event again.

        Args:
            request: The request.
            graph: Digest of its configuration.
        """
        asked = request.body or request.query.encode("utf-8", "surrogateescape")
        digest = _digest_of_short(graph, asked) if len(asked) <= _SHORT else digest_of(graph, asked)
        flight = self.flights.begin(request.request_id, digest, self._worker)
        return Admitted(request, digest, flight, self.flights, self._worker)

    def doubts(self, admitted: Admitted) -> bool:
        """Whether something may speak against running a request; `refusal` finds out."""
        if admitted.deaths or self.quarantine.any[0]:
            return True
        return not (self._knows_all or self.knows_all or admitted.repeatable)


class Admitted:
    """
    A request that is written down.

    Args:
        request: What is asked.
        digest: By which it is known.
        flight: Where it stands in the table.
        flights: The table.
        worker: Id of this process.
    """

    __slots__ = ("_flight", "_flights", "_request", "_worker", "deaths", "digest", "place")

    def __init__(self, request: HttpRequest, digest: bytes, flight: Flight, flights: Flights, worker: int) -> None:
        self.digest = digest
        self.place, self.deaths, _ = flight
        self._request = request
        self._flight = flight
        self._flights = flights
        self._worker = worker

    @property
    def repeatable(self) -> bool:
        """Whether the request may be run again: it is certain, without parsing anything, that it is no mutation."""
        request = self._request
        if request.method != "POST":
            # A mutation in a GET is refused.
            return True
        # Whatever JSON and GraphQL allow, the keyword must be there, unless its letters are escaped or it is elsewhere.
        body = request.body
        return b'"query"' in body and b"mutation" not in body and rb"\u" not in body

    async def judged(self) -> None:
        """
        Wait until the deaths of those that had this request before are judged.

        Whoever is told of a death sooner can ask the same again, as a request that nobody has died of.
        """
        due = monotonic() + _PATIENCE
        while not self._flights.is_judged(self._flight) and monotonic() < due:  # noqa: ASYNC110 - in another process
            await asyncio.sleep(_LOOK)

    def over(self, *, answered: bool) -> None:
        """Strike the request out when its connection is over or used again, having got the answer or not."""
        if not answered and not self.repeatable:
            # A connection that ended too early is most likely that of a client that left. But should Kong be there and
            # have lost it, the event comes again, while what may be a mutation is on its way: it is kept until it is
            # stale.
            self._flights.survive(self._flight, self._worker)
        elif self.deaths > 1 or (self.deaths and not self.repeatable):
            # Refused, and perhaps sooner than the supervisor has judged: it was not waited for, or in vain.
            asyncio.get_running_loop().call_later(_INQUEST, self._flights.end, self._flight)
        else:
            self._flights.end(self._flight)


def lone_guard(most: int = 100) -> Guard:
    """The guard of a worker that shares nothing."""
    return Guard(Flights(most), Quarantine(), pulses(1)[0])


async def refusal(admitted: Admitted, request: HttpRequest, guard: Guard, channel: Channel) -> Exit | None:
    """
    Say why a request is not run.

    Args:
        admitted: What is known of it.
        request: The request.
        guard: What is known besides.
        channel: To ask how old the request is, if that matters.

    Returns:
        The answer to it; None: it may be run.
    """
    deaths = admitted.deaths
    if seconds := guard.quarantine.left(admitted.digest):
        return _refuse(request, REQUEST_QUARANTINED, f"it is in quarantine ({admitted.digest.hex()})", seconds)
    if deaths:
        if deaths == 1 and admitted.repeatable:
            _log.warning("request %s comes again after the death of its worker; it is run again", request.request_id)
            return None
        await admitted.judged()
        reason = f"it comes again after the death of its worker ({deaths})"
        return _refuse(request, REQUEST_QUARANTINED if admitted.repeatable else REQUEST_INTERRUPTED, reason)
    if guard.knows_all or admitted.repeatable:
        return None
    if await Pdk(channel).req_start_time() < guard.flights.since:
        return _refuse(request, REQUEST_INTERRUPTED, "it is older than this server, and may have been begun by another")
    return None


def _refuse(request: HttpRequest, code: ErrorCode, reason: str, seconds: float = 0.0) -> Exit:
    _log.warning("request %s is answered with an error: %s", request.request_id, reason)
    return failed(code, retry_after=math.ceil(seconds) or None)
