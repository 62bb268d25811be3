"""
What nginx does when no plugin answers: ask the service and pass its answer on while it comes.

Plugins may have steered the request elsewhere, or changed it.

The request's body is read before the service is asked, as nginx does, unless the route says `request_buffering:
false`; the answer is passed on piece by piece. WebSockets are not proxied.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from aiohttp import web

from kong_federation.standin import pages
from kong_federation.standin.answers import (
    KONG,
    REQUEST_ID,
    failed_answer,
    milliseconds,
    own_answer,
    passed_answer,
    refuse,
)
from kong_federation.standin.balancer import Address, Balancer, NoPeerError
from kong_federation.standin.entities import Service
from kong_federation.standin.events import Listener, Logged
from kong_federation.standin.exchange import Exchange
from kong_federation.standin.headers import HeaderList
from kong_federation.standin.request import Body
from kong_federation.standin.upstream import Incoming, Outgoing, UpstreamError, ask

_PIECE = 65_536  # bytes of a spooled body sent at once

# Made anew for each connection, or meant for the one to Kong only.
_NOT_PASSED = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "upgrade",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-path",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-proto",
        "x-kong-request-id",
        "x-real-ip",
    }
)
_NOT_RETURNED = frozenset({"connection", "keep-alive", "trailer", "transfer-encoding", "upgrade"})


async def pass_on(
    client: web.Request, exchange: Exchange, service: Service, balancer: Balancer, listener: Listener
) -> web.StreamResponse:
    """
    Ask the service and send its answer to the client.

    Args:
        client: The client's side; its connection gets the answer.
        exchange: After all plugins.
        service: Its time-outs and retries hold also for where a plugin steered to.
        balancer: Chooses the address.
        listener: Hears what went wrong.

    Returns:
        The response, already sent, or one that is complete and still to be sent.
    """
    request = exchange.request
    if exchange.match.route.request_buffering:
        await request.body.read()
    proxy_latency = milliseconds(request.started)
    asked = time.time()
    failure = UpstreamError(502, "the upstream was not asked")
    for _ in range(service.retries + 1):
        try:
            address = balancer.choose(exchange)
        except NoPeerError as error:
            return own_answer(request, exchange, refuse(request, error.status, error.message))
        try:
            async with ask(address, _outgoing(exchange, service, address)) as incoming:
                latencies = (milliseconds(asked), proxy_latency)
                return await _relay(client, exchange, incoming, latencies)
        except UpstreamError as error:
            listener(Logged("err", f"{error} while asking {address.host}:{address.port}"))
            failure = error
            if not error.retry:
                break
    reply = refuse(request, failure.status, pages.upstream_failure(failure.status))
    return failed_answer(request, exchange, reply, (milliseconds(asked), proxy_latency))


async def _relay(
    client: web.Request, exchange: Exchange, incoming: Incoming, latencies: tuple[str, str]
) -> web.StreamResponse:
    listed = {name.strip().lower() for value in incoming.headers.all("connection") for name in value.split(",")}
    headers = HeaderList(
        (name, value)
        for name, value in incoming.headers
        if name.lower() not in _NOT_RETURNED and name.lower() not in listed
    )
    status = (incoming.status, incoming.reason)
    response = passed_answer(exchange.request, exchange, status, headers, latencies)
    await response.prepare(client)
    try:
        async for piece in incoming.pieces:
            await response.write(piece)
    except UpstreamError:
        # The head is gone: all that is left is not to end the body properly, so that the client sees it.
        if client.transport is not None:
            client.transport.abort()
        return response
    await response.write_eof()
    return response


def _outgoing(exchange: Exchange, service: Service, address: Address) -> Outgoing:
    request, steering = exchange.request, exchange.steering
    query = request.query
    asked = bool(query) or request.line.target.endswith("?")
    headers, has_body = _headers(exchange, address)
    return Outgoing(
        method=request.method,
        target=f"{steering.path}?{query}" if asked else steering.path,
        scheme=steering.scheme,
        headers=headers,
        body=_pieces(request.body) if has_body else None,
        timeouts=(service.connect_timeout / 1000, service.write_timeout / 1000, service.read_timeout / 1000),
    )


def _headers(exchange: Exchange, address: Address) -> tuple[HeaderList, bool]:
    """The upstream's request headers, and whether a body follows."""
    request = exchange.request
    given = request.headers
    peer = request.peer
    listed = {name.strip().lower() for value in given.all("connection") for name in value.split(",")}
    headers = HeaderList([("Host", address.host_header), ("Connection", "keep-alive")])
    if any(value.strip() == "trailers" for one in given.all("te") for value in one.split(",")):
        headers.put("TE", ["trailers"])
    headers.put("Via", [", ".join([*given.all("via"), f"{request.line.version} {KONG}"])])
    headers.put("X-Forwarded-For", [", ".join([*given.all("x-forwarded-for"), peer.client])])
    headers.put("X-Forwarded-Proto", [request.scheme])
    headers.put("X-Forwarded-Host", [request.host])
    headers.put("X-Forwarded-Port", [str(peer.server_port)])
    headers.put("X-Forwarded-Path", [request.line.path])
    headers.put("X-Forwarded-Prefix", [exchange.match.prefix] if exchange.match.prefix else [])
    headers.put("X-Real-IP", [peer.client])
    headers.put(REQUEST_ID, [request.id])
    for name, values in given.grouped().items():
        if name not in _NOT_PASSED and name not in listed:
            headers.put(next(other for other, _ in given if other.lower() == name), values)
    body = request.body
    if body.content is not None or body.file is not None:
        if body.size or body.replaced or body.length is not None:
            headers.put("Content-Length", [str(body.size)])
        return headers, bool(body.size)
    if body.length is not None:
        headers.put("Content-Length", [str(body.length)])
        return headers, body.length > 0
    return headers, given.first("transfer-encoding") is not None


async def _pieces(body: Body) -> AsyncIterator[bytes]:
    if body.content is not None:
        yield body.content
    elif body.file is not None:
        with body.file.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece
    else:
        async for piece in body.stream:
            yield piece
