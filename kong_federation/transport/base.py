"""
The seam between the executor and the network: one method, value objects in and out.

Transport knows bytes, not GraphQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SubgraphRequest:
    """
    One HTTP POST to one subgraph.

    Args:
        subgraph: The subgraph's name, for errors and statistics.
        url: Absolute URL.
        headers: Names in lower case; values as latin-1 text, so that any byte survives.
        body: JSON.
        timeout: Seconds for the whole exchange, connecting included.
    """

    subgraph: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout: float


@dataclass(frozen=True, slots=True)
class SubgraphResponse:
    """
    The answer, decompressed.

    Args:
        status: HTTP status.
        headers: Names in lower case, in the order received.
        body: At most as many bytes as the transport was told to accept.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Transport(Protocol):
    """Carries requests to subgraphs."""

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        """
        Send one request and read its whole answer, whatever its status.

        Raises:
            FederationError: SUBREQUEST_HTTP_ERROR (not reached, broken off),
                SUBREQUEST_TIMEOUT or SUBREQUEST_TOO_LARGE.
        """
        ...

    async def close(self) -> None:
        """Give up all connections; the transport cannot be used afterwards."""
        ...
