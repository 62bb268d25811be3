"""
The PDK, typed, over a channel of one method.

Every call costs about 12 us on each side of the socket, so what is needed together is asked together: Kong runs calls
that were sent ahead in order and answers in order. Kong does not answer a call that fails (an argument it refuses, a
function it does not know): it gives the client a 500 and closes the connection.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

from kong_federation.kong.functions import (
    decode_integer,
    decode_number,
    decode_text,
    encode_byte_string,
    encode_integer,
    encode_text,
)
from kong_federation.kong.records import (
    CONSUMER,
    CREDENTIAL,
    ROUTE,
    SERVICE,
    Consumer,
    Credential,
    RawBody,
    Route,
    Service,
    Target,
    decode_raw_body,
    encode_target,
)
from kong_federation.kong.values import (
    Value,
    decode_headers,
    decode_struct,
    decode_value,
    encode_headers,
    encode_list,
    encode_pair,
)
from kong_federation.kong.wire import frame

MOST_HEADERS = 1000
"""The most that Kong accepts to be asked for."""


class EventOver(Exception):  # noqa: N818 - it is no error: nobody waits for an answer
    """Kong has closed the connection, or the client already has its answer."""


class Calls:
    """
    PDK calls that are made together.

    Args:
        calls: Names of functions, each with its argument.
    """

    __slots__ = ("calls", "written")

    def __init__(self, *calls: tuple[str, bytes]) -> None:
        self.calls = calls
        self.written = b"".join([frame(name.encode("ascii")) + frame(argument) for name, argument in calls])

    def __len__(self) -> int:
        return len(self.calls)


class Entry(Protocol):
    """A request that is written down somewhere until Kong has the answer."""

    @property
    def place(self) -> int:
        """Where it stands; what its steps are marked with."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether the request may be run again; asked if it has to be given up."""
        ...

    def over(self, *, answered: bool) -> None:
        """Be told that Kong has got the answer, or that its connection ended before."""
        ...


class Channel(Protocol):
    """
    Carries PDK calls to Kong.

    Attributes:
        told: Frames of calls that are made before the answer, in one write with it, and whose replies nobody waits for.
    """

    told: bytes

    def call(self, calls: Calls) -> Awaitable[list[bytes]]:
        """
        Make the calls, all in one write.

        Returns:
            The results in the same order; zero length is "nothing".

        Raises:
            EventOver: Nobody is there to answer.
        """
        ...

    def enter(self, entry: Entry) -> None:
        """
        Have a request looked after: its steps from here on are marked, and it is told when it is over.

        Raises:
            EventOver: As above; the request has been told.
        """
        ...


