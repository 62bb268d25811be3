"""
What stands between an event and the gateway: a request that Kong sends again, and one that kills workers.

    comes again, once    a query is run once more; what may be a mutation is not, it may have been carried out before
    comes again, twice   whatever it is, two workers died of it or beside it: refused
    is older than us     another server may have had it under way: what may be a mutation is not run
    is in quarantine     refused, see `pluginserver/inquest.py`
"""

from __future__ import annotations

import logging
import math
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, NamedTuple, TypeVar

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

_Result = TypeVar("_Result")


@dataclass(slots=True)
class Guard:
    """
    What one worker shares with the others.

    Args:
        flights: The requests under way in all workers.
        quarantine: The requests that are refused.
        pulse: This worker's own.
        began: When the server did, monotonic seconds.
    """

    flights: Flights
    quarantine: Quarantine
    pulse: Pulse
    began: float = field(default_factory=monotonic)

    @property
    def knows_all(self) -> bool:
        """Whether nothing can come that another server had under way before."""
        return not self.flights.since or monotonic() - self.began > STALE


def lone_guard(most: int = 100) -> Guard:
    """The guard of a worker that shares nothing."""
    return Guard(Flights(most), Quarantine(), pulses(1)[0])


class Admitted(NamedTuple):
    """
    A request that may be run.

    Args:
        flight: Where it stands in the table.
        digest: What it asks.
    """

    flight: Flight
    digest: bytes


async def admit(request: HttpRequest, graph: bytes, guard: Guard, channel: Channel) -> Admitted | Exit:
    """
    Say whether a request may be run, and write it down until Kong has the answer.

    Not only until there is one: of a worker that dies before its answer has left it, Kong sends the event again.

    Args:
        request: The request.
        graph: Digest of its configuration.
        guard: What is known.
        channel: To ask how old the request is, if that matters, and to know when it is over.

    Returns:
        The answer, if it may not.
    """
    digest = digest_of(graph, request.body or request.query.encode("utf-8", "surrogateescape"))
    flight = guard.flights.begin(request.request_id, digest)
    channel.when_over(partial(_over, request, flight, guard.flights), partial(_is_query, request))
    admitted = Admitted(flight, digest)
    if flight.deaths or guard.quarantine.left(digest) or not guard.knows_all:
        return await _refusal(request, admitted, guard, channel) or admitted
    return admitted


def _over(request: HttpRequest, flight: Flight, flights: Flights, answered: bool) -> None:
    # A connection that ended too early is most likely that of a client that left. But should Kong be there and have
    # lost it, the event comes again, while what may be a mutation is on its way: that one is kept until it is stale.
    if answered or _is_query(request):
        flights.end(flight)


async def run(admitted: Admitted, guard: Guard, work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a request that was admitted."""
    response = await guard.pulse.run(admitted.flight.place, work)
    guard.quarantine.answered(admitted.digest)
    return response


async def _refusal(request: HttpRequest, admitted: Admitted, guard: Guard, channel: Channel) -> Exit | None:
    deaths = admitted.flight.deaths
    if seconds := guard.quarantine.left(admitted.digest):
        return _refuse(request, REQUEST_QUARANTINED, f"it is in quarantine ({admitted.digest.hex()})", seconds)
    if deaths:
        query = _is_query(request)
        if deaths == 1 and query:
            _log.warning("request %s comes again after the death of its worker; it is run again", request.request_id)
            return None
        reason = f"it comes again after the death of its worker ({deaths})"
        return _refuse(request, REQUEST_QUARANTINED if query else REQUEST_INTERRUPTED, reason)
    if not guard.knows_all and not _is_query(request) and await Pdk(channel).req_start_time() < guard.flights.since:
        return _refuse(request, REQUEST_INTERRUPTED, "it is older than this server, and may have been begun by another")
    return None


def _refuse(request: HttpRequest, code: ErrorCode, reason: str, seconds: float = 0.0) -> Exit:
    _log.warning("request %s is answered with an error: %s", request.request_id, reason)
    return failed(code, retry_after=math.ceil(seconds) or None)


def _is_query(request: HttpRequest) -> bool:
    """Whether it is certain, without parsing anything, that the request asks for no mutation."""
    if request.method != "POST":
        # A mutation in a GET is refused.
        return True
    # Whatever JSON and GraphQL allow, the keyword must be there, unless its letters are escaped or it is elsewhere.
    body = request.body
    return b'"query"' in body and b"mutation" not in body and rb"\u" not in body
