"""
Reading one subgraph's answer: is it a GraphQL response at all?

The body decides, not the status: a GraphQL response with status 400 or 500 is used as it is, and its errors say more
than the status does. A body that is none gets SUBREQUEST_HTTP_ERROR if the status tells of a failure, otherwise
SUBREQUEST_MALFORMED_RESPONSE. `errors: null` is not lawful but common, and tolerated. No data without an error is not
an answer: it would become a null at the client that nobody has explained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from kong_federation.errors import FederationError
from kong_federation.errors.codes import SUBREQUEST_HTTP_ERROR, SUBREQUEST_MALFORMED_RESPONSE
from kong_federation.executor.context import JsonObject
from kong_federation.executor.exact import read_json
from kong_federation.transport import SubgraphResponse


@dataclass(frozen=True, slots=True)
class Answer:
    """A GraphQL response: data, or errors, or both."""

    data: JsonObject | None
    errors: list[Any]


def read_answer(response: SubgraphResponse, *, exact: bool) -> Answer:
    """
    Read an HTTP answer as a GraphQL response.

    Args:
        response: The HTTP answer.
        exact: Whether it may hold numbers that must stay as they are written.

    Raises:
        FederationError: SUBREQUEST_HTTP_ERROR or SUBREQUEST_MALFORMED_RESPONSE.
    """
    try:
        body = read_json(response.body) if exact else orjson.loads(response.body)
    except ValueError:
        raise _refused(response, "is not JSON") from None
    if type(body) is not dict:
        raise _refused(response, "is not a JSON object")
    data = body.get("data")
    errors = body.get("errors")
    if errors is None:
        errors = []
    elif type(errors) is not list:
        raise _refused(response, "has `errors` that are not a list")
    if data is None:
        if not errors:
            raise _refused(response, "has neither data nor errors")
    elif type(data) is not dict:
        raise _refused(response, "has `data` that is not an object")
    return Answer(data, errors)


def malformed(reason: str) -> FederationError:
    """The error for an answer that is not what was asked for; `reason` continues "The answer"."""
    return FederationError(SUBREQUEST_MALFORMED_RESPONSE, f"The answer {reason}.")


def _refused(response: SubgraphResponse, reason: str) -> FederationError:
    if 200 <= response.status < 300:
        return malformed(reason)
    return FederationError(SUBREQUEST_HTTP_ERROR, f"The answer has HTTP status {response.status} and {reason}.")
