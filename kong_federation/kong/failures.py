"""Answers that consist of errors: every way an event can fail ends in one of these."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from kong_federation.errors import ErrorCode, FederationError
from kong_federation.kong.records import Exit

# An error status with `application/json` is what every GraphQL client reads; the newer media type
# (application/graphql-response+json) would have to be negotiated, and some failures come before the Accept header.
_JSON = (("content-type", "application/json"),)


def failure(errors: Sequence[FederationError]) -> Exit:
    """
    The answer to a request that failed as a whole.

    Args:
        errors: At least one; the first decides the status.
    """
    status = errors[0].code.status
    return Exit(status, _JSON, orjson.dumps({"errors": [error.as_graphql() for error in errors]}))


def failed(code: ErrorCode, message: str = "") -> Exit:
    """
    The answer to a request that failed for one reason.

    Args:
        code: An entry of the catalogue.
        message: Shown to the client if the fault is the client's; the catalogue's sentence if empty.
    """
    return failure([FederationError(code, message or code.meaning)])
