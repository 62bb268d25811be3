"""One request on its way through the plugins: who asks, by which route, and what the plugins made of it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any

from kong_federation.standin.entities import Configuration, Consumer, KeyCredential, Service
from kong_federation.standin.headers import HeaderList
from kong_federation.standin.request import Request
from kong_federation.standin.router import Match
from kong_federation.standin.uri import escape


@dataclass(slots=True)
class Steering:
    """
    Where the request goes when no plugin answers it; the service's own address until a plugin changes it.

    Args:
        named: Whether the *service's* host is a name. Kong looks up only names, and decides that before plugins run:
            a plugin that sets a name on a service with an IP address gets a 500.
        host_header: The Host header, when the route or a plugin set one; empty: made from the address.
    """

    scheme: str
    host: str
    port: int
    path: str
    named: bool
    host_header: str


@dataclass(slots=True)
class Exchange:
    """
    Everything plugins may read and change.

    Args:
        shared: `kong.ctx.shared`.
        nginx: `ngx.ctx`.
        serialized: What plugins added to Kong's log entry.
        response_headers: Set before the answer is known; they go out with whatever answer it is.
    """

    request: Request
    match: Match
    configuration: Configuration
    node: str
    steering: Steering
    response_headers: HeaderList = field(default_factory=HeaderList)
    consumer: Consumer | None = None
    credential: KeyCredential | None = None
    shared: dict[str, Any] = field(default_factory=dict)
    nginx: dict[str, Any] = field(default_factory=dict)
    serialized: dict[str, Any] = field(default_factory=dict)

    @property
    def service(self) -> Service | None:
        """The route's service."""
        return self.match.route.service


def begin(request: Request, match: Match, configuration: Configuration, node: str) -> Exchange:
    """An exchange before the first plugin."""
    service = match.route.service
    host = service.host if service else ""
    steering = Steering(
        scheme=service.protocol if service else "http",
        host=host,
        port=service.port if service else 80,
        path=escape(match.path),
        named=not is_address(host),
        host_header=(request.headers.first("host") or "") if match.route.preserve_host else "",
    )
    return Exchange(request, match, configuration, node, steering)


def is_address(host: str) -> bool:
    """Whether a host is an IP address."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
