"""
The network: a pooled HTTP/1.1 client.

This file and `errors`, for the exceptions, are all that know the client library. What a proxy between two machines must
not do by itself is off: redirects (an answer could send the request, with its headers, to any address), cookies (they
would be shared between clients), proxies and credentials from the environment.

An answer is read piece by piece and counted after decompression, so a small compressed answer cannot fill the memory.
A connection is used again only if its answer was read to the end.
"""

from __future__ import annotations

import asyncio
import io
from typing import Final

import aiohttp

from kong_federation.transport.base import SubgraphRequest, SubgraphResponse
from kong_federation.transport.errors import FOREIGN, too_large, translate, unusable
from kong_federation.transport.headers import outgoing

# Bytes. Line and header sizes accepted in an answer; the library's own 8 KB is less than some cookies and traces have.
MAX_HEADER_SIZE: Final = 32 * 1024
# Unless the request brings its own; the library's would tell its version and Python's.
USER_AGENT: Final = "kong-federation"
# Bytes. The library wants bodies beyond this as a file, so that it can write them in pieces.
MAX_PLAIN_BODY: Final = 2**20


class HttpTransport:
    """
    Carries requests over HTTP.

    Args:
        max_response_size: Bytes accepted in one answer, after decompression.
        connect_timeout: Seconds for connecting, TLS included.
        connections_per_host: Connections to one host and port at the same time; further requests wait, within their
            own time.
        keepalive_timeout: Seconds an unused connection is kept; should be less than what subgraphs keep theirs for.
    """

    def __init__(
        self,
        *,
        max_response_size: int,
        connect_timeout: float = 5.0,
        connections_per_host: int = 256,
        keepalive_timeout: float = 15.0,
    ) -> None:
        self._max_response_size = max_response_size
        self._connect_timeout = connect_timeout
        self._connections_per_host = connections_per_host
        self._keepalive_timeout = keepalive_timeout
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    def send(self, request: SubgraphRequest) -> asyncio.Future[SubgraphResponse]:
        """Send one request; the future has its whole answer."""
        return asyncio.ensure_future(self._exchange(request))

    async def _exchange(self, request: SubgraphRequest) -> SubgraphResponse:
        if self._closed:
            raise unusable(request)
        session = self._session or self._open()
        body = request.body
        try:
            async with (
                asyncio.timeout(request.timeout),
                session.post(
                    request.url,
                    data=body if len(body) <= MAX_PLAIN_BODY else io.BytesIO(body),
                    headers=outgoing(request.headers),
                    allow_redirects=False,
                ) as response,
            ):
                content = await self._read(request, response)
                return SubgraphResponse(response.status, list(response.raw_headers), content)
        except FOREIGN as error:
            # Without the cause: its text may hold the URL with its credentials.
            raise translate(error, request) from None

    async def close(self) -> None:
        """Close all connections; requests that are under way fail."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        """Make the client on the running loop; not before, because workers are forked after construction."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, limit_per_host=self._connections_per_host, keepalive_timeout=self._keepalive_timeout
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"user-agent": USER_AGENT},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._connect_timeout),
            max_line_size=MAX_HEADER_SIZE,
            max_field_size=MAX_HEADER_SIZE,
            trust_env=False,
        )
        return self._session

    async def _read(self, request: SubgraphRequest, response: aiohttp.ClientResponse) -> bytes:
        limit = self._max_response_size
        pieces: list[bytes] = []
        size = 0
        async for piece in response.content.iter_any():
            size += len(piece)
            if size > limit:
                response.close()
                raise too_large(request, limit)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
