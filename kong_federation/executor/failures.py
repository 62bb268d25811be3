"""
The errors the client gets: one shape each for failed fetches, subgraphs' own errors, and data that does not fit.

What a subgraph says may be meant for its operators only (addresses, statements, stack traces), so by default the client
sees whose fault it is and of which kind, and nothing of its text. `locations` are never passed on: they are places in a
document that the client has not written.
"""

from __future__ import annotations

from typing import Any, assert_never

from kong_federation.errors import FederationError
from kong_federation.errors.codes import DOWNSTREAM_SERVICE_ERROR, RESPONSE_VALIDATION_FAILED
from kong_federation.executor.context import JsonObject
from kong_federation.executor.depth import too_deep
from kong_federation.executor.paths import Segments
from kong_federation.executor.projection import Fault, FaultKind, Position


def of_failure(failure: FederationError, service: str | None, path: Segments, *, mask: bool) -> JsonObject:
    """
    Describe a fetch that failed.

    Args:
        failure: Why.
        service: The subgraph, or None for introspection.
        path: What it would have filled, as far as that is one place; may be empty.
        mask: Whether only the catalogue's sentence is shown.
    """
    if service is None:
        own = failure.as_graphql()
        return _error(own["message"], path, own["extensions"])
    message = failure.code.meaning if mask else failure.message
    return _error(message, path, {"code": failure.code.name, "service": service})


def of_subgraph(raw: Any, service: str, path: Segments, *, mask: bool) -> JsonObject:
    """
    Describe an error that a subgraph reported.

    Args:
        raw: The member of its `errors`, whatever it is.
        service: The subgraph.
        path: In the client's response keys; may be empty.
        mask: Whether its message and extensions are hidden.
    """
    message = DOWNSTREAM_SERVICE_ERROR.meaning
    extensions: JsonObject = {"code": DOWNSTREAM_SERVICE_ERROR.name}
    if not mask and type(raw) is dict:
        text, more = raw.get("message"), raw.get("extensions")
        if type(text) is str:
            message = text
        if type(more) is dict and not too_deep(more):
            extensions.update(more)
    return _error(message, path, {**extensions, "service": service})


def of_fault(fault: Fault, service: str | None, path: Segments) -> JsonObject:
    """
    Describe a value that cannot be answered; the value itself is not shown.

    Args:
        fault: What was met.
        service: The subgraph that should have sent it, if that is known.
        path: In the client's response keys.
    """
    extensions = {"code": RESPONSE_VALIDATION_FAILED.name}
    if service is not None:
        extensions["service"] = service
    return _error(_sentence(fault), path, extensions)


def _sentence(fault: Fault) -> str:
    place = _place(fault.position)
    match fault.kind:
        case FaultKind.NULL:
            return f"Cannot return null for non-nullable {place}."
        case FaultKind.ABSENT:
            return f"No value was sent for {place}."
        case FaultKind.MISFIT:
            return f"The value of {place} is not a valid {fault.position.wanted}."
        case _:
            assert_never(fault.kind)


def _place(position: Position) -> str:
    if position.field is not None:
        return f"field {position.owner}.{position.field.key}"
    return f"item of {_place(position.parent)}" if position.parent else "item"


def _error(message: str, path: Segments, extensions: JsonObject) -> JsonObject:
    if path:
        return {"message": message, "path": list(path), "extensions": extensions}
    return {"message": message, "extensions": extensions}
