"""
Kong's own entities in Kong's schema language, as far as the stand-in serves them.

A field that Kong knows and the stand-in cannot imitate is `_fixed` to Kong's default: a kong.yml that asks for
something else is refused with the field's path, not run differently from Kong. Fields without influence on a request
that a laptop could see are of type `any`.
"""

from __future__ import annotations

from typing import Any

Entry = dict[str, dict[str, Any]]

_NAME = {"type": "string", "match": "^[A-Za-z0-9._~%-]+$"}
_ID = {"type": "string", "uuid": True}
_TAGS = {"type": "set", "elements": {"type": "string"}}
_FLAG_ON = {"type": "boolean", "required": True, "default": True}
_FLAG_OFF = {"type": "boolean", "required": True, "default": False}
_MILLISECONDS = {"type": "integer", "default": 60_000, "between": [1, 2_147_483_646]}
_PORT = {"type": "integer", "between": [0, 65_535]}
_STATUS = {"type": "integer", "required": True, "default": 426, "one_of": [426, 301, 302, 307, 308]}
_WEB = ["http", "https"]


def _fixed(value: Any) -> dict[str, Any]:
    return {"type": "any", "default": value, "one_of": [value], "err": "not imitated by the stand-in"}


def _absent() -> dict[str, Any]:
    return {"type": "any", "eq": None, "err": "not imitated by the stand-in"}


def _entity(*entries: Entry) -> dict[str, Any]:
    return {"fields": [{"id": _ID}, {"tags": _TAGS}, *entries]}


SERVICE = _entity(
    {"name": _NAME},
    {"protocol": {"type": "string", "required": True, "default": "http", "one_of": _WEB}},
    {"host": {"type": "string", "required": True}},
    {"port": {**_PORT, "required": True, "default": 80}},
    {"path": {"type": "string", "starts_with": "/"}},
    {"retries": {"type": "integer", "default": 5, "between": [0, 32_767]}},
    {"connect_timeout": _MILLISECONDS},
    {"write_timeout": _MILLISECONDS},
    {"read_timeout": _MILLISECONDS},
    {"enabled": _FLAG_ON},
    {"tls_verify": {"type": "any"}},
    {"tls_verify_depth": {"type": "any"}},
    {"client_certificate": _absent()},
    {"ca_certificates": _absent()},
)

ROUTE = {
    **_entity(
        {"name": _NAME},
        {
            "protocols": {
                "type": "set",
                "len_min": 1,
                "required": True,
                "default": _WEB,
                "elements": {"type": "string", "one_of": _WEB},
            }
        },
        {"methods": {"type": "set", "elements": {"type": "string", "match": "^%u+$"}}},
        {"hosts": {"type": "array", "elements": {"type": "string", "match": "^[^/%s]+$"}}},
        {
            "paths": {
                "type": "array",
                "elements": {
                    "type": "string",
                    "match_any": {
                        "patterns": ["^/", "^~/"],
                        "err": "should start with: / (fixed path) or ~/ (regex path)",
                    },
                },
            }
        },
        {
            "headers": {
                "type": "map",
                "keys": {"type": "string"},
                "values": {"type": "array", "elements": {"type": "string"}},
            }
        },
        {"https_redirect_status_code": _STATUS},
        {"regex_priority": {"type": "integer", "default": 0}},
        {"strip_path": _FLAG_ON},
        {"path_handling": {"type": "string", "default": "v0", "one_of": ["v0", "v1"]}},
        {"preserve_host": _FLAG_OFF},
        {"request_buffering": _FLAG_ON},
        {"response_buffering": _FLAG_ON},
        {"snis": _absent()},
        {"sources": _absent()},
        {"destinations": _absent()},
        {"expression": _absent()},
        {"priority": _absent()},
    ),
    "entity_checks": [{"at_least_one_of": ["methods", "hosts", "headers", "paths"]}],
}

UPSTREAM = _entity(
    {"name": {"type": "string", "required": True}},
    {"host_header": {"type": "string"}},
    {"algorithm": _fixed("round-robin")},
    {"hash_on": _fixed("none")},
    {"hash_fallback": _fixed("none")},
    {"slots": {"type": "any"}},
    {"healthchecks": {"type": "any"}},
    {"use_srv_name": _fixed(False)},
)

TARGET = _entity(
    {"target": {"type": "string", "required": True}},
    {"weight": {"type": "integer", "default": 100, "between": [0, 65_535]}},
)

CONSUMER = {
    **_entity({"username": {"type": "string"}}, {"custom_id": {"type": "string"}}),
    "entity_checks": [{"at_least_one_of": ["custom_id", "username"]}],
}

KEY_CREDENTIAL = _entity({"key": {"type": "string", "required": True}})

PLUGIN_FIELDS: list[Entry] = [
    {"id": _ID},
    {"tags": _TAGS},
    {"name": {"type": "string", "required": True}},
    {"instance_name": {"type": "string"}},
    {"enabled": _FLAG_ON},
    {"ordering": _absent()},
    {
        "protocols": {
            "type": "set",
            "required": True,
            "default": ["grpc", "grpcs", "http", "https"],
            "elements": {
                "type": "string",
                "one_of": ["grpc", "grpcs", "http", "https", "tcp", "tls", "udp", "ws", "wss"],
            },
        }
    },
    {"config": {"type": "record", "fields": []}},
]

KEY_AUTH: dict[str, Any] = {
    "name": "key-auth",
    "fields": [
        {"consumer": {"type": "any", "eq": None}},
        {
            "config": {
                "type": "record",
                "required": True,
                "fields": [
                    {
                        "key_names": {
                            "type": "array",
                            "required": True,
                            "default": ["apikey"],
                            "elements": {"type": "string", "match": "^[%w_-]+$"},
                        }
                    },
                    {"hide_credentials": _FLAG_OFF},
                    {"anonymous": {"type": "string"}},
                    {"key_in_header": _FLAG_ON},
                    {"key_in_query": _FLAG_ON},
                    {"key_in_body": _fixed(False)},
                    {"run_on_preflight": _FLAG_ON},
                    {"realm": {"type": "string"}},
                ],
            }
        },
    ],
}
