"""
A worker's end of the builder.

One connection carries all orders of a generation. If it is lost, whoever needs it next connects anew, which starts a
builder if there is none; an order that was under way is sent once more. A builder that gives no sign of life for a
while is taken for stuck and killed: it never computes itself, so it has no reason to be silent.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import signal
import subprocess
from pathlib import Path

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import SERVICE_UNAVAILABLE
from kong_federation.gateway.messages import (
    PING,
    Failed,
    Hello,
    Order,
    Reader,
    Reply,
    pack_order,
    unpack_findings,
    unpack_greeting,
    unpack_reply,
)
from kong_federation.gateway.sockets import peer_process
from kong_federation.gateway.spawn import BuilderProgram

_LOG = logging.getLogger("kong_federation.gateway")

# Python starts within a second or so even on a busy machine; loading takes what the largest known supergraphs take,
# times ten.
_START_SECONDS = 30.0
_LOAD_SECONDS = 120.0

_PING_SECONDS = 1.0
_SILENCE_SECONDS = 5.0

_CHUNK = 1 << 18


class _LostError(Exception):
    """The connection ended before the answer came."""


class _Connection:
    """One connection, after the greeting."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, messages: Reader) -> None:
        self._reader = reader
        self._writer = writer
        self._messages = messages
        self._numbers = itertools.count(PING + 1)
        self._pending: dict[int, asyncio.Future[Reply]] = {}
        self._heard = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._ordered = asyncio.Event()
        self.lost = False

    def begin(self) -> None:
        """
        Listen; not to be called in what a request has started.

        What a request starts is taken for a part of it for as long as it runs (`kong/pulse.py`), and this runs on.
        """
        self._tasks = [asyncio.ensure_future(self._listen()), asyncio.ensure_future(self._watch())]

    async def order(self, job: bytes, run_for: int, wait_for: int, *, background: bool) -> Reply:
        """
        One order's reply.

        Raises:
            _LostError: The connection ended before.
        """
        if self.lost:
            raise _LostError
        number = next(self._numbers)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        if len(self._pending) == 1:
            # Only silence while somebody waits says anything.
            self._heard = asyncio.get_running_loop().time()
            self._ordered.set()
        try:
            self._writer.write(pack_order(Order(number, run_for, wait_for, job, background)))
            return await future
        finally:
            self._pending.pop(number, None)

    def tell(self, job: bytes) -> None:
        """Send an order that nobody waits for."""
        self._writer.write(pack_order(Order(PING, 0, 0, job, background=True)))

    def close(self) -> None:
        """Hang up; whoever still waits is told."""
        self.lost = True
        for task in self._tasks:
            task.cancel()
        self._writer.close()
        for future in self._pending.values():
            if not future.done():
                future.set_exception(_LostError())

    async def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := await self._reader.read(_CHUNK):
                self._heard = asyncio.get_running_loop().time()
                for message in self._messages.feed(data):
                    reply = unpack_reply(message)
                    future = self._pending.get(reply.number)
                    if future is not None and not future.done():
                        future.set_result(reply)
        self.close()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if not self._pending:
                self._ordered.clear()
                await self._ordered.wait()
            await asyncio.sleep(_PING_SECONDS)
            if self._pending and loop.time() - self._heard > _SILENCE_SECONDS:
                _LOG.error("the builder has been silent for %s seconds; it is replaced", _SILENCE_SECONDS)
                _kill(self._writer)
                self.close()
            elif self._pending:
                self._writer.write(pack_order(Order(PING, 0, 0, b"")))


