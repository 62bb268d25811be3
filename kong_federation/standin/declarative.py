"""
A declarative configuration (format 3.0) as Kong reads it: nested or flat, by name or by id, checked and completed.

    services: [{name, url, routes: [{...plugins}], plugins}]
    routes, plugins at the top, pointing to their service, route or consumer by name or id
    upstreams: [{name, targets: [{target, weight}]}]
    consumers: [{username, keyauth_credentials: [{key}], plugins}]

Every mistake is found and reported together, with its path. What Kong would load and the stand-in does not imitate is
a warning: other plugins, and the entities that belong to them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import CONFIGURATION_INVALID
from kong_federation.standin import entity_schemas
from kong_federation.standin.entities import (
    Configuration,
    Consumer,
    KeyCredential,
    Plugin,
    Route,
    Service,
    Target,
    Upstream,
)
from kong_federation.standin.identity import entity_id, plugin_cache_key, plugin_id
from kong_federation.standin.plugins import BUNDLED, NOT_ENABLED, PluginInfo, complete_plugin, handed
from kong_federation.standin.schema import Finding, complete

_SERVED = {"services", "routes", "upstreams", "consumers", "plugins", "keyauth_credentials", "targets"}
_MARKS = {"_format_version", "_transform", "_comment", "_ignore"}
_OTHER = {
    "acls",
    "basicauth_credentials",
    "ca_certificates",
    "certificates",
    "consumer_groups",
    "filter_chains",
    "hmacauth_credentials",
    "jwt_secrets",
    "key_sets",
    "keys",
    "oauth2_credentials",
    "snis",
    "vaults",
}


def read_configuration(document: Any, plugins: Mapping[str, PluginInfo]) -> Configuration:
    """
    Check and complete a declarative configuration.

    Args:
        document: What the YAML holds.
        plugins: The plugins that are run, by name; all others are named in a warning.

    Raises:
        FederationErrors: CONFIGURATION_INVALID, one for each mistake, naming its path.
    """
    configuration, findings = examine_configuration(document, plugins)
    if findings:
        raise FederationErrors([FederationError(CONFIGURATION_INVALID, str(found)) for found in findings])
    return configuration


def examine_configuration(document: Any, plugins: Mapping[str, PluginInfo]) -> tuple[Configuration, list[Finding]]:
    """As `read_configuration`, with the findings as values; with findings the configuration must not be used."""
    reader = _Reader(plugins)
    return reader.read(document), reader.findings


class _Reader:
    """The configuration while it is read: what was found so far."""

    def __init__(self, plugins: Mapping[str, PluginInfo]) -> None:
        self.findings: list[Finding] = []
        self._known_plugins = plugins
        self._warnings: list[str] = []
        self._services: dict[str, Service] = {}
        self._disabled: set[str] = set()
        self._routes: dict[str, Route] = {}
        self._upstreams: dict[str, Upstream] = {}
        self._consumers: dict[str, Consumer] = {}
        self._credentials: dict[str, KeyCredential] = {}
        self._plugins: dict[str, Plugin] = {}

    def read(self, document: Any) -> Configuration:
        if not isinstance(document, Mapping):
            self._found("kong.yml", "expected a record")
            document = {}
        self._check_top(document)
        # What is pointed to is read before what points to it.
        for path, item in self._items(document, "services", ""):
            self._service(item, path)
        for path, item in self._items(document, "upstreams", ""):
            self._upstream(item, path)
        for path, item in self._items(document, "consumers", ""):
            self._consumer(item, path)
        for path, item in self._items(document, "routes", ""):
            self._route(item, path, None)
        for path, item in self._items(document, "keyauth_credentials", ""):
            self._credential(item, path, None)
        for path, item in self._items(document, "plugins", ""):
            self._plugin(item, path, {})
        return Configuration(
            services=tuple(self._services.values()),
            routes=tuple(self._routes.values()),
            upstreams=self._upstreams,
            consumers=tuple(self._consumers.values()),
            credentials=self._credentials,
            plugins=tuple(self._plugins.values()),
            created_at=int(time.time()),
            warnings=tuple(dict.fromkeys(self._warnings)),
        )

    def _check_top(self, document: Mapping[str, Any]) -> None:
        problem = _version_problem(document.get("_format_version"))
        if problem is not None:
            self._found("_format_version", problem)
        for name in document:
            if name in _OTHER:
                self._warnings.append(f"{name}: not imitated by the stand-in, ignored")
            elif name == "targets":
                self._found(name, "the stand-in reads targets only inside their upstream")
            elif name not in _SERVED | _MARKS:
                self._found(str(name), "unknown field")

    def _items(self, parent: Mapping[str, Any], name: str, path: str) -> list[tuple[str, dict[str, Any]]]:
        """The entities in a list, each with its path."""
        where = f"{path}.{name}" if path else name
        listed = parent.get(name)
        if listed is None:
            return []
        if not isinstance(listed, Sequence) or isinstance(listed, str):
            self._found(where, "expected an array")
            return []
        found = []
        for place, item in enumerate(listed, 1):
            if isinstance(item, Mapping):
                found.append((f"{where}[{place}]", dict(item)))
            else:
                self._found(f"{where}[{place}]", "expected a record")
        return found

    def _complete(self, schema: Mapping[str, Any], item: Mapping[str, Any], path: str) -> dict[str, Any] | None:
        filled, findings = complete(schema, item, path)
        self.findings += findings
        return None if findings else filled

    def _service(self, item: dict[str, Any], path: str) -> None:
        nested = {name: item.pop(name, None) for name in ("routes", "plugins")}
        if "url" in item:
            item = {**self._from_url(item.pop("url"), path), **item}
        filled = self._complete(entity_schemas.SERVICE, item, path)
        if filled is None:
            return
        service = Service(
            id=filled["id"] or entity_id("services", filled["name"] or ""),
            name=filled["name"] or "",
            protocol=filled["protocol"],
            host=filled["host"],
            port=filled["port"],
            path=filled["path"] or "",
            retries=filled["retries"],
            connect_timeout=filled["connect_timeout"],
            write_timeout=filled["write_timeout"],
            read_timeout=filled["read_timeout"],
            tags=tuple(filled["tags"] or ()),
        )
        self._keep(self._services, service.id, service, path)
        if not filled["enabled"]:
            self._disabled.add(service.id)
        for where, route in self._items(nested, "routes", path):
            self._route(route, where, service)
        for where, plugin in self._items(nested, "plugins", path):
            self._plugin(plugin, where, {"service": service.id})

    def _from_url(self, url: Any, path: str) -> dict[str, Any]:
        """The fields that a service's `url` stands for."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except (TypeError, ValueError, AttributeError):
            self._found(f"{path}.url", "missing host in url")
            return {}
        if not parts.hostname:
            self._found(f"{path}.url", "missing host in url")
            return {}
        fields: dict[str, Any] = {"protocol": parts.scheme, "host": parts.hostname}
        fields["port"] = port or (443 if parts.scheme == "https" else 80)
        if parts.path:
            fields["path"] = parts.path
        return fields

    def _route(self, item: dict[str, Any], path: str, service: Service | None) -> None:
        nested = item.pop("plugins", None)
        if service is None and item.get("service") is not None:
            service = self._services.get(self._pointed(item["service"], "services", self._services, f"{path}.service"))
        item.pop("service", None)
        filled = self._complete(entity_schemas.ROUTE, item, path)
        if filled is None:
            return
        route = Route(
            id=filled["id"] or entity_id("routes", filled["name"] or ""),
            name=filled["name"] or "",
            protocols=tuple(filled["protocols"]),
            methods=tuple(filled["methods"] or ()),
            hosts=tuple(filled["hosts"] or ()),
            paths=tuple(filled["paths"] or ()),
            headers=tuple((name.lower(), tuple(values)) for name, values in (filled["headers"] or {}).items()),
            https_redirect_status_code=filled["https_redirect_status_code"],
            regex_priority=filled["regex_priority"],
            strip_path=filled["strip_path"],
            path_handling=filled["path_handling"],
            preserve_host=filled["preserve_host"],
            request_buffering=filled["request_buffering"],
            tags=tuple(filled["tags"] or ()),
            service=service,
        )
        if service is None or service.id not in self._disabled:
            self._keep(self._routes, route.id, route, path)
        for where, plugin in self._items({"plugins": nested}, "plugins", path):
            self._plugin(plugin, where, {"route": route.id})

    def _upstream(self, item: dict[str, Any], path: str) -> None:
        nested = item.pop("targets", None)
        filled = self._complete(entity_schemas.UPSTREAM, item, path)
        targets = []
        for where, target in self._items({"targets": nested}, "targets", path):
            listed = self._complete(entity_schemas.TARGET, target, where)
            if listed is not None:
                host, _, port = listed["target"].rpartition(":")
                if not host or not port.isdigit():
                    host, port = listed["target"], "8000"  # Kong's default port of a target
                targets.append(Target(host, int(port), listed["weight"]))
        if filled is not None:
            upstream = Upstream(filled["name"], filled["host_header"] or "", tuple(targets))
            self._keep(self._upstreams, upstream.name, upstream, path)

    def _consumer(self, item: dict[str, Any], path: str) -> None:
        nested = {name: item.pop(name, None) for name in ("keyauth_credentials", "plugins")}
        for name in [name for name in item if name in _OTHER]:
            self._warnings.append(f"consumers.{name}: not imitated by the stand-in, ignored")
            del item[name]
        filled = self._complete(entity_schemas.CONSUMER, item, path)
        if filled is None:
            return
        consumer = Consumer(
            id=filled["id"] or entity_id("consumers", filled["username"] or ""),
            username=filled["username"] or "",
            custom_id=filled["custom_id"] or "",
            tags=tuple(filled["tags"] or ()),
        )
        self._keep(self._consumers, consumer.id, consumer, path)
        for where, credential in self._items(nested, "keyauth_credentials", path):
            self._credential(credential, where, consumer)
        for where, plugin in self._items(nested, "plugins", path):
            self._plugin(plugin, where, {"consumer": consumer.id})

    def _credential(self, item: dict[str, Any], path: str, consumer: Consumer | None) -> None:
        if consumer is None:
            pointer = item.pop("consumer", None)
            consumer = self._consumers.get(self._pointed(pointer, "consumers", self._consumers, f"{path}.consumer"))
        ttl = item.pop("ttl", None)
        if ttl is not None:
            self._warnings.append("keyauth_credentials.ttl: not imitated by the stand-in, keys do not expire")
        filled = self._complete(entity_schemas.KEY_CREDENTIAL, item, path)
        if filled is not None and consumer is not None:
            identity = filled["id"] or entity_id("keyauth_credentials", f"keyauth_credentials:*:{filled['key']}")
            self._keep(self._credentials, filled["key"], KeyCredential(identity, filled["key"], consumer), path)

    def _plugin(self, item: dict[str, Any], path: str, scope: Mapping[str, str]) -> None:
        name = item.get("name")
        info = self._known_plugins.get(name) if isinstance(name, str) else None
        if name is not None and info is None and name not in BUNDLED:
            self._found(f"{path}.name", NOT_ENABLED.format(name=name))
            return
        if name is not None and info is None:
            self._warnings.append(f"{path}: the plugin {name!r} is not imitated by the stand-in, ignored")
            return
        points: dict[str, Mapping[str, Any]] = {
            "route": self._routes,
            "service": self._services,
            "consumer": self._consumers,
        }
        ids = dict(scope)
        for kind, known in points.items():
            pointer = item.pop(kind, None)
            if pointer is not None:
                ids[kind] = self._pointed(pointer, f"{kind}s", known, f"{path}.{kind}")
        filled, findings = complete_plugin(info, {**item, **({"consumer": 1} if "consumer" in ids else {})}, path)
        self.findings += findings
        if info is None or findings or not filled["enabled"]:
            return
        limits = (ids.get("route", ""), ids.get("service", ""), ids.get("consumer", ""))
        plugin = Plugin(
            id=filled["id"] or plugin_id(filled["name"], *limits),
            key=plugin_cache_key(filled["name"], *limits),
            name=filled["name"],
            instance_name=filled["instance_name"] or "",
            protocols=tuple(filled["protocols"]),
            config=filled["config"],
            handed=handed(info, filled["config"], lambda problem: self._warnings.append(f"{path}: {problem}")),
            route=limits[0],
            service=limits[1],
            consumer=limits[2],
        )
        self._keep(self._plugins, plugin.key, plugin, path)

    def _pointed(self, pointer: Any, kind: str, known: Mapping[str, Any], path: str) -> str:
        """The id of what a name, an id or `{name: ...}` points to; an empty one when there is nothing."""
        if isinstance(pointer, Mapping):
            pointer = pointer.get("id") or pointer.get("name") or pointer.get("username")
        for identity, entity in known.items():
            if pointer in (identity, getattr(entity, "name", None), getattr(entity, "username", None)):
                return identity
        self._found(path, f"there is none of this name or id in {kind}: {pointer!r}")
        return ""

    def _keep(self, kept: dict[str, Any], key: str, entity: Any, path: str) -> None:
        if key in kept:
            self._found(path, "uniqueness violation: there is another one with the same name, key or scope")
        kept[key] = entity

    def _found(self, path: str, problem: str) -> None:
        self.findings.append(Finding(path, problem))


def _version_problem(version: Any) -> str | None:
    match version:
        case "3.0":
            return None
        case None:
            return "required field missing"
        case "1.1" | "2.1":
            return "the stand-in reads format 3.0 only"
        case str():
            return "expected one of: 1.1, 2.1, 3.0"
        case _:
            return "expected a string"
