"""
Pass-through: leaving an operation that one subgraph answers whole to nginx.

The subgraph is asked with the document of the plan's one fetch, and its answer goes to the client as it comes: nothing
is read, so nothing is checked, masked or renamed, and the answer's size does not matter. The plan says whether that may
be (`QueryPlan.whole`), Kong whether it can be (`Way`), the configuration whether it shall be.

What is not steered, although it could be: subgraphs behind https, because nginx would check certificates by the
service's settings and not by ours; addresses that carry a password or an unusual path; a client that does not accept
what the subgraph may answer in.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from kong_federation.executor import write_json
from kong_federation.gateway.facts import Facts
from kong_federation.gateway.media import GRAPHQL_JSON, JSON, admits
from kong_federation.plan import Fetch, QueryPlan

_ACCEPT = {JSON: JSON, GRAPHQL_JSON: f"{GRAPHQL_JSON}, {JSON};q=0.9"}

# Kong escapes paths in its own way, so only such are set that it has nothing to do with.
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9/_.~-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Way:
    """
    How Kong can be made to ask somebody.

    Args:
        scheme: `http` or `https`, as Kong's service has it.
        named: Whether the service's host is a name. Kong looks up names, its upstreams' among them, only then.
    """

    scheme: str
    named: bool


@dataclass(frozen=True, slots=True)
class Destination:
    """
    A subgraph, as nginx asks it.

    Args:
        host: Name or IPv4 address.
        port: TCP port.
        authority: What the Host header says.
        path: Absolute path.
        query: Query string without `?`, may be empty.
        upstream: Kong's upstream that knows its addresses; empty: `host` and `port` are asked.
    """

    host: str
    port: int
    authority: str
    path: str
    query: str
    upstream: str

    def is_reached(self, way: Way) -> bool:
        """Whether Kong can be steered there."""
        return way.named or not (self.upstream or is_name(self.host))


@dataclass(frozen=True, slots=True)
class Passage:
    """
    A request that nginx shall make instead of us.

    Args:
        subgraph: Its name.
        destination: Where it is.
        headers: All it sends besides those of the connection; names in lower case.
        body: What it sends.
        facts: What is told about the client's request; None: nothing.
    """

    subgraph: str
    destination: Destination
    headers: tuple[tuple[str, str], ...]
    body: bytes
    facts: Facts | None = None


def find_destination(url: str, upstream: str | None) -> Destination | None:
    """Where nginx would find a subgraph, or None if it is not to be steered there."""
    parts = urlsplit(url)
    try:
        port = parts.port or 80
    except ValueError:
        return None
    host, path = parts.hostname, parts.path or "/"
    if parts.scheme != "http" or not host or ":" in host or "@" in parts.netloc or not _PLAIN_PATH.fullmatch(path):
        return None
    return Destination(host, port, parts.netloc, path, parts.query, upstream or "")


def headers_for(
    destination: Destination, media_type: str, accepts: Sequence[str], propagated: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...] | None:
    """
    All headers of the subgraph's request.

    Args:
        destination: The subgraph.
        media_type: What the client would rather have.
        accepts: The values of its Accept headers.
        propagated: What it gets to see of the client's headers.

    Returns:
        None if the client does not accept plain JSON, which some subgraphs answer whatever they are asked for.
    """
    if not admits(accepts, JSON):
        return None
    return (("content-type", JSON), ("accept", _ACCEPT[media_type]), ("host", destination.authority), *propagated)


def body_for(plan: QueryPlan, variables: Mapping[str, Any]) -> bytes | None:
    """The subgraph's request; None if a variable cannot be written."""
    fetch = plan.node
    assert isinstance(fetch, Fetch)
    used = {name: variables[name] for name in fetch.variables if name in variables}
    try:
        return write_json({"query": fetch.document, "variables": used} if used else {"query": fetch.document})
    except orjson.JSONEncodeError:
        return None


def is_name(host: str) -> bool:
    """Whether a host is not an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False
