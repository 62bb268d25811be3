"""
The HTTP side: one request from its head to the last byte of its answer.

    what nginx refuses by itself: 400, 405
    route it, or 404
    https wanted, but asked by http: 426 or a redirect
    plugins from the highest priority to the lowest, until one answers
    no service: 503
    ask the service
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from kong_federation.standin import key_auth
from kong_federation.standin.answers import Reply, own_answer, refuse
from kong_federation.standin.balancer import Balancer
from kong_federation.standin.connection import PluginServerError
from kong_federation.standin.events import Answered, Listener, Logged
from kong_federation.standin.exchange import Exchange, begin
from kong_federation.standin.generation import Generation
from kong_federation.standin.headers import HeaderList
from kong_federation.standin.pages import UNEXPECTED
from kong_federation.standin.plugins import KEY_AUTH_INFO, PluginInfo
from kong_federation.standin.proxy import pass_on
from kong_federation.standin.refusals import refused_by_nginx
from kong_federation.standin.request import Body, Line, Peer, Request
from kong_federation.standin.rpc import Exited, PluginServer

_REDIRECTS = frozenset({301, 302, 307, 308})


class Front:
    """
    Answers requests.

    Args:
        generation: The configuration in use; it may be replaced at any time.
        server: The plugin server.
        plugins: What is run, in any order.
        node: Kong's node id.
        spool: Where bodies are written that are larger than `buffer` bytes.
        listener: Hears what happens.
    """

    def __init__(
        self,
        generation: Generation,
        server: PluginServer,
        plugins: Sequence[PluginInfo],
        node: str,
        spool: tuple[Path, int],
        listener: Listener,
    ) -> None:
        self.generation = generation
        self._server = server
        self._plugins = sorted(plugins, key=lambda plugin: (-plugin.priority, plugin.name))
        self._node = node
        self._spool = spool
        self._listener = listener
        self._balancer = Balancer()

    async def handle(self, client: web.Request) -> web.StreamResponse:
        """Answer one request."""
        request = self._request(client)
        generation = self.generation
        headers = request.headers.grouped()
        host = request.headers.first("host") or ""
        refused = refused_by_nginx(request.method, request.headers)
        match = None if refused else generation.router.find(request.method, request.line.path, host, headers)
        exchange = begin(request, match, generation.configuration, self._node) if match else None
        exited: Exited | None = None
        status = 499  # nginx's mark for a client that left
        try:
            answer: web.StreamResponse | Reply | Exited
            if refused is not None:
                answer = refuse(request, *refused)
            elif exchange is None:
                answer = refuse(request, 404, "no Route matched with those values")
            else:
                answer = await self._answer(client, exchange, generation)
            if isinstance(answer, Exited):
                exited = answer
                answer = Reply(exited.answer.status, exited.answer.headers, exited.answer.body)
            if isinstance(answer, Reply):
                answer = own_answer(request, exchange, answer)
            response = await self._send(client, answer)
            status = response.status
        except ConnectionError:
            return web.Response(status=status)
        else:
            return response
        finally:
            if exited is not None:
                exited.connection.close()
            request.body.discard()
            self._told(request, match.route.name if match else "", status, exchange.serialized if exchange else {})

    async def _send(self, client: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        if not response.prepared:
            await response.prepare(client)
            await response.write_eof()
        return response

    async def _answer(
        self, client: web.Request, exchange: Exchange, generation: Generation
    ) -> web.StreamResponse | Reply | Exited:
        request = exchange.request
        insecure = self._insecure(exchange)
        if insecure is not None:
            return insecure
        for info in self._plugins:
            plugin = generation.plugin(info.name, exchange)
            if plugin is None or "access" not in info.phases:
                continue
            if info is KEY_AUTH_INFO:
                refusal = key_auth.authenticate(plugin, exchange)
                if refusal is not None:
                    return refuse(request, refusal.status, refusal.message, refusal.headers)
                continue
            try:
                exited = await self._server.handle(plugin, generation.numbers[plugin.id], exchange)
            except PluginServerError as error:
                self._listener(Logged("err", f"pluginserver error: {error}"))
                return refuse(request, 500, UNEXPECTED)
            if exited is not None:
                return exited
        if exchange.service is None:
            return refuse(request, 503, "no Service found with those values")
        return await pass_on(client, exchange, exchange.service, self._balancer, self._listener)

    def _insecure(self, exchange: Exchange) -> Reply | None:
        """The answer to a plain request for a route that only takes https."""
        route, request = exchange.match.route, exchange.request
        if "http" in route.protocols:
            return None
        status = route.https_redirect_status_code
        if status in _REDIRECTS:
            return Reply(status, (("Location", f"https://{request.host}{request.line.target}"),), b"")
        upgrade = (("Connection", "Upgrade"), ("Upgrade", "TLS/1.2, HTTP/1.1"))
        return refuse(request, 426, "Please use HTTPS protocol", upgrade)

    def _request(self, client: web.Request) -> Request:
        """The request as nginx holds it, in latin-1 text."""
        target = client.raw_path.encode("utf-8", "surrogateescape").decode("latin-1")
        if not target.startswith(("/", "*")):
            target = "/" + target.partition("://")[2].partition("/")[2]  # absolute form
        version = f"{client.version.major}.{client.version.minor}"
        line = Line(client.method, target, version)
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in client.raw_headers]
        written = len(f"{line.method} {target} HTTP/{version}\r\n\r\n")
        head = written + sum(len(name) + len(value) + len(": \r\n") for name, value in fields)
        directory, buffer = self._spool
        return Request(
            line=line,
            headers=HeaderList(fields),
            body=Body(_pieces(client), client.content_length, buffer, directory),
            peer=_peer(client),
            method=line.method,
            query=line.query,
            head=head,
        )

    def _told(self, request: Request, route: str, status: int, serialized: Mapping[str, Any]) -> None:
        seconds = time.time() - request.started
        line, client = request.line, request.peer.client
        self._listener(Answered(client, line.method, line.target, status, seconds, request.id, route, serialized))


async def _pieces(client: web.Request) -> AsyncIterator[bytes]:
    async for piece in client.content.iter_any():
        yield piece


def _peer(client: web.Request) -> Peer:
    transport = client.transport
    here = transport.get_extra_info("sockname") if transport else None
    there = transport.get_extra_info("peername") if transport else None
    host, port = here[:2] if here else ("127.0.0.1", 0)
    name, number = there[:2] if there else ("127.0.0.1", 0)
    return Peer(name, number, host, port)
