"""Kong's side: the node, the plugin's configurations, and where their routes lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kong_federation.doctor.admin import Node
from kong_federation.doctor.entities import PLUGIN, Entities, Entity, label
from kong_federation.doctor.finding import Finding, failed, ok, warning
from kong_federation.errors import FederationErrors
from kong_federation.kong.schema import plugin_schema
from kong_federation.settings import Settings, parse_settings
from kong_federation.standin.plugins import PluginInfo, complete_plugin

NODE = "kong"
FILE = "kong.yml"

_OLDEST = (3, 8)
_SIZES = {"k": 1024, "m": 1024**2, "g": 1024**3}
_READ_AGAIN = (
    "Write the dump anew (`kong-federation dump --output FILE`) and restart Kong: it reads the query command's output "
    "only when it starts."
)
_CONF = """\
plugins = bundled,graphql-federation; pluginserver_names = graphql-federation; and its _socket and _query_cmd \
(docs/kong.md)"""


@dataclass(frozen=True, slots=True)
class Graph:
    """
    One configuration of the plugin that is in use.

    Args:
        name: For people.
        config: Complete, as Kong hands it to the plugin server.
        settings: The same, read; None where a reference to a vault stands in it, which only Kong can resolve.
        paths: Where clients ask it.
    """

    name: str
    config: Mapping[str, Any]
    settings: Settings | None
    paths: tuple[str, ...]


def examine_node(node: Node, version: str) -> Iterator[Finding]:
    """
    What the node itself says.

    Args:
        node: As it answered.
        version: Of this package.
    """
    numbers = tuple(int(part) for part in node.version.split(".")[:2] if part.isdigit())
    if len(numbers) == 2 and numbers < _OLDEST:
        yield failed(NODE, f"Kong {node.version} is too old", "Use Kong 3.8 or newer; 3.9 is the one it was tried on.")
    else:
        yield ok(NODE, f"Kong {node.version or 'of a version that it does not tell'}")
    if node.root_status != 200:
        yield warning(
            NODE,
            f"GET / of the Admin API answers {node.root_status}",
            "Kong 3.9 does that once it has started a plugin server itself (Kong/kong#14260), and the ingress "
            "controller, decK and Kong Manager need it. Run the plugin server beside Kong, without a start_cmd.",
        )
    if PLUGIN not in node.plugins:
        yield failed(NODE, f"this Kong does not know the plugin {PLUGIN}", f"Set in kong.conf: {_CONF}; then restart.")
        return
    known = node.root.get("plugins", {}).get("available_on_server", {}).get(PLUGIN, {})
    theirs = known.get("version") if isinstance(known, Mapping) else None
    differing = _settings_of(node.schema) ^ _settings_of(plugin_schema())
    if theirs not in {None, version}:
        yield warning(NODE, f"it knows the plugin in version {theirs}, and this is {version}", _READ_AGAIN)
    elif differing:
        first = ", ".join(sorted(differing)[:3]) + (" and others" if len(differing) > 3 else "")
        yield warning(NODE, f"it knows the plugin with other settings than this version has: {first}", _READ_AGAIN)
    else:
        yield ok(NODE, f"it knows the plugin, with the settings of version {version}")


def _settings_of(schema: Mapping[str, Any]) -> set[str]:
    """The dotted names of all settings of a schema."""
    names: set[str] = set()
    waiting = [("", schema)]
    while waiting:
        path, field = waiting.pop()
        inner = field.get("elements", field)
        for entry in inner.get("fields", ()):
            for name, declared in entry.items():
                names.add(f"{path}.{name}".strip("."))
                waiting.append((f"{path}.{name}", declared))
    return names


def examine_graphs(check: str, entities: Entities) -> tuple[list[Graph], list[Finding]]:
    """
    The plugin's configurations that are in use, and how they and their routes are.

    Args:
        check: `NODE` or `FILE`: where the entities are from.
        entities: See there.
    """
    graphs: list[Graph] = []
    findings: list[Finding] = []
    if not entities.graphs:
        findings.append(
            failed(check, f"nothing enables the plugin {PLUGIN}", "Put it on a route; docs/kong.md shows three ways.")
        )
    for plugin in entities.graphs:
        name = _named(plugin, entities)
        if plugin.get("enabled") is False:
            findings.append(warning(check, f"{name} is disabled", "Enable it, or take it away."))
            continue
        graph, wrong = _graph(check, name, plugin, entities)
        findings += wrong
        if graph is not None:
            graphs.append(graph)
            findings += _examine_passthrough(check, graph, plugin, entities)
        findings += _examine_routes(check, name, plugin, entities)
    return graphs, findings


def examine_body_buffer(node: Node, graphs: Sequence[Graph]) -> Iterator[Finding]:
    """Whether bodies that the plugin takes reach it without a file of Kong's, which another container cannot see."""
    servers = node.configuration.get("pluginservers", ())
    if any(server.get("name") == PLUGIN and server.get("start_command") for server in servers):
        return  # started by Kong, so on its machine and as its user
    written = str(node.configuration.get("nginx_http_client_body_buffer_size", ""))
    size = _bytes(written)
    limits = [graph.settings.limits.max_body_size for graph in graphs if graph.settings is not None]
    if size is None or not limits or size >= max(limits):
        return
    yield warning(
        NODE,
        f"Kong keeps bodies up to {written} in memory and the plugin takes up to {max(limits)} bytes; those between "
        "come as a file of Kong's machine",
        "Unless the plugin server runs as Kong's user on Kong's file system, set nginx_http_client_body_buffer_size "
        "above limits.max_body_size.",
    )