class BuilderClient:
    """
    The builder of one supergraph, as a worker sees it.

    Args:
        program: How a builder is started.
        path: Where it listens.
        sdl: The supergraph.
    """

    def __init__(self, program: BuilderProgram, path: Path, sdl: str) -> None:
        self._program = program
        self._path = path
        self._sdl = sdl
        self._connection: _Connection | None = None
        self._opening: asyncio.Task[tuple[_Connection, Hello]] | None = None
        self._closed = False

    async def hello(self) -> Hello:
        """
        Wait until the supergraph is loaded.

        Raises:
            FederationErrors: It cannot be loaded.
            FederationError: SERVICE_UNAVAILABLE, there is no builder and none can be started.
        """
        _, hello = await self._connect()
        return hello

    async def order(self, job: bytes, run_for: int, wait_for: int, *, background: bool = False) -> bytes:
        """
        Have a job done.

        Args:
            job: What `pack_job` gave.
            run_for: Milliseconds it may run.
            wait_for: Milliseconds it may wait before.
            background: Whether live requests go first.

        Raises:
            FederationErrors: What the builder found wrong with it.
            FederationError: SERVICE_UNAVAILABLE.
        """
        for _ in range(2):
            connection = self._connection
            if connection is None or connection.lost:
                connection, _hello = await self._connect()
            with contextlib.suppress(_LostError):
                reply = await connection.order(job, run_for, wait_for, background=background)
                if reply.done:
                    return reply.content
                raise FederationErrors(unpack_findings(reply.content))
        raise _unavailable("the builder ended twice before it answered")

    def tell(self, job: bytes) -> None:
        """Have a job done if the builder is there, whatever comes of it."""
        if self._connection is not None and not self._connection.lost:
            self._connection.tell(job)

    def close(self) -> None:
        """Hang up; the builder ends by itself when all workers have."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
        if self._connection is not None:
            self._connection.close()

    async def _connect(self) -> tuple[_Connection, Hello]:
        if self._closed:
            raise _unavailable("the gateway is closed")
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._open())
            self._opening.add_done_callback(self._opened)
        # One request that gives up must not take the connection from the others.
        opening = self._opening
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            # Only `close` cancels it; our own caller's cancellation stops at the shield.
            if opening.cancelled():
                raise _unavailable("the gateway is closed") from None
            raise

    def _opened(self, opening: asyncio.Task[tuple[_Connection, Hello]]) -> None:
        self._opening = None
        if not opening.cancelled() and opening.exception() is None:
            self._connection, _ = opening.result()
            self._connection.begin()

    async def _open(self) -> tuple[_Connection, Hello]:
        for _ in range(2):
            reader, writer = await self._dial()
            messages = Reader()
            try:
                async with asyncio.timeout(_LOAD_SECONDS):
                    greeting = await _greeting(reader, messages)
            except TimeoutError:
                _kill(writer)
                writer.close()
                raise _unavailable(f"the supergraph takes longer than {_LOAD_SECONDS} seconds to load") from None
            except asyncio.CancelledError:
                writer.close()
                raise
            except _LostError:
                # It may have left because nobody had been there for a while, in this very moment.
                writer.close()
                continue
            if isinstance(greeting, Failed):
                writer.close()
                raise FederationErrors(greeting.findings)
            return _Connection(reader, writer, messages), greeting
        raise _unavailable("the builder ended twice before it had loaded the supergraph")

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        process: subprocess.Popen[bytes] | None = None
        pause = 0.01
        try:
            async with asyncio.timeout(_START_SECONDS):
                while True:
                    with contextlib.suppress(OSError):
                        return await asyncio.open_unix_connection(str(self._path))
                    if process is None or process.returncode == 0:
                        # A builder that ends with 0 found another one listening, which may be gone by now.
                        process = await asyncio.to_thread(self._program.start, self._path, self._sdl)
                    elif process.returncode is not None:
                        raise _unavailable(f"the builder ended at its start with status {process.returncode}")
                    await asyncio.sleep(pause)
                    pause = min(pause * 1.5, 0.2)
        except TimeoutError:
            raise _unavailable(f"the builder has not started within {_START_SECONDS} seconds") from None
        except OSError as error:
            raise _unavailable(f"the builder cannot be started: {error.strerror}") from error


async def _greeting(reader: asyncio.StreamReader, messages: Reader) -> Hello | Failed:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            for message in messages.feed(data):
                return unpack_greeting(message)
    raise _LostError


def _kill(writer: asyncio.StreamWriter) -> None:
    # While the connection stands its other end lives, so the process id is still the builder's.
    pid = peer_process(writer.get_extra_info("socket").fileno())
    if pid:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _unavailable(reason: str) -> FederationError:
    _LOG.error("%s", reason)
    return FederationError(SERVICE_UNAVAILABLE, reason)
