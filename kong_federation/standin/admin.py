"""
Kong's Admin API as a node without a database has it, as far as a declarative configuration needs it.

    GET   /  /status  /plugins/enabled  /schemas/plugins/NAME
    POST  /schemas/plugins/validate
    POST  /config
    GET   /routes  /services  /plugins  /consumers  /upstreams, each also with /NAME-OR-ID, and what belongs to one:
          /routes/X/plugins  /services/X/routes  /services/X/plugins  /consumers/X/plugins  /upstreams/X/targets

Everything that would change an entity is refused as Kong refuses it: a body that is wrong with 400, one that is right
with 405, because there is no database; only deleting what is not there succeeds. What Kong would serve and the
stand-in does not is 501, so that nobody takes it for Kong's answer.

Source: answers of Kong 3.9.3, recorded in tests/standin/admin.json.
"""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.standin import entity_schemas
from kong_federation.standin.admin_http import (
    Refused,
    answer,
    configuration_of,
    entity_of,
    only,
    page_of,
    parsed,
    read,
)
from kong_federation.standin.admin_views import UNIQUE, Entity, entities
from kong_federation.standin.answers import KONG
from kong_federation.standin.declarative import examine_configuration
from kong_federation.standin.entities import Configuration
from kong_federation.standin.plugins import BUNDLED, NOT_ENABLED, PluginInfo, complete_plugin
from kong_federation.standin.problems import flattened, invalid_configuration, nested, schema_violation
from kong_federation.standin.schema import Finding, complete

_LARGEST_BODY = 10 * 1024 * 1024  # bytes, Kong's `nginx_admin_client_max_body_size`
_TRUE = frozenset({"true", "1", "on", "yes"})
_NESTED = {
    "routes": ("plugins",),
    "services": ("routes", "plugins"),
    "consumers": ("plugins",),
    "upstreams": ("targets",),
    "plugins": (),
}
_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "services": entity_schemas.SERVICE,
    "routes": entity_schemas.ROUTE,
    "consumers": entity_schemas.CONSUMER,
    "upstreams": entity_schemas.UPSTREAM,
    "targets": entity_schemas.TARGET,
}
_POINTERS = {"plugins": ("route", "service", "consumer"), "routes": ("service",), "targets": ("upstream",)}
_WITHOUT_DATABASE = "cannot {verb} '{kind}' entities{by} when not using a database"
_VERBS = {"POST": "create", "PUT": "create or update", "PATCH": "update", "DELETE": "remove"}


@dataclass(frozen=True, slots=True)
class Node:
    """What the Admin API tells of the node."""

    id: str
    socket: Path
    declarative_config: str | None


