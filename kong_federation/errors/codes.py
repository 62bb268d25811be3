"""
The catalogue of error codes.

Names are Apollo Router's where it has one, so that clients which switch on `extensions.code` keep working.
`docs/errors.md` is printed from this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Fault(Enum):
    """Whose fault it is; decides what is shown to whom."""

    CLIENT = "client"
    SUBGRAPH = "subgraph"
    OPERATOR = "operator"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """
    One code.

    Args:
        name: What stands in `extensions.code`.
        fault: Whose fault it is.
        status: HTTP status of an answer that consists of this error alone; 200 for errors inside an execution.
        meaning: One sentence for the documentation, and for clients when the detail is not theirs to see.
    """

    name: str
    fault: Fault
    status: int
    meaning: str


CATALOGUE: dict[str, ErrorCode] = {}


def _code(name: str, fault: Fault, status: int, meaning: str) -> ErrorCode:
    code = ErrorCode(name, fault, status, meaning)
    CATALOGUE[name] = code
    return code


# The HTTP request.
INVALID_GRAPHQL_REQUEST = _code(
    "INVALID_GRAPHQL_REQUEST",
    Fault.CLIENT,
    400,
    "The request is not a GraphQL request: its body or parameters are malformed.",
)
METHOD_NOT_ALLOWED = _code(
    "METHOD_NOT_ALLOWED", Fault.CLIENT, 405, "The HTTP method is not accepted, or not for this operation."
)
INVALID_ACCEPT_HEADER = _code(
    "INVALID_ACCEPT_HEADER",
    Fault.CLIENT,
    406,
    "The client accepts none of the media types the gateway can answer with.",
)
INVALID_CONTENT_TYPE_HEADER = _code(
    "INVALID_CONTENT_TYPE_HEADER",
    Fault.CLIENT,
    415,
    "The request's content type is not application/json in utf-8, or its body is compressed.",
)
REQUEST_TOO_LARGE = _code(
    "REQUEST_TOO_LARGE", Fault.CLIENT, 413, "The request's body or query string is larger than allowed."
)
BATCHING_NOT_ENABLED = _code(
    "BATCHING_NOT_ENABLED", Fault.CLIENT, 400, "Several operations in one request are not accepted."
)
CSRF_ERROR = _code(
    "CSRF_ERROR",
    Fault.CLIENT,
    400,
    "A browser could have sent the request for a foreign page without a preflight, so it was refused.",
)

PERSISTED_QUERY_NOT_SUPPORTED = _code(
    "PERSISTED_QUERY_NOT_SUPPORTED", Fault.CLIENT, 400, "Persisted documents are not known here; send the document."
)

# The operation.
GRAPHQL_PARSE_FAILED = _code("GRAPHQL_PARSE_FAILED", Fault.CLIENT, 400, "The document is not valid GraphQL syntax.")
GRAPHQL_VALIDATION_FAILED = _code(
    "GRAPHQL_VALIDATION_FAILED", Fault.CLIENT, 400, "The document does not fit the schema."
)
GRAPHQL_UNKNOWN_OPERATION_NAME = _code(
    "GRAPHQL_UNKNOWN_OPERATION_NAME",
    Fault.CLIENT,
    400,
    "The operation to run cannot be told from the document and operationName.",
)
VALIDATION_INVALID_TYPE_VARIABLE = _code(
    "VALIDATION_INVALID_TYPE_VARIABLE", Fault.CLIENT, 400, "A variable's value does not fit its type."
)
UNSUPPORTED_OPERATION = _code(
    "UNSUPPORTED_OPERATION", Fault.CLIENT, 400, "The operation uses a feature that this gateway does not run."
)
MUTATION_FORBIDDEN = _code("MUTATION_FORBIDDEN", Fault.CLIENT, 400, "Mutations are switched off for this graph.")
INTROSPECTION_DISABLED = _code(
    "INTROSPECTION_DISABLED", Fault.CLIENT, 400, "Introspection is switched off for this graph."
)
DOCUMENT_LIMIT_EXCEEDED = _code(
    "DOCUMENT_LIMIT_EXCEEDED", Fault.CLIENT, 400, "The document is larger, deeper or more repetitive than allowed."
)
QUERY_PLANNING_LIMIT = _code(
    "QUERY_PLANNING_LIMIT",
    Fault.CLIENT,
    400,
    "Planning the operation needs more work than allowed; ask for less at once.",
)

# Subgraphs.
SUBREQUEST_HTTP_ERROR = _code(
    "SUBREQUEST_HTTP_ERROR",
    Fault.SUBGRAPH,
    200,
    "A subgraph could not be reached or answered with an HTTP error.",
)
SUBREQUEST_MALFORMED_RESPONSE = _code(
    "SUBREQUEST_MALFORMED_RESPONSE", Fault.SUBGRAPH, 200, "A subgraph's answer is not a GraphQL response."
)
SUBREQUEST_TIMEOUT = _code("SUBREQUEST_TIMEOUT", Fault.SUBGRAPH, 200, "A subgraph did not answer in time.")
SUBREQUEST_TOO_LARGE = _code("SUBREQUEST_TOO_LARGE", Fault.SUBGRAPH, 200, "A subgraph's answer is larger than allowed.")
DOWNSTREAM_SERVICE_ERROR = _code("DOWNSTREAM_SERVICE_ERROR", Fault.SUBGRAPH, 200, "A subgraph reported an error.")
RESPONSE_VALIDATION_FAILED = _code(
    "RESPONSE_VALIDATION_FAILED", Fault.SUBGRAPH, 200, "A subgraph's data does not fit the schema."
)

# The gateway.
GATEWAY_TIMEOUT = _code(
    "GATEWAY_TIMEOUT", Fault.INTERNAL, 504, "The request took longer than allowed; try again, or ask for less at once."
)
SERVICE_UNAVAILABLE = _code(
    "SERVICE_UNAVAILABLE",
    Fault.OPERATOR,
    503,
    "The gateway cannot serve this graph at the moment; try again a little later.",
)
SUPERGRAPH_INVALID = _code(
    "SUPERGRAPH_INVALID",
    Fault.OPERATOR,
    503,
    "The graph cannot be served: its supergraph is missing or invalid, and the gateway's log says why.",
)
CONFIGURATION_INVALID = _code(
    "CONFIGURATION_INVALID",
    Fault.OPERATOR,
    500,
    "The graph cannot be served: its configuration is invalid, and the gateway's log says why.",
)
NO_PLAN = _code(
    "NO_PLAN",
    Fault.INTERNAL,
    500,
    "No subgraphs can answer the operation, though it is valid; the gateway's log says what is missing.",
)
REQUEST_INTERRUPTED = _code(
    "REQUEST_INTERRUPTED",
    Fault.INTERNAL,
    500,
    "The gateway failed in the middle of the request; a mutation may have been run, so it was not begun again.",
)
REQUEST_QUARANTINED = _code(
    "REQUEST_QUARANTINED",
    Fault.INTERNAL,
    503,
    "Processes of the gateway ended while this very request was run, so it is refused for a while.",
)
INTERNAL_SERVER_ERROR = _code(
    "INTERNAL_SERVER_ERROR", Fault.INTERNAL, 500, "Something went wrong inside the gateway; its log says what."
)
