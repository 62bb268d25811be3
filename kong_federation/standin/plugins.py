"""The plugins that are run: what is known of each, and how its configuration is checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import CONFIGURATION_INVALID
from kong_federation.standin.entity_schemas import KEY_AUTH, PLUGIN_FIELDS
from kong_federation.standin.schema import Finding, complete, uncheckable, without_nulls
from kong_federation.standin.vault import resolved


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """
    What Kong knows of a plugin.

    Args:
        priority: Plugins run in `access` from the highest to the lowest.
        schema: `{"name": ..., "fields": [...]}` in Kong's schema language.
    """

    name: str
    version: str
    priority: int
    phases: Sequence[str]
    schema: Mapping[str, Any]


BUNDLED = frozenset({
    "acl", "acme", "ai-prompt-decorator", "ai-prompt-guard", "ai-prompt-template", "ai-proxy",
    "ai-request-transformer", "ai-response-transformer", "aws-lambda", "azure-functions", "basic-auth",
    "bot-detection", "correlation-id", "cors", "datadog", "file-log", "grpc-gateway", "grpc-web", "hmac-auth",
    "http-log", "ip-restriction", "jwt", "key-auth", "ldap-auth", "loggly", "oauth2", "opentelemetry",
    "post-function", "pre-function", "prometheus", "proxy-cache", "rate-limiting", "redirect",
    "request-size-limiting", "request-termination", "request-transformer", "response-ratelimiting",
    "response-transformer", "session", "standard-webhooks", "statsd", "syslog", "tcp-log", "udp-log", "zipkin",
})  # fmt: skip
"""The plugins that Kong 3.9.3 brings; any other name is refused by it unless it is in `plugins` of kong.conf."""

NOT_ENABLED = "plugin '{name}' not enabled; add it to the 'plugins' configuration property"

KEY_AUTH_INFO = PluginInfo("key-auth", "3.9.3", 1250, ("access",), KEY_AUTH)


def read_dump(text: str) -> PluginInfo:
    """
    What the query command printed.

    Raises:
        FederationErrors: CONFIGURATION_INVALID: it is not what Kong could read, or not for this protocol.
    """
    try:
        dump = json.loads(text)
        protocol = dump["Protocol"]
        first = dump["Plugins"][0]  # Kong reads the first plugin and no other.
        info = PluginInfo(
            name=str(first["Name"]),
            version=str(first["Version"]),
            priority=int(first["Priority"]),
            phases=tuple(first["Phases"]),
            schema=first["Schema"],
        )
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise _invalid(f"the plugin server's dump cannot be read ({type(error).__name__}: {error})") from error
    if protocol != "ProtoBuf:1":
        raise _invalid(f"the plugin server's dump asks for the protocol {protocol!r}, the stand-in speaks ProtoBuf:1")
    problems = uncheckable(_whole(info), info.name)
    if problems:
        raise FederationErrors([FederationError(CONFIGURATION_INVALID, str(problem)) for problem in problems])
    return info


def complete_plugin(
    info: PluginInfo | None, given: Mapping[str, Any], path: str
) -> tuple[dict[str, Any], list[Finding]]:
    """
    Fill and check one plugin entity.

    Args:
        info: None for an entity without a name, which is only found to lack it.
        given: The entity without what it points to; `consumer` stands for any consumer.
        path: Where it stands, for the findings.

    Returns:
        The entity with its `config` as Kong keeps it, and what is wrong.
    """
    whole = {"fields": PLUGIN_FIELDS} if info is None else _whole(info)
    filled, findings = complete(whole, given, path)
    if not findings:
        filled["config"] = without_nulls(_config(whole), filled["config"] or {})
    return filled, findings


def handed(info: PluginInfo, config: Mapping[str, Any], warn: Callable[[str], None]) -> Mapping[str, Any]:
    """
    A complete configuration as the plugin is handed it: with what references to vaults stand for.

    Args:
        info: The plugin.
        config: Of the entity that `complete_plugin` returns.
        warn: Is told of each reference that cannot be resolved.
    """
    found: Mapping[str, Any] = resolved(_config(_whole(info)), config, warn)
    return found


def _config(whole: Mapping[str, Any]) -> Mapping[str, Any]:
    field: Mapping[str, Any] = next(entry["config"] for entry in whole["fields"] if "config" in entry)
    return field


def _whole(info: PluginInfo) -> dict[str, Any]:
    """The schema of the entity: what every plugin has, overlaid with the plugin's own fields."""
    own = {name: field for entry in info.schema["fields"] for name, field in entry.items()}
    fields = [{name: own.pop(name, field)} for entry in PLUGIN_FIELDS for name, field in entry.items()]
    consumer = {"consumer": own.pop("consumer", {"type": "any"})}
    return {
        "fields": [*fields, consumer, *({name: field} for name, field in own.items())],
        "entity_checks": info.schema.get("entity_checks", []),
    }


def _invalid(problem: str) -> FederationErrors:
    return FederationErrors([FederationError(CONFIGURATION_INVALID, problem)])
