"""
The plugin server as a child process, watched as Kong watches it.

Started once, its output passed on line by line; when it ends by itself it is started again, at most once a second.
A server that cannot be started at all (status 127) stays down, as in Kong.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from kong_federation.errors import FederationError
from kong_federation.errors.codes import CONFIGURATION_INVALID, SERVICE_UNAVAILABLE
from kong_federation.standin.events import Listener, ServerEnded, ServerSaid, ServerStarted
from kong_federation.standin.plugins import PluginInfo, read_dump

COMMAND = (sys.executable, "-m", "kong_federation.cli.__main__")

_PAUSE = 1.0  # seconds from one start to the next at least, as in Kong
_NOT_FOUND = 127  # the status of a command that does not exist
_PATIENCE = 30.0  # seconds until the socket must answer after a start
_FAREWELL = 15.0  # seconds for requests in flight after SIGTERM
_LAST_LINES = 0.2  # seconds for what an ended server has written
_LINE = 1 << 20  # bytes of the longest line of output


async def ask_dump(command: Sequence[str] = COMMAND) -> PluginInfo:
    """
    What Kong's query command would print about the plugin.

    Raises:
        FederationError: CONFIGURATION_INVALID: the command failed.
        FederationErrors: CONFIGURATION_INVALID: its output is not what Kong reads.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        "dump",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, complaint = await process.communicate()
    if process.returncode:
        said = complaint.decode(errors="replace").strip()
        raise FederationError(
            CONFIGURATION_INVALID, f"the dump command failed with status {process.returncode}: {said}"
        )
    return read_dump(out.decode())


class Child:
    """
    The process.

    Args:
        arguments: The whole command.
        socket: Where it will listen.
        listener: Hears starts, ends and output.
    """

    def __init__(self, arguments: Sequence[str], socket: Path, listener: Listener) -> None:
        self._arguments = tuple(arguments)
        self._socket = socket
        self._listener = listener
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._readers: set[asyncio.Task[None]] = set()
        self._ending = False

    @property
    def pid(self) -> int | None:
        """The process id, or None while none runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def start(self) -> None:
        """
        Start it, and wait until its socket answers.

        Raises:
            FederationError: SERVICE_UNAVAILABLE: it ended, or did not listen in time.
        """
        first = await self._run()
        self._keeper = asyncio.create_task(self._keep(first))
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE
        while not _answers(self._socket):
            if first.returncode is not None:
                await self.close()
                raise FederationError(SERVICE_UNAVAILABLE, f"the plugin server ended with status {first.returncode}")
            if loop.time() > until:
                await self.close()
                raise FederationError(SERVICE_UNAVAILABLE, f"the plugin server does not listen on {self._socket}")
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        """End it: SIGTERM, time for what is in flight, then SIGKILL."""
        self._ending = True
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _FAREWELL)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._keeper is not None:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
            self._keeper = None
        if self._readers:
            # The last lines; output that is still held open by then is given up.
            _, late = await asyncio.wait(self._readers, timeout=_LAST_LINES)
            for reading in late:
                reading.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self) -> asyncio.subprocess.Process:
        # A pipe of our own: the loop's would let nobody see the process end before every heir of its output has ended.
        ours, theirs = os.pipe()
        reader = asyncio.StreamReader(limit=_LINE)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb"))
        try:
            process = await asyncio.create_subprocess_exec(
                *self._arguments, stdin=asyncio.subprocess.DEVNULL, stdout=theirs, stderr=asyncio.subprocess.STDOUT
            )
        except BaseException:
            transport.close()
            raise
        finally:
            os.close(theirs)
        reading = asyncio.create_task(self._pass_on(process.pid, reader, transport))
        self._readers.add(reading)
        reading.add_done_callback(self._readers.discard)
        self._process = process
        self._listener(ServerStarted(process.pid))
        return process

    async def _keep(self, process: asyncio.subprocess.Process) -> None:
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            status = await process.wait()
            if self._ending:
                return
            self._listener(ServerEnded(process.pid, status))
            if status == _NOT_FOUND:
                return
            await asyncio.sleep(max(0.0, started + _PAUSE - loop.time()))
            process = await self._run()

    async def _pass_on(self, pid: int, reader: asyncio.StreamReader, transport: asyncio.ReadTransport) -> None:
        try:
            while True:
                try:
                    line = await reader.readline()
                except ValueError:
                    continue  # Longer than any line of a log; what was read of it is dropped.
                if not line:
                    return
                self._listener(ServerSaid(pid, line.decode(errors="replace").rstrip("\n")))
        finally:
            transport.close()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
