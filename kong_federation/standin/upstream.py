"""
One HTTP/1.1 exchange with an upstream, bytes as they are.

Written on plain streams because header bytes must arrive unchanged, whether or not they are valid UTF-8, as they do
behind nginx; the HTTP client in our dependencies encodes header text. One connection per request: nginx keeps some,
but no upstream can tell from what it is sent.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from kong_federation.standin.balancer import Address
from kong_federation.standin.headers import HeaderList

_HEAD = 65_536  # bytes of a response's head; nginx's own bound is smaller and configurable
_PIECE = 65_536  # bytes passed on at once
_BODILESS = frozenset({204, 304})


class UpstreamError(Exception):
    """
    The upstream did not answer.

    Args:
        status: 502: not reached or not HTTP; 504: not in time.
        retry: Whether nothing was sent, so that another address may be tried.
    """

    def __init__(self, status: int, detail: str, *, retry: bool = False) -> None:
        super().__init__(detail)
        self.status = status
        self.retry = retry


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    What is asked.

    Args:
        body: Pieces, or None for none; without a `content-length` among the headers they are sent chunked.
        timeouts: Seconds for connecting, between two writes, between two reads.
    """

    method: str
    target: str
    scheme: str
    headers: HeaderList
    body: AsyncIterator[bytes] | None
    timeouts: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Incoming:
    """What came back; `pieces` must be read inside the exchange."""

    status: int
    reason: str
    headers: HeaderList
    pieces: AsyncIterator[bytes]


@asynccontextmanager
async def ask(address: Address, outgoing: Outgoing) -> AsyncIterator[Incoming]:
    """
    Send a request and read the head of its answer.

    Args:
        address: Where to connect.
        outgoing: The request.

    Raises:
        UpstreamError: See there; while the pieces are read, too.
    """
    reader, writer = await _connect(address, outgoing)
    try:
        await _send(writer, outgoing)
        yield await _answer(reader, outgoing)
    finally:
        writer.close()


async def _connect(address: Address, outgoing: Outgoing) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    secure = None
    if outgoing.scheme == "https":
        # nginx does not verify an upstream's certificate unless it is told to.
        secure = ssl.create_default_context()
        secure.check_hostname = False
        secure.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(outgoing.timeouts[0]):
            return await asyncio.open_connection(address.host.strip("[]"), address.port, ssl=secure, limit=_HEAD)
    except TimeoutError as error:
        raise UpstreamError(504, f"{address.host}:{address.port} did not accept in time", retry=True) from error
    except OSError as error:
        raise UpstreamError(502, f"{address.host}:{address.port}: {error}", retry=True) from error


async def _send(writer: asyncio.StreamWriter, outgoing: Outgoing) -> None:
    chunked = outgoing.body is not None and outgoing.headers.first("content-length") is None
    lines = [f"{outgoing.method} {outgoing.target} HTTP/1.1", *_written(outgoing.headers)]
    if chunked:
        lines.append("Transfer-Encoding: chunked")
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    try:
        async for piece in outgoing.body or _nothing():
            if piece:
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                await asyncio.wait_for(writer.drain(), outgoing.timeouts[1])
        if chunked:
            writer.write(b"0\r\n\r\n")
        await asyncio.wait_for(writer.drain(), outgoing.timeouts[1])
    except TimeoutError as error:
        raise UpstreamError(504, "the upstream does not read") from error
    except OSError:
        # It may have answered before it closed (413, for example); the answer is read, if there is one.
        return


def _written(headers: HeaderList) -> Iterable[str]:
    return (f"{name}: {value}" for name, value in headers)


async def _nothing() -> AsyncIterator[bytes]:
    empty: tuple[bytes, ...] = ()
    for piece in empty:
        yield piece


async def _answer(reader: asyncio.StreamReader, outgoing: Outgoing) -> Incoming:
    patience = outgoing.timeouts[2]
    while True:
        head = await _within(reader.readuntil(b"\r\n\r\n"), patience)
        status, reason, headers = _parse(head)
        if status >= 200:
            break
    length = headers.first("content-length")
    coding = (headers.first("transfer-encoding") or "").lower()
    if outgoing.method == "HEAD" or status in _BODILESS:
        pieces = _nothing()
    elif coding == "chunked":
        pieces = _chunks(reader, patience)
    elif length is not None:
        if not length.isdigit():
            raise UpstreamError(502, f"the upstream's content-length is {length!r}")
        pieces = _counted(reader, int(length), patience)
    else:
        pieces = _until_closed(reader, patience)
    return Incoming(status, reason, headers, pieces)


def _parse(head: bytes) -> tuple[int, str, HeaderList]:
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    version, _, rest = first.partition(" ")
    status, _, reason = rest.partition(" ")
    if not version.startswith("HTTP/1.") or not status.isdigit():
        raise UpstreamError(502, f"the upstream's answer is not HTTP/1: {first[:80]!r}")
    fields = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise UpstreamError(502, f"the upstream sent a malformed header: {line[:80]!r}")
        fields.append((name.strip(), value.strip()))
    return int(status), reason, HeaderList(fields)


async def _counted(reader: asyncio.StreamReader, length: int, patience: float) -> AsyncIterator[bytes]:
    while length:
        piece = await _within(reader.read(min(length, _PIECE)), patience)
        if not piece:
            raise UpstreamError(502, "the upstream closed in the middle of its body")
        length -= len(piece)
        yield piece


async def _until_closed(reader: asyncio.StreamReader, patience: float) -> AsyncIterator[bytes]:
    while piece := await _within(reader.read(_PIECE), patience):
        yield piece


async def _chunks(reader: asyncio.StreamReader, patience: float) -> AsyncIterator[bytes]:
    while True:
        line = (await _within(reader.readuntil(b"\r\n"), patience)).partition(b";")[0].strip()
        try:
            size = int(line, 16)
        except ValueError as error:
            raise UpstreamError(502, f"the upstream sent a malformed chunk: {line[:20]!r}") from error
        if not size:
            break
        async for piece in _counted(reader, size, patience):
            yield piece
        await _within(reader.readuntil(b"\r\n"), patience)
    while await _within(reader.readuntil(b"\r\n"), patience) != b"\r\n":
        pass  # trailers, which nginx drops


async def _within(reading: Coroutine[Any, Any, bytes], patience: float) -> bytes:
    try:
        return await asyncio.wait_for(reading, patience)
    except TimeoutError as error:
        raise UpstreamError(504, "the upstream does not answer") from error
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
        raise UpstreamError(502, f"the upstream's answer is broken off or too large: {error}") from error
