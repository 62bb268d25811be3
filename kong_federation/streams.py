"""
What a connection tells whoever reads it.

It has the callbacks of `asyncio.Protocol`, which itself cannot be the base of a compiled class (decision 18).
"""

from __future__ import annotations

import asyncio


class Stream:
    """One end of a connection; event loops take it for an `asyncio.Protocol`."""

    __slots__ = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""

    def data_received(self, data: bytes) -> None:
        """Something has come."""

    def eof_received(self) -> None:
        """The other end sends no more; the loop closes the connection."""

    def pause_writing(self) -> None:
        """Much of what was written has not left yet."""

    def resume_writing(self) -> None:
        """It has left."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended, with an error or without."""
