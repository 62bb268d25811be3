"""
The keeper: the builder's process that has the plan store open, and the builder's end of it.

A disk may be slow, full or gone, and the builder must answer at any time. So it asks a fork of itself, which opens the
file (after the fork, as SQLite demands), and does not wait for long: a keeper that is late is killed, and the builder
goes on without a store for a while. Nothing that goes wrong here costs more than planning anew.

    builder → keeper     ["find", digest]  ["popular", most]                 answered in order
                         ["keep", digest, operation, plan]  ["count", uses]  not answered
    keeper → builder     the plan, or nil; the packed operations
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgpack

from kong_federation.gateway.builder.process import fork_process
from kong_federation.gateway.builder.store import PlanStore, is_damage
from kong_federation.gateway.messages import Reader, pack_operations

_LOG = logging.getLogger("kong_federation.gateway.builder")

# A plan is found in a fraction of a millisecond. On a machine that is full a fork may have to wait for its turn; on a
# disk that hangs, those who ask wait this long once, and then not for `_PAUSE_SECONDS`.
_PATIENCE_SECONDS = 2.0

# Operations to be warmed are asked for by nobody who waits.
_LONG_PATIENCE_SECONDS = 5.0

# A store that cannot be used is tried again after this.
_PAUSE_SECONDS = 60.0

# Plans that wait to be written, in bytes; further ones are not kept.
_MOST_UNWRITTEN = 16 * 1024 * 1024

# What is warmed travels in one message, which workers unpack on their loop: 1 millisecond.
_MOST_POPULAR_BYTES = 2 * 1024 * 1024

_CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class StorePlace:
    """
    Where a builder keeps its plans.

    Args:
        directory: The store's.
        max_bytes: Size of the file.
        space: What tells this builder's plans from those of others.
    """

    directory: Path
    max_bytes: int
    space: bytes


# --- The builder's end ---


class Keeper:
    """
    The store, as the builder sees it; no method raises.

    Args:
        place: Where it is.
    """

    def __init__(self, place: StorePlace) -> None:
        self._place = place
        self._process: _Process | None = None
        self._rests_until = 0.0
        self._killed: set[int] = set()

    async def start(self) -> None:
        """Have the file opened before the first question."""
        await self._running()

    async def find(self, digest: bytes) -> bytes | None:
        """The plan of an operation, encoded, if it is there."""
        found = await self._ask(["find", digest], _PATIENCE_SECONDS)
        return found if isinstance(found, bytes) else None

    async def popular(self, most: int) -> bytes:
        """The operations that are used most, packed, the most used first."""
        found = await self._ask(["popular", most], _LONG_PATIENCE_SECONDS)
        return found if isinstance(found, bytes) else pack_operations([])

    async def keep(self, digest: bytes, operation: bytes, content: bytes) -> None:
        """Keep a plan."""
        await self._tell(["keep", digest, operation, content])

    async def count(self, uses: Sequence[tuple[bytes, int]]) -> None:
        """Remember how often plans were used."""
        await self._tell(["count", uses])

    def close(self) -> None:
        """Let it write what it was given, and end."""
        if self._process is not None:
            self._process.close()

    async def _ask(self, message: list[Any], patience: float) -> Any:
        process = await self._running()
        if process is None:
            return None
        try:
            async with asyncio.timeout(patience):
                return await process.ask(message)
        except (TimeoutError, OSError) as error:
            self._rest("is late" if isinstance(error, TimeoutError) else "has ended", process)
            return None

    async def _tell(self, message: list[Any]) -> None:
        process = await self._running()
        if process is not None:
            process.tell(message)

    async def _running(self) -> _Process | None:
        if self._process is not None and not self._process.ended:
            return self._process
        if self._process is not None:
            self._rest("has ended", self._process)
        loop = asyncio.get_running_loop()
        if loop.time() < self._rests_until:
            return None
        self._reap()
        # The next one that asks must not start another meanwhile.
        self._rests_until = loop.time() + _PAUSE_SECONDS
        try:
            pid, connection = fork_process(partial(serve_store, self._place))
        except OSError as error:
            _LOG.warning(
                "the plan store cannot be started: %s; plans are not kept for %d seconds", error, _PAUSE_SECONDS
            )
            return None
        self._process = _Process(pid, *await asyncio.open_unix_connection(sock=connection))
        return self._process

    def _rest(self, why: str, process: _Process) -> None:
        if process is self._process:
            _LOG.warning("the plan store %s; plans are not kept for %d seconds", why, _PAUSE_SECONDS)
            self._rests_until = asyncio.get_running_loop().time() + _PAUSE_SECONDS
            self._process = None
            process.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
            self._killed.add(process.pid)
            self._reap()

    def _reap(self) -> None:
        # One that hangs in the middle of a system call dies when that returns; waiting for it here would be as bad.
        for pid in list(self._killed):
            with contextlib.suppress(ChildProcessError):
                if os.waitpid(pid, os.WNOHANG) == (0, 0):
                    continue
            self._killed.discard(pid)


class _Process:
    """One keeper process; answers come in the order of the questions."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self._reader = reader
        self._writer = writer
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._listening = asyncio.ensure_future(self._listen())
        self.ended = False

    async def ask(self, message: list[Any]) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        self._writer.write(msgpack.packb(message))
        return await future

    def tell(self, message: list[Any]) -> None:
        if self._writer.transport.get_write_buffer_size() < _MOST_UNWRITTEN:
            self._writer.write(msgpack.packb(message))

    def close(self) -> None:
        self._listening.cancel()
        self._writer.close()

    async def _listen(self) -> None:
        messages = Reader()
        with contextlib.suppress(OSError, ValueError):
            while data := await self._reader.read(_CHUNK):
                for answer in messages.feed(data):
                    future = self._waiting.popleft()
                    if not future.done():
                        future.set_result(answer)
        self.ended = True
        for future in self._waiting:
            if not future.done():
                future.set_exception(ConnectionError())


