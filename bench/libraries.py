"""
What a subgraph call costs by HTTP client, and what JSON costs by library.

    python -m bench.libraries [--rounds N] [--calls N]

Clients take turns against one server on loopback that answers from memory in another process; the figures are CPU of
this process per call, all threads, medians. *bare* is httptools' parser and a promise with nothing around them: no
deadline, no pool, no errors, one connection per caller; it is what is left if everything that a client is for is left
out. These two are called on strands, as in the product; the others need tasks. Clients and libraries that are not
installed are left out, and said so: aiohttp comes with the stand-in's extra, pyreqwest is no dependency of anything
(`pip install pyreqwest`).

The last line is `LIBRARIES ours_us=… bare_ratio=… aiohttp_ratio=… pyreqwest_ratio=…`: small answers, 16 callers,
others by ours.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import multiprocessing
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, ClassVar, TypeAlias

import httptools
import orjson
import uvloop

from bench.figures import aligned
from bench.world import WORKLOAD
from kong_federation.strands import Promise, Strand
from kong_federation.transport import HttpTransport, SubgraphPolicy, SubgraphRequest

HEADERS = (
    ("content-type", "application/json"),
    ("accept", "application/graphql-response+json, application/json;q=0.9"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("x-kong-request-id", "0af7651916cd43dd8448eb211c80319c"),
)
TIMEOUT = 30.0  # seconds, never reached
SIZES = {"small": 1_024, "large": 75_000}  # bytes of an answer
CASES = (("small", 1), ("small", 16), ("large", 16))  # size, callers at the same time

# Sends one body to a path and returns the answer's.
Call: TypeAlias = Callable[[str, bytes], Awaitable[bytes]]
Client: TypeAlias = Callable[[int], contextlib.AbstractAsyncContextManager[Call]]


# --- the server -------------------------------------------------------------------------------------------------------


class Answering(asyncio.Protocol):
    """Answers every piece it gets: bodies are small, and nobody asks twice before the answer."""

    _answers: ClassVar = {
        name.encode(): b"HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\n"
        b"content-length: %d\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\nconnection: keep-alive\r\n"
        b"keep-alive: timeout=72\r\n\r\n%b" % (size, b"x" * size)
        for name, size in SIZES.items()
    }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._head = False

    def data_received(self, data: bytes) -> None:
        # Some clients send head and body apart.
        if data.endswith(b"\r\n\r\n"):
            self._asked = data
            return
        asked = data if data.startswith(b"POST") else self._asked
        self._transport.write(self._answers[asked[6:11]])


def serve(port: Connection) -> None:
    """Serve until killed; tells the port first."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


@contextlib.contextmanager
def serving() -> Iterator[int]:
    """A server in a process of its own; its port."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.kill()
        process.join()


# --- the clients ------------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def ours(port: int) -> AsyncIterator[Call]:
    """The product's, as it is used."""
    transport = HttpTransport(max_response_size=10_000_000, policy=SubgraphPolicy(deduplicate=True))

    async def call(path: str, body: bytes) -> bytes:
        request = SubgraphRequest("s", f"http://127.0.0.1:{port}/{path}", HEADERS, body, TIMEOUT, safe=True)
        return (await transport.send(request)).body

    yield call
    await transport.close()


class BareConnection(asyncio.Protocol):
    """One caller's connection."""

    def __init__(self, free: list[BareConnection]) -> None:
        self._free = free

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._pieces: list[bytes] = []

    def on_body(self, data: bytes) -> None:
        self._pieces.append(data)

    def on_message_complete(self) -> None:
        self._free.append(self)
        self._answer.set_result(b"".join(self._pieces))

    def send(self, data: bytes) -> Promise[bytes]:
        self._answer = Promise[bytes]()
        self._transport.write(data)
        return self._answer

    def close(self) -> None:
        self._transport.close()


@contextlib.asynccontextmanager
async def bare(port: int) -> AsyncIterator[Call]:
    """The parser and a promise."""
    free: list[BareConnection] = []
    lines = "".join(f"{name}: {value}\r\n" for name, value in HEADERS).encode()

    async def call(path: str, body: bytes) -> bytes:
        if free:
            connection = free.pop()
        else:
            loop = asyncio.get_running_loop()
            connection = (await loop.create_connection(lambda: BareConnection(free), "127.0.0.1", port))[1]
        head = b"POST /%b HTTP/1.1\r\nhost: 127.0.0.1\r\n%bcontent-length: %d\r\n\r\n" % (
            path.encode(),
            lines,
            len(body),
        )
        return await connection.send(head + body)

    yield call
    for connection in free:
        connection.close()


@contextlib.asynccontextmanager
async def aiohttp(port: int) -> AsyncIterator[Call]:
    """With what the product needs of it: no redirects, no cookies, no proxies, a deadline, a bound on the answer."""
    import aiohttp  # noqa: PLC0415 - may not be installed

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, limit_per_host=256, keepalive_timeout=15),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=5.0),
    ) as session:

        async def call(path: str, body: bytes) -> bytes:
            url = f"http://127.0.0.1:{port}/{path}"
            async with (
                asyncio.timeout(TIMEOUT),
                session.post(url, data=body, headers=HEADERS, allow_redirects=False) as response,
            ):
                pieces, size = [], 0
                async for piece in response.content.iter_any():
                    size += len(piece)
                    pieces.append(piece)
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)

        yield call


