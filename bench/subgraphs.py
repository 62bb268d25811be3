"""
The subgraphs in one process, answered from memory, so that a measurement is of the gateway.

A call whose path and body were seen before is answered with the very bytes of the first time: find the end of the head,
look up two dictionaries, write. What that costs is the event loop's own price for a read and a write. The first time it
is executed by graphql-core (world.py). Calls that differ in nothing but the alias of a *cold* operation are one: they
are as many as the requests, and their execution would take more of the machine than the gateway.

    POST /accounts /inventory /products /reviews …   a subgraph
    POST /GRAPH/SUBGRAPH                             one of the planning corpus
    GET  /stats                                      calls by path, and the seconds spent on executing first calls
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import orjson
import uvloop

from bench.corpus import subgraphs_of
from bench.world import SUBGRAPHS, Graph, Tables, subgraph

HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
ENCODED = re.compile(rb"\r\n(transfer|content)-encoding:", re.IGNORECASE)
CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
ALIAS = re.compile(rb"\ba[0-9a-f]{16}\b")  # of `questions.Cold`
SAME_ALIAS = b"a" + b"0" * 16
REMEMBERED = 20_000  # entries of a memory; a load test needs a few dozen, so this only bounds mistakes


@dataclass(frozen=True, slots=True)
class Head:
    """What counts of a request's head: method and path, the body's length, whether the connection ends after it."""

    method: bytes
    path: bytes
    length: int
    close: bool
    refused: bool


def read_head(head: bytes) -> Head:
    """Read the bytes before the empty line."""
    method, path, _version = head.split(b"\r\n", 1)[0].split(b" ")
    length = LENGTH.search(head)
    return Head(
        method=method,
        path=path,
        length=int(length[1]) if length else 0,
        close=CLOSE.search(head) is not None,
        refused=ENCODED.search(head) is not None or (method == b"POST" and length is None),
    )


def http(status: str, body: bytes) -> bytes:
    """A response."""
    return (
        b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status.encode(), len(body))
    ) + body


class Answering(Protocol):
    """What answers a request that has not been seen before."""

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """`data`, and `errors` if there are any."""
        ...


class Shelf:
    """The subgraphs and what they have answered so far."""

    def __init__(self, graphs: Mapping[bytes, Answering]) -> None:
        self._graphs = graphs
        self._answers: dict[tuple[bytes, bytes], bytes] = {}
        self._heads: dict[bytes, Head] = {}
        self._calls = dict.fromkeys(graphs, 0)
        self._executing = 0.0

    def head(self, head: bytes) -> Head:
        """The head, read once per distinct text: a client repeats itself."""
        found = self._heads.get(head)
        if found is None:
            if len(self._heads) >= REMEMBERED:
                self._heads.clear()
            found = self._heads[head] = read_head(head)
        return found

    def respond(self, head: Head, body: bytes) -> bytes:
        """The response to a request."""
        if head.refused:
            return http("411 Length Required", b'{"errors":[{"message":"Send plain bytes with a content-length."}]}')
        path = head.path
        if path in self._calls:
            self._calls[path] += 1
        found = self._answers.get((path, body))
        if found is not None:
            return found
        if head.method == b"GET" and path == b"/stats":
            calls = {name.decode()[1:]: count for name, count in self._calls.items()}
            return http("200 OK", orjson.dumps({"calls": calls, "executing_seconds": self._executing}))
        if head.method != b"POST" or path not in self._graphs:
            return http("404 Not Found", b'{"errors":[{"message":"There is no such subgraph."}]}')
        alias = ALIAS.search(body)
        if alias is None:
            return self._execute(path, body)
        # As long as the other one, so the length that the head says is right.
        same = body.replace(alias[0], SAME_ALIAS)
        return (self._answers.get((path, same)) or self._execute(path, same)).replace(SAME_ALIAS, alias[0])

    def _execute(self, path: bytes, body: bytes) -> bytes:
        start = time.perf_counter()
        try:
            answer = self._graphs[path].answer(orjson.loads(body))
        except orjson.JSONDecodeError as error:
            return http("400 Bad Request", orjson.dumps({"errors": [{"message": f"Not JSON: {error}"}]}))
        response = http("200 OK", orjson.dumps(answer))
        if len(self._answers) >= REMEMBERED:
            self._answers.clear()
        self._answers[path, body] = response
        self._executing += time.perf_counter() - start
        return response


class Connection(asyncio.Protocol):
    """One client. Requests may come in pieces or several at once; they are answered in order."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._rest = b""
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at = 0
        while (end := data.find(HEAD_END, at)) >= 0:
            head = self._shelf.head(data[at:end])
            start = end + len(HEAD_END)
            if len(data) < start + head.length:
                break
            at = start + head.length
            self._transport.write(self._shelf.respond(head, data[start:at]))
            if head.close or head.refused:
                self._transport.close()
                return
        self._rest = data[at:] if at else data


def workload_subgraphs() -> dict[bytes, Graph]:
    """By path the workload's subgraphs."""
    tables = Tables.load()
    return {f"/{name}".encode(): subgraph(name, tables) for name in SUBGRAPHS}


async def serve(port: int, graphs: Mapping[bytes, Answering]) -> None:
    """Serve until cancelled."""
    shelf = Shelf(graphs)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(shelf), "127.0.0.1", port, backlog=1024)
    print(json.dumps({"listening": server.sockets[0].getsockname()[1]}), flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description="The benchmark's subgraphs, from memory.")
    parser.add_argument("--port", type=int, default=4200, help="port on 127.0.0.1; 0: any (default: %(default)s)")
    parser.add_argument("--corpus", nargs="+", metavar="GRAPH", help="graphs of the planning corpus instead")
    arguments = parser.parse_args()
    graphs = subgraphs_of(arguments.corpus) if arguments.corpus else workload_subgraphs()
    uvloop.run(serve(arguments.port, graphs))


if __name__ == "__main__":
    main()
