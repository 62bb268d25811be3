"""
The PDK's messages that have a fixed shape: who asks, by which route, and the answer to the client.

Each is a frozen dataclass; how it is written stands in its layout, a table of field numbers. The answer to the client
is on the hot path and written by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from kong_federation.kong.protobuf import (
    BYTES,
    VARINT,
    bytes_field,
    fields,
    integer_field,
    key,
    signed,
    sole_bytes,
    text_field,
    varint,
)
from kong_federation.kong.values import decode_headers, encode_headers
from kong_federation.kong.wire import frame

Record = TypeVar("Record")


class Kind(Enum):
    """How one field of a record is written."""

    TEXT = "string"
    TEXTS = "repeated string"
    INTEGER = "int32 or int64"
    FLAG = "bool"
    REFERENCE = "a message of which only `1: id` matters"


class Layout(Generic[Record]):
    """
    The written form of a record.

    Args:
        record: A dataclass whose fields all have defaults.
        numbers: Field number to attribute and kind; fields with the value of proto3's default are not written.
    """

    def __init__(self, record: type[Record], numbers: dict[int, tuple[str, Kind]]) -> None:
        self._record = record
        self._numbers = numbers
        self._keys = {
            key(number, VARINT if kind in {Kind.INTEGER, Kind.FLAG} else BYTES): (name, kind)
            for number, (name, kind) in numbers.items()
        }

    def encode(self, record: Record) -> bytes:
        """The record's bytes, fields in the order of their numbers."""
        out = []
        for number, (name, kind) in self._numbers.items():
            value = getattr(record, name)
            if not value:
                continue
            match kind:
                case Kind.TEXT:
                    out.append(text_field(number, value))
                case Kind.TEXTS:
                    out += [text_field(number, one) for one in value]
                case Kind.INTEGER | Kind.FLAG:
                    out.append(integer_field(number, value))
                case Kind.REFERENCE:
                    out.append(bytes_field(number, text_field(1, value)))
        return b"".join(out)

    def decode(self, data: bytes) -> Record:
        """
        The record in the bytes; what is missing keeps its default.

        Raises:
            ProtocolError: The bytes are not a message.
        """
        values: dict[str, Any] = {}
        for tag, content in fields(data):
            if tag not in self._keys:
                continue
            name, kind = self._keys[tag]
            match kind:
                case Kind.TEXT:
                    values[name] = content.decode("latin-1")
                case Kind.TEXTS:
                    values[name] = (*values.get(name, ()), content.decode("latin-1"))
                case Kind.INTEGER:
                    values[name] = signed(content)
                case Kind.FLAG:
                    values[name] = bool(content)
                case Kind.REFERENCE:
                    ids = [text for inner, text in fields(content) if inner == key(1, BYTES)]
                    values[name] = ids[-1].decode("latin-1") if ids else ""
        return self._record(**values)


@dataclass(frozen=True)
class Consumer:
    """Kong's consumer, as an authentication plugin found it."""

    id: str = ""
    created_at: int = 0
    username: str = ""
    custom_id: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Credential:
    """What the consumer authenticated with; `consumer_id` is empty for key-auth."""

    id: str = ""
    consumer_id: str = ""


@dataclass(frozen=True)
class Route:
    """Kong's route; `service` is an id, empty for a route without one."""

    id: str = ""
    created_at: int = 0
    updated_at: int = 0
    name: str = ""
    protocols: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    https_redirect_status_code: int = 0
    regex_priority: int = 0
    strip_path: bool = False
    preserve_host: bool = False
    snis: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    service: str = ""


@dataclass(frozen=True)
class Service:
    """Kong's service; time-outs in milliseconds, `client_certificate` is an id."""

    id: str = ""
    created_at: int = 0
    updated_at: int = 0
    name: str = ""
    retries: int = 0
    protocol: str = ""
    host: str = ""
    port: int = 0
    path: str = ""
    connect_timeout: int = 0
    write_timeout: int = 0
    read_timeout: int = 0
    tags: tuple[str, ...] = ()
    client_certificate: str = ""


