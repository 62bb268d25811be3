"""
Header values on the wire.

The project carries header values as latin-1 text, one character per byte. The HTTP client writes text as UTF-8, so
bytes that are UTF-8 already are handed over decoded and come out unchanged. Bytes that are not UTF-8 (RFC 9110, 5.5,
calls them obsolete) come out as the UTF-8 form of their latin-1 characters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

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


def outgoing(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """
    Turn a request's headers into what the client library wants.

    Args:
        headers: Names in lower case, values as latin-1 text; those of one connection are left out.
    """
    return [(name, value if value.isascii() else _decoded(value)) for name, value in headers if name not in _OWN]


def _decoded(value: str) -> str:
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value
