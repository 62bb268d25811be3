"""
Requests that are refused for a while because workers died of them, in memory that all workers share.

The supervisor alone puts requests in and takes them out (`pluginserver/inquest.py` says when); workers look up what
comes to them, and tell when a suspect was answered, which clears it. A request is known by the digest of what it asks,
in which graph. There are no locks: a look-up that meets an entry being written misses it once.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from hashlib import blake2b
from time import monotonic

from kong_federation.kong.flights import DIGEST

_ENTRY = struct.Struct("=16sdB7x")  # digest, until when it is refused (0: it is only watched), whether it was answered
_ANSWERED = 24  # place of the last in an entry
_HEAD = 8  # bytes before the entries; the first says whether there are any
_PLACES = 64  # more different requests than this do not kill workers at the same time

_NOTHING = bytes(DIGEST)


def digest_of(graph: bytes, asked: bytes) -> bytes:
    """
    What a request is known by.

    Variables count: of an operation that everybody sends, only what has the deadly values is refused.

    Args:
        graph: Digest of the configuration, at most 64 bytes.
        asked: The body, or the query string.
    """
    return blake2b(asked, digest_size=DIGEST, key=graph).digest()


class Quarantine:
    """The suspects and the refused; to be made before the workers are forked."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _HEAD + _PLACES * _ENTRY.size)
        # For a look in passing: its first number is 0 as long as no request is refused or watched.
        self.any = memoryview(self._memory)[:1]

    def __repr__(self) -> str:
        return f"<Quarantine: {sum(1 for _ in self._entries())}>"

    # --- Workers ---

    def left(self, digest: bytes) -> float:
        """Seconds for which a request is still refused; 0: it is not."""
        if not self._memory[0]:
            return 0.0
        at = self._find(digest)
        if at < 0:
            return 0.0
        until: float = _ENTRY.unpack_from(self._memory, at)[1]
        return max(0.0, until - monotonic()) if until else 0.0

    def answered(self, digest: bytes) -> None:
        """A request was run, and its worker lives."""
        if self._memory[0]:
            at = self._find(digest)
            if at >= 0:
                self._memory[at + _ANSWERED] = 1

    # --- The supervisor ---

    def watch(self, digest: bytes) -> None:
        """Note from here on whether a request is answered; what is refused stays so."""
        at = self._find(digest)
        self._put(digest, _ENTRY.unpack_from(self._memory, at)[1] if at >= 0 else 0.0)

    def was_answered(self, digest: bytes) -> bool:
        """Whether it was, since it is watched; what is not watched counts as answered."""
        at = self._find(digest)
        return at < 0 or bool(self._memory[at + _ANSWERED])

    def impose(self, digest: bytes, seconds: float) -> None:
        """Refuse a request for so long."""
        self._put(digest, monotonic() + seconds)

    def forget(self, digest: bytes) -> None:
        """Neither refuse nor watch a request any more."""
        at = self._find(digest)
        if at >= 0:
            _ENTRY.pack_into(self._memory, at, b"", 0.0, 0)
        self._memory[0] = any(True for _ in self._entries())

    def _put(self, digest: bytes, until: float) -> None:
        at = self._find(digest)
        if at < 0:
            at = self._find(_NOTHING)
        if at < 0:
            # What is refused the longest has the most of its time behind it; what is only watched goes before.
            at = min(self._entries(), key=lambda entry: entry[1])[0]
        _ENTRY.pack_into(self._memory, at, digest, until, 0)
        self._memory[0] = 1

    def _find(self, digest: bytes) -> int:
        at = self._memory.find(digest, _HEAD)
        while at >= 0 and (at - _HEAD) % _ENTRY.size:
            at = self._memory.find(digest, at + 1)
        return at

    def _entries(self) -> Iterator[tuple[int, float]]:
        for place, (digest, until, _) in enumerate(_ENTRY.iter_unpack(self._memory[_HEAD:])):
            if digest != _NOTHING:
                yield _HEAD + place * _ENTRY.size, until
