"""Plugin servers that do as they are told: a script of frames per connection, on a real unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Self

from kong_federation.kong import (
    FUNCTIONS,
    CloseInstance,
    Done,
    Exit,
    HandleEvent,
    InstanceStarted,
    StartInstance,
    decode_call,
    encode_answer,
)

_LENGTH = struct.Struct("<I")


class Wire:
    """One connection as the plugin server has it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def receive(self) -> bytes | None:
        """The next frame, None at the end of the stream."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(4))
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def send(self, *contents: bytes) -> None:
        self._writer.write(b"".join(_LENGTH.pack(len(content)) + content for content in contents))

    async def call(self, function: str, argument: object = None) -> object:
        """Make a PDK call; None when Kong closed instead of answering."""
        signature = FUNCTIONS[function]
        self.send(function.encode(), signature.argument.encode(argument))
        reply = await self.receive()
        return None if reply is None else signature.result.decode(reply)

    def exit(self, status: int, body: bytes = b"", *headers: tuple[str, str]) -> None:
        self.send(b"kong.response.exit", FUNCTIONS["kong.response.exit"].argument.encode(Exit(status, headers, body)))

    def done(self, event: HandleEvent) -> None:
        self.send(b"", encode_answer(Done(event.sequence)))

    def close(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        """Close with an error for the other end, as a killed process with unread bytes does."""
        self._writer.transport.abort()


Event = Callable[[Wire, HandleEvent], Awaitable[None] | None]


class ScriptedServer:
    """
    Starts instances as asked, hands events to a function, and remembers all calls.

    Args:
        event: Leads the event; what it does not end stays open until the server is closed.
        start: Instead of the usual answer to a start.
    """

    def __init__(self, path: Path, event: Event, start: Callable[[Wire, StartInstance], None] | None = None) -> None:
        self.path = path
        self.event = event
        self.calls: list[StartInstance | HandleEvent | CloseInstance] = []
        self.connections = 0
        self.ended = 0
        self._start = start
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def starts(self) -> list[StartInstance]:
        return [call for call in self.calls if isinstance(call, StartInstance)]

    @property
    def events(self) -> list[HandleEvent]:
        return [call for call in self.calls if isinstance(call, HandleEvent)]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._accept, str(self.path))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._serve(Wire(reader, writer))
        except asyncio.CancelledError:
            pass
        finally:
            self.ended += 1
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(Exception):
                await writer.wait_closed()

    async def _serve(self, wire: Wire) -> None:
        while (frame := await wire.receive()) is not None:
            call = decode_call(frame)
            self.calls.append(call)
            match call:
                case StartInstance():
                    if self._start is not None:
                        self._start(wire, call)
                    else:
                        answer = InstanceStarted(call.sequence, call.plugin, 100 + len(self.starts))
                        wire.send(encode_answer(answer))
                case CloseInstance():
                    wire.send(encode_answer(Done(call.sequence)))
                case HandleEvent():
                    outcome = self.event(wire, call)
                    if outcome is not None:
                        await outcome


async def ask(port: int, request: bytes) -> bytes:
    """Send bytes over HTTP and read all that comes until the connection closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def get(path: str, *headers: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: gw.example", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: gw.example", "Connection: close", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body


def parse(answer: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body of a response."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return int(first.split(" ")[1]), fields, body


@contextlib.contextmanager
def full_backlog(path: Path) -> Iterator[None]:
    """A socket that nobody accepts on and whose backlog is full: connecting to it is refused at once."""
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(path))
        listener.listen(0)
        # How many fit differs from kernel to kernel.
        with contextlib.suppress(BlockingIOError):
            while True:
                waiting = opened.enter_context(socket.socket(socket.AF_UNIX))
                waiting.setblocking(False)
                waiting.connect(str(path))
        yield
