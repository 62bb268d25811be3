"""
A request's headers on the wire.

The project carries header values as latin-1 text, one character per byte, and they go out as these bytes. Headers of
one connection and those that this client writes itself are left out; what would end a line early is refused, because
it could write headers, or whole requests, of its own.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from kong_federation.transport.base import Headers
from kong_federation.transport.errors import TransportError, Trouble

USER_AGENT: Final = "kong-federation"
"""Unless the request brings its own."""

# What belongs to one connection (RFC 9110, 7.6.1) or is decided by this client itself.
_OWN: Final = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
# Compressing JSON costs a subgraph more than sending it costs the network between the two; one that compresses all the
# same is understood.
_ACCEPT: Final = "accept-encoding: identity\r\n"
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

REQUEST_ID: Final = "x-kong-request-id"
"""How a request's id travels, unless its headers have one."""

TRACE_HEADERS: Final = frozenset(
    {
        "traceparent",
        "tracestate",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-parentspanid",
        "x-b3-sampled",
        "x-b3-flags",
        "x-request-id",
        "x-correlation-id",
        REQUEST_ID,
        "x-datadog-trace-id",
        "x-datadog-parent-id",
        "x-datadog-sampling-priority",
        "x-datadog-origin",
        "x-datadog-tags",
    }
)
"""Headers that tell requests apart and change nothing in their answers. `baggage` is not one: tenants travel in it."""


class _Shape:
    """
    What blocks of the same names have in common.

    Clients differ in values, of traces and authorizations at least, and hardly in names.

    Args:
        names: In their order.

    Raises:
        TransportError: HEADER, one of them is no name.
    """

    __slots__ = ("given", "identified", "template")

    def __init__(self, names: tuple[str, ...]) -> None:
        if not all(map(_NAME.fullmatch, names)):
            raise TransportError(Trouble.HEADER)
        self.given = ("host" in names) + 2 * ("authorization" in names)
        self.identified = REQUEST_ID in names
        # A value of which no character is wanted leaves nothing.
        lines = ["%.0s" if name in _OWN else f"{name.replace('%', '%%')}: %s\r\n" for name in names]
        if "user-agent" not in names:
            lines.append(f"user-agent: {USER_AGENT}\r\n")
        self.template = "".join((*lines, _ACCEPT))


# Clients choose some of the names where rules pass headers on by pattern; this bounds what they can make us keep.
_shape: Final = lru_cache(64)(_Shape)


class HeaderBlock:
    """
    One tuple of headers, encoded.

    Args:
        headers: Names in lower case, values as latin-1 text.

    Raises:
        TransportError: HEADER.
    """

    __slots__ = ("_identity", "given", "headers", "identified", "text")

    def __init__(self, headers: Headers) -> None:
        names, values = zip(*headers, strict=True) if headers else ((), ())
        shape = _shape(names)
        every = "".join(values)
        if "\n" in every or "\r" in every or "\0" in every:
            raise TransportError(Trouble.HEADER)
        try:
            self.text = (shape.template % values).encode("latin-1")
        except UnicodeError:
            raise TransportError(Trouble.HEADER) from None
        self.headers = headers
        self.given = shape.given
        self.identified = shape.identified
        self._identity: Headers | None = None

    @property
    def identity(self) -> Headers:
        """The headers that may change an answer: all but those of traces and request ids."""
        if self._identity is None:
            self._identity = tuple(header for header in self.headers if header[0] not in TRACE_HEADERS)
        return self._identity


def id_line(request_id: str) -> bytes:
    """
    The line of a request's id.

    Raises:
        TransportError: HEADER, it is not one line of latin-1 text.
    """
    if not request_id.isprintable():
        raise TransportError(Trouble.HEADER)
    try:
        return f"{REQUEST_ID}: {request_id}\r\n".encode("latin-1")
    except UnicodeError:
        raise TransportError(Trouble.HEADER) from None


class HeaderBlocks:
    """
    The blocks of the last requests, by the identity of their tuples.

    All requests for one client share a tuple, and several clients are served at the same time. A tuple that is held
    here cannot be freed, so its identity is its own.
    """

    __slots__ = ("_known",)

    _MOST: Final = 256

    def __init__(self) -> None:
        self._known: dict[int, HeaderBlock] = {}

    def of(self, headers: Headers) -> HeaderBlock:
        """
        The block of a tuple, encoded if it was not seen lately.

        Raises:
            TransportError: HEADER.
        """
        known = self._known
        block = known.get(id(headers))
        if block is None:
            block = HeaderBlock(headers)
            if len(known) >= self._MOST:
                known.clear()
            known[id(headers)] = block
        return block
