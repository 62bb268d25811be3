"""How requests reach subgraphs. Knows bytes, not GraphQL."""

from kong_federation.transport.base import SubgraphRequest, SubgraphResponse, Transport
from kong_federation.transport.http import HttpTransport
from kong_federation.transport.memory import Handler, MemoryTransport

__all__ = ["Handler", "HttpTransport", "MemoryTransport", "SubgraphRequest", "SubgraphResponse", "Transport"]
