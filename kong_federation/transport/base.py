"""
The seam between the executor and the network: one method, value objects in and out.

Transport knows bytes, not GraphQL.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol, TypeAlias

Headers: TypeAlias = tuple[tuple[str, str], ...]


class SubgraphRequest:
    """
    One HTTP POST to one subgraph; never changed after it was made.

    A plain class with slots: one is made for every call, and a frozen dataclass takes four times as long to make.

    Args:
        subgraph: The subgraph's name, for errors and statistics.
        url: Absolute URL.
        headers: Names in lower case; values as latin-1 text, so that any byte survives. Requests that are to have the
            same headers best share one tuple, because it is encoded once.
        body: JSON.
        timeout: Seconds for the whole exchange, connecting included.
        safe: Whether the request changes nothing at the subgraph (it is a query). Only such a request may be sent again
            when nobody knows whether it arrived, and only such a one may share the answer to an identical one that is
            under way.
        request_id: Kong's id of the client's request, which travels as `x-kong-request-id`; empty: there is none.
    """

    __slots__ = ("body", "headers", "request_id", "safe", "subgraph", "timeout", "url")

    def __init__(
        self,
        subgraph: str,
        url: str,
        headers: Headers,
        body: bytes,
        timeout: float,
        *,
        safe: bool = False,
        request_id: str = "",
    ) -> None:
        self.subgraph = subgraph
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.safe = safe
        self.request_id = request_id

    def __repr__(self) -> str:
        return f"<SubgraphRequest to {self.subgraph}: {len(self.body)} bytes>"


def read_headers(head: bytes) -> Headers:
    """
    The headers of a head.

    Args:
        head: A valid one, from its first line to the line break of its last.
    """
    lines = head.decode("latin-1").split("\r\n")[1:-1]
    return tuple((name.lower(), value.strip(" \t")) for name, _, value in (line.partition(":") for line in lines))


class SubgraphResponse:
    """
    The answer, decompressed. It may be shared by several requests, so nobody changes it.

    Args:
        status: HTTP status.
        headers: In the order received, or the valid head that has them, with the line break of each line; it is read
            when somebody asks for them, which most callers never do.
        body: At most as many bytes as the transport was told to accept.
    """

    __slots__ = ("_headers", "body", "status")

    def __init__(self, status: int, headers: Headers | bytes, body: bytes) -> None:
        self.status = status
        self.body = body
        self._headers = headers

    @property
    def headers(self) -> Headers:
        """Names in lower case and values as latin-1 text, in the order received."""
        headers = self._headers
        if isinstance(headers, bytes):
            headers = self._headers = read_headers(headers)
        return headers

    def __repr__(self) -> str:
        return f"<SubgraphResponse {self.status}: {len(self.body)} bytes>"


class Transport(Protocol):
    """Carries requests to subgraphs."""

    def send(self, request: SubgraphRequest) -> Awaitable[SubgraphResponse]:
        """
        Send one request and read its whole answer, whatever its status.

        The request is under way when this returns. What is returned may be awaited by several, and cancelling it gives
        the request up.

        Raises:
            FederationError: Of awaiting: SUBREQUEST_HTTP_ERROR (not reached, broken off), SUBREQUEST_TIMEOUT or
                SUBREQUEST_TOO_LARGE.
        """
        ...

    async def close(self) -> None:
        """Give up all connections; the transport cannot be used afterwards."""
        ...
