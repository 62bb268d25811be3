"""
The requests under way in all workers, in memory that outlives each of them.

A worker that dies in mid-event closes its connections, which Kong takes for a lost instance: it sends the event again,
at once and without a limit, and another worker gets it. Only the request's id tells it from a first one. So a worker
writes the id down before the gateway sees the request and strikes it out when there is an answer; an id that is already
there belongs to a request whose worker has died.

The table is shared by all forks of a process. It has buckets of a few places each, and the hash of an id says which
bucket is its own. There are no locks: of two workers that take the same place in the same instant, one loses its entry,
and a full bucket takes none; the replay of such a request is taken for a first one. Entries that nobody strikes out,
because Kong gave its client a 500 instead of a replay, are overwritten once Kong cannot replay them any more.
"""

from __future__ import annotations

import mmap
import struct
from time import monotonic

_ENTRY = struct.Struct("=32sdB7x")  # request id, when it was written (0: free), deaths
_DEATHS = 40  # place of the deaths in an entry
_PLACES = 8  # entries of a bucket
_BUCKET = _PLACES * _ENTRY.size  # bytes
_ID = 32  # hexadecimal digits of Kong's request ids; nothing else is sure to be unique

_SPARE = 4  # places per request, so that buckets are hardly ever full
_STALE = 120.0  # seconds; Kong gives up on an event after 60

_MOST_DEATHS = 255


class Flights:
    """
    Who is in the air.

    Args:
        most: Requests that may be under way at once, in all workers together; 192 bytes of memory for each.
    """

    def __init__(self, most: int) -> None:
        self._buckets = max(1, most * _SPARE // _PLACES)
        self._memory = mmap.mmap(-1, self._buckets * _BUCKET)

    def begin(self, request_id: str) -> int:
        """
        A request has come.

        Returns:
            How many workers have died while it was under way.
        """
        if len(request_id) != _ID:
            return 0
        name = request_id.encode("latin-1")
        start, bucket = self._bucket(request_id)
        at = bucket.find(name)
        if at >= 0:
            deaths = min(bucket[at + _DEATHS] + 1, _MOST_DEATHS)
            _ENTRY.pack_into(self._memory, start + at, name, monotonic(), deaths)
            return deaths
        now = monotonic()
        for place, (_, written, _) in enumerate(_ENTRY.iter_unpack(bucket)):
            if not written or now - written > _STALE:
                _ENTRY.pack_into(self._memory, start + place * _ENTRY.size, name, now, 0)
                break
        return 0

    def end(self, request_id: str) -> None:
        """A request is answered, or nobody waits for the answer any more."""
        if len(request_id) != _ID:
            return
        start, bucket = self._bucket(request_id)
        at = bucket.find(request_id.encode("latin-1"))
        if at >= 0:
            _ENTRY.pack_into(self._memory, start + at, b"", 0.0, 0)

    def _bucket(self, request_id: str) -> tuple[int, bytes]:
        # Forks share the seed of `hash`.
        start = hash(request_id) % self._buckets * _BUCKET
        return start, self._memory[start : start + _BUCKET]
