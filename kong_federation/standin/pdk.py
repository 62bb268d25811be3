"""
Kong's plugin development kit, as a plugin server can call it over the socket.

One table: the function's name, and what it does to the exchange. Arguments and results are the codec's; `None` is a
Lua function that returns nothing. What Kong's functions refuse by raising, these refuse with a `LuaError`.

Source: recorded exchanges; https://developer.konghq.com/gateway/pdk/reference/ for what arguments are checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kong_federation import kong
from kong_federation.standin import lua, nginx
from kong_federation.standin.events import Listener, Logged
from kong_federation.standin.exchange import Exchange
from kong_federation.standin.request import decode_query
from kong_federation.standin.uri import escape, normalize

_METHODS = frozenset(
    {
        "COPY",
        "DELETE",
        "GET",
        "HEAD",
        "LOCK",
        "MKCOL",
        "MOVE",
        "OPTIONS",
        "PATCH",
        "POST",
        "PROPFIND",
        "PROPPATCH",
        "PUT",
        "TRACE",
        "UNLOCK",
    }
)
_MOST = 1000  # headers or query arguments that may be asked for
_NULLABLE = frozenset({"kong.ctx.shared.get", "kong.nginx.get_ctx"})  # nothing is written as a null Value


async def call(exchange: Exchange, function: str, argument: bytes, listener: Listener) -> bytes:
    """
    Run one PDK function.

    Args:
        exchange: Read and changed.
        function: The name as it came over the socket.
        argument: The argument message.
        listener: Hears log calls.

    Returns:
        The result message.

    Raises:
        LuaError: There is no such function, or it raises on its argument.
    """
    signature = kong.FUNCTIONS.get(function)
    if signature is None:
        raise lua.LuaError(f'method "{function}" not found')
    try:
        given = signature.argument.decode(argument)
    except kong.ProtocolError as error:
        raise lua.LuaError(f"{function}: {error}") from error
    if function.startswith("kong.log.") and function != "kong.log.set_serialize_value":
        listener(Logged(function.rpartition(".")[2], "".join(_logged(value) for value in given)))
        return b""
    if function == "kong.request.get_raw_body":
        await exchange.request.body.read()
    result = _SERVED[function](exchange, given)
    if result is None and function not in _NULLABLE:
        return b""
    return signature.result.encode(result)


def check_exit(answer: kong.Exit) -> None:
    """
    What `kong.response.exit` refuses.

    Raises:
        LuaError: The status is not one.
    """
    if not 100 <= answer.status <= 599:
        raise lua.LuaError("code must be a number between 100 and 599")


def _logged(value: Any) -> str:
    plain = lua.from_wire(value)
    return "table" if isinstance(plain, dict | list) else lua.text("nil" if plain is None else plain)


def _bounded(most: int, name: str) -> int:
    if not 1 <= most <= _MOST:
        raise lua.LuaError(f"{name} must be >= 1 and <= {_MOST}")
    return most


def _headers(exchange: Exchange, most: int) -> dict[str, Any]:
    grouped = exchange.request.headers.grouped(_bounded(most, "max_headers"))
    return {name: values[0] if len(values) == 1 else values for name, values in grouped.items()}


def _query(exchange: Exchange, most: int) -> dict[str, Any]:
    return decode_query(exchange.request.query, _bounded(most, "max_args"))


def _query_argument(exchange: Exchange, name: str) -> str | None:
    value = decode_query(exchange.request.query, 100).get(name)  # nginx-lua's own bound when none is given
    first = value[0] if isinstance(value, list) else value
    return first if isinstance(first, str) else None


def _raw_body(exchange: Exchange, _: None) -> kong.RawBody:
    body = exchange.request.body
    return kong.RawBody(path=str(body.file)) if body.file is not None else kong.RawBody(content=body.content or b"")


def _consumer(exchange: Exchange, _: None) -> kong.Consumer | None:
    consumer = exchange.consumer
    if consumer is None:
        return None
    created = exchange.configuration.created_at
    return kong.Consumer(consumer.id, created, consumer.username, consumer.custom_id, consumer.tags)


def _credential(exchange: Exchange, _: None) -> kong.Credential | None:
    # The message has a consumer_id, but key-auth's credential keeps it one level deeper, so it is lost.
    return None if exchange.credential is None else kong.Credential(exchange.credential.id)


def _route(exchange: Exchange, _: None) -> kong.Route:
    route = exchange.match.route
    created = exchange.configuration.created_at
    return kong.Route(
        id=route.id,
        created_at=created,
        updated_at=created,
        name=route.name,
        protocols=route.protocols,
        methods=route.methods,
        hosts=route.hosts,
        paths=route.paths,
        https_redirect_status_code=route.https_redirect_status_code,
        regex_priority=route.regex_priority,
        strip_path=route.strip_path,
        preserve_host=route.preserve_host,
        tags=route.tags,
        service=route.service.id if route.service else "",
    )


def _service(exchange: Exchange, _: None) -> kong.Service | None:
    service = exchange.service
    if service is None:
        return None
    created = exchange.configuration.created_at
    return kong.Service(
        id=service.id,
        created_at=created,
        updated_at=created,
        name=service.name,
        retries=service.retries,
        protocol=service.protocol,
        host=service.host,
        port=service.port,
        path=service.path,
        connect_timeout=service.connect_timeout,
        write_timeout=service.write_timeout,
        read_timeout=service.read_timeout,
        tags=service.tags,
    )


def _keep(kept: dict[str, Any], pair: tuple[str, Any]) -> None:
    name, value = pair
    plain = lua.from_wire(value)
    if plain is None:
        kept.pop(name, None)
    else:
        kept[name] = plain


def _set_response_header(exchange: Exchange, pair: tuple[str, Any]) -> None:
    name, value = pair
    exchange.response_headers.put(name, lua.header_values(name, lua.from_wire(value)))


def _add_response_header(exchange: Exchange, pair: tuple[str, Any]) -> None:
    name, value = pair
    exchange.response_headers.add(name, lua.header_values(name, lua.from_wire(value)))


def _set_target(exchange: Exchange, target: kong.Target) -> None:
    if not 0 <= target.port <= 65_535:
        raise lua.LuaError(f"port must be an integer between 0 and 65535: given {target.port}")
    steering = exchange.steering
    steering.host = steering.host_header = target.host
    steering.port = target.port


def _set_upstream(exchange: Exchange, name: str) -> bool | None:
    if name not in exchange.configuration.upstreams:
        return None
    exchange.steering.host = name
    return True


def _set_scheme(exchange: Exchange, scheme: str) -> None:
    if scheme not in {"http", "https"}:
        raise lua.LuaError(f"invalid scheme: {scheme}")
    exchange.steering.scheme = scheme


def _set_path(exchange: Exchange, path: str) -> None:
    if not path.startswith("/"):
        raise lua.LuaError("path must start with /")
    exchange.steering.path = escape(path)


def _set_method(exchange: Exchange, method: str) -> None:
    if method not in _METHODS:
        raise lua.LuaError(f"invalid method: {method}")
    exchange.request.method = method


def _set_raw_query(exchange: Exchange, query: str) -> None:
    exchange.request.query = query


def _set_header(exchange: Exchange, pair: tuple[str, Any]) -> None:
    name, value = pair
    _put_header(exchange, name, lua.from_wire(value))


def _set_headers(exchange: Exchange, headers: dict[str, Any]) -> None:
    plain = lua.from_wire(headers)
    for name, value in plain.items():
        lua.header_values(name, value)  # All are checked before one is set.
    for name, value in plain.items():
        _put_header(exchange, name, value)


def _put_header(exchange: Exchange, name: str, value: Any) -> None:
    values = lua.header_values(name, value)
    if name.lower() == "host" and values:
        exchange.steering.host_header = values[0]
    exchange.request.headers.put(name, values)


def _add_header(exchange: Exchange, pair: tuple[str, Any]) -> None:
    name, value = pair
    values = lua.header_values(name, lua.from_wire(value))
    if name.lower() == "host" and values:
        exchange.steering.host_header = values[0]
    exchange.request.headers.add(name, values)


_SERVED: dict[str, Callable[[Exchange, Any], Any]] = {
    "kong.request.get_method": lambda exchange, _: exchange.request.method,
    "kong.request.get_path": lambda exchange, _: normalize(exchange.request.line.path),
    "kong.request.get_path_with_query": lambda exchange, _: exchange.request.line.target,
    "kong.request.get_raw_query": lambda exchange, _: exchange.request.query,
    "kong.request.get_scheme": lambda exchange, _: exchange.request.scheme,
    "kong.request.get_host": lambda exchange, _: exchange.request.host,
    "kong.request.get_port": lambda exchange, _: exchange.request.peer.server_port,
    # No address is trusted, as in Kong's default configuration: forwarded headers are not believed.
    "kong.request.get_forwarded_scheme": lambda exchange, _: exchange.request.scheme,
    "kong.request.get_forwarded_host": lambda exchange, _: exchange.request.host,
    "kong.request.get_forwarded_port": lambda exchange, _: exchange.request.peer.server_port,
    "kong.request.get_http_version": lambda exchange, _: float(exchange.request.line.version),
    "kong.request.get_header": lambda exchange, name: exchange.request.headers.first(name),
    "kong.request.get_query_arg": _query_argument,
    "kong.request.get_headers": _headers,
    "kong.request.get_query": _query,
    "kong.request.get_raw_body": _raw_body,
    "kong.client.get_ip": lambda exchange, _: exchange.request.peer.client,
    "kong.client.get_forwarded_ip": lambda exchange, _: exchange.request.peer.client,
    "kong.client.get_consumer": _consumer,
    "kong.client.get_credential": _credential,
    "kong.router.get_route": _route,
    "kong.router.get_service": _service,
    "kong.ctx.shared.get": lambda exchange, name: exchange.shared.get(name),
    "kong.ctx.shared.set": lambda exchange, pair: _keep(exchange.shared, pair),
    "kong.nginx.get_var": nginx.variable,
    "kong.nginx.get_ctx": lambda exchange, name: exchange.nginx.get(name),
    "kong.nginx.set_ctx": lambda exchange, pair: _keep(exchange.nginx, pair),
    "kong.nginx.req_start_time": lambda exchange, _: exchange.request.started,
    "kong.node.get_id": lambda exchange, _: exchange.node,
    "kong.log.set_serialize_value": lambda exchange, pair: _keep(exchange.serialized, pair),
    "kong.response.set_header": _set_response_header,
    "kong.response.add_header": _add_response_header,
    "kong.service.set_target": _set_target,
    "kong.service.set_upstream": _set_upstream,
    "kong.service.request.set_scheme": _set_scheme,
    "kong.service.request.set_path": _set_path,
    "kong.service.request.set_method": _set_method,
    "kong.service.request.set_raw_query": _set_raw_query,
    "kong.service.request.set_header": _set_header,
    "kong.service.request.add_header": _add_header,
    "kong.service.request.set_headers": _set_headers,
    "kong.service.request.clear_header": lambda exchange, name: exchange.request.headers.drop(name),
    "kong.service.request.set_raw_body": lambda exchange, body: exchange.request.body.replace(body),
}
