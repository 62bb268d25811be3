"""nginx's variables, as far as a plugin could want them."""

from __future__ import annotations

import time
from collections.abc import Callable

from kong_federation.standin.exchange import Exchange
from kong_federation.standin.request import Request
from kong_federation.standin.uri import normalize


def variable(exchange: Exchange, name: str) -> str | None:
    """
    The text of a variable.

    Args:
        exchange: Whose.
        name: Without the `$`.

    Returns:
        None for one that does not exist or has no value.
    """
    request = exchange.request
    read = _VARIABLES.get(name)
    if read is not None:
        return read(request)
    if name.startswith("http_"):
        # nginx joins what comes more than once.
        values = request.headers.all(name.removeprefix("http_").replace("_", "-"))
        return ", ".join(values) or None
    if name.startswith("arg_"):
        return _argument(request.query, name.removeprefix("arg_"))
    return _STEERED[name](exchange) if name in _STEERED else None


def _argument(query: str, name: str) -> str | None:
    """An argument as it stands in the query string, not decoded; names without case."""
    for piece in query.split("&"):
        key, equals, value = piece.partition("=")
        if equals and key.lower() == name.lower():
            return value
    return None


_VARIABLES: dict[str, Callable[[Request], str | None]] = {
    "args": lambda request: request.query or None,
    "content_length": lambda request: request.headers.first("content-length"),
    "content_type": lambda request: request.headers.first("content-type"),
    "host": lambda request: request.host,
    "is_args": lambda request: "?" if request.query else "",
    "kong_request_id": lambda request: request.id,
    "msec": lambda _: f"{time.time():.3f}",
    "query_string": lambda request: request.query or None,
    "remote_addr": lambda request: request.peer.client,
    "remote_port": lambda request: str(request.peer.client_port),
    "realip_remote_addr": lambda request: request.peer.client,
    "request": lambda request: f"{request.line.method} {request.line.target} HTTP/{request.line.version}",
    "request_id": lambda request: request.trace,
    "request_length": lambda request: str(request.head + request.body.size),
    "request_method": lambda request: request.method,
    "request_time": lambda request: f"{time.time() - request.started:.3f}",
    "request_uri": lambda request: request.line.target,
    "scheme": lambda request: request.scheme,
    "server_addr": lambda request: request.peer.server,
    "server_port": lambda request: str(request.peer.server_port),
    "server_protocol": lambda request: f"HTTP/{request.line.version}",
    "uri": lambda request: normalize(request.line.path),
}

_STEERED: dict[str, Callable[[Exchange], str | None]] = {
    "upstream_host": lambda exchange: exchange.steering.host_header or None,
    "upstream_scheme": lambda exchange: exchange.steering.scheme,
    "upstream_uri": lambda exchange: exchange.steering.path,
}
