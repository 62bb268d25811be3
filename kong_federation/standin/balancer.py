"""
To which address a request goes: an upstream's targets in turn by weight, or the host itself.

A host is looked up only if the service's own host was a name when the request came in. For a service with an IP
address a plugin can set another address and nothing else: a name fails, as in Kong.
"""

from __future__ import annotations

from dataclasses import dataclass

from kong_federation.standin.entities import Target, Upstream
from kong_federation.standin.exchange import Exchange, is_address
from kong_federation.standin.pages import UNEXPECTED

_STANDARD = {"http": 80, "https": 443}


class NoPeerError(Exception):
    """
    No address can be asked.

    Args:
        status: For the client.
        message: Kong's sentence.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect, and the Host header that goes with it."""

    host: str
    port: int
    host_header: str


class Balancer:
    """Takes the targets of each upstream in turn."""

    def __init__(self) -> None:
        self._turns: dict[str, dict[int, int]] = {}

    def choose(self, exchange: Exchange) -> Address:
        """
        The next address for a request; asked again after a failure, another target may come.

        Raises:
            NoPeerError: There is none.
        """
        steering = exchange.steering
        upstream = exchange.configuration.upstreams.get(steering.host) if steering.named else None
        if upstream is not None:
            target = self._next(upstream)
            name = upstream.host_header or target.host
            return Address(
                target.host, target.port, steering.host_header or _with_port(name, target.port, steering.scheme)
            )
        if not steering.named and not is_address(steering.host):
            raise NoPeerError(500, UNEXPECTED)
        if not steering.host:
            raise NoPeerError(503, "name resolution failed")
        named = steering.host_header or _with_port(steering.host, steering.port, steering.scheme)
        return Address(steering.host, steering.port, named)

    def _next(self, upstream: Upstream) -> Target:
        """Smooth weighted turns: every target gains its weight, the richest is taken and pays for all."""
        usable = [target for target in upstream.targets if target.weight]
        if not usable:
            raise NoPeerError(503, "failure to get a peer from the ring-balancer")
        turns = self._turns.setdefault(upstream.name, {})
        for place, target in enumerate(usable):
            turns[place] = turns.get(place, 0) + target.weight
        chosen = max(range(len(usable)), key=lambda place: turns[place])
        turns[chosen] -= sum(target.weight for target in usable)
        return usable[chosen]


def _with_port(host: str, port: int, scheme: str) -> str:
    return host if _STANDARD.get(scheme) == port else f"{host}:{port}"