class Pdk:
    """
    The PDK's functions.

    Args:
        channel: The event's connection.
    """

    __slots__ = ("_channel",)

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def ask(self, calls: Calls) -> list[bytes]:
        """Make several calls in one write; the results as they came, in order."""
        return await self._channel.call(calls)

    async def get_method(self) -> str:
        """The request's method."""
        return await self._text("kong.request.get_method")

    async def get_path(self) -> str:
        """The path without query."""
        return await self._text("kong.request.get_path")

    async def get_path_with_query(self) -> str:
        """The path with query."""
        return await self._text("kong.request.get_path_with_query")

    async def get_raw_query(self) -> str:
        """The query string without `?`."""
        return await self._text("kong.request.get_raw_query")

    async def get_scheme(self) -> str:
        """The request's scheme as nginx sees it."""
        return await self._text("kong.request.get_scheme")

    async def get_host(self) -> str:
        """The request's host as nginx sees it."""
        return await self._text("kong.request.get_host")

    async def get_port(self) -> int:
        """The port nginx got the request on."""
        return decode_integer(await self._one("kong.request.get_port"))

    async def get_forwarded_scheme(self) -> str:
        """The scheme the client used, if the proxy before Kong is trusted."""
        return await self._text("kong.request.get_forwarded_scheme")

    async def get_forwarded_host(self) -> str:
        """The host the client used, if the proxy before Kong is trusted."""
        return await self._text("kong.request.get_forwarded_host")

    async def get_forwarded_port(self) -> int:
        """The port the client used, if the proxy before Kong is trusted."""
        return decode_integer(await self._one("kong.request.get_forwarded_port"))

    async def get_http_version(self) -> float:
        """1.0, 1.1 or 2.0."""
        return decode_number(await self._one("kong.request.get_http_version"))

    async def get_header(self, name: str) -> str | None:
        """A header's first value."""
        return await self._maybe_text("kong.request.get_header", name)

    async def get_headers(self) -> dict[str, list[str]]:
        """All headers, names in lower case."""
        return decode_headers(await self._one("kong.request.get_headers", encode_integer(MOST_HEADERS)))

    async def get_query_arg(self, name: str) -> str | None:
        """A query argument's first value."""
        return await self._maybe_text("kong.request.get_query_arg", name)

    async def get_query(self) -> dict[str, Any]:
        """All query arguments: text, a list of texts, or True without a value."""
        return decode_struct(await self._one("kong.request.get_query", encode_integer(MOST_HEADERS)))

    async def get_raw_body(self) -> RawBody:
        """The request's body."""
        return decode_raw_body(await self._one("kong.request.get_raw_body"))

    async def get_ip(self) -> str:
        """The address of the connection's other end."""
        return await self._text("kong.client.get_ip")

    async def get_forwarded_ip(self) -> str:
        """The client's address, if the proxy before Kong is trusted."""
        return await self._text("kong.client.get_forwarded_ip")

    async def get_consumer(self) -> Consumer | None:
        """Who an authentication plugin found, if one ran."""
        reply = await self._one("kong.client.get_consumer")
        return CONSUMER.decode(reply) if reply else None

    async def get_credential(self) -> Credential | None:
        """What the consumer authenticated with."""
        reply = await self._one("kong.client.get_credential")
        return CREDENTIAL.decode(reply) if reply else None

    async def get_route(self) -> Route | None:
        """The route that matched."""
        reply = await self._one("kong.router.get_route")
        return ROUTE.decode(reply) if reply else None

    async def get_service(self) -> Service | None:
        """The route's service, if it has one."""
        reply = await self._one("kong.router.get_service")
        return SERVICE.decode(reply) if reply else None

    async def get_shared(self, name: str) -> Any:
        """A member of `kong.ctx.shared`."""
        return decode_value(await self._one("kong.ctx.shared.get", encode_text(name)))

    async def set_shared(self, name: str, value: Value) -> None:
        """Set a member of `kong.ctx.shared`; send words, `false` and null do not survive."""
        await self._one("kong.ctx.shared.set", encode_pair((name, value)))

    async def get_var(self, name: str) -> str | None:
        """An nginx variable."""
        return await self._maybe_text("kong.nginx.get_var", name)

    async def get_ctx(self, name: str) -> Any:
        """A member of `ngx.ctx`."""
        return decode_value(await self._one("kong.nginx.get_ctx", encode_text(name)))

    async def set_ctx(self, name: str, value: Value) -> None:
        """Set a member of `ngx.ctx`."""
        await self._one("kong.nginx.set_ctx", encode_pair((name, value)))

    async def req_start_time(self) -> float:
        """When nginx got the request, seconds since the epoch."""
        return decode_number(await self._one("kong.nginx.req_start_time"))

    async def get_node_id(self) -> str:
        """The Kong node's id."""
        return await self._text("kong.node.get_id")

    async def log(self, level: str, *values: Value) -> None:
        """
        Write to Kong's log.

        Args:
            level: alert, crit, err, warn, notice, info or debug.
            values: What is written, joined.
        """
        await self._one(f"kong.log.{level}", encode_list(values))

    async def set_serialize_value(self, path: str, value: Value) -> None:
        """Add a value to what Kong's logging plugins write; the path is dotted."""
        await self._one("kong.log.set_serialize_value", encode_pair((path, value)))

    async def set_response_header(self, name: str, value: str) -> None:
        """Set a header of the answer to the client."""
        await self._one("kong.response.set_header", encode_pair((name, value)))

    async def add_response_header(self, name: str, value: str) -> None:
        """Add a header to the answer to the client."""
        await self._one("kong.response.add_header", encode_pair((name, value)))

    async def set_target(self, host: str, port: int) -> None:
        """Send the request to this host; a port outside 0 to 65535 ends the event with 500."""
        await self._one("kong.service.set_target", encode_target(Target(host, port)))

    async def set_upstream(self, name: str) -> bool:
        """Send the request to one of Kong's upstreams; False: there is none of this name."""
        return bool(decode_integer(await self._one("kong.service.set_upstream", encode_text(name))))

    async def set_scheme(self, scheme: str) -> None:
        """Set the scheme of the request to the upstream."""
        await self._one("kong.service.request.set_scheme", encode_text(scheme))

    async def set_path(self, path: str) -> None:
        """Set the path of the request to the upstream."""
        await self._one("kong.service.request.set_path", encode_text(path))

    async def set_method(self, method: str) -> None:
        """Set the method of the request to the upstream, upper case."""
        await self._one("kong.service.request.set_method", encode_text(method))

    async def set_raw_query(self, query: str) -> None:
        """Set the query string of the request to the upstream."""
        await self._one("kong.service.request.set_raw_query", encode_text(query))

    async def set_header(self, name: str, value: str) -> None:
        """Set a header of the request to the upstream."""
        await self._one("kong.service.request.set_header", encode_pair((name, value)))

    async def add_header(self, name: str, value: str) -> None:
        """Add a header to the request to the upstream."""
        await self._one("kong.service.request.add_header", encode_pair((name, value)))

    async def set_headers(self, headers: tuple[tuple[str, str], ...]) -> None:
        """Set headers of the request to the upstream, all in one call."""
        await self._one("kong.service.request.set_headers", encode_headers(headers))

    async def clear_header(self, name: str) -> None:
        """Take a header out of the request to the upstream."""
        await self._one("kong.service.request.clear_header", encode_text(name))

    async def set_raw_body(self, body: bytes) -> None:
        """Set the body of the request to the upstream."""
        await self._one("kong.service.request.set_raw_body", encode_byte_string(body))

    async def _one(self, function: str, argument: bytes = b"") -> bytes:
        (reply,) = await self._channel.call(Calls((function, argument)))
        return reply

    async def _text(self, function: str) -> str:
        return decode_text(await self._one(function))

    async def _maybe_text(self, function: str, name: str) -> str | None:
        return decode_text(await self._one(function, encode_text(name))) or None
