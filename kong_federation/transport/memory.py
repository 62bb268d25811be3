"""The in-memory twin of the network, for tests and demonstrations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from kong_federation.errors import FederationError
from kong_federation.errors.codes import SUBREQUEST_HTTP_ERROR, SUBREQUEST_TIMEOUT
from kong_federation.transport.base import SubgraphRequest, SubgraphResponse

Handler: TypeAlias = Callable[[SubgraphRequest], Awaitable[SubgraphResponse]]


class MemoryTransport:
    """
    Answers requests by functions, and remembers them.

    Args:
        handlers: By URL; any other URL cannot be reached.
    """

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self.requests: list[SubgraphRequest] = []
        self.closed = False
        self._handlers = handlers

    def send(self, request: SubgraphRequest) -> asyncio.Future[SubgraphResponse]:
        """Record the request and let its handler answer, within the request's time."""
        self.requests.append(request)
        return asyncio.ensure_future(self._answer(request))

    async def _answer(self, request: SubgraphRequest) -> SubgraphResponse:
        handler = self._handlers.get(request.url)
        if handler is None:
            raise FederationError(SUBREQUEST_HTTP_ERROR, f"Nobody answers at {request.url}.")
        try:
            async with asyncio.timeout(request.timeout):
                return await handler(request)
        except TimeoutError:
            raise FederationError(SUBREQUEST_TIMEOUT, f"No complete answer within {request.timeout:g} s.") from None

    async def close(self) -> None:
        """Note that it has been closed."""
        self.closed = True
