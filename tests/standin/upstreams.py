"""An upstream that notes what it is sent, byte for byte."""

from __future__ import annotations

import asyncio
import contextlib
import re


class Upstream:
    """
    Args:
        answer: The whole response, or a function that writes it (`reader`, `writer`, request head).
    """

    def __init__(self, answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"):
        self.answer = answer
        self.heads = []
        self.bodies = []
        self._tasks = set()

    @property
    def headers(self):
        """The last request's headers, names in lower case."""
        lines = self.heads[-1].decode("latin-1").split("\r\n")[1:-2]
        found = {}
        for line in lines:
            name, _, value = line.partition(": ")
            found.setdefault(name.lower(), []).append(value)
        return found

    @property
    def line(self):
        return self.heads[-1].decode("latin-1").split("\r\n")[0]

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self._answer(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            length = re.search(rb"content-length: (\d+)", head.lower())
            if length:
                self.bodies.append(await reader.readexactly(int(length[1])))
            elif b"transfer-encoding: chunked" in head.lower():
                self.bodies.append(await reader.readuntil(b"0\r\n\r\n"))
            if callable(self.answer):
                await self.answer(reader, writer)
            else:
                writer.write(self.answer)
                await writer.drain()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
