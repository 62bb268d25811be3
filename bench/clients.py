"""
Two clients that cost little: HTTP, and Kong's plugin protocol to the plugin server itself.

Both are asyncio protocols without anything between them and the socket, and both are one *lane*: one request at a time.
The Kong-like lane does what a Kong worker does with this plugin: a connection per event, answers to the PDK calls from
a request that is made up, and the end with `kong.response.exit`.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

from httptools import HttpResponseParser

from kong_federation.kong import (
    FUNCTIONS,
    Exit,
    FrameReader,
    HandleEvent,
    InstanceStarted,
    RawBody,
    StartInstance,
    decode_answer,
    encode_call,
    frame,
)

PATH = "/graphql"
HEADERS = {"host": "127.0.0.1:8000", "content-type": "application/json", "accept": "application/json"}
REST = 3.0  # seconds that a connection may have rested; Node.js closes them after 5, perhaps just when they are used
REMEMBERED = 1_000  # distinct requests whose replies are kept


class BenchError(Exception):
    """The measurement cannot go on."""


class Lane(Protocol):
    """One client that has one request under way at most."""

    async def ask(self, request: bytes) -> bytes:
        """
        Send a GraphQL request and wait for its answer.

        Raises:
            BenchError: There was none, or its status was not 200.
        """
        ...

    def close(self) -> None:
        """Give up the connection."""
        ...


class HttpLane(asyncio.Protocol):
    """A kept-alive HTTP connection; it is opened again if the other side closed it in its rest."""

    def __init__(self, port: int) -> None:
        self._port = port
        lines = [f"POST {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in HEADERS.items())]
        self._head = ("\r\n".join(lines) + "\r\ncontent-length: ").encode()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[bytes] | None = None
        self._pieces: list[bytes] = []
        self._complete = False
        self._used = 0.0
        self.on_body = self._pieces.append
        self._parser: HttpResponseParser

    @classmethod
    async def open(cls, port: int) -> HttpLane:
        lane = cls(port)
        await lane._connect()
        return lane

    async def _connect(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._pieces.clear()
        self._complete = False
        self._used = asyncio.get_running_loop().time()
        self._parser = HttpResponseParser(self)

    async def ask(self, request: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        if self._transport is not None and loop.time() - self._used > REST:
            self._transport.abort()
        if self._transport is None or self._transport.is_closing():
            await self._connect()
        assert self._transport is not None
        transport = self._transport
        self._waiting = loop.create_future()
        transport.write(b"%b%d\r\n\r\n%b" % (self._head, len(request), request))
        try:
            return await self._waiting
        except asyncio.CancelledError:
            # Its answer may still come, and would be taken for the next one's.
            transport.abort()
            self._transport = self._waiting = None
            raise

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)
        if not self._complete or self._waiting is None:
            return
        waiting, self._waiting, self._complete = self._waiting, None, False
        self._used = asyncio.get_running_loop().time()
        answer = b"".join(self._pieces)
        self._pieces.clear()
        status = self._parser.get_status_code()
        if status == 200:
            waiting.set_result(answer)
        else:
            waiting.set_exception(BenchError(f"the gateway answered {status}: {answer[:400]!r}"))

    def on_message_complete(self) -> None:
        self._complete = True

    def connection_lost(self, error: Exception | None) -> None:
        if self._transport is None or not self._transport.is_closing():
            return  # another connection has taken its place
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(BenchError(f"the gateway closed the connection: {error}"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Event(asyncio.Protocol):
    """
    One event on its own connection.

    Args:
        call: The *handle event* frame.
        replies: By PDK function, the reply frame to it.
        request_id: Reply frame to `kong.nginx.get_var` for the request's id, which no other event has.

    Its `facts` are what the plugin server wants to have logged about the operation, encoded as in the call.
    """

    def __init__(self, call: bytes, replies: Mapping[bytes, bytes], request_id: bytes) -> None:
        self._call = call
        self._replies = replies
        self._request_id = request_id
        self._reader = FrameReader()
        self._function: bytes | None = None
        self._began = time.time()
        self._transport: asyncio.Transport
        self.facts = b""
        self.exit: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._call)

    def data_received(self, data: bytes) -> None:
        replies = []
        for content in self._reader.feed(data):
            if self._function is None:
                self._function = content
                continue
            function, self._function = self._function, None
            if function == b"kong.response.exit":
                self._transport.close()
                if not self.exit.done():
                    self.exit.set_result(content)
                return
            if function == b"kong.log.set_serialize_value":
                self.facts = content
            reply = self._replies.get(function)
            if function == b"kong.nginx.get_var":
                reply = self._request_id if content.endswith(b"request_id") else frame(b"")
            elif function == b"kong.nginx.req_start_time":
                # Asked about mutations while a server is young: what is older may have been begun by another one.
                reply = frame(FUNCTIONS["kong.nginx.req_start_time"].result.encode(self._began))
            if reply is None:
                self._fail(f"the plugin server called {function!r}, which Kong does not know")
                return
            replies.append(reply)
        if replies:
            self._transport.write(b"".join(replies))

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"the plugin server closed the event: {error}")

    def _fail(self, why: str) -> None:
        if not self.exit.done():
            self.exit.set_exception(BenchError(why))
        self._transport.close()


def replies_for(request: bytes) -> dict[bytes, bytes]:
    """What Kong would reply to each PDK function while it handles this request; nothing, unless it is listed here."""
    said = {
        "kong.request.get_method": "POST",
        "kong.request.get_path": PATH,
        "kong.request.get_path_with_query": PATH,
        "kong.request.get_scheme": "http",
        "kong.request.get_host": "127.0.0.1",
        "kong.request.get_port": 8000,
        "kong.request.get_forwarded_scheme": "http",
        "kong.request.get_forwarded_host": "127.0.0.1",
        "kong.request.get_forwarded_port": 8000,
        "kong.request.get_http_version": 1.1,
        "kong.request.get_headers": {**HEADERS, "content-length": str(len(request))},
        "kong.request.get_raw_body": RawBody(content=request),
        "kong.client.get_ip": "127.0.0.1",
        "kong.client.get_forwarded_ip": "127.0.0.1",
        "kong.node.get_id": "8b0c3c2e-2f0d-4d0b-9d0a-6a8e0c2b7f11",
    }
    found = {}
    for name, signature in FUNCTIONS.items():
        found[name.encode()] = frame(signature.result.encode(said[name]) if name in said else b"")
    return found


class KongLane:
    """Events on the plugin server's socket, one after the other, as one Kong worker's coroutine makes them."""

    _numbers = itertools.count(1)

    def __init__(self, socket: Path, instance: int) -> None:
        self._socket = str(socket)
        self._call = frame(encode_call(HandleEvent(1, instance, "access")))
        self._replies: dict[bytes, dict[bytes, bytes]] = {}
        self.facts = b""

    async def ask(self, request: bytes) -> bytes:
        replies = self._replies.get(request)
        if replies is None:
            if len(self._replies) >= REMEMBERED:
                self._replies.clear()
            replies = self._replies[request] = replies_for(request)
        get_var = FUNCTIONS["kong.nginx.get_var"].result
        request_id = frame(get_var.encode(f"{next(self._numbers):032x}"))
        loop = asyncio.get_running_loop()
        _, event = await loop.create_unix_connection(lambda: Event(self._call, replies, request_id), self._socket)
        answer: Exit = FUNCTIONS["kong.response.exit"].argument.decode(await event.exit)
        self.facts = event.facts
        if answer.status != 200:
            raise BenchError(f"the plugin server answered {answer.status}: {answer.body[:400]!r}")
        return answer.body

    def close(self) -> None:
        """Nothing is kept between events."""


async def start_instance(socket: Path, configuration: bytes) -> int:
    """
    Hand the plugin server a configuration, as Kong does before the first event.

    Returns:
        The number of the instance.

    Raises:
        BenchError: It was refused.
    """
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        writer.write(frame(encode_call(StartInstance(1, "graphql-federation", configuration))))
        frames = FrameReader()
        while data := await reader.read(65536):
            for content in frames.feed(data):
                answer = decode_answer(content)
                if isinstance(answer, InstanceStarted):
                    return answer.instance
    finally:
        writer.close()
    raise BenchError("the plugin server refused the configuration")