def _graph(check: str, name: str, plugin: Entity, entities: Entities) -> tuple[Graph | None, list[Finding]]:
    own = {field: plugin[field] for field in ("name", "config", "protocols") if plugin.get(field) is not None}
    info = PluginInfo(PLUGIN, "", 0, (), plugin_schema())
    filled, mistakes = complete_plugin(info, own, "")
    if mistakes:
        advice = "Kong refuses to load this. docs/configuration.md has every setting."
        return None, [failed(check, f"{name}: {str(found).removeprefix('.')}", advice) for found in mistakes]
    config: Mapping[str, Any] = filled["config"]
    paths = tuple(path for route in entities.routes_of(plugin) for path in route.get("paths") or ("/",))
    if "{vault://" in repr(config):
        return Graph(name, config, None, paths), [
            ok(check, f"{name}: the configuration is right, vault references apart")
        ]
    try:
        settings = parse_settings(config)
    except FederationErrors as error:
        advice = "Kong lets this through and the plugin server does not: clients get 500."
        return None, [failed(check, f"{name}: {one.message}", advice) for one in error.errors]
    return Graph(name, config, settings, paths), [ok(check, f"{name}: the configuration is right")]


def _examine_routes(check: str, name: str, plugin: Entity, entities: Entities) -> Iterator[Finding]:
    routes = entities.routes_of(plugin)
    if not routes:
        yield failed(check, f"{name} is on no route", "Point it to a route that there is.")
    for route in routes:
        called = f"route {label(route)}"
        yield _where_it_leads(check, called, entities.service_of(route), entities)
        methods = route.get("methods")
        if methods and "POST" not in methods:
            yield failed(
                check,
                f"{called} takes {', '.join(methods)} and not POST",
                "Add POST; also OPTIONS for browsers and cors.",
            )
        missing = set(route.get("protocols") or ("http", "https")) - set(plugin.get("protocols") or ("http", "https"))
        if missing:
            yield warning(
                check,
                f"{called} takes {', '.join(sorted(missing))}, where the plugin does not run",
                "Give the route and the plugin the same protocols.",
            )


def _examine_passthrough(check: str, graph: Graph, plugin: Entity, entities: Entities) -> Iterator[Finding]:
    if graph.settings is None or not graph.settings.passthrough.enabled:
        return
    for route in entities.routes_of(plugin):
        if entities.service_of(route) is None:
            yield warning(
                check,
                f"{graph.name}: pass-through is enabled, and route {label(route)} has no service",
                "Nothing is passed through there. Give it a service whose upstream has no targets "
                "(docs/passthrough.md), or switch pass-through off.",
            )
    for subgraph in graph.settings.subgraphs:
        if subgraph.upstream and not entities.has_upstream(subgraph.upstream):
            yield warning(
                check,
                f"{graph.name}: subgraph {subgraph.name} names the upstream {subgraph.upstream}, "
                "which Kong does not have",
                "Nothing is passed through to it. Add the upstream, or correct its name.",
            )


def _where_it_leads(check: str, called: str, service: Entity | None, entities: Entities) -> Finding:
    if service is None:
        return ok(check, f"{called} has no service: without the plugin, Kong answers 503")
    if entities.leads_nowhere(service):
        return ok(check, f"{called} leads to an upstream without targets: without the plugin, Kong answers 503")
    return warning(
        check,
        f"{called} leads to the service {label(service)} at {service.get('host') or service.get('url')}: were the "
        "plugin taken away, requests would reach it",
        "Use a route without a service, or a service whose upstream has no targets (docs/kong.md, failing closed).",
    )


def _named(plugin: Entity, entities: Entities) -> str:
    if plugin.get("instance_name"):
        return f"plugin {plugin['instance_name']}"
    for scope in ("route", "service"):
        if plugin.get(scope) is not None:
            found = entities.routes_of(plugin)
            return f"plugin on {scope} {label(found[0]) if scope == 'route' and found else _pointer(plugin[scope])}"
    return "plugin on all routes"


def _pointer(pointer: Any) -> str:
    return label(pointer) if isinstance(pointer, Mapping) else str(pointer)


def _bytes(written: str) -> int | None:
    unit = _SIZES.get(written[-1:].lower(), 1)
    number = written.rstrip("kKmMgG")
    return int(number) * unit if number.isdigit() else None
