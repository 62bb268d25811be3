"""How requests reach subgraphs. Knows bytes, not GraphQL."""

from kong_federation.transport.base import SubgraphRequest, SubgraphResponse, Transport
from kong_federation.transport.headers import TRACE_HEADERS
from kong_federation.transport.http import HttpTransport, SubgraphPolicy
from kong_federation.transport.memory import Handler, MemoryTransport

__all__ = [
    "TRACE_HEADERS",
    "Handler",
    "HttpTransport",
    "MemoryTransport",
    "SubgraphPolicy",
    "SubgraphRequest",
    "SubgraphResponse",
    "Transport",
]
