"""
References to secrets: `{vault://env/billing-key}` stands for the environment variable BILLING_KEY, as in Kong.

A reference is accepted where the schema says `referenceable`, whatever else the schema asks of the value, and replaced
when the configuration is handed to the plugin; what cannot be had is replaced by an empty text. Of Kong's vaults the
stand-in has `env`.

Source: https://developer.konghq.com/gateway/entities/vault/, and what Kong 3.9.3 does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

Field = Mapping[str, Any]


def is_reference(value: object) -> bool:
    """Whether a value has the form of a reference."""
    return isinstance(value, str) and value.startswith("{vault://") and value.endswith("}")


def resolved(field: Field, value: Any, warn: Callable[[str], None]) -> Any:
    """
    A value with its references replaced.

    Args:
        field: Its definition in Kong's schema language.
        value: Complete, see `schema.complete`.
        warn: Is told of each reference that cannot be resolved.
    """
    kind = field["type"]
    if kind == "record" and isinstance(value, Mapping):
        fields = {name: inner for entry in field["fields"] for name, inner in entry.items()}
        return {name: resolved(fields[name], inner, warn) for name, inner in value.items()}
    if kind in {"array", "set"} and isinstance(value, list):
        return [resolved(field["elements"], inner, warn) for inner in value]
    if kind == "map" and isinstance(value, Mapping):
        return {name: resolved(field["values"], inner, warn) for name, inner in value.items()}
    if not (kind == "string" and field.get("referenceable") and is_reference(value)):
        return value
    try:
        return _secret(value[1:-1])
    except LookupError as missing:
        warn(f"{value}: {missing}; an empty text takes its place, as in Kong")
        return ""


def _secret(reference: str) -> str:
    """
    What a reference stands for.

    Raises:
        LookupError: It cannot be had; the text says why.
    """
    try:
        url = urlsplit(reference)
    except ValueError:
        raise LookupError("it is no URL") from None
    if url.hostname != "env":
        raise LookupError(f"the stand-in has no vault {url.hostname!r}, only 'env'")
    parts = [unquote(part) for part in url.path.split("/") if part]
    if not parts:
        raise LookupError("it names nothing")
    *resource, key = parts if len(parts) > 1 else (*parts, "")
    prefix = parse_qs(url.query).get("prefix", [""])[-1]
    name = (prefix + "/".join(resource)).replace("-", "_").upper()
    if name not in os.environ:
        raise LookupError(f"the environment has no variable {name}")
    return _inside(os.environ[name], name, key) if key else os.environ[name]


def _inside(text: str, name: str, key: str) -> str:
    try:
        found = json.loads(text)[key]
    except (ValueError, LookupError, TypeError):
        found = None
    if isinstance(found, str):
        return found
    raise LookupError(f"the variable {name} is no JSON object with a string {key!r}")
