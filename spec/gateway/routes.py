"""The declarative configuration that all cases share: a route for each way the plugin can be configured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NAME = "graphql-federation"

_IDENTITY_RULES = [
    {"op": "insert", "named": f"x-told-{name.replace('_', '-')}", "value_from": name}
    for name in ("consumer_id", "consumer_username", "consumer_custom_id", "credential_id", "groups", "scopes")
]
_RULES = [
    {"op": "propagate", "matching": "^x-app-", "exclude": ["x-app-debug"]},
    {"op": "propagate", "named": "x-tenant", "rename": "x-organisation", "default": "none"},
    {"op": "insert", "named": "x-gateway", "value": "kong"},
    {"op": "remove", "named": "baggage"},
]
CONSUMERS = [
    {
        "username": "alice",
        "custom_id": "a-1",
        "tags": ["beta"],
        "keyauth_credentials": [{"key": "alice-key"}],
    },
    {"username": "anybody"},
]


def document(directory: Path, url: str, plugins: frozenset[str]) -> dict[str, Any]:
    """
    The configuration, in Kong's format.

    Args:
        directory: Holds `supergraph.graphql`; log files are written there.
        url: Of the subgraphs and of the service that must not be reached.
        plugins: What the host can run; routes that take anything else are left out.
    """
    sdl = directory / "supergraph.graphql"

    def config(**settings: Any) -> dict[str, Any]:
        return {"supergraph": {"path": str(sdl)}, **settings}

    def route(name: str, *others: dict[str, Any], **settings: Any) -> dict[str, Any]:
        mine = {"name": _NAME, "config": config(**settings)}
        return {"name": name, "paths": [f"/{name}"], "strip_path": False, "plugins": [*others, mine]}

    rules = {"subgraph_defaults": {"headers": {"request": _IDENTITY_RULES}}}
    passing = {"passthrough": {"enabled": True}, "security": {"mask_errors": False}}
    service_less = [
        route("plain"),
        route("open", operations={"introspection": True}, security={"mask_errors": False}),
        route("limited", limits={"max_aliases": 1, "max_body_size": 1_000}),
        route("dead", subgraphs=[{"name": "reviews", "url": "http://127.0.0.1:9/reviews"}]),
        route("hurried", subgraph_defaults={"read_timeout": 300}),
        route("rules", subgraph_defaults={"headers": {"request": _RULES}}),
        route("forged", identity={"groups": {"header": "x-consumer-groups"}}, **rules),
        route("contradictory", subgraphs=[{"name": "reviews"}, {"name": "reviews"}]),
        route("key", {"name": "key-auth"}, **rules),
        route("anonymous", {"name": "key-auth", "config": {"anonymous": "anybody"}}, **rules),
        route(
            "acl",
            {"name": "key-auth"},
            {"name": "acl", "config": {"allow": ["gold"]}},
            identity={"groups": {"header": "X-Consumer-Groups"}},
            **rules,
        ),
        route("jwt", {"name": "jwt"}, identity={"scopes": {"jwt_claim": "scope"}}, **rules),
        route(
            "shared",
            {"name": "pre-function", "config": {"access": ["kong.ctx.shared.my_groups = {'a b', 'c'}"]}},
            identity={"groups": {"ctx_key": "my_groups"}},
            **rules,
        ),
        route("cors", {"name": "cors", "config": {"origins": ["https://shop.example"], "credentials": True}}),
        route("counted", {"name": "rate-limiting", "config": {"minute": 3, "policy": "local"}}),
        route(
            "correlated",
            {"name": "correlation-id", "config": {"header_name": "X-Correlation-ID", "echo_downstream": True}},
        ),
        route("measured", {"name": "prometheus", "config": {"status_code_metrics": True, "latency_metrics": True}}),
        route("logged", {"name": "file-log", "config": {"path": str(directory / "file.log"), "reopen": True}}),
        route("reported", {"name": "http-log", "config": {"http_endpoint": f"{url}/log"}}),
        route(
            "asked",
            {"name": "request-transformer", "config": {"add": {"headers": ["x-app-added:by-kong"]}}},
            subgraph_defaults={"headers": {"request": _RULES}},
        ),
        route("traced", {"name": "opentelemetry", "config": {"traces_endpoint": f"{url}/traces"}}),
        route("dressed", {"name": "response-transformer", "config": {"add": {"headers": ["x-added:by-kong"]}}}),
        route("told", {"name": "post-function", "config": {"header_filter": [_TOLD]}}),
        route("terminated", {"name": "request-termination", "config": {"status_code": 418}}),
    ]
    closed = [
        route("passed", subgraphs=[], **passing),
        route("balanced", subgraphs=[{"name": "accounts", "upstream": "accounts"}], **passing),
        route("lost", subgraphs=[{"name": "accounts", "upstream": "nowhere"}], **passing),
        route("passed-logged", {"name": "file-log", "config": {"path": str(directory / "passed.log")}}, **passing),
        {"name": "empty", "paths": ["/empty"]},
    ]
    reachable = [route("guarded")]
    host, _, port = url.removeprefix("http://").partition(":")
    return {
        "_format_version": "3.0",
        "consumers": _consumers(plugins),
        "upstreams": [
            {"name": "graphql.closed"},
            {"name": "accounts", "targets": [{"target": f"{host}:{port}"}]},
        ],
        "services": [
            {"name": "closed", "host": "graphql.closed", "routes": _runnable(closed, plugins)},
            {"name": "void", "url": f"{url}/void", "routes": reachable},
        ],
        "routes": _runnable(service_less, plugins),
    }


_TOLD = """\
local told = kong.ctx.shared.graphql
if told then
  kong.response.set_header("x-told", told.operation_name .. " " .. told.subrequests .. " " .. told.plan_cache)
end
"""


def _consumers(plugins: frozenset[str]) -> list[dict[str, Any]]:
    alice, anybody = CONSUMERS
    more: dict[str, Any] = {}
    if "acl" in plugins:
        more["acls"] = [{"group": "gold"}, {"group": "eu"}]
    if "jwt" in plugins:
        more["jwt_secrets"] = [{"key": "issuer", "secret": "0123456789abcdef0123456789abcdef"}]
    return [{**alice, **more}, dict(anybody)]


def _runnable(routes: list[dict[str, Any]], plugins: frozenset[str]) -> list[dict[str, Any]]:
    return [route for route in routes if plugins >= _taken(route)]


def _taken(route: Mapping[str, Any]) -> set[str]:
    return {plugin["name"] for plugin in route.get("plugins", ()) if plugin["name"] != _NAME}
