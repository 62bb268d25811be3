"""What goes into the gateway and what comes out: one HTTP exchange, without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from kong_federation.gateway.facts import Facts
from kong_federation.gateway.identity import NOBODY, Identity
from kong_federation.gateway.passage import Way

_NO_HEADERS: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


class HttpRequest:
    """
    A client's request.

    A plain class, like all that is made for each request: it is compiled, and then as cheap as can be.

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

    __slots__ = ("body", "headers", "identity", "method", "query", "request_id", "way")

    def __init__(  # noqa: PLR0917 - in their places they cost less
        self,
        method: str,
        query: str = "",
        headers: Mapping[str, Sequence[str]] = _NO_HEADERS,
        body: bytes = b"",
        request_id: str = "",
        identity: Identity = NOBODY,
        way: Way | None = None,
    ) -> None:
        self.method: Final = method
        self.query: Final = query
        self.headers: Final = headers
        self.body: Final = body
        self.request_id: Final = request_id
        self.identity: Final = identity
        self.way: Final = way

    def __repr__(self) -> str:
        return f"<HttpRequest {self.method}: {len(self.body)} bytes>"

    def to_be_answered(self) -> HttpRequest:
        """The same request, for which there is no way but to answer it."""
        return HttpRequest(self.method, self.query, self.headers, self.body, self.request_id, self.identity)

    def header(self, name: str) -> str | None:
        """The first value of a header (name in lower case), or None."""
        values = self.headers.get(name)
        return values[0] if values else None


class HttpResponse:
    """
    The answer to it.

    Args:
        status: HTTP status.
        headers: Names in lower case; `content-length` is left to the host.
        body: All bytes, or a stream of them (subscriptions, `@defer`).
        facts: What is told about the request; None: nothing.
    """

    __slots__ = ("body", "facts", "headers", "status")

    def __init__(
        self,
        status: int,
        headers: tuple[tuple[str, str], ...],
        body: bytes | AsyncIterator[bytes],
        facts: Facts | None = None,
    ) -> None:
        self.status: Final = status
        self.headers: Final = headers
        self.body: Final = body
        self.facts: Final = facts

    def __repr__(self) -> str:
        return f"<HttpResponse {self.status}>"

    def telling(self, facts: Facts) -> HttpResponse:
        """The same answer, with what is told about the request."""
        return HttpResponse(self.status, self.headers, self.body, facts)
