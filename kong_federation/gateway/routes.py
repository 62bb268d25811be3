"""Where subgraphs are: once per generation, and then for one request with the headers that travel to each."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import SUPERGRAPH_INVALID
from kong_federation.executor import PROTOCOL_HEADERS, SubgraphTarget
from kong_federation.gateway.identity import Identity
from kong_federation.gateway.passage import Destination, find_destination
from kong_federation.gateway.propagation import HeaderRules, Headers, compile_rules, propagate
from kong_federation.settings import HeaderRule, Settings
from kong_federation.transport import HttpTransport, SubgraphPolicy

_LOG = logging.getLogger("kong_federation.gateway")


@dataclass(frozen=True)
class Route:
    """
    One subgraph, for all requests.

    Args:
        url: Absolute URL.
        timeout: Seconds for one exchange.
        headers: What it gets to see of a client's headers; subgraphs with the same rules share them.
        destination: Where nginx finds it, if it may be asked by nginx.
    """

    url: str
    timeout: float
    headers: HeaderRules
    destination: Destination | None


def find_routes(settings: Settings, subgraphs: Mapping[str, str]) -> dict[str, Route]:
    """
    Find each subgraph's route by the configuration and the supergraph.

    Args:
        settings: The whole configuration.
        subgraphs: Names and addresses, as in the supergraph.

    Raises:
        FederationErrors: SUPERGRAPH_INVALID for each subgraph without an address.
    """
    own = {subgraph.name: subgraph for subgraph in settings.subgraphs}
    for name in own.keys() - subgraphs.keys():
        _LOG.warning("the configuration names a subgraph %s that the supergraph does not have", name)
    defaults = settings.subgraph_defaults
    routes: dict[str, Route] = {}
    compiled: dict[tuple[HeaderRule, ...], HeaderRules] = {}
    for name, url in subgraphs.items():
        found = own.get(name)
        timeout = defaults.read_timeout if found is None or found.read_timeout is None else found.read_timeout
        rules = defaults.headers.request if found is None else defaults.headers.request + found.headers.request
        if rules not in compiled:
            compiled[rules] = compile_rules(rules)
        address = (found.url if found is not None else None) or url
        destination = find_destination(address, found.upstream if found is not None else None)
        routes[name] = Route(address, timeout / 1000, compiled[rules], destination)
    without = [name for name, route in routes.items() if not route.url.startswith(("http://", "https://"))]
    if without:
        message = "the subgraph {} has no http or https address"
        raise FederationErrors([FederationError(SUPERGRAPH_INVALID, message.format(name)) for name in without])
    return routes


def find_batch_limits(settings: Settings, subgraphs: Iterable[str]) -> dict[str, int]:
    """How many entities one request asks for at most, by subgraph."""
    own = {subgraph.name: subgraph.max_batch_entities for subgraph in settings.subgraphs}
    return {name: own.get(name) or settings.subgraph_defaults.max_batch_entities for name in subgraphs}


def open_transport(settings: Settings) -> HttpTransport:
    """Make the HTTP client for all subgraphs of a configuration."""
    defaults = settings.subgraph_defaults
    usual = SubgraphPolicy(defaults.connect_timeout / 1000, defaults.deduplicate)
    policies = {
        own.name: SubgraphPolicy(
            usual.connect_timeout if own.connect_timeout is None else own.connect_timeout / 1000,
            usual.deduplicate if own.deduplicate is None else own.deduplicate,
        )
        for own in settings.subgraphs
    }
    return HttpTransport(max_response_size=settings.limits.max_response_size, policy=usual, policies=policies)


class Targets(dict[str, SubgraphTarget]):
    """
    The subgraphs for all requests with the same headers.

    Each is made when it is first asked for, because most requests need few of many.

    Args:
        routes: All of the generation's.
        client: The client's headers.
        identity: Who asks.
    """

    __slots__ = ("_client", "_headers", "_identity", "_routes")

    def __init__(self, routes: Mapping[str, Route], client: Mapping[str, Sequence[str]], identity: Identity) -> None:
        super().__init__()
        self._routes = routes
        self._client = client
        self._identity = identity
        self._headers: dict[HeaderRules, Headers] = {}

    def __missing__(self, name: str) -> SubgraphTarget:
        route = self._routes[name]
        headers = self._headers.get(route.headers)
        if headers is None:
            propagated = propagate(self._client, self._identity, route.headers)
            headers = self._headers[route.headers] = PROTOCOL_HEADERS + propagated
        target = self[name] = SubgraphTarget(route.url, route.timeout, headers)
        return target
