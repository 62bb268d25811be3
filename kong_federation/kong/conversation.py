"""
What is said to Kong in every event of one configuration: what is asked first, and what is told last.

A question costs about 12 us on each side, so only what the configuration makes use of is asked. All questions go out in
one write. What is told goes out in one write with the answer to the client, and its replies, which are empty, are not
waited for: Kong runs calls in order, so they are done when the client is answered. That costs us 2 or 3 us in all,
because it is written mostly beforehand (`telling`), and Kong a call each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kong_federation.gateway import (
    NOBODY,
    HttpRequest,
    Identity,
    Passage,
    Vouched,
    Way,
    read_identity,
    shared_keys,
    wants_identity,
)
from kong_federation.gateway.identity import bytewise
from kong_federation.gateway.passage import is_name
from kong_federation.kong.functions import decode_text, encode_byte_string, encode_integer, encode_text
from kong_federation.kong.pdk import MOST_HEADERS, Calls
from kong_federation.kong.protobuf import sole_bytes
from kong_federation.kong.records import (
    CONSUMER,
    CREDENTIAL,
    SERVICE,
    Consumer,
    RawBody,
    Target,
    decode_raw_body,
    encode_target,
)
from kong_federation.kong.telling import Telling
from kong_federation.kong.values import decode_headers, decode_value, encode_replacing
from kong_federation.settings import HOP_BY_HOP, Settings

_HEAD = (
    ("kong.request.get_raw_body", b""),
    ("kong.request.get_headers", encode_integer(MOST_HEADERS)),
    ("kong.request.get_method", b""),
    ("kong.nginx.get_var", encode_text("kong_request_id")),
)
_OPENING = len(_HEAD)
# Nearly every request has one of these.
_METHODS = {encode_text(name): name for name in ("POST", "GET")}
_POST = encode_text("POST")

# Clients send the same headers again and again. So many sets of them are remembered, none that takes more than so many
# bytes as Kong writes it, and read in memory some ten times that.
_MOST_HEADS = 128
_LONGEST_HEAD = 2_048
_WHERE = (("kong.router.get_service", b""),)
_WHO = (("kong.client.get_consumer", b""), ("kong.client.get_credential", b""))

# What nginx makes itself for each connection, and what a client may agree on with the subgraph over our heads.
_NGINX = frozenset((*HOP_BY_HOP, "accept-encoding", "content-length", "host"))

_SHORTEST_REPLY = 4  # bytes: the length of a frame that is empty


class RequestHead(NamedTuple):
    """What every event asks first."""

    method: str
    headers: dict[str, list[str]]
    body: RawBody
    request_id: str
    identity: Identity = NOBODY
    way: Way | None = None


class Conversation:
    """
    The calls of one configuration's events.

    Args:
        settings: The configuration; None: it is wrong, and nothing depends on it.

    Attributes:
        opening: What every event asks first.
        closing: Gives the frames that tell of a request that is answered; none if nothing is told.
        receipt: Bytes that Kong sends back, at least, before it takes the answer that stands behind them.
    """

    __slots__ = ("_headers", "_keys", "_passes", "_settings", "_telling", "closing", "opening", "receipt")

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings if settings is not None and wants_identity(settings) else None
        self._keys = () if self._settings is None else shared_keys(self._settings)
        self._passes = settings is not None and settings.passthrough.enabled
        self._headers: dict[bytes, dict[str, list[str]]] = {}
        where = _WHERE if self._passes else ()
        who = () if self._settings is None else _WHO
        self.opening = Calls(*_HEAD, *where, *who, *(("kong.ctx.shared.get", encode_text(key)) for key in self._keys))
        telemetry = settings.telemetry if settings is not None else None
        told: list[str] = []
        if telemetry is not None and telemetry.log_serializer:
            told.append("kong.log.set_serialize_value")
        if telemetry is not None and telemetry.shared_context:
            told.append("kong.ctx.shared.set")
        self._telling = Telling(told)
        self.closing = self._telling.written
        self.receipt = len(told) * _SHORTEST_REPLY

    def request(self, replies: Sequence[bytes], most: int) -> HttpRequest | None:
        """
        The request, if all of it came with the replies to the opening, as nearly all do.

        Args:
            replies: In the opening's order.
            most: Bytes of a body that are accepted.
        """
        if replies[2] != _POST:
            return None
        body = sole_bytes(replies[0])
        if body is None or len(body) > most:
            return None
        found = replies[1]
        headers = self._headers.get(found)
        if headers is None:
            headers = self._read_headers(found)
        request_id = decode_text(replies[3])
        identity = NOBODY if self._settings is None else self._identity(self._settings, replies, headers)
        way = _way(replies[_OPENING]) if self._passes else None
        return HttpRequest("POST", "", headers, body, request_id, identity, way)

    def head(self, replies: Sequence[bytes]) -> RequestHead:
        """What the replies to the opening say, in its order."""
        body, headers, method, request_id, *_ = replies
        found = self._headers.get(headers) or self._read_headers(headers)
        return RequestHead(
            _METHODS.get(method) or decode_text(method),
            found,
            decode_raw_body(body),
            decode_text(request_id),
            NOBODY if self._settings is None else self._identity(self._settings, replies, found),
            _way(replies[_OPENING]) if self._passes else None,
        )

    def steering(self, request: HttpRequest, passage: Passage) -> Calls:
        """What makes nginx ask a subgraph in our place; the first reply says nothing if Kong does not know the way."""
        destination = passage.destination
        if destination.upstream:
            whom = ("kong.service.set_upstream", encode_text(bytewise(destination.upstream)))
        else:
            whom = ("kong.service.set_target", encode_target(Target(destination.host, destination.port)))
        calls = [
            whom,
            ("kong.service.request.set_path", encode_text(destination.path)),
            ("kong.service.request.set_raw_query", encode_text(destination.query)),
            ("kong.service.request.set_headers", encode_replacing(_others(request, passage), passage.headers)),
            ("kong.service.request.set_raw_body", encode_byte_string(passage.body)),
        ]
        if request.method != "POST":
            calls.append(("kong.service.request.set_method", encode_text("POST")))
        if request.way is not None and request.way.scheme != "http":
            calls.append(("kong.service.request.set_scheme", encode_text("http")))
        told = self._telling.calls(passage.facts) if passage.facts is not None else ()
        return Calls(*calls, *told)

    def _read_headers(self, found: bytes) -> dict[str, list[str]]:
        headers = decode_headers(found)
        if len(found) <= _LONGEST_HEAD:
            if len(self._headers) >= _MOST_HEADS:
                self._headers.clear()
            self._headers[found] = headers
        return headers

    def _identity(self, settings: Settings, replies: Sequence[bytes], headers: dict[str, list[str]]) -> Identity:
        about = replies[_OPENING + self._passes :]
        consumer = CONSUMER.decode(about[0]) if about[0] else Consumer()
        vouched = Vouched(
            consumer_id=consumer.id,
            consumer_username=consumer.username,
            consumer_custom_id=consumer.custom_id,
            consumer_tags=consumer.tags,
            credential_id=CREDENTIAL.decode(about[1]).id if about[1] else "",
            shared=dict(zip(self._keys, map(decode_value, about[2:]), strict=True)),
        )
        return read_identity(settings, vouched, headers)


def _way(service: bytes) -> Way | None:
    """How Kong can be steered; None on a route without a service, which leads nowhere."""
    if not service:
        return None
    found = SERVICE.decode(service)
    return Way(found.protocol, is_name(found.host))


def _others(request: HttpRequest, passage: Passage) -> list[str]:
    """The client's headers that are not for the subgraph."""
    sent = {name for name, _ in passage.headers}
    return [name for name in request.headers if name not in sent and name not in _NGINX]
