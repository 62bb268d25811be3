"""
The network: a pooled HTTP/1.1 client.

    send ─> the same in flight? join it
         ─> a connection that is free? write            (pool, connection)
         ─> otherwise wait, and connect if may be       (pool, connect)
    bytes arrive ─> answer ─> future                    (connection, answer)
    every 50 ms: late? nobody waits? unused for long?   (watch)

What a proxy between two machines must not do by itself is not there: redirects (an answer could send the request, with
its headers, to any address), cookies (they would be shared between clients), proxies and credentials from the
environment.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kong_federation.transport.address import Address, Origin
from kong_federation.transport.base import SubgraphRequest, SubgraphResponse
from kong_federation.transport.connect import Connector
from kong_federation.transport.errors import TransportError, Trouble, failure
from kong_federation.transport.exchange import Exchange, Key
from kong_federation.transport.flights import Flights, flight_key
from kong_federation.transport.headers import HeaderBlocks
from kong_federation.transport.pool import Pool, PoolLimits
from kong_federation.transport.watch import Watch

# URLs come from the supergraph and the configuration, so there are few; this only bounds mistakes.
_MOST_URLS: Final = 4096


@dataclass(frozen=True, slots=True)
class SubgraphPolicy:
    """
    How one subgraph is reached.

    Args:
        connect_timeout: Seconds for connecting, TLS included.
        deduplicate: Whether identical requests that change nothing share one exchange while it is under way.
    """

    connect_timeout: float = 5.0
    deduplicate: bool = True


class HttpTransport:
    """
    Carries requests over HTTP.

    Args:
        max_response_size: Bytes accepted in one answer, after decompression.
        policy: How subgraphs are reached.
        policies: By name, for subgraphs that are reached differently.
        connections_per_host: Connections to one host and port at the same time; further requests wait, within their
            own time.
        waiting_per_host: Requests that wait for a connection to one host and port; more are refused.
        keepalive_timeout: Seconds an unused connection is kept; should be less than what subgraphs keep theirs for.
        tls: How encrypted connections are made; None: verified, by the system's authorities.
    """

    def __init__(
        self,
        *,
        max_response_size: int,
        policy: SubgraphPolicy = SubgraphPolicy(),
        policies: Mapping[str, SubgraphPolicy] | None = None,
        connections_per_host: int = 256,
        waiting_per_host: int = 4096,
        keepalive_timeout: float = 15.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._limits = PoolLimits(max_response_size, connections_per_host, waiting_per_host, keepalive_timeout)
        self._policy = policy
        self._policies = policies or {}
        self._connector = Connector(tls)
        self._blocks = HeaderBlocks()
        self._flights = Flights()
        self._addresses: dict[str, tuple[Address, Pool]] = {}
        self._pools: dict[Origin, Pool] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: Watch
        self._closed = False

    def send(self, request: SubgraphRequest) -> asyncio.Future[SubgraphResponse]:
        """Send one request; the future has its whole answer, or a FederationError."""
        loop = self._loop or self._begin()
        future: asyncio.Future[SubgraphResponse] = loop.create_future()
        if self._closed:
            future.set_exception(failure(TransportError(Trouble.CLOSED), request.url))
            return future
        try:
            address, pool = self._addresses.get(request.url) or self._read(loop, request.url)
            block = self._blocks.of(request.headers)
        except TransportError as error:
            future.set_exception(failure(error, request.url))
            return future
        now = loop.time()
        deadline = now + request.timeout
        policy = self._policies.get(request.subgraph, self._policy)
        key: Key | None = None
        if request.safe and policy.deduplicate:
            key = flight_key(request)
            found = self._flights.find(key, request, block)
            if found is not None:
                found.join(future, deadline, request.timeout)
                self._watch.expect(deadline)
                return future
        exchange = Exchange(
            request, address, block, future, deadline, connect_timeout=policy.connect_timeout, key=key, after=self._over
        )
        self._flights.add(exchange)
        self._watch.add(exchange, now, deadline)
        pool.submit(exchange, now)
        return future

    async def close(self) -> None:
        """Close all connections; requests that are under way fail."""
        self._closed = True
        if self._loop is None:
            return
        for exchange in self._watch.stop():
            exchange.fail(TransportError(Trouble.CLOSED))
        await self._connector.close()
        for pool in self._pools.values():
            await pool.close()

    def _begin(self) -> asyncio.AbstractEventLoop:
        """Belong to the running loop; not before, because workers are forked after construction."""
        self._loop = asyncio.get_running_loop()
        self._watch = Watch(self._loop, self._tidy)
        return self._loop

    def _read(self, loop: asyncio.AbstractEventLoop, url: str) -> tuple[Address, Pool]:
        address = Address(url)
        pool = self._pools.get(address.origin)
        if pool is None:
            pool = self._pools[address.origin] = Pool(loop, address.origin, self._connector, self._limits)
        if len(self._addresses) >= _MOST_URLS:
            self._addresses.clear()
        self._addresses[url] = (address, pool)
        return address, pool

    def _over(self, exchange: Exchange) -> None:
        self._watch.end(exchange)
        self._flights.end(exchange)

    def _tidy(self, now: float) -> float:
        return min((pool.tidy(now) for pool in self._pools.values()), default=float("inf"))
