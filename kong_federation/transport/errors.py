"""
What can go wrong between the gateway and a subgraph, in the project's terms.

    SUBREQUEST_TIMEOUT       no complete answer in time, connecting included
    SUBREQUEST_TOO_LARGE     more bytes than accepted, counted after decompression
    SUBREQUEST_HTTP_ERROR
    ├── no such host         the name is not known
    ├── not connected        nobody listens, no route, no free local port
    ├── TLS                  handshake or certificate
    ├── broken off           the connection ended before the answer did
    ├── not HTTP             the answer breaks the protocol or its encoding
    ├── address              the URL or a header cannot be used
    └── ours                 too many wait already, or the service is ending

Foreign exceptions end here. None of their own text is used, because it may repeat a URL with its credentials. Ours name
the host, the port, and the operating system's reason.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping
from enum import Enum, auto
from typing import Final
from urllib.parse import urlsplit

from kong_federation.errors import ErrorCode, FederationError
from kong_federation.errors.codes import SUBREQUEST_HTTP_ERROR, SUBREQUEST_TIMEOUT, SUBREQUEST_TOO_LARGE


class Trouble(Enum):
    """What went wrong."""

    LATE = auto()
    LATE_CONNECTING = auto()
    TOO_LARGE = auto()
    UNKNOWN_HOST = auto()
    NOT_CONNECTED = auto()
    TLS = auto()
    NO_ANSWER = auto()
    BROKEN_OFF = auto()
    UNCERTAIN = auto()
    INCOMPLETE = auto()
    NOT_HTTP = auto()
    HUGE_HEAD = auto()
    ENCODING = auto()
    ADDRESS = auto()
    HEADER = auto()
    CROWDED = auto()
    CLOSED = auto()


_TABLE: Final[Mapping[Trouble, tuple[ErrorCode, str]]] = {
    Trouble.LATE: (SUBREQUEST_TIMEOUT, "No complete answer came from {host} within {limit:g} s."),
    Trouble.LATE_CONNECTING: (SUBREQUEST_TIMEOUT, "No connection to {host} could be made in time."),
    Trouble.TOO_LARGE: (SUBREQUEST_TOO_LARGE, "The answer from {host} is larger than {limit:d} bytes."),
    Trouble.UNKNOWN_HOST: (SUBREQUEST_HTTP_ERROR, "The name {host} is not known."),
    Trouble.NOT_CONNECTED: (SUBREQUEST_HTTP_ERROR, "No connection to {host} could be made{reason}."),
    Trouble.TLS: (SUBREQUEST_HTTP_ERROR, "No TLS connection to {host} could be made."),
    Trouble.NO_ANSWER: (SUBREQUEST_HTTP_ERROR, "The connection to {host} ended without an answer{reason}."),
    Trouble.BROKEN_OFF: (SUBREQUEST_HTTP_ERROR, "The connection to {host} broke off{reason}."),
    Trouble.UNCERTAIN: (
        SUBREQUEST_HTTP_ERROR,
        "The connection to {host} ended without an answer{reason}. The request may have arrived; it is not repeated.",
    ),
    Trouble.INCOMPLETE: (SUBREQUEST_HTTP_ERROR, "The answer from {host} is incomplete."),
    Trouble.NOT_HTTP: (SUBREQUEST_HTTP_ERROR, "The answer from {host} is not valid HTTP."),
    Trouble.HUGE_HEAD: (SUBREQUEST_HTTP_ERROR, "The answer from {host} has too large headers."),
    Trouble.ENCODING: (SUBREQUEST_HTTP_ERROR, "The answer from {host} is wrongly encoded."),
    Trouble.ADDRESS: (SUBREQUEST_HTTP_ERROR, "The URL for {host} cannot be used."),
    Trouble.HEADER: (SUBREQUEST_HTTP_ERROR, "A header for {host} cannot be used."),
    Trouble.CROWDED: (SUBREQUEST_HTTP_ERROR, "Too many requests wait for a connection to {host}."),
    Trouble.CLOSED: (SUBREQUEST_HTTP_ERROR, "The request to {host} met the end of service."),
}

# The most specific class wins. What the loop raises while it connects, resolves names and shakes hands.
_CONNECTING: Final[Mapping[type[BaseException], Trouble]] = {
    TimeoutError: Trouble.LATE_CONNECTING,
    socket.gaierror: Trouble.UNKNOWN_HOST,
    ssl.SSLError: Trouble.TLS,
    UnicodeError: Trouble.UNKNOWN_HOST,
    OSError: Trouble.NOT_CONNECTED,
}

FOREIGN: Final = tuple(_CONNECTING)
"""All classes that `connecting` knows; nothing else is to be expected of the loop."""


class TransportError(Exception):
    """
    Something went wrong; raised within this room only.

    Args:
        trouble: What.
        cause: The operating system's exception, if there was one.
        limit: What was exceeded, in the unit of the trouble's sentence.
    """

    def __init__(self, trouble: Trouble, cause: BaseException | None = None, *, limit: float = 0) -> None:
        super().__init__(trouble)
        self.trouble = trouble
        self.cause = cause
        self.limit = limit


def connecting(error: BaseException) -> TransportError:
    """
    Translate what the loop raised while a connection was made.

    Args:
        error: An instance of one of `FOREIGN`.
    """
    return TransportError(next(_CONNECTING[kind] for kind in type(error).__mro__ if kind in _CONNECTING), error)


def failure(error: TransportError, url: str) -> FederationError:
    """
    The error that a caller sees.

    Args:
        error: What went wrong.
        url: Where the request went.
    """
    code, text = _TABLE[error.trouble]
    return FederationError(code, text.format(host=_host(url), limit=error.limit, reason=_reason(error.cause)))


def _host(url: str) -> str:
    """Name the host and port of a URL, without its credentials, path and query."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "an empty host"
    except ValueError:
        return "an invalid host"


def _reason(error: BaseException | None) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return f" ({os.strerror(number)})" if number and number > 0 else ""
