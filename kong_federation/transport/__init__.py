"""How requests reach subgraphs. Knows bytes, not GraphQL."""

from kong_federation.transport.base import SubgraphRequest, SubgraphResponse, Transport

__all__ = ["SubgraphRequest", "SubgraphResponse", "Transport"]
