"""
Connections, made: names to addresses, addresses to sockets, TLS.

A name's addresses are remembered for a moment, because a connection that is lost is often made again at once and many
may be made at the same time; they are tried in their order, none longer than its share of the time.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar, cast

from kong_federation.streams import Stream
from kong_federation.transport.address import Origin
from kong_federation.transport.errors import FOREIGN, connecting

NAMES_TTL: Final = 5.0
"""Seconds for which a name's addresses are remembered; they move when pods do."""

_MOST_NAMES: Final = 1024
# Threads that look names up. They are nobody else's: where a name server is silent each is kept for seconds, and
# plans, large answers and large bodies must not wait for that.
_LOOKUPS: Final = 8
# Seconds for saying goodbye on an encrypted connection; the loop's default is 30.
_GOODBYE: Final = 1.0

P = TypeVar("P", bound=Stream)


class Connector:
    """
    Makes connections.

    Args:
        tls: How encrypted connections are made; None: verified, by the system's authorities.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._names: dict[tuple[str, int], tuple[float, asyncio.Task[tuple[str, ...]]]] = {}
        # Has no thread before the first name, because workers are forked after construction.
        self._lookups = ThreadPoolExecutor(_LOOKUPS, "names")

    async def connect(self, origin: Origin, protocol: Callable[[], P], seconds: float) -> P:
        """
        Connect to an origin.

        Args:
            origin: Where to.
            protocol: Makes the connection's protocol.
            seconds: Time it may take, TLS included.

        Raises:
            TransportError: LATE_CONNECTING, UNKNOWN_HOST, NOT_CONNECTED, TLS.
        """
        try:
            async with asyncio.timeout(seconds) as limit:
                tls = await self._context() if origin.tls else None
                addresses = await self._addresses(origin)
                for left in range(len(addresses), 1, -1):
                    end = limit.when() or 0
                    share = (end - asyncio.get_running_loop().time()) / left
                    try:
                        async with asyncio.timeout(share):
                            return await self._open(origin, addresses[-left], protocol, tls)
                    except OSError:
                        # TimeoutError, too. The last one's error is told.
                        continue
                return await self._open(origin, addresses[-1], protocol, tls)
        except FOREIGN as error:
            self._names.pop((origin.host, origin.port), None)
            raise connecting(error) from None

    async def close(self) -> None:
        """Stop looking for names."""
        tasks = [task for _, task in self._names.values()]
        self._names.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._lookups.shutdown(wait=False, cancel_futures=True)

    async def _open(self, origin: Origin, address: str, protocol: Callable[[], P], tls: ssl.SSLContext | None) -> P:
        loop = asyncio.get_running_loop()
        make = cast("Callable[[], asyncio.Protocol]", protocol)
        if tls is None:
            made = await loop.create_connection(make, address, origin.port)
        else:
            made = await loop.create_connection(
                make, address, origin.port, ssl=tls, server_hostname=origin.host, ssl_shutdown_timeout=_GOODBYE
            )
        return cast("P", made[1])

    async def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            # Reading the authorities takes some 20 ms.
            tls = await asyncio.to_thread(ssl.create_default_context)
            tls.set_alpn_protocols(["http/1.1"])
            self._tls = tls
        return self._tls

    async def _addresses(self, origin: Origin) -> tuple[str, ...]:
        try:
            ipaddress.ip_address(origin.host)
        except ValueError:
            pass
        else:
            return (origin.host,)
        name = (origin.host, origin.port)
        now = asyncio.get_running_loop().time()
        known = self._names.get(name)
        if known is None or known[0] <= now:
            if len(self._names) >= _MOST_NAMES:
                self._names = {name: entry for name, entry in self._names.items() if not entry[1].done()}
            known = (now + NAMES_TTL, asyncio.create_task(_resolve(*name, self._lookups)))
            known[1].add_done_callback(_heed)
            self._names[name] = known
        # Several may wait for it; one that gives up leaves it to the others.
        return await asyncio.shield(known[1])


async def _resolve(host: str, port: int, lookups: Executor) -> tuple[str, ...]:
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(lookups, look_up)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def _heed(task: asyncio.Task[tuple[str, ...]]) -> None:
    """Look at how a search ended; otherwise asyncio complains when all who waited have gone."""
    if not task.cancelled():
        task.exception()
