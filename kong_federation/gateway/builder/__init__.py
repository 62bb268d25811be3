"""
The builder: the process that holds a supergraph's schema, so that no worker has to.

    python -m kong_federation.gateway.builder SOCKET PLANNER GRACE < supergraph

Nobody but `kong_federation.gateway.spawn` starts it. See docs/decisions/0003-builder-process.md.
"""

__all__: list[str] = []
