"""
The requests under way in all workers, in memory that outlives each of them.

A worker that dies in mid-event closes its connections, which Kong takes for a lost instance: it sends the event again,
at once and without a limit, and another worker gets it. Only the request's id tells it from a first one. So a worker
writes the id down before the gateway sees the request and strikes it out when there is an answer; an id that is already
there belongs to a request whose worker has died. Beside it stands the digest of what was asked, for the inquest.

The table is shared by all forks of a process. It has buckets of a few places each, and an id says which bucket is its
own. There are no locks: of two workers that take the same place in the same instant, one loses its entry, and a full
bucket takes none; the replay of such a request is taken for a first one. Entries that nobody strikes out, because Kong
gave its client a 500 instead of a replay, are overwritten once Kong cannot replay them any more.

A server that takes another one's place takes its table, too (`kong reload`: the old one still finishes requests, and
the events of a worker that dies there come to the new one). Where that is not possible, `since` says from when on the
table knows all: an older request may be under way elsewhere.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import sys
import time
from pathlib import Path
from time import monotonic
from typing import NamedTuple

# Request id, digest, when written (0: free), worker, the two that had it before, deaths. A worker is 0 where there is
# none, where its death is judged, and where it lives and has only lost the connection.
_ENTRY = struct.Struct("=16s16sdIIIB3x")
_FREE = bytes(_ENTRY.size)
_WRITTEN = 32  # place of the time in an entry
_WORKER = 40
_DEATHS = 52
_PLACES = 8  # entries of a bucket
_BUCKET = _PLACES * _ENTRY.size  # bytes
_ID = 32  # hexadecimal digits of Kong's request ids; nothing else is sure to be unique
_TIME = struct.Struct("=d")
_WORKERS = struct.Struct("=III")

DIGEST = 16  # bytes of a digest

_SPARE = 4  # places per request, so that buckets are hardly ever full
STALE = 120.0
"""Seconds after which an entry is free again; Kong gives up on an event after 60."""

_MOST_DEATHS = 255

# Another layout must have another name, so that no server takes a table that it would misread.
_NAME = f"kong-federation-flights-{_ENTRY.format}"


class Flight(NamedTuple):
    """
    One request under way.

    Args:
        place: Where it stands, from 1; 0: nowhere.
        deaths: How many workers have died while it was under way.
        name: Its id there.
    """

    place: int
    deaths: int
    name: bytes = b""


class Left(NamedTuple):
    """
    A request that its worker did not finish.

    Args:
        place: Where it stands.
        digest: What it asks.
        began: When, monotonic seconds.
        deaths: How many workers had died of it before, or beside it.
    """

    place: int
    digest: bytes
    began: float
    deaths: int


_UNKNOWN = Flight(0, 0)


class Flights:
    """
    Who is in the air.

    Args:
        most: Requests that may be under way at once, in all workers together; 224 bytes of memory for each.
        predecessor: Id of a process of the server whose place is taken; its table is used if it can be.
        since: From when on all requests come here, seconds since the epoch; None: from this moment on.
    """

    def __init__(self, most: int, predecessor: int | None = None, since: float | None = None) -> None:
        memory = _inherit(predecessor) if predecessor else None
        self.since = 0.0 if memory is not None else time.time() if since is None else since
        self._memory = memory if memory is not None else _make(max(1, most * _SPARE // _PLACES) * _BUCKET)
        self._buckets = len(self._memory) // _BUCKET

    def __repr__(self) -> str:
        return f"<Flights: {self._buckets * _PLACES} places>"

    def begin(self, request_id: str, digest: bytes, worker: int | None = None) -> Flight:
        """
        A request has come.

        Args:
            request_id: Kong's.
            digest: Of what is asked, 16 bytes.
            worker: The id of this process, if the caller knows it.
        """
        try:
            name = bytes.fromhex(request_id)
        except ValueError:
            return _UNKNOWN
        if len(request_id) != _ID or len(name) != _ID // 2:
            return _UNKNOWN
        worker = worker or os.getpid()
        now = monotonic()
        first = int.from_bytes(name[-8:], "big") % self._buckets * _PLACES
        start = first * _ENTRY.size
        bucket = self._memory[start : start + _BUCKET]
        at = bucket.find(name)
        if at >= 0 and not at % _ENTRY.size:
            deaths = min(bucket[at + _DEATHS] + 1, _MOST_DEATHS)
            last, before, _ = _WORKERS.unpack_from(bucket, at + _WORKER)
            _ENTRY.pack_into(self._memory, start + at, name, digest, now, worker, last, before, deaths)
            return Flight(first + at // _ENTRY.size + 1, deaths, name)
        for place in range(_PLACES):
            at = place * _ENTRY.size
            written: float = _TIME.unpack_from(bucket, at + _WRITTEN)[0]
            if not written or now - written > STALE:
                _ENTRY.pack_into(self._memory, start + at, name, digest, now, worker, 0, 0, 0)
                return Flight(first + place + 1, 0, name)
        return _UNKNOWN

    def end(self, flight: Flight) -> None:
        """A request is answered, or nobody waits for the answer any more."""
        if self._is_here(flight):
            at = (flight.place - 1) * _ENTRY.size
            self._memory[at : at + len(_FREE)] = _FREE

    def survive(self, flight: Flight, worker: int) -> None:
        """
        A worker has lost the connection of a request that stays here, and lives: there is no death to judge.

        Args:
            flight: What `begin` gave it.
            worker: Its process id.
        """
        if self._is_here(flight):
            at = (flight.place - 1) * _ENTRY.size + _WORKER
            workers = list(_WORKERS.unpack_from(self._memory, at))
            # It may have the request again by now, by another connection; that is the later one.
            for place in reversed(range(len(workers))):
                if workers[place] == worker:
                    workers[place] = 0
                    break
            _WORKERS.pack_into(self._memory, at, *workers)

    def is_judged(self, flight: Flight) -> bool:
        """Whether there is no death left to judge of those workers that had this request before."""
        if not self._is_here(flight):
            return True
        _, *before = _WORKERS.unpack_from(self._memory, (flight.place - 1) * _ENTRY.size + _WORKER)
        return not any(before)

    def _is_here(self, flight: Flight) -> bool:
        at = (flight.place - 1) * _ENTRY.size
        return flight.place > 0 and self._memory[at : at + len(flight.name)] == flight.name

    def left_by(self, worker: int) -> list[Left]:
        """
        What was under way in a worker when it died, and was not answered since; asked a second time, nothing.

        Args:
            worker: Its process id.
        """
        found = []
        oldest = monotonic() - STALE
        for place, (_, digest, began, *workers, deaths) in enumerate(_ENTRY.iter_unpack(self._memory)):
            if began > oldest and worker in workers:
                # By now others may have begun it again, and died of it.
                found.append(Left(place + 1, digest, began, deaths - workers.index(worker)))
                left = [0 if one == worker else one for one in workers]
                _WORKERS.pack_into(self._memory, place * _ENTRY.size + _WORKER, *left)
        return found


def _make(size: int) -> mmap.mmap:
    if sys.platform != "linux":
        return mmap.mmap(-1, size)
    # A name by which a successor finds it among our descriptors: the mapping keeps one.
    descriptor = os.memfd_create(_NAME)
    os.ftruncate(descriptor, size)
    return _mapped(descriptor)


def _mapped(descriptor: int) -> mmap.mmap:
    try:
        return mmap.mmap(descriptor, 0)
    finally:
        os.close(descriptor)


def _inherit(predecessor: int) -> mmap.mmap | None:
    """The table of a server that runs; None: it cannot be reached, from another container for example."""
    try:
        links = list(Path(f"/proc/{predecessor}/fd").iterdir())
    except OSError:
        return None
    for link in links:
        # It goes on serving, so connections that were listed may be closed by the time they are looked at.
        with contextlib.suppress(OSError, ValueError):
            if str(link.readlink()).startswith(f"/memfd:{_NAME} "):
                return _mapped(os.open(link, os.O_RDWR))
    return None
