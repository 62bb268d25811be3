"""kong.yml: what is read, and what is refused with its path."""

from __future__ import annotations

import pytest

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.standin.declarative import read_configuration
from kong_federation.standin.plugins import KEY_AUTH_INFO
from kong_federation.standin.yaml_file import read_yaml
from tests.standin.conftest import plugin_info

LIMITS = {"type": "record", "fields": [{"depth": {"type": "integer", "gt": 0, "default": 15}}]}
SUBGRAPH = {"type": "record", "fields": [{"name": {"type": "string", "required": True, "len_max": 5}}]}
CONFIG = {
    "config": {
        "type": "record",
        "required": True,
        "fields": [
            {"url": {"type": "string", "match": "^https?://", "err": "must be an http(s) URL"}},
            {"text": {"type": "string"}},
            {"wait": {"type": "integer", "default": 30, "between": [1, 100]}},
            {"mode": {"type": "string", "default": "a", "one_of": ["a", "b"]}},
            {"tags": {"type": "set", "elements": {"type": "string"}, "default": []}},
            {"limits": {**LIMITS, "required": True}},
            {"subgraphs": {"type": "array", "elements": SUBGRAPH}},
            {"map": {"type": "map", "keys": {"type": "string"}, "values": {"type": "number"}}},
            {"on": {"type": "boolean", "default": True}},
        ],
        "entity_checks": [{"mutually_exclusive": ["url", "text"]}],
    }
}


def read(document, *, complete=True):
    document = {"_format_version": "3.0", **document} if complete else document
    return read_configuration(document, {"graphql-federation": plugin_info(CONFIG), "key-auth": KEY_AUTH_INFO})


def refused(document, *, complete=True):
    with pytest.raises(FederationErrors) as caught:
        read(document, complete=complete)
    return [error.message for error in caught.value.errors]


def plugin(**config):
    return {"plugins": [{"name": "graphql-federation", "config": config}]}


def test_defaults_and_nulls():
    (read_,) = read(plugin(tags=["x", "x"], subgraphs=[{"name": "a"}])).plugins
    assert read_.config == {
        "wait": 30,
        "mode": "a",
        "tags": ["x"],
        "limits": {"depth": 15},
        "subgraphs": [{"name": "a"}],
        "on": True,
    }


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"unknown": 1}, "plugins[1].config.unknown: unknown field"),
        ({"url": "ftp://x"}, "plugins[1].config.url: must be an http(s) URL"),
        ({"url": 1}, "plugins[1].config.url: expected a string"),
        ({"text": ""}, "plugins[1].config.text: length must be at least 1"),
        ({"wait": 0}, "plugins[1].config.wait: value should be between 1 and 100"),
        ({"wait": 1.5}, "plugins[1].config.wait: expected an integer"),
        ({"wait": True}, "plugins[1].config.wait: expected an integer"),
        ({"mode": "c"}, "plugins[1].config.mode: expected one of: a, b"),
        ({"tags": "x"}, "plugins[1].config.tags: expected a set"),
        ({"tags": [None]}, "plugins[1].config.tags[1]: required field missing"),
        ({"limits": {"depth": 0}}, "plugins[1].config.limits.depth: value must be greater than 0"),
        ({"limits": None}, "plugins[1].config.limits: required field missing"),
        ({"subgraphs": [{"name": "a"}, {}]}, "plugins[1].config.subgraphs[2].name: required field missing"),
        ({"subgraphs": [{"name": "longer"}]}, "plugins[1].config.subgraphs[1].name: length must be at most 5"),
        ({"subgraphs": {}}, "plugins[1].config.subgraphs: expected an array"),
        ({"map": {"a": "b"}}, "plugins[1].config.map.a: expected a number"),
        ({"on": 1}, "plugins[1].config.on: expected a boolean"),
        (
            {"url": "http://x", "text": "y"},
            "plugins[1].config: only one or none of these fields must be set: 'url', 'text'",
        ),
    ],
)
def test_a_configuration_that_does_not_fit_the_schema(config, said):
    assert refused(plugin(**config)) == [said]


