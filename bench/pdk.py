"""
Kong's older plugin protocol, MessagePack, as a client: for the stock plugin server of kong-pdk.

Kong sends an event and gets the plugin's first PDK call as its answer; each reply to a call is a new request, the step,
whose answer is the next call. Here the steps of an event stay on one connection, which is kept between events.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgpack

from bench.clients import HEADERS, BenchError

SOCKET = "python_pluginserver.sock"


class PdkLane:
    """Events on one connection, one after the other."""

    _numbers = itertools.count(1)

    def __init__(self, socket: Path, instance: int) -> None:
        self._connection = _Connection(socket)
        self._event = {"InstanceId": instance, "EventName": "access"}

    async def ask(self, request: bytes) -> bytes:
        try:
            return await self._ask(request)
        except asyncio.CancelledError:
            self._connection.close()  # the event's end may still come
            raise

    async def _ask(self, request: bytes) -> bytes:
        step = await self._connection.call("HandleEvent", self._event)
        replies = {
            "kong.request.get_method": "POST",
            "kong.request.get_headers": {name: [value] for name, value in HEADERS.items()},
            "kong.request.get_raw_body": request,
            "kong.nginx.get_var": f"{next(self._numbers):032x}",
        }
        while (call := step["Data"]) != "ret":
            if call["Method"] == "kong.response.exit":
                return _exit(call["Args"])
            reply = replies.get(call["Method"])
            step = await self._connection.call("Step", {"EventId": step["EventId"], "Data": reply})
        raise BenchError("the plugin let the request pass")

    def close(self) -> None:
        self._connection.close()


def _exit(arguments: list[Any]) -> bytes:
    status, body = arguments[:2]
    if status != 200:
        raise BenchError(f"the plugin answered {status}: {body[:400]!r}")
    return body if isinstance(body, bytes) else str(body).encode()


class _Connection:
    """One connection, opened when it is needed."""

    def __init__(self, socket: Path) -> None:
        self._socket = str(socket)
        self._numbers = itertools.count(1)
        self._unpacker = msgpack.Unpacker(max_buffer_size=0)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, method: str, argument: Mapping[str, Any]) -> Any:
        reader, writer = self._streams = self._streams or await asyncio.open_unix_connection(self._socket)
        number = next(self._numbers)
        writer.write(msgpack.packb([0, number, f"plugin.{method}", [argument]]))
        while data := await reader.read(256 * 1024):
            self._unpacker.feed(data)
            for _, answered, error, result in self._unpacker:
                if error is not None or answered != number:
                    raise BenchError(f"kong-python-pluginserver answered {method} with {error}")
                return result
        raise BenchError("kong-python-pluginserver closed the connection")

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None
            self._unpacker = msgpack.Unpacker(max_buffer_size=0)


async def start_pdk_instance(socket: Path, configuration: bytes) -> int:
    """
    Hand the server a configuration, as Kong does before the first event.

    Returns:
        The number of the instance.

    Raises:
        BenchError: It was refused.
    """
    connection = _Connection(socket)
    argument = {"Name": "graphql-federation", "Config": configuration.decode()}
    started = await connection.call("StartInstance", argument)
    connection.close()
    instance: int = started["Id"]
    return instance
