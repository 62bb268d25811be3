"""
GraphQL over HTTP: what a request asks for, and what an answer looks like.

Everything here is a function of one HTTP message; nothing is awaited. Source: the GraphQL-over-HTTP draft.

**Cross-site requests.** A browser sends some requests to a foreign server without asking it first (no preflight), with
the user's cookies. Such a request has no header but a few harmless ones and, if it has a Content-Type, one of three old
types. So a request must show that a preflight took place: by `application/json`, or by a header that only scripts set.
A GET with any other Content-Type is refused even then: it has no body to describe.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import unquote_to_bytes

import orjson

from kong_federation.errors import ErrorCode, Fault, FederationError
from kong_federation.errors.codes import (
    BATCHING_NOT_ENABLED,
    CSRF_ERROR,
    INVALID_ACCEPT_HEADER,
    INVALID_CONTENT_TYPE_HEADER,
    INVALID_GRAPHQL_REQUEST,
    METHOD_NOT_ALLOWED,
    PERSISTED_QUERY_NOT_SUPPORTED,
    REQUEST_TOO_LARGE,
)
from kong_federation.executor import read_json
from kong_federation.gateway.exchange import HttpRequest, HttpResponse
from kong_federation.gateway.head import Head
from kong_federation.gateway.media import JSON
from kong_federation.limits import Limits
from kong_federation.settings import Settings

# JSON deeper than this cannot be sent on: orjson writes 254 levels, and a few of them are ours.
_DEEPEST_JSON = 200

_PARAMETERS = ("query", "operationName", "variables", "extensions")
_PLAIN_PARAMETERS = frozenset(("query", "operationName", "variables"))

# What is wrong with the HTTP request itself has its own status whatever the media type; what is wrong with a
# well-formed GraphQL request has status 200 in application/json (draft, section Status Codes).
_MALFORMED = frozenset(
    {
        BATCHING_NOT_ENABLED,
        CSRF_ERROR,
        INVALID_ACCEPT_HEADER,
        INVALID_CONTENT_TYPE_HEADER,
        INVALID_GRAPHQL_REQUEST,
        METHOD_NOT_ALLOWED,
        REQUEST_TOO_LARGE,
    }
)

RETRY_AFTER: Final = 1
"""Seconds after which what is unavailable (503) is worth another try, if nobody knows better."""

_UNAVAILABLE = 503


class GraphqlRequest(NamedTuple):
    """
    What a client asks for.

    Args:
        document: GraphQL text.
        operation_name: Which operation of it to run; None if it has only one.
        variables: As sent, not yet coerced.
        safe: Whether only queries may be run, because the method is GET.
    """

    document: str
    operation_name: str | None
    variables: dict[str, Any]
    safe: bool


# --- Reading -----------------------------------------------------------------------------------------------------


def read_request(request: HttpRequest, head: Head, settings: Settings) -> GraphqlRequest:
    """
    What a request asks for.

    Args:
        request: The request.
        head: Of its headers.
        settings: The whole configuration.

    Raises:
        FederationError: It is not a well-formed GraphQL-over-HTTP request, or could be a cross-site one.
    """
    if head.media_type is None:
        raise _not_acceptable()
    method = request.method
    if method == "POST":
        if not head.is_json:
            _check_origin(request, settings)
        return _read_post(request, head, settings.limits)
    if method not in allowed_methods(settings):
        accepted = " or ".join(allowed_methods(settings))
        message = f"{_printable(method)} requests are not accepted here; send the operation with {accepted}."
        raise FederationError(METHOD_NOT_ALLOWED, message)
    if not head.is_json:
        _check_origin(request, settings)
    return _read_get(request, settings)


def _not_acceptable() -> FederationError:
    """What is said to a client that accepts no media type that we have."""
    return FederationError(
        INVALID_ACCEPT_HEADER,
        "Answers are application/graphql-response+json or application/json in utf-8, and the Accept header allows "
        "neither; add one of them, or leave the header out.",
    )


def allowed_methods(settings: Settings) -> tuple[str, ...]:
    """The methods that operations may be sent with."""
    return ("GET", "POST") if settings.operations.get else ("POST",)


def _check_origin(request: HttpRequest, settings: Settings) -> None:
    """Check a request whose content type is not JSON."""
    security = settings.security
    if security.csrf and not any(any(request.headers.get(name.lower(), ())) for name in security.csrf_headers):
        ways = ("the content type application/json", *(f"a non-empty header {name}" for name in security.csrf_headers))
        raise FederationError(
            CSRF_ERROR,
            "A browser sends such a request for a foreign page too, without asking first, so it is refused. "
            f"Send it with {', or with '.join(ways)}.",
        )
    if request.method == "POST":
        raise FederationError(INVALID_CONTENT_TYPE_HEADER, "The content type must be application/json in utf-8.")
    if request.headers.get("content-type", ()):
        message = "A GET request has no body; leave its content type out, or let it be application/json."
        raise FederationError(INVALID_CONTENT_TYPE_HEADER, message)


def _read_get(request: HttpRequest, settings: Settings) -> GraphqlRequest:
    if len(request.query) > settings.limits.max_body_size:
        raise _too_large("query string", settings.limits)
    values: dict[str, Any] = {}
    for name, value in _pairs(request.query):
        if name in values:
            raise _malformed(f"The parameter '{name}' is there twice.")
        if name in _PARAMETERS:
            values[name] = value
    for name in ("variables", "extensions"):
        if name in values:
            text = values[name]
            # An empty parameter is how HTML forms and simple clients say that there is none.
            values[name] = _json(text.encode(), f"parameter '{name}'") if text else None
    return _graphql_request(values, safe=True)


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    """The names and values of a query string (application/x-www-form-urlencoded)."""
    for part in query.encode("latin-1", "replace").split(b"&"):
        name, _, value = part.replace(b"+", b" ").partition(b"=")
        try:
            yield unquote_to_bytes(name).decode(), unquote_to_bytes(value).decode()
        except UnicodeDecodeError:
            raise _malformed("The query string is not utf-8.") from None


def _read_post(request: HttpRequest, head: Head, limits: Limits) -> GraphqlRequest:
    body = request.body
    if head.is_encoded or len(body) > limits.max_body_size or not body:
        raise _unreadable(body, head, limits)
    try:
        values = orjson.loads(body)
    except ValueError:
        values = None
    if (
        type(values) is not dict
        or type(document := values.get("query")) is not str
        or values.keys() - _PLAIN_PARAMETERS
        or not ((name := values.get("operationName")) is None or type(name) is str)
        or not ((variables := values.get("variables")) is None or type(variables) is dict)
        or (variables and not _is_exact(values, body))
    ):
        # There is something to be looked at more closely, or to be complained about.
        return _read_carefully(body)
    return GraphqlRequest(document, name or None, variables or {}, safe=False)


def _is_exact(values: dict[str, Any], body: bytes) -> bool:
    """Whether the fast parser has changed no number, and nothing is nested deeply."""
    return body.count(b"{") + body.count(b"[") <= _DEEPEST_JSON and orjson.dumps(values) == body


def _unreadable(body: bytes, head: Head, limits: Limits) -> FederationError:
    if head.is_encoded:
        message = "Compressed bodies are not accepted; send the body without a content encoding."
        return FederationError(INVALID_CONTENT_TYPE_HEADER, message)
    return body_too_large(limits) if body else _malformed("The body is empty.")


def _read_carefully(body: bytes) -> GraphqlRequest:
    values = _json(body, "body")
    if isinstance(values, list):
        raise FederationError(
            BATCHING_NOT_ENABLED,
            "The body is an array: several operations in one request are not accepted; send a request for each.",
        )
    if not isinstance(values, dict):
        raise _malformed("The body is not a JSON object.")
    return _graphql_request(values, safe=False)


def _json(text: bytes, what: str) -> Any:
    try:
        # Numbers among the variables have to stay as they are written.
        value = read_json(text.removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        raise _malformed(f"The {what} is not JSON: {error}.") from None
    if text.count(b"{") + text.count(b"[") > _DEEPEST_JSON and _depth_exceeds(value, _DEEPEST_JSON):
        raise _malformed(f"The JSON of the {what} is nested deeper than {_DEEPEST_JSON} levels.")
    return value


def _depth_exceeds(value: Any, most: int) -> bool:
    level = [value]
    for _ in range(most):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return any(isinstance(item, dict | list) for item in level)


def _graphql_request(values: dict[str, Any], *, safe: bool) -> GraphqlRequest:
    extensions = _optional(values, "extensions", dict, "an object")
    document = values.get("query")
    if document is None:
        if extensions and "persistedQuery" in extensions:
            # This very text makes Apollo's clients send the document itself.
            raise FederationError(PERSISTED_QUERY_NOT_SUPPORTED, "PersistedQueryNotSupported")
        raise _malformed("The parameter 'query' is missing.")
    if not isinstance(document, str):
        raise _malformed("The parameter 'query' must be a string.")
    return GraphqlRequest(
        document,
        _optional(values, "operationName", str, "a string") or None,
        _optional(values, "variables", dict, "an object") or {},
        safe,
    )


def _optional(values: dict[str, Any], name: str, kind: type, described: str) -> Any:
    value = values.get(name)
    if value is not None and not isinstance(value, kind):
        raise _malformed(f"The parameter '{name}' must be {described}.")
    return value


def _malformed(message: str) -> FederationError:
    return FederationError(INVALID_GRAPHQL_REQUEST, message)


def body_too_large(limits: Limits) -> FederationError:
    """What is said of a body that is larger than allowed."""
    return _too_large("body", limits)


def _too_large(what: str, limits: Limits) -> FederationError:
    message = f"The {what} is larger than {limits.max_body_size} bytes, the most that is accepted here."
    return FederationError(REQUEST_TOO_LARGE, message)


def _printable(text: str) -> str:
    return text[:20] if text.isascii() and text.isprintable() else "Such"


# --- Answering ---------------------------------------------------------------------------------------------------


def options(settings: Settings) -> HttpResponse:
    """The answer to OPTIONS; preflights are the business of Kong's `cors` plugin, which runs earlier."""
    return HttpResponse(204, (("allow", ", ".join((*allowed_methods(settings), "OPTIONS"))),), b"")


def refusal(errors: Sequence[FederationError], media_type: str = JSON, allow: Sequence[str] = ()) -> HttpResponse:
    """
    The answer to a request that was not executed.

    Args:
        errors: At least one; the first one's code decides the status.
        media_type: One of the two media types of GraphQL.
        allow: The methods to name if the status is 405.
    """
    status = _status(errors[0].code, media_type)
    headers = [("content-type", f"{media_type}; charset=utf-8")]
    if status == METHOD_NOT_ALLOWED.status:
        headers.append(("allow", ", ".join(allow)))
    if status == _UNAVAILABLE:
        headers.append(("retry-after", str(RETRY_AFTER)))
    body = orjson.dumps({"errors": [error.as_graphql() for error in errors]}, default=str)
    return HttpResponse(status, tuple(headers), body)


def _status(code: ErrorCode, media_type: str) -> int:
    if media_type == JSON and code.fault is Fault.CLIENT and code not in _MALFORMED:
        return 200
    return code.status