CONSUMER = Layout(
    Consumer,
    {
        1: ("id", Kind.TEXT),
        2: ("created_at", Kind.INTEGER),
        3: ("username", Kind.TEXT),
        4: ("custom_id", Kind.TEXT),
        5: ("tags", Kind.TEXTS),
    },
)
CREDENTIAL = Layout(Credential, {1: ("id", Kind.TEXT), 2: ("consumer_id", Kind.TEXT)})
ROUTE = Layout(
    Route,
    {
        1: ("id", Kind.TEXT),
        2: ("created_at", Kind.INTEGER),
        3: ("updated_at", Kind.INTEGER),
        4: ("name", Kind.TEXT),
        5: ("protocols", Kind.TEXTS),
        6: ("methods", Kind.TEXTS),
        7: ("hosts", Kind.TEXTS),
        8: ("paths", Kind.TEXTS),
        9: ("headers", Kind.TEXTS),
        10: ("https_redirect_status_code", Kind.INTEGER),
        11: ("regex_priority", Kind.INTEGER),
        12: ("strip_path", Kind.FLAG),
        13: ("preserve_host", Kind.FLAG),
        14: ("snis", Kind.TEXTS),
        15: ("sources", Kind.TEXTS),
        16: ("destinations", Kind.TEXTS),
        17: ("tags", Kind.TEXTS),
        18: ("service", Kind.REFERENCE),
    },
)
SERVICE = Layout(
    Service,
    {
        1: ("id", Kind.TEXT),
        2: ("created_at", Kind.INTEGER),
        3: ("updated_at", Kind.INTEGER),
        4: ("name", Kind.TEXT),
        5: ("retries", Kind.INTEGER),
        6: ("protocol", Kind.TEXT),
        7: ("host", Kind.TEXT),
        8: ("port", Kind.INTEGER),
        9: ("path", Kind.TEXT),
        10: ("connect_timeout", Kind.INTEGER),
        11: ("write_timeout", Kind.INTEGER),
        12: ("read_timeout", Kind.INTEGER),
        13: ("tags", Kind.TEXTS),
        14: ("client_certificate", Kind.REFERENCE),
    },
)


class RawBody(NamedTuple):
    """
    A request's body; exactly one member is set.

    Args:
        content: The bytes, when nginx kept them in memory.
        path: The temporary file, when it did not.
        error: Why there is neither.
    """

    content: bytes | None = None
    path: str | None = None
    error: str | None = None


def encode_raw_body(body: RawBody) -> bytes:
    """A RawBodyResult."""
    if body.content is not None:
        return bytes_field(1, body.content)
    if body.path is not None:
        return text_field(2, body.path)
    return text_field(3, body.error or "")


def decode_raw_body(data: bytes) -> RawBody:
    """A RawBodyResult; an empty one is an error."""
    sole = sole_bytes(data)
    if sole is not None:
        return RawBody(sole)
    result = RawBody(error="Kong sent no body")
    for tag, content in fields(data):
        if tag == key(1, BYTES):
            result = RawBody(content=content)
        elif tag == key(2, BYTES):
            result = RawBody(path=content.decode("latin-1"))
        elif tag == key(3, BYTES):
            result = RawBody(error=content.decode("latin-1"))
    return result


@dataclass(frozen=True)
class Target:
    """Where nginx is to send the request."""

    host: str
    port: int


def encode_target(target: Target) -> bytes:
    """A Target."""
    return text_field(1, target.host) + integer_field(2, target.port)


def decode_target(data: bytes) -> Target:
    """A Target."""
    host = ""
    port = 0
    for tag, content in fields(data):
        if tag == key(1, BYTES):
            host = content.decode("latin-1")
        elif tag == key(2, VARINT):
            port = signed(content)
    return Target(host, port)


_EXIT_BODY = varint(key(2, BYTES))
_EXIT = frame(b"kong.response.exit")


class Exit(NamedTuple):
    """
    The answer to the client; Kong adds `content-length`.

    Args:
        status: HTTP status.
        headers: Name and value in order, latin-1 text; a name may come more than once.
        body: All of it.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def encode_exit(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    """The argument of `kong.response.exit`."""
    start, rest = around_body(status, tuple(headers))
    return b"".join((start, varint(len(body)), body, rest))


def exit_frames(status: int, headers: tuple[tuple[str, str], ...], body: bytes, before: bytes = b"") -> bytes:
    """
    The two frames that answer the client, in one piece.

    Args:
        status: Of the answer.
        headers: Of the answer.
        body: Of the answer.
        before: Whole frames of calls that are made before.

    Raises:
        UnicodeEncodeError: A header has characters that HTTP cannot carry.
    """
    start, rest = around_body(status, headers)
    length = _length(len(body))
    # Joined once: a body of a megabyte costs its copying, so it is copied as rarely as possible.
    size = len(start) + len(length) + len(body) + len(rest)
    return b"".join((before, _EXIT, size.to_bytes(4, "little"), start, length, body, rest))


# Answers of one operation have few sizes.
_length = lru_cache(1024)(varint)


# Nearly all answers have one of few statuses and the same few headers.
@lru_cache(512)
def around_body(status: int, headers: tuple[tuple[str, str], ...]) -> tuple[bytes, bytes]:
    """What comes before the length of the body, and after the body."""
    written = encode_headers(headers)
    return integer_field(1, status) + _EXIT_BODY, bytes_field(3, written) if written else b""


def decode_exit(data: bytes) -> Exit:
    """
    The argument of `kong.response.exit`.

    Raises:
        ProtocolError: The bytes are not one, or a header's value is not text.
    """
    status = 0
    body = b""
    headers: list[tuple[str, str]] = []
    for tag, content in fields(data):
        if tag == key(1, VARINT):
            status = signed(content)
        elif tag == key(2, BYTES):
            body = content
        elif tag == key(3, BYTES):
            headers += [(name, value) for name, values in decode_headers(content).items() for value in values]
    return Exit(status, tuple(headers), body)