class Admin:
    """
    The API of one stand-in.

    Args:
        node: See there.
        plugins: What is run, by name.
        current: The configuration in use.
        use: Puts another one to use; may raise what a configuration's mistakes raise.
    """

    def __init__(
        self,
        node: Node,
        plugins: Mapping[str, PluginInfo],
        current: Callable[[], Configuration],
        use: Callable[[Configuration], None],
    ) -> None:
        self._node = node
        self._plugins = plugins
        self._current = current
        self._use = use
        self._hash = "0" * 32
        self._requests = 0

    def application(self) -> web.Application:
        """All of it as one application."""
        application = web.Application(middlewares=[self._around], client_max_size=_LARGEST_BODY)
        application.router.add_route("*", "/{path:.*}", self._handle)
        return application

    @web.middleware
    async def _around(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        started = time.monotonic()
        self._requests += 1
        try:
            response = await handler(request)
        except Refused as refused:
            response = answer(refused.status, refused.body)
        latency = round((time.monotonic() - started) * 1000)
        response.headers.update(
            {
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Allow-Credentials": "true",
                "X-Kong-Admin-Latency": str(latency),
                "Server": KONG,
            }
        )
        return response

    async def _handle(self, request: web.Request) -> web.Response:
        match [step for step in request.path.split("/") if step]:
            case []:
                return read(request, self._root)
            case ["status"]:
                return read(request, self._status)
            case ["plugins", "enabled"]:
                return read(request, lambda: {"enabled_plugins": sorted(BUNDLED | self._plugins.keys())})
            case ["schemas", "plugins", "validate"]:
                return await self._validate(request)
            case ["schemas", "plugins", name]:
                return read(request, lambda: self._schema(name))
            case ["config"]:
                return await self._load(request)
            case [kind, *rest] if kind in UNIQUE and len(rest) <= 3:
                return await self._entities(request, kind, rest)
            case [kind, *_] if kind in {"certificates", "vaults", "schemas", "tags", "key-auths", "targets", "keys"}:
                raise Refused(501, {"message": "not imitated by the stand-in"})
        raise Refused(404, {"message": "Not found"})

    def _root(self) -> dict[str, Any]:
        names = sorted(self._plugins)
        known = {name: {"version": info.version, "priority": info.priority} for name, info in self._plugins.items()}
        ours = [name for name in names if name not in BUNDLED]
        return {
            "version": KONG.partition("/")[2],
            "tagline": "Welcome to kong",
            "edition": "community",
            "hostname": platform.node(),
            "node_id": self._node.id,
            "pids": {"master": os.getpid(), "workers": [os.getpid()]},
            "lua_version": f"none: the stand-in runs on Python {platform.python_version()}",
            "timers": {"running": 0, "pending": 0},
            "plugins": {
                "available_on_server": known,
                "enabled_in_cluster": sorted({plugin.name for plugin in self._current().plugins}),
            },
            "configuration": {
                "database": "off",
                "role": "traditional",
                "declarative_config": self._node.declarative_config,
                "plugins": ["bundled", *ours],
                "loaded_plugins": dict.fromkeys(names, True),
                "pluginserver_names": ours,
                "pluginservers": [
                    {"name": name, "protocol": "ProtoBuf:1", "socket": str(self._node.socket)} for name in ours
                ],
                "nginx_http_client_body_buffer_size": "8k",
            },
        }

    def _status(self) -> dict[str, Any]:
        return {
            "server": {"total_requests": self._requests},
            "configuration_hash": self._hash,
            "memory": {"workers_lua_vms": [], "lua_shared_dicts": {}},
        }

    def _schema(self, name: str) -> dict[str, Any]:
        info = self._plugins.get(name)
        if info is not None:
            return {"entity_checks": info.schema.get("entity_checks", []), "fields": info.schema["fields"]}
        if name in BUNDLED:
            raise Refused(501, {"message": "not imitated by the stand-in"})
        raise Refused(404, {"message": f"No plugin named '{name}'"})

    async def _validate(self, request: web.Request) -> web.Response:
        only(request, "POST")
        self._check("plugins", await entity_of(request))
        return answer(200, {"message": "schema validation successful"})

    async def _load(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            raise Refused(501, {"message": "not imitated by the stand-in"})
        only(request, "POST")
        given, text = await configuration_of(request)
        digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        if given.get("check_hash") == "1" and text and digest == self._hash:
            return web.Response(status=304)
        document = given if "_format_version" in given else parsed(text)
        document = {name: value for name, value in document.items() if name not in {"check_hash", "flatten_errors"}}
        configuration, findings = examine_configuration(document, self._plugins)
        if findings:
            flat = str(given.get("flatten_errors", "")).lower() in _TRUE
            body = flattened(findings, document) if flat else invalid_configuration(nested(findings))
            return answer(400, body)
        try:
            self._use(configuration)
        except (FederationError, FederationErrors) as error:
            return answer(400, invalid_configuration({"error": str(error)}))
        self._hash = digest if text else hashlib.md5(repr(document).encode(), usedforsecurity=False).hexdigest()
        shown = entities(configuration, self._plugins)
        return answer(201, {kind: found for kind, found in shown.items() if found})

    async def _entities(self, request: web.Request, kind: str, rest: Sequence[str]) -> web.Response:
        shown = entities(self._current(), self._plugins)
        match rest:
            case []:
                return await self._list(request, kind, list(shown[kind].values()), {})
            case [name]:
                return await self._one(request, kind, name, _find(shown, kind, name))
            case [name, inner, *last] if inner in _NESTED[kind]:
                parent = _find(shown, kind, name)
                if parent is None:
                    raise Refused(404, {"message": "Not found"})
                pointer = {"id": parent["id"]}
                mine = [found for found in shown[inner].values() if found[kind.removesuffix("s")] == pointer]
                if not last:
                    return await self._list(request, inner, mine, {kind.removesuffix("s"): pointer})
                found = _find({inner: {one["id"]: one for one in mine}}, inner, last[0])
                return await self._one(request, inner, last[0], found)
        raise Refused(404, {"message": "Not found"})

    async def _list(
        self, request: web.Request, kind: str, found: Sequence[Entity], pointers: Mapping[str, Any]
    ) -> web.Response:
        if request.method == "POST":
            self._check(kind, {**await entity_of(request), **pointers})
            raise _unsupported("POST", kind, "")
        return read(request, lambda: page_of(request, found))

    async def _one(self, request: web.Request, kind: str, name: str, entity: Entity | None) -> web.Response:
        by = "" if _is_id(name) else f" by '{UNIQUE[kind]}'"
        match request.method:
            case "DELETE" if entity is None:
                return web.Response(status=204)
            case "DELETE":
                raise _unsupported("DELETE", kind, by)
            case "PUT":
                self._check(kind, {"name": name, **await entity_of(request)} if by else await entity_of(request))
                raise _unsupported("PUT", kind, by)
            case "PATCH":
                self._patch(kind, name, entity, await entity_of(request), by)
                raise _unsupported("PATCH", kind, by)
        if entity is None and request.method in {"GET", "HEAD"}:
            raise Refused(404, {"message": "Not found"})
        return read(request, lambda: entity or {})

    def _patch(self, kind: str, name: str, entity: Entity | None, given: Mapping[str, Any], by: str) -> None:
        # Kong looks a plugin up before it updates it, and says so in fewer words.
        if entity is None and by and kind != "plugins":
            field = UNIQUE[kind]
            text = f"could not find the entity with '{{{field}=\"{name}\"}}'"
            raise Refused(404, {"code": 6, "name": "not found", "fields": {field: name}, "message": text})
        if entity is None:
            raise Refused(404, {"message": "Not found"})
        kept = {field: value for field, value in entity.items() if field not in {"created_at", "updated_at"}}
        self._check(kind, _merged(kept, given))

    def _check(self, kind: str, given: Mapping[str, Any]) -> None:
        """
        Refuse an entity that is wrong.

        Raises:
            Refused: 400 with what is wrong, 501 for plugins that are not run here.
        """
        own = {name: value for name, value in given.items() if name not in _POINTERS.get(kind, ())}
        if kind == "plugins":
            findings = self._check_plugin(own, consumer=given.get("consumer") is not None)
        else:
            if kind == "services" and "url" in own:
                own = {"host": "from url", **{name: value for name, value in own.items() if name != "url"}}
            findings = complete(_SCHEMAS[kind], own, "")[1]
        if findings:
            tidy = [Finding(found.path.removeprefix("."), found.problem, found.whole) for found in findings]
            raise Refused(400, schema_violation(tidy))

    def _check_plugin(self, given: Mapping[str, Any], *, consumer: bool) -> list[Finding]:
        name = given.get("name")
        if name is None:
            return [Finding("name", "required field missing")]
        info = self._plugins.get(name)
        if info is None and name in BUNDLED:
            raise Refused(501, {"message": f"the plugin {name} is not imitated by the stand-in"})
        if info is None:
            return [Finding("name", NOT_ENABLED.format(name=name))]
        return complete_plugin(info, {**given, **({"consumer": 1} if consumer else {})}, "")[1]


def _find(shown: Mapping[str, Mapping[str, Entity]], kind: str, name: str) -> Entity | None:
    if name in shown[kind]:
        return shown[kind][name]
    unique = UNIQUE.get(kind, "id")
    return next((entity for entity in shown[kind].values() if entity.get(unique) == name), None)


def _is_id(name: str) -> bool:
    return len(name) == 36 and name.count("-") == 4


def _merged(kept: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """An entity with some fields changed; records are merged, all else is replaced."""
    merged = dict(kept)
    for name, value in given.items():
        old = kept.get(name)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[name] = _merged(old, value) if both else value  # type: ignore[arg-type] # both are mappings
    return merged


def _unsupported(method: str, kind: str, by: str) -> Refused:
    text = _WITHOUT_DATABASE.format(verb=_VERBS[method], kind=kind, by=by)
    return Refused(405, {"code": 12, "name": "operation unsupported", "message": text})
