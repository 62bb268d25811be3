"""
Answers on the HTTP side: Kong's headers around them, and onto the client's connection.

Header bytes go out as they are as long as they are valid UTF-8; the HTTP server encodes header text as UTF-8, so a
byte above 127 that is not part of it leaves as the two bytes of its latin-1 character.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web
from multidict import CIMultiDict

from kong_federation.standin.exchange import Exchange
from kong_federation.standin.headers import HeaderList
from kong_federation.standin.pages import error_page
from kong_federation.standin.request import Request

KONG = "kong/3.9.3"
"""The Kong that is imitated, as its `Server` and `Via` headers name it."""

REQUEST_ID = "X-Kong-Request-Id"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is complete before the first byte is sent; the headers are without Kong's own."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Whole(web.Response):
    """An answer with all of its body; `intended` are the headers that were asked for, in lower case."""

    intended: frozenset[str]


class Streamed(web.StreamResponse):
    """An answer whose body follows in pieces."""

    intended: frozenset[str]


def refuse(request: Request, status: int, message: str, headers: Iterable[tuple[str, str]] = ()) -> Reply:
    """An error in the form the client accepts."""
    kind, body = error_page(message, request.id, request.headers.all("accept"))
    return Reply(status, (*headers, ("Content-Type", kind)), body)


def own_answer(request: Request, exchange: Exchange | None, reply: Reply) -> web.Response:
    """An answer that Kong or a plugin gives instead of the service."""
    headers = _merged(exchange, reply)
    headers.put("X-Kong-Response-Latency", [milliseconds(request.started)])
    headers.put("Server", [KONG])
    headers.put(REQUEST_ID, [request.id])
    return _whole(reply, headers)


def failed_answer(request: Request, exchange: Exchange, reply: Reply, latencies: tuple[str, str]) -> web.Response:
    """An error instead of the service's answer, after it was asked."""
    headers = _merged(exchange, reply)
    _mark(headers, request, latencies)
    return _whole(reply, headers)


def passed_answer(
    request: Request, exchange: Exchange, status: tuple[int, str], headers: HeaderList, latencies: tuple[str, str]
) -> web.StreamResponse:
    """The head of the service's answer; the body follows."""
    out = HeaderList(exchange.response_headers)
    for name, values in headers.grouped().items():
        written = next(other for other, _ in headers if other.lower() == name)
        out.put(written, values)
    _mark(out, request, latencies)
    response = Streamed(status=status[0], reason=status[1] or None, headers=_outgoing(out))
    response.intended = frozenset(out.grouped())
    return response


async def finish_headers(request: web.Request, response: web.StreamResponse) -> None:
    """
    Undo what the HTTP server adds and nginx does not.

    A content type that nobody set is not invented, an answer without a body says so even with status 204, and a
    connection that stays open says so, too.
    """
    intended = response.intended if isinstance(response, Whole | Streamed) else frozenset()
    if "content-type" not in intended:
        response.headers.popall("Content-Type", None)
    if response.status == 204 and "content-length" in intended:
        response.headers["Content-Length"] = "0"
    if response.keep_alive and request.version >= (1, 1):
        response.headers.setdefault("Connection", "keep-alive")


def milliseconds(since: float) -> str:
    """Milliseconds since a moment (seconds since 1970), as Kong's latency headers have them."""
    return str(max(0, round((time.time() - since) * 1000)))


def _whole(reply: Reply, headers: HeaderList) -> Whole:
    response = Whole(status=reply.status, headers=_outgoing(headers), body=reply.body)
    response.intended = frozenset(headers.grouped())
    return response


def _merged(exchange: Exchange | None, reply: Reply) -> HeaderList:
    """What plugins set earlier, overwritten by what the answer brings."""
    headers = HeaderList(exchange.response_headers if exchange else ())
    given = HeaderList(reply.headers)
    for name in dict.fromkeys(name for name, _ in reply.headers):
        if name.lower() not in {"transfer-encoding", "content-length"}:
            headers.put(name, given.all(name))
    headers.put("Content-Length", [str(len(reply.body))])
    return headers


def _mark(headers: HeaderList, request: Request, latencies: tuple[str, str]) -> None:
    upstream, proxy = latencies
    headers.put("X-Kong-Upstream-Latency", [upstream])
    headers.put("X-Kong-Proxy-Latency", [proxy])
    headers.put("Via", [", ".join([*headers.all("via"), f"1.1 {KONG}"])])
    if headers.first("server") is None:
        headers.put("Server", [KONG])
    headers.put(REQUEST_ID, [request.id])


def _outgoing(headers: HeaderList) -> CIMultiDict[str]:
    return CIMultiDict([(_text(name), _text(value)) for name, value in headers])


def _text(value: str) -> str:
    # Line breaks cannot be part of a header; nginx's Lua module writes them like this.
    safe = value.replace("\r", "%0D").replace("\n", "%0A").replace("\0", "%00").strip()
    try:
        return safe.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return safe
