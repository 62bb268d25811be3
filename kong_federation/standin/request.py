"""One request of a client, as nginx holds it: plugins read it, and change what goes upstream."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote_to_bytes

from kong_federation.standin.headers import HeaderList
from kong_federation.standin.uri import split_target

_spooled = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Peer:
    """Both ends of the client's connection."""

    client: str
    client_port: int
    server: str
    server_port: int


@dataclass(frozen=True, slots=True)
class Line:
    """The request line, as it came; text is latin-1."""

    method: str
    target: str
    version: str

    @property
    def path(self) -> str:
        """The path, not normalised."""
        return split_target(self.target)[0]

    @property
    def query(self) -> str:
        """What is behind the `?`."""
        return split_target(self.target)[1]


@dataclass(slots=True)
class Body:
    """
    The request's body, read once and when somebody asks.

    nginx keeps a body of up to `buffer` bytes in memory and writes a larger one to a file.

    Args:
        stream: The bytes as they come, chunked encoding already taken off.
        length: Content-Length, or None.
        buffer: Bytes, `client_body_buffer_size`.
        directory: Where a larger body is written.
    """

    stream: AsyncIterator[bytes]
    length: int | None
    buffer: int
    directory: Path
    content: bytes | None = None
    file: Path | None = None
    size: int = 0
    replaced: bool = False

    async def read(self) -> None:
        """Read all of it, into memory or into a file."""
        if self.content is not None or self.file is not None:
            return
        # Written piece by piece as soon as it is too large: nginx does not hold a large body in memory either.
        held = bytearray()
        path = self.directory / f"{next(_spooled):010}"
        out = None
        try:
            async for piece in self.stream:
                self.size += len(piece)
                held += piece
                if self.size > self.buffer:
                    out = out or path.open("wb")
                    out.write(held)
                    held.clear()
        finally:
            if out is not None:
                out.close()
                self.file = path
        if self.file is None:
            self.content = bytes(held)

    def replace(self, content: bytes) -> None:
        """Send other bytes upstream; what was read is dropped."""
        self.discard()
        self.content = content
        self.size = len(content)
        self.replaced = True

    def discard(self) -> None:
        """Remove the file."""
        if self.file is not None:
            self.file.unlink(missing_ok=True)
            self.file = None


@dataclass(slots=True)
class Request:
    """
    The request.

    Args:
        line: As it came; `method` and `query` are what plugins made of it.
        scheme: `http`; the stand-in does not listen for TLS.
        id: Kong's request id, which clients and upstreams see.
        trace: nginx's own `$request_id`, another one.
        head: Bytes of the request line and headers, for `$request_length`.
    """

    line: Line
    headers: HeaderList
    body: Body
    peer: Peer
    method: str
    query: str
    head: int
    scheme: str = "http"
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    trace: str = field(default_factory=lambda: secrets.token_hex(16))
    started: float = field(default_factory=time.time)

    @property
    def host(self) -> str:
        """The Host header's name in lower case, without the port."""
        given = (self.headers.first("host") or "").lower()
        name, colon, port = given.rpartition(":")
        return name if colon and port.isdigit() else given


def decode_query(query: str, most: int | None = None) -> dict[str, str | bool | list[str | bool]]:
    """
    The arguments of a query string, as nginx's Lua module decodes them.

    Args:
        query: Latin-1 text without the `?`.
        most: How many arguments are taken into account.

    Returns:
        Name to value; True for a name without `=`, a list for a name that comes more than once.
    """
    found: dict[str, str | bool | list[str | bool]] = {}
    for piece in [piece for piece in query.split("&") if piece][:most]:
        name, equals, value = piece.partition("=")
        key = unescape(name)
        if not key:
            continue
        decoded: str | bool = unescape(value) if equals else True
        before = found.get(key)
        if before is None:
            found[key] = decoded
        elif isinstance(before, list):
            before.append(decoded)
        else:
            found[key] = [before, decoded]
    return found


def unescape(text: str) -> str:
    """A part of a query string, decoded."""
    return unquote_to_bytes(text.replace("+", " ").encode("latin-1")).decode("latin-1")
