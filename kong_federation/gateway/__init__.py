"""One request, from HTTP bytes to HTTP bytes."""

from kong_federation.gateway.exchange import HttpRequest, HttpResponse
from kong_federation.gateway.facts import Facts
from kong_federation.gateway.gateway import Gateway
from kong_federation.gateway.http import RETRY_AFTER, refusal
from kong_federation.gateway.identity import (
    NOBODY,
    Identity,
    Vouched,
    read_identity,
    shared_keys,
    wants_identity,
)
from kong_federation.gateway.passage import Passage, Way
from kong_federation.gateway.sockets import private_directory
from kong_federation.gateway.spawn import BuilderProgram

__all__ = [
    "NOBODY",
    "RETRY_AFTER",
    "BuilderProgram",
    "Facts",
    "Gateway",
    "HttpRequest",
    "HttpResponse",
    "Identity",
    "Passage",
    "Vouched",
    "Way",
    "private_directory",
    "read_identity",
    "refusal",
    "shared_keys",
    "wants_identity",
]
