"""
What can go wrong between the gateway and a subgraph, in the project's terms.

    SUBREQUEST_TIMEOUT       no complete answer in time, connecting included
    SUBREQUEST_TOO_LARGE     more bytes than accepted, counted after decompression
    SUBREQUEST_HTTP_ERROR
    ├── no such host         the name is not known
    ├── not connected        nobody listens, no route, no free local port
    ├── TLS                  handshake or certificate
    ├── broken off           the connection ended before the answer did
    ├── not HTTP             the answer breaks the protocol or its encoding
    └── address              the URL or a header cannot be used

Foreign exceptions end here, in one table; the most specific class wins. None of their own text is used, because it may
repeat a URL with its credentials. Ours name the host, the port, and the operating system's reason.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError

from kong_federation.errors import ErrorCode, FederationError
from kong_federation.errors.codes import SUBREQUEST_HTTP_ERROR, SUBREQUEST_TIMEOUT, SUBREQUEST_TOO_LARGE
from kong_federation.transport.base import SubgraphRequest

_TABLE: Final[Mapping[type[BaseException], tuple[ErrorCode, str]]] = {
    TimeoutError: (SUBREQUEST_TIMEOUT, "No complete answer came from {host} within {timeout:g} s."),
    aiohttp.ConnectionTimeoutError: (SUBREQUEST_TIMEOUT, "No connection to {host} could be made in time."),
    aiohttp.ServerTimeoutError: (SUBREQUEST_TIMEOUT, "No complete answer came from {host} in time."),
    aiohttp.ClientConnectorDNSError: (SUBREQUEST_HTTP_ERROR, "The name {host} is not known."),
    aiohttp.ClientConnectorError: (SUBREQUEST_HTTP_ERROR, "No connection to {host} could be made{reason}."),
    aiohttp.ClientSSLError: (SUBREQUEST_HTTP_ERROR, "No TLS connection to {host} could be made."),
    ssl.SSLError: (SUBREQUEST_HTTP_ERROR, "No TLS connection to {host} could be made."),
    ConnectionError: (SUBREQUEST_HTTP_ERROR, "The connection to {host} broke off{reason}."),
    aiohttp.ClientOSError: (SUBREQUEST_HTTP_ERROR, "The connection to {host} broke off{reason}."),
    aiohttp.ServerDisconnectedError: (SUBREQUEST_HTTP_ERROR, "The connection to {host} ended without an answer."),
    aiohttp.ClientPayloadError: (SUBREQUEST_HTTP_ERROR, "The answer from {host} is incomplete or wrongly encoded."),
    aiohttp.ClientResponseError: (SUBREQUEST_HTTP_ERROR, "The answer from {host} is not valid HTTP."),
    HttpProcessingError: (SUBREQUEST_HTTP_ERROR, "The answer from {host} is not valid HTTP."),
    aiohttp.ClientError: (SUBREQUEST_HTTP_ERROR, "The request to {host} failed."),
    OSError: (SUBREQUEST_HTTP_ERROR, "The request to {host} failed{reason}."),
    # Raised before anything is sent: control characters in a header, a URL that is none.
    ValueError: (SUBREQUEST_HTTP_ERROR, "The URL for {host} or a header for it cannot be used."),
}

FOREIGN: Final = tuple(_TABLE)
"""All classes that `translate` knows; nothing else is to be expected of the client library."""


def translate(error: BaseException, request: SubgraphRequest) -> FederationError:
    """
    Translate an exception of the client library or the operating system.

    Args:
        error: An instance of one of `FOREIGN`.
        request: What was being sent.
    """
    code, text = next(_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE)
    return FederationError(code, text.format(host=_host(request.url), timeout=request.timeout, reason=_reason(error)))


def too_large(request: SubgraphRequest, limit: int) -> FederationError:
    """
    The error for an answer of more than `limit` bytes.

    Args:
        request: What was asked.
        limit: Bytes.
    """
    return FederationError(SUBREQUEST_TOO_LARGE, f"The answer from {_host(request.url)} is larger than {limit} bytes.")


def unusable(request: SubgraphRequest) -> FederationError:
    """The error for a request after the transport was closed."""
    return FederationError(SUBREQUEST_HTTP_ERROR, f"The request to {_host(request.url)} came after the end of service.")


def _host(url: str) -> str:
    """Name the host and port of a URL, without its credentials, path and query."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "an empty host"
    except ValueError:
        return "an invalid host"


def _reason(error: BaseException) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return f" ({os.strerror(number)})" if number and number > 0 else ""
