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
_BREAKS: Final = re.compile("[\r\n\0]")

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
        "x-kong-request-id",
        "x-datadog-trace-id",
        "x-datadog-parent-id",
        "x-datadog-sampling-priority",
        "x-datadog-origin",
        "x-datadog-tags",
    }
)
"""Headers that tell requests apart and change nothing in their answers. `baggage` is not one: tenants travel in it."""


class HeaderBlock:
    """
    One tuple of headers, encoded.

    Args:
        headers: Names in lower case, values as latin-1 text.

    Raises:
        TransportError: HEADER.
    """

    __slots__ = ("_identity", "given", "headers", "text")

    def __init__(self, headers: Headers) -> None:
        self.headers = headers
        names = {name for name, _ in headers}
        self.given = ("host" in names, "authorization" in names)
        lines = [
            (_stable_line if name in _STABLE else _line)(name, value) for name, value in headers if name not in _OWN
        ]
        if "user-agent" not in names:
            lines.append(f"user-agent: {USER_AGENT}\r\n")
        try:
            self.text = "".join((*lines, _ACCEPT)).encode("latin-1")
        except UnicodeError:
            raise TransportError(Trouble.HEADER) from None
        self._identity: Headers | None = None

    @property
    def identity(self) -> Headers:
        """The headers that may change an answer: all but those of traces and request ids."""
        if self._identity is None:
            self._identity = tuple(header for header in self.headers if header[0] not in TRACE_HEADERS)
        return self._identity


class HeaderBlocks:
    """
    The blocks of the last requests, by the identity of their tuples.

    All requests for one client share a tuple, and several clients are served at the same time. A tuple that is held
    here cannot be freed, so its identity is its own.
    """

    __slots__ = ("_blocks",)

    _MOST: Final = 256

    def __init__(self) -> None:
        self._blocks: dict[int, HeaderBlock] = {}

    def of(self, headers: Headers) -> HeaderBlock:
        """
        The block of a tuple, encoded if it was not seen lately.

        Raises:
            TransportError: HEADER.
        """
        blocks = self._blocks
        block = blocks.get(id(headers))
        if block is None:
            block = HeaderBlock(headers)
            if len(blocks) >= self._MOST:
                blocks.clear()
            blocks[id(headers)] = block
        return block


def _line(name: str, value: str) -> str:
    if _NAME.fullmatch(name) is None or _BREAKS.search(value) is not None:
        raise TransportError(Trouble.HEADER)
    return f"{name}: {value}\r\n"


# What says how a message is meant has few values; what says who sends it is not kept.
_STABLE: Final = frozenset(("accept", "content-type"))
_stable_line: Final = lru_cache(64)(_line)
