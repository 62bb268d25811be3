"""
What a manifest breaks: core kinds by Kubernetes' schemas, custom ones by their definitions, ours by the settings.

Custom resources are checked as the API server does in strict mode: where a definition names its fields, no others are
allowed, and the rules in CEL hold (`x-kubernetes-validations`; those about a change need an older object and are left
out). A kind that nothing here can check is a finding.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import celpy
import jsonschema
import kubernetes_validate
import yaml
from celpy import json_to_cel

from kong_federation.errors import FederationErrors
from kong_federation.settings import json_schema, parse_settings

SCHEMAS = Path(__file__).parent / "schemas"
KUBERNETES = "1.33"
CORE = ("v1", "apps/v1", "networking.k8s.io/v1")
PLUGIN = "graphql-federation"


def documents(path: Path) -> list[dict[str, Any]]:
    """The manifests of a file."""
    return [found for found in yaml.load_all(path.read_text(encoding="utf-8"), yaml.CSafeLoader) if found is not None]


def findings(manifest: dict[str, Any]) -> list[str]:
    """What is wrong with one manifest; empty if nothing is."""
    if manifest["apiVersion"] in CORE:
        return _core(manifest)
    schema = _definitions().get((manifest["apiVersion"], manifest["kind"]))
    if schema is None:
        return [f"{manifest['apiVersion']} {manifest['kind']}: there is nothing to check it by"]
    found = [_line(error) for error in jsonschema.Draft7Validator(schema).iter_errors(manifest)]
    found += _broken_rules(schema, _with_defaults(schema, manifest), manifest["kind"])
    if manifest["kind"] == "KongPlugin" and manifest["plugin"] == PLUGIN and "configPatches" not in manifest:
        found += config_findings(manifest.get("config", {}))
    return found


def config_findings(config: dict[str, Any]) -> list[str]:
    """What the plugin and the JSON Schema find in a configuration of ours."""
    found = [_line(error) for error in jsonschema.Draft202012Validator(json_schema()).iter_errors(config)]
    try:
        parse_settings(config)
    except FederationErrors as error:
        found += [str(one) for one in error.errors]
    return found


def deck_findings(document: dict[str, Any]) -> list[str]:
    """What decK's schema and the plugin find in a declarative configuration."""
    schema = json.loads((SCHEMAS / "deck" / "kong_json_schema.json").read_text(encoding="utf-8"))
    found = [_line(error) for error in jsonschema.Draft4Validator(schema).iter_errors(document)]
    for plugin in plugins_of(document):
        if plugin["name"] == PLUGIN:
            found += config_findings(plugin["config"])
    return found


def plugins_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """All plugins of a declarative configuration, wherever they stand."""
    routes = [*document.get("routes", ()), *(r for s in document.get("services", ()) for r in s.get("routes", ()))]
    holders = [document, *document.get("services", ()), *routes, *document.get("consumers", ())]
    return [plugin for holder in holders for plugin in holder.get("plugins", ())]


def _core(manifest: dict[str, Any]) -> list[str]:
    try:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{'.'.join(map(str, error.path))}: {error.message}"]
    return []


@cache
def _definitions() -> dict[tuple[str, str], dict[str, Any]]:
    found = {}
    for path in sorted(SCHEMAS.glob("*/*.yaml")):
        (definition,) = documents(path)
        spec = definition["spec"]
        for version in spec["versions"]:
            key = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
            schema = copy.deepcopy(version["schema"]["openAPIV3Schema"])
            found[key] = _strict(schema, top=True)
    return found


def _strict(schema: dict[str, Any], *, top: bool = False) -> dict[str, Any]:
    """Refuse fields that a definition does not name; what the API server itself owns is left open."""
    named = schema.get("properties", {})
    for name, inner in named.items():
        if not (top and name == "metadata"):
            _strict(inner)
    if "items" in schema:
        _strict(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        _strict(schema["additionalProperties"])
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if named and not open_ended:
        schema["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        schema.pop("type", None)
    return schema


def _with_defaults(schema: dict[str, Any], value: Any) -> Any:
    """A value with what the API server fills in before it looks at the rules."""
    if isinstance(value, dict):
        named = schema.get("properties", {})
        filled = {name: inner["default"] for name, inner in named.items() if "default" in inner} | value
        return {name: _with_defaults(named.get(name, {}), inner) for name, inner in filled.items()}
    if isinstance(value, list):
        return [_with_defaults(schema.get("items", {}), inner) for inner in value]
    return value


def _broken_rules(schema: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    """The rules in CEL that a value or anything in it breaks."""
    for rule in schema.get("x-kubernetes-validations", ()):
        if "oldSelf" not in rule["rule"] and not _program(rule["rule"]).evaluate({"self": json_to_cel(value)}):
            yield f"{path}: {rule.get('message', rule['rule'])}"
    if isinstance(value, dict):
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                yield from _broken_rules(inner, value[name], f"{path}.{name}")
    if isinstance(value, list) and "items" in schema:
        for place, inner in enumerate(value):
            yield from _broken_rules(schema["items"], inner, f"{path}.{place}")


@cache
def _program(rule: str) -> celpy.Runner:
    environment = celpy.Environment()
    return environment.program(environment.compile(rule))


def _line(error: jsonschema.ValidationError) -> str:
    return f"{'.'.join(map(str, error.absolute_path))}: {error.message[:300]}"
