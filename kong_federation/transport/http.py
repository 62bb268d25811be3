"""
The network: a pooled HTTP/1.1 client.

    send ─> the same in flight? join it                 (flights, exchange)
         ─> a connection that is free? write            (pool, connection)
         ─> otherwise wait, and connect if may be       (pool, connect)
    bytes arrive ─> answer ─> connection is free        (connection, answer, pool)
                           ─> who waits goes on         (exchange)
    every 50 ms: late? nobody waits? unused for long?   (watch)

What happens to every request is written for few calls of Python, four to send and seven to receive besides the parser's
three: they are what an exchange costs on top of the loop and the parser (decision 12).

What a proxy between two machines must not do by itself is not there: redirects (an answer could send the request, with
its headers, to any address), cookies (they would be shared between clients), proxies and credentials from the
environment.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from kong_federation.strands import Promise
from kong_federation.transport.address import Address, Origin
from kong_federation.transport.base import SubgraphRequest, SubgraphResponse
from kong_federation.transport.connect import Connector
from kong_federation.transport.errors import TransportError, Trouble, failure
from kong_federation.transport.exchange import Exchange
from kong_federation.transport.flights import SHORT, TAIL, Lane
from kong_federation.transport.headers import HeaderBlocks, id_line
from kong_federation.transport.pool import Pool, PoolLimits
from kong_federation.transport.watch import PERIOD, Watch

# URLs come from the supergraph and the configuration, so there are few; this only bounds mistakes.
_MOST_URLS: Final = 4096


@dataclass(frozen=True)
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
        self._ways: dict[str, tuple[Lane, Pool]] = {}
        self._pools: dict[Origin, Pool] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._time: Callable[[], float]
        self._watch: Watch
        self._closed = False

    def send(self, request: SubgraphRequest) -> Promise[SubgraphResponse]:
        """Send one request; the promise has its whole answer, or a FederationError."""
        headers = request.headers
        try:
            lane, pool = self._ways.get(request.url) or self._find_way(request.url)
            block, head = lane.block, lane.head
            if block is None or block.headers is not headers:
                block = self._blocks.of(headers)
                head = lane.encode(block)
            if request.request_id and not block.identified:
                head += id_line(request.request_id)
        except TransportError as error:
            refused: Promise[SubgraphResponse] = Promise()
            refused.set_exception(failure(error, request.url))
            return refused
        now = self._time()
        deadline = now + request.timeout
        watch = self._watch
        policy = self._policies.get(request.subgraph, self._policy)
        key: bytes | None = None
        if request.safe and policy.deduplicate:
            body = request.body
            key = body if len(body) <= SHORT else body[-TAIL:]
            found = lane.flights.get(key)
            if found is not None and found.is_for(request, block):
                watch.expect(deadline)
                return found.join(deadline, request.timeout)
        exchange = Exchange(request, head, block, lane, key, deadline, policy.connect_timeout)
        if watch.due > now + PERIOD or watch.due > deadline:
            watch.expect(min(deadline, now + PERIOD))
        pool.submit(exchange, now)
        return exchange

    async def close(self) -> None:
        """Close all connections; requests that are under way fail."""
        self._closed = True
        self._ways.clear()
        if self._loop is None:
            return
        self._watch.stop()
        for pool in self._pools.values():
            for exchange in pool.under_way():
                exchange.fail(TransportError(Trouble.CLOSED))
        await self._connector.close()
        for pool in self._pools.values():
            await pool.close()

    def _find_way(self, url: str) -> tuple[Lane, Pool]:
        """Read a URL; nothing is sent after the end."""
        if self._closed:
            raise TransportError(Trouble.CLOSED)
        loop = self._loop or self._begin()
        address = Address(url)
        pool = self._pools.get(address.origin)
        if pool is None:
            pool = self._pools[address.origin] = Pool(loop, address.origin, self._connector, self._limits)
        if len(self._ways) >= _MOST_URLS:
            self._ways.clear()
        self._ways[url] = way = (Lane(address, self._seal), pool)
        return way

    def _begin(self) -> asyncio.AbstractEventLoop:
        """Belong to the running loop; not before, because workers are forked after construction."""
        self._loop = asyncio.get_running_loop()
        self._time = self._loop.time
        self._watch = Watch(self._loop, self._look)
        return self._loop

    def _seal(self) -> None:
        for lane, _ in self._ways.values():
            lane.flights.clear()

    def _look(self, now: float) -> float:
        # Those who are told that their time is over may send to a host that has no pool yet.
        return min((pool.look(now) for pool in tuple(self._pools.values())), default=float("inf"))
