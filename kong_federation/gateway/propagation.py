"""
Which of a client's headers travel to subgraphs.

Trace context and request ids always do, so that one request can be followed everywhere; whatever else travels is named
by a rule. Headers of one connection never do, and neither does what the client's `Connection` header names (RFC 9110,
section 7.6.1).
"""

from __future__ import annotations

from collections.abc import Iterable

from kong_federation.gateway.exchange import HttpRequest
from kong_federation.settings import HOP_BY_HOP, OWN_HEADERS, HeaderSettings

Headers = tuple[tuple[str, str], ...]

_TRACE = frozenset(
    {
        "traceparent",
        "tracestate",
        "baggage",
        "b3",
        "x-b3-traceid",
        "x-b3-spanid",
        "x-b3-parentspanid",
        "x-b3-sampled",
        "x-b3-flags",
        "x-request-id",
        "x-correlation-id",
    }
)
_TRACE_PREFIX = "x-datadog-"
# Kong's own id comes from Kong, never from the client.
_KONG_REQUEST_ID = "x-kong-request-id"
_NEVER = frozenset((*HOP_BY_HOP, *OWN_HEADERS, _KONG_REQUEST_ID))


def propagated_names(rules: Iterable[HeaderSettings]) -> frozenset[str]:
    """The names, in lower case, that travel by rules or always; prefixes excepted."""
    return _TRACE | {rule.named.lower() for settings in rules for rule in settings.request} - _NEVER


def propagate(request: HttpRequest, names: frozenset[str]) -> Headers:
    """
    The headers of a client's request that go to a subgraph.

    Args:
        request: The client's request.
        names: What `propagated_names` gave for the subgraph.
    """
    connection = request.headers.get("connection", ())
    dropped = {name.strip().lower() for value in connection for name in value.split(",")} if connection else ()
    headers = [
        (name, value)
        for name, values in request.headers.items()
        if (name in names or name.startswith(_TRACE_PREFIX)) and name not in dropped
        for value in values
        if _is_one_line(value)
    ]
    if request.request_id and _is_one_line(request.request_id):
        headers.append((_KONG_REQUEST_ID, request.request_id))
    return tuple(headers)


def _is_one_line(value: str) -> bool:
    # A host that let such a value in would let the client write headers of its own to subgraphs.
    return not ("\n" in value or "\r" in value or "\0" in value)
