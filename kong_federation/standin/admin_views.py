"""The entities of a configuration as the Admin API shows them: every field Kong has, null where nothing is set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kong_federation.standin.entities import Configuration, Consumer, Plugin, Route, Service, Target, Upstream
from kong_federation.standin.identity import entity_id
from kong_federation.standin.plugins import PluginInfo

Entity = dict[str, Any]

UNIQUE = {
    "services": "name",
    "routes": "name",
    "upstreams": "name",
    "consumers": "username",
    "plugins": "instance_name",
}
"""The kinds of entities, and the field by which each may be named instead of by its id."""


def entities(configuration: Configuration, plugins: Mapping[str, PluginInfo]) -> dict[str, dict[str, Entity]]:
    """All entities by kind and id."""
    shown: dict[str, dict[str, Entity]] = {kind: {} for kind in (*UNIQUE, "targets", "keyauth_credentials")}
    for kind, entity in _each(configuration, plugins):
        moments = ("created_at",) if kind == "keyauth_credentials" else ("created_at", "updated_at")
        shown[kind][entity["id"]] = {**entity, **dict.fromkeys(moments, configuration.created_at)}
    return {kind: dict(sorted(found.items())) for kind, found in shown.items()}


def _each(configuration: Configuration, plugins: Mapping[str, PluginInfo]) -> Iterator[tuple[str, Entity]]:
    for service in configuration.services:
        yield "services", _service(service)
    for route in configuration.routes:
        yield "routes", _route(route)
    for consumer in configuration.consumers:
        yield "consumers", _consumer(consumer)
    for upstream in configuration.upstreams.values():
        shown = _upstream(upstream)
        yield "upstreams", shown
        for target in upstream.targets:
            yield "targets", _target(target, shown["id"])
    for credential in configuration.credentials.values():
        pointer = {"id": credential.consumer.id}
        yield "keyauth_credentials", {"id": credential.id, "key": credential.key, "consumer": pointer, "tags": None}
    for plugin in configuration.plugins:
        yield "plugins", _plugin(plugin, plugins[plugin.name])


def _service(service: Service) -> Entity:
    return {
        "id": service.id,
        "name": service.name or None,
        "protocol": service.protocol,
        "host": service.host,
        "port": service.port,
        "path": service.path or None,
        "retries": service.retries,
        "connect_timeout": service.connect_timeout,
        "write_timeout": service.write_timeout,
        "read_timeout": service.read_timeout,
        "enabled": True,
        "tls_verify": None,
        "tls_verify_depth": None,
        "client_certificate": None,
        "ca_certificates": None,
        "tags": list(service.tags) or None,
    }


def _route(route: Route) -> Entity:
    return {
        "id": route.id,
        "name": route.name or None,
        "protocols": list(route.protocols),
        "methods": list(route.methods) or None,
        "hosts": list(route.hosts) or None,
        "paths": list(route.paths) or None,
        "headers": {name: list(values) for name, values in route.headers} or None,
        "https_redirect_status_code": route.https_redirect_status_code,
        "regex_priority": route.regex_priority,
        "strip_path": route.strip_path,
        "path_handling": route.path_handling,
        "preserve_host": route.preserve_host,
        "request_buffering": route.request_buffering,
        "response_buffering": True,
        "snis": None,
        "sources": None,
        "destinations": None,
        "service": {"id": route.service.id} if route.service else None,
        "tags": list(route.tags) or None,
    }


def _consumer(consumer: Consumer) -> Entity:
    return {
        "id": consumer.id,
        "username": consumer.username or None,
        "custom_id": consumer.custom_id or None,
        "tags": list(consumer.tags) or None,
    }


def _upstream(upstream: Upstream) -> Entity:
    """Only what the stand-in serves; Kong has health checks and hashing besides."""
    return {
        "id": entity_id("upstreams", upstream.name),
        "name": upstream.name,
        "host_header": upstream.host_header or None,
        "algorithm": "round-robin",
    }


def _target(target: Target, upstream: str) -> Entity:
    address = f"{target.host}:{target.port}"
    identity = entity_id("targets", f"{upstream}:{address}")
    return {"id": identity, "target": address, "weight": target.weight, "upstream": {"id": upstream}, "tags": None}


def _plugin(plugin: Plugin, info: PluginInfo) -> Entity:
    config = next(entry["config"] for entry in info.schema["fields"] if "config" in entry)
    pointers = {
        kind: {"id": identity} if identity else None
        for kind, identity in (("route", plugin.route), ("service", plugin.service), ("consumer", plugin.consumer))
    }
    return {
        "id": plugin.id,
        "name": plugin.name,
        "instance_name": plugin.instance_name or None,
        "enabled": True,
        "protocols": list(plugin.protocols),
        "config": _with_nulls(config, plugin.config),
        "tags": None,
        **pointers,
    }


def _with_nulls(field: Mapping[str, Any], value: Any) -> Any:
    """A configuration with a null for each field of a record that has no value."""
    if field["type"] == "record" and isinstance(value, Mapping):
        named = [item for entry in field["fields"] for item in entry.items()]
        return {name: _with_nulls(inner, value.get(name)) for name, inner in named}
    if field["type"] in {"array", "set"} and isinstance(value, list):
        return [_with_nulls(field["elements"], inner) for inner in value]
    return value
