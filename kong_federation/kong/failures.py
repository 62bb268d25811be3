"""Answers that consist of errors: every way an event can fail ends in one of these."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from kong_federation.errors import ErrorCode, FederationError
from kong_federation.gateway import RETRY_AFTER
from kong_federation.kong.records import Exit

# An error status with `application/json` is what every GraphQL client reads; the newer media type
# (application/graphql-response+json) would have to be negotiated, and some failures come before the Accept header.
_JSON = (("content-type", "application/json"),)

_UNAVAILABLE = 503


def failure(errors: Sequence[FederationError], retry_after: int | None = None) -> Exit:
    """
    The answer to a request that failed as a whole.

    Args:
        errors: At least one; the first decides the status.
        retry_after: Seconds after which another try may succeed; None: said only of what is unavailable.
    """
    status = errors[0].code.status
    headers: tuple[tuple[str, str], ...] = _JSON
    if status == _UNAVAILABLE or retry_after is not None:
        headers = (*_JSON, ("retry-after", str(retry_after or RETRY_AFTER)))
    return Exit(status, headers, orjson.dumps({"errors": [error.as_graphql() for error in errors]}))


def failed(code: ErrorCode, message: str = "", retry_after: int | None = None) -> Exit:
    """
    The answer to a request that failed for one reason.

    Args:
        code: An entry of the catalogue.
        message: Shown to the client if the fault is the client's; the catalogue's sentence if empty.
        retry_after: As for `failure`.
    """
    return failure([FederationError(code, message or code.meaning)], retry_after)