# --- The process ---


def serve_store(place: StorePlace, connection: socket.socket) -> None:
    """Answer the builder until it hangs up."""
    store = PatientStore(partial(PlanStore, place.directory, place.max_bytes, place.space))
    store.open()
    reader = Reader()
    # A builder that was killed leaves a broken connection.
    with contextlib.suppress(ConnectionError):
        while data := connection.recv(_CHUNK):
            for kind, *arguments in reader.feed(data):
                match kind:
                    case "find":
                        connection.sendall(msgpack.packb(store.attempt(PlanStore.find, *arguments)))
                    case "popular":
                        found = store.attempt(PlanStore.popular, *arguments, _MOST_POPULAR_BYTES)
                        connection.sendall(msgpack.packb(pack_operations(found or [])))
                    case "keep":
                        store.attempt(PlanStore.keep, *arguments)
                    case "count":
                        store.attempt(PlanStore.count, *arguments)
    store.close()


class PatientStore:
    """
    A store that is opened when it is needed, and lived without while it cannot be used.

    Args:
        open_store: Opens it.
        now: Seconds that only grow.
    """

    def __init__(self, open_store: Callable[[], PlanStore], now: Callable[[], float] = time.monotonic) -> None:
        self._open_store = open_store
        self._now = now
        self._store: PlanStore | None = None
        self._rests_until = float("-inf")
        self._said = ""

    def open(self) -> bool:
        """Whether the store is open, or could be opened."""
        if self._now() < self._rests_until:
            return False
        try:
            self._store = self._open_store()
        except (OSError, sqlite3.Error) as error:
            self._rests_until = self._now() + _PAUSE_SECONDS
            self._say(f"there is no plan store: {error}")
            return False
        self._said = ""
        return True

    def attempt(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """
        What a method of the store gives; None if there is no usable store.

        Args:
            method: Of `PlanStore`.
            arguments: Its arguments.
        """
        if self._store is None and not self.open():
            return None
        assert self._store is not None
        try:
            return method(self._store, *arguments)
        except sqlite3.Error as error:
            if is_damage(error):
                self._discard(error)
            else:
                self._say(f"the plan store cannot be used at the moment: {error}")
        except (TypeError, ValueError, ArithmeticError) as error:
            # A row has something in it that never was written.
            self._discard(error)
        return None

    def close(self) -> None:
        """Close the store, if it is open."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def _discard(self, error: Exception) -> None:
        _LOG.warning("the plan store is damaged and begins anew: %s", error)
        store, self._store = self._store, None
        assert store is not None
        try:
            store.discard()
        except OSError as why:
            self._rests_until = self._now() + _PAUSE_SECONDS
            self._say(f"the damaged plan store cannot be set aside: {why}")

    def _say(self, what: str) -> None:
        # A full disk would be reported for each plan.
        if what != self._said:
            _LOG.warning("%s", what)
            self._said = what