def test_all_mistakes_are_reported_together():
    route = {"paths": ["graphql"], "plugins": [{"name": "graphql-federation", "config": {"wait": 0, "mode": "x"}}]}
    assert refused({"routes": [route], "servces": []}) == [
        "servces: unknown field",
        "routes[1].paths[1]: should start with: / (fixed path) or ~/ (regex path)",
    ]
    route["paths"] = ["/graphql"]
    assert len(refused({"routes": [route], "servces": []})) == 3


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "kong.yml: expected a record"),
        ({"_format_version": 3.0}, "_format_version: expected a string"),
        ({"_format_version": "2.1"}, "_format_version: the stand-in reads format 3.0 only"),
        ({"_format_version": "3.0", "services": {}}, "services: expected an array"),
        ({"_format_version": "3.0", "services": [1]}, "services[1]: expected a record"),
        ({"_format_version": "3.0", "services": [{"name": "a"}]}, "services[1].host: required field missing"),
        ({"_format_version": "3.0", "services": [{"url": "nowhere"}]}, "services[1].url: missing host in url"),
        (
            {"_format_version": "3.0", "services": [{"url": "grpc://a"}]},
            "services[1].protocol: expected one of: http, https",
        ),
        (
            {"_format_version": "3.0", "routes": [{"name": "r"}]},
            "routes[1]: at least one of these fields must be non-empty: 'methods', 'hosts', 'headers', 'paths'",
        ),
        (
            {"_format_version": "3.0", "routes": [{"paths": ["/"], "service": "gone"}]},
            "routes[1].service: there is none of this name or id in services: 'gone'",
        ),
        (
            {"_format_version": "3.0", "routes": [{"paths": ["/"], "snis": ["a"]}]},
            "routes[1].snis: not imitated by the stand-in",
        ),
        (
            {"_format_version": "3.0", "plugins": [{"name": "key-auth", "route": "gone"}]},
            "plugins[1].route: there is none of this name or id in routes: 'gone'",
        ),
        ({"_format_version": "3.0", "plugins": [{}]}, "plugins[1].name: required field missing"),
        (
            {"_format_version": "3.0", "plugins": [{"name": "key-auth"}, {"name": "key-auth"}]},
            "plugins[2]: uniqueness violation: there is another one with the same name, key or scope",
        ),
        (
            {"_format_version": "3.0", "consumers": [{"username": "a", "plugins": [{"name": "key-auth"}]}]},
            "consumers[1].plugins[1].consumer: value must be null",
        ),
        (
            {"_format_version": "3.0", "upstreams": [{"name": "u", "targets": [{"target": "a:1", "weight": -1}]}]},
            "upstreams[1].targets[1].weight: value should be between 0 and 65535",
        ),
    ],
)
def test_what_kong_or_the_stand_in_would_not_take(document, said):
    assert said in refused(document, complete=False)


def test_flat_and_nested_say_the_same():
    nested = read(
        {
            "services": [
                {"name": "s", "url": "https://a.example/x", "routes": [{"name": "r", "paths": ["/"], **plugin()}]}
            ]
        }
    )
    flat = read(
        {
            "services": [{"name": "s", "protocol": "https", "host": "a.example", "port": 443, "path": "/x"}],
            "routes": [{"name": "r", "paths": ["/"], "service": {"name": "s"}}],
            "plugins": [{"name": "graphql-federation", "route": "r"}],
        }
    )
    assert (nested.services, nested.routes, nested.plugins) == (flat.services, flat.routes, flat.plugins)
    assert nested.services[0].port == 443


def test_a_disabled_service_has_no_routes_and_a_disabled_plugin_does_not_run():
    document = {"services": [{"url": "http://a", "enabled": False, "routes": [{"paths": ["/"]}]}]}
    document["plugins"] = [{"name": "key-auth", "enabled": False}]
    found = read(document)
    assert found.routes == ()
    assert found.plugins == ()


def test_what_is_ignored_is_a_warning():
    found = read(
        {
            "plugins": [{"name": "cors"}, {"name": "key-auth"}],
            "certificates": [],
            "consumers": [{"username": "a", "acls": [], "keyauth_credentials": [{"key": "k", "ttl": 5}]}],
        }
    )
    assert found.warnings == (
        "certificates: not imitated by the stand-in, ignored",
        "consumers.acls: not imitated by the stand-in, ignored",
        "keyauth_credentials.ttl: not imitated by the stand-in, keys do not expire",
        "plugins[1]: the plugin 'cors' is not imitated by the stand-in, ignored",
    )
    assert [plugin.name for plugin in found.plugins] == ["key-auth"]
    assert found.credentials["k"].consumer.username == "a"


def test_yaml_is_read(directory):
    path = directory / "kong.yml"
    path.write_text("_format_version: '3.0'\nroutes:\n- paths: [/a]\n")
    assert read_yaml(path) == {"_format_version": "3.0", "routes": [{"paths": ["/a"]}]}


@pytest.mark.parametrize("content", [None, "a: [", b"\xff\xfe\xff"])
def test_a_file_that_cannot_be_read(directory, content):
    path = directory / "kong.yml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FederationError, match=r"kong\.yml"):
        read_yaml(path)


def test_without_pyyaml_the_extra_is_named(directory, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    with pytest.raises(FederationError, match=r"pip install 'kong-federation\[standin\]'"):
        read_yaml(directory / "kong.yml")