@contextlib.asynccontextmanager
async def pyreqwest(port: int) -> AsyncIterator[Call]:
    """Rust's reqwest."""
    from datetime import timedelta  # noqa: PLC0415 - for this client only

    from pyreqwest.client import ClientBuilder  # noqa: PLC0415 - may not be installed

    builder = ClientBuilder().http1_only().no_proxy().timeout(timedelta(seconds=TIMEOUT))
    async with builder.build() as client:
        headers = list(HEADERS)

        async def call(path: str, body: bytes) -> bytes:
            request = client.post(f"http://127.0.0.1:{port}/{path}").headers(headers).body_bytes(body).build()
            return bytes(await (await request.send()).bytes())

        yield call


CLIENTS: dict[str, Client] = {"ours": ours, "bare": bare, "aiohttp": aiohttp, "pyreqwest": pyreqwest}
ON_STRANDS = {ours, bare}
NEEDED = {"aiohttp": "aiohttp", "pyreqwest": "pyreqwest", "msgspec": "msgspec"}


async def turn(client: Client, port: int, size: str, callers: int, calls: int) -> float:
    """CPU microseconds per call of this process, connections made before."""
    async with client(port) as call:

        async def caller(number: int, times: int) -> None:
            for one in range(times):
                body = b'{"query":"{a}","variables":{"caller":%d,"call":%d}}' % (number, one)
                if len(await call(size, body)) != SIZES[size]:
                    raise RuntimeError("a wrong answer")

        async def all_call(times: int) -> None:
            if client not in ON_STRANDS:
                await asyncio.gather(*(caller(number, times) for number in range(callers)))
                return
            strands = [Strand(caller(number, times), [0]) for number in range(callers)]
            for strand in strands:
                strand.resume()
            for strand in strands:
                await strand

        await all_call(20)
        start = time.process_time()
        await all_call(calls // callers)
        return (time.process_time() - start) / (calls // callers * callers) * 1e6


# --- JSON -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Json:
    """One library: what it is called, how it reads, how it writes."""

    name: str
    loads: Callable[[bytes], Any]
    dumps: Callable[[Any], bytes]


def json_libraries(missing: set[str]) -> list[Json]:
    """Those that are installed."""
    found = [Json("orjson", orjson.loads, orjson.dumps)]
    if "msgspec" not in missing:
        import msgspec  # noqa: PLC0415 - may not be installed

        # Coders that are kept are faster than the module's functions.
        found.append(Json("msgspec", msgspec.json.Decoder().decode, msgspec.json.Encoder().encode))
    return found


def timed(what: Callable[[], object], times: int = 20) -> float:
    """CPU microseconds."""
    start = time.process_time()
    for _ in range(times):
        what()
    return (time.process_time() - start) / times * 1e6


# --- the story --------------------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description="HTTP clients and JSON libraries, by CPU.")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each (default: %(default)s)")
    parser.add_argument("--calls", type=int, default=2_000, help="calls per turn (default: %(default)s)")
    arguments = parser.parse_args()
    missing = {name for name, package in NEEDED.items() if importlib.util.find_spec(package) is None}
    for name in sorted(missing):
        print(f"bench: {name} is not installed and left out", file=sys.stderr)
    clients = {name: client for name, client in CLIENTS.items() if name not in missing}
    # As workers do, so that answers of 75 KB do not measure the C library's habits (pluginserver/worker.py).
    bytes(4 * 2**20)
    with serving() as port:
        spent = uvloop.run(compare(clients, port, arguments.rounds, arguments.calls))
    print(client_table(clients, spent))
    print()
    print(json_table(json_libraries(missing), arguments.rounds))
    least = spent["ours", "small", 16]
    ratios = (f"{name}_ratio={spent[name, 'small', 16] / least:.2f}" for name in clients if name != "ours")
    print("LIBRARIES", f"ours_us={least:.1f}", *ratios)
    return 0


async def compare(clients: dict[str, Client], port: int, rounds: int, calls: int) -> dict[tuple[str, str, int], float]:
    """Medians by client, size and callers."""
    turns: dict[tuple[str, str, int], list[float]] = {}
    for _ in range(rounds):
        for size, callers in CASES:
            for name, client in clients.items():
                used = await turn(client, port, size, callers, calls)
                turns.setdefault((name, size, callers), []).append(used)
    return {key: statistics.median(used) for key, used in turns.items()}


def client_table(clients: dict[str, Client], spent: dict[tuple[str, str, int], float]) -> str:
    lines = [["client", "", *(f"{size}, {callers} at once" for size, callers in CASES), *(["by ours"] * len(CASES))]]
    for name in clients:
        figures = [spent[name, *case] for case in CASES]
        ratios = [spent[name, *case] / spent["ours", *case] for case in CASES]
        lines.append([name, "", *(f"{one:.1f} us" for one in figures), *(f"{one:.2f}" for one in ratios)])
    return aligned(lines)


def json_table(libraries: list[Json], rounds: int) -> str:
    """The benchmark's answer, 87 KB, read and written."""
    text = (WORKLOAD / "expected.json").read_bytes()
    value = orjson.loads(text)
    text = orjson.dumps(value)
    spent: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds * 5):
        for library in libraries:
            spent.setdefault((library.name, "read"), []).append(timed(lambda one=library: one.loads(text)))
            spent.setdefault((library.name, "write"), []).append(timed(lambda one=library: one.dumps(value)))
    middle = {key: statistics.median(used) for key, used in spent.items()}
    lines = [[f"JSON, {len(text):,} bytes", "", "read", "write", "by orjson", "by orjson"]]
    for library in libraries:
        figures = [middle[library.name, way] for way in ("read", "write")]
        ratios = [middle[library.name, way] / middle["orjson", way] for way in ("read", "write")]
        lines.append([library.name, "", *(f"{one:.0f} us" for one in figures), *(f"{one:.2f}" for one in ratios)])
    return aligned(lines)


if __name__ == "__main__":
    sys.exit(main())
