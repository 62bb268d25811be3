"""
Connections to the plugin server: frames over a unix stream socket, and a pool.

The socket is driven without a buffer of ours between Kong's side and the kernel: whether the other end *closed*,
was *reset*, or is not there decides what the client gets, and a transport that reads and writes ahead would report
those at another place than Kong meets them.

    cannot connect, a full backlog included   `Unreachable`
    end of the stream                         `Closed`
    reset, broken pipe, silence               `Broken`

Source: protocol and failures as recorded from Kong 3.9.3; the pool is nginx-lua's: last in, first out.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from pathlib import Path

from kong_federation import kong

_POOL = 30  # idle connections nginx-lua keeps for one address
_PIECE = 65_536  # bytes read at once
_HEAD = 4  # bytes of a frame's length


class PluginServerError(Exception):
    """The plugin server did not do its part; the client gets 500 unless the kind says otherwise."""


class Unreachable(PluginServerError):  # noqa: N818 - reads as the state it names
    """No connection was made."""


class Closed(PluginServerError):  # noqa: N818 - as above
    """The other end closed in an orderly way; in an event Kong takes that for a lost instance."""


class Broken(PluginServerError):  # noqa: N818 - as above
    """The connection was reset, cannot be written to, or nothing came in time."""


class Connection:
    """
    One connection.

    Args:
        connected: A non-blocking socket.
        patience: Seconds without a byte after which the other end is given up (`lua_socket_read_timeout`).
    """

    __slots__ = ("_frames", "_partial", "_patience", "_reader", "_socket")

    def __init__(self, connected: socket.socket, patience: float) -> None:
        self._socket = connected
        self._patience = patience
        self._reader = kong.FrameReader()
        self._frames: deque[bytes] = deque()
        self._partial = 0  # bytes of a frame that is not complete

    async def send(self, content: bytes) -> None:
        """
        Send one frame.

        Raises:
            Broken: It cannot be sent.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._patience):
                await loop.sock_sendall(self._socket, kong.frame(content))
        except TimeoutError as error:
            raise Broken("timeout") from error
        except OSError as error:
            raise Broken(str(error)) from error

    async def receive(self) -> bytes:
        """
        The next frame's content.

        Raises:
            Closed: The stream ended, between frames or within one.
            Broken: It was reset, no byte came in time, or a frame is larger than Kong could be sent.
        """
        while not self._frames:
            piece = await self._piece()
            try:
                frames = self._reader.feed(piece)
            except kong.ProtocolError as error:
                raise Broken(str(error)) from error
            self._partial += len(piece) - sum(_HEAD + len(content) for content in frames)
            self._frames += frames
        return self._frames.popleft()

    async def _piece(self) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._patience):
                piece = await loop.sock_recv(self._socket, _PIECE)
        except TimeoutError as error:
            raise Broken("timeout") from error
        except OSError as error:
            raise Broken(str(error)) from error
        if not piece:
            raise Closed("closed")
        return piece

    @property
    def idle(self) -> bool:
        """Whether it is still open and nothing has come that nobody asked for."""
        if self._frames or self._partial:
            return False
        try:
            self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Close it; a second time does nothing."""
        self._socket.close()


class Pool:
    """
    Connections to one plugin server.

    Args:
        path: The unix socket.
        patience: Seconds, see `Connection`.
    """

    def __init__(self, path: Path, patience: float) -> None:
        self._path = path
        self._patience = patience
        self._idle: list[Connection] = []

    def __repr__(self) -> str:
        return f"<Pool [{len(self._idle)} idle]>"

    async def take(self) -> Connection:
        """
        An idle connection, or a new one.

        Raises:
            Unreachable: There is no plugin server, or its backlog is full.
        """
        while self._idle:
            connection = self._idle.pop()
            if connection.idle:
                return connection
            connection.close()
        fresh = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        fresh.setblocking(False)
        try:
            # A unix socket connects at once or not at all; the loop's own connect would wait for a full backlog.
            fresh.connect(str(self._path))
        except OSError as error:
            fresh.close()
            raise Unreachable(f"{self._path}: {error}") from error
        return Connection(fresh, self._patience)

    def give_back(self, connection: Connection) -> None:
        """Keep a connection whose call is over."""
        self._idle.append(connection)
        if len(self._idle) > _POOL:
            self._idle.pop(0).close()

    def close(self) -> None:
        """Close the idle ones."""
        while self._idle:
            self._idle.pop().close()
