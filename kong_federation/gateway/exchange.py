"""What goes into the gateway and what comes out: one HTTP exchange, without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from kong_federation.gateway.facts import Facts
from kong_federation.gateway.identity import NOBODY, Identity
from kong_federation.gateway.passage import Way

_NO_HEADERS: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


class HttpRequest(NamedTuple):
    """
    A client's request.

    Args:
        method: Upper case.
        query: The raw query string without `?`, as latin-1 text.
        headers: Names in lower case; all values of a header in order, as latin-1 text so that any byte survives.
            Not changed after they were handed over, because what they say is remembered.
        body: As sent; empty for GET.
        request_id: Kong's request id, or empty.
        identity: Who asks, if the configuration wants to know (`wants_identity`).
        way: How the host can pass the request on instead of answering it; None: it cannot.
    """

    method: str
    query: str = ""
    headers: Mapping[str, Sequence[str]] = _NO_HEADERS
    body: bytes = b""
    request_id: str = ""
    identity: Identity = NOBODY
    way: Way | None = None

    def header(self, name: str) -> str | None:
        """The first value of a header (name in lower case), or None."""
        values = self.headers.get(name)
        return values[0] if values else None


class HttpResponse(NamedTuple):
    """
    The answer to it.

    Args:
        status: HTTP status.
        headers: Names in lower case; `content-length` is left to the host.
        body: All bytes, or a stream of them (subscriptions, `@defer`).
        facts: What is told about the request; None: nothing.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes | AsyncIterator[bytes]
    facts: Facts | None = None
