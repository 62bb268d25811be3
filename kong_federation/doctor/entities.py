"""
Kong's entities as far as the doctor looks at them, from a kong.yml or from the Admin API.

A kong.yml nests them or lists them flat, and points by name or id; the Admin API lists them flat and points by id.
Here they are flat, and pointers are resolved. Nothing is checked that Kong checks itself, and what the doctor does not
know is passed over: it must not fail on a deployment that Kong is content with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

PLUGIN = "graphql-federation"

Entity = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entities:
    """All that was found; each entity as it was written, nested ones beside their parents."""

    services: Sequence[Entity]
    routes: Sequence[Entity]
    plugins: Sequence[Entity]
    upstreams: Sequence[Entity]

    def service_of(self, route: Entity) -> Entity | None:
        """The service a route leads to."""
        return _pointed(self.services, route.get("service"))

    def routes_of(self, plugin: Entity) -> tuple[Entity, ...]:
        """The routes a plugin is asked on; all of them for one that is limited to none."""
        if plugin.get("route") is not None:
            route = _pointed(self.routes, plugin["route"])
            return () if route is None else (route,)
        if plugin.get("service") is not None:
            service = _pointed(self.services, plugin["service"])
            return tuple(route for route in self.routes if service is not None and self.service_of(route) is service)
        return tuple(self.routes)

    def leads_nowhere(self, service: Entity) -> bool:
        """Whether a service's host is an upstream that has no target in use."""
        upstream = _pointed(self.upstreams, service.get("host"))
        return upstream is not None and not any(target.get("weight", 100) for target in upstream["targets"])

    def has_upstream(self, name: str) -> bool:
        """Whether there is an upstream of this name."""
        return _pointed(self.upstreams, name) is not None

    @property
    def graphs(self) -> tuple[Entity, ...]:
        """The plugins that are ours."""
        return tuple(plugin for plugin in self.plugins if plugin.get("name") == PLUGIN)


def from_document(document: Any) -> Entities:
    """The entities of a kong.yml."""
    top: Entity = document if isinstance(document, Mapping) else {}
    services = list(_listed(top, "services"))
    routes = [{"service": None, **route} for route in _listed(top, "routes")]
    plugins = list(_listed(top, "plugins"))
    for service in services:
        routes += [{**route, "service": service} for route in _listed(service, "routes")]
        plugins += [{**plugin, "service": service} for plugin in _listed(service, "plugins")]
    for route in routes:
        plugins += [{**plugin, "route": route} for plugin in _listed(route, "plugins")]
    for consumer in _listed(top, "consumers"):
        plugins += [{**plugin, "consumer": consumer} for plugin in _listed(consumer, "plugins")]
    apart = list(_listed(top, "targets"))
    upstreams = [
        {**upstream, "targets": [*_listed(upstream, "targets"), *_pointing(apart, "upstream", upstream)]}
        for upstream in _listed(top, "upstreams")
    ]
    return Entities(services, routes, plugins, upstreams)


def label(entity: Entity) -> str:
    """How an entity is called in a sentence."""
    for field in ("instance_name", "name", "id"):
        if entity.get(field):
            return str(entity[field])
    return ", ".join(map(str, entity.get("paths") or ())) or "without a name"


def _listed(parent: Entity, name: str) -> Iterator[Entity]:
    found = parent.get(name)
    if isinstance(found, Sequence) and not isinstance(found, str):
        yield from (item for item in found if isinstance(item, Mapping))


def _pointing(entities: Sequence[Entity], field: str, to: Entity) -> Iterator[Entity]:
    yield from (entity for entity in entities if _pointed([to], entity.get(field)) is to)


def _pointed(entities: Sequence[Entity], pointer: Any) -> Entity | None:
    """What a pointer leads to: the entity itself, `{id: ...}`, `{name: ...}`, an id or a name."""
    if pointer is None:
        return None
    names = {pointer.get("id"), pointer.get("name")} if isinstance(pointer, Mapping) else {pointer}
    names.discard(None)
    for entity in entities:
        if entity is pointer or names & {entity.get("id"), entity.get("name")}:
            return entity
    return None
