"""The schema Kong reads, by the rules Kong has for schemas."""

import json

from kong_federation.kong.schema import config_fields, plugin_schema
from kong_federation.settings import parse_settings

# What Kong 3.9's MetaSchema knows, of the attributes used here.
ATTRIBUTES = {
    "type", "required", "default", "fields", "elements", "description", "between", "one_of", "match", "match_all",
    "match_none", "err", "len_min", "len_max", "referenceable", "encrypted", "entity_checks",
}  # fmt: skip


def nodes(entry):
    ((name, node),) = entry.items()
    yield name, node
    inner = node.get("fields", [])
    if "elements" in node:
        yield f"{name}[]", node["elements"]
        inner = node["elements"].get("fields", [])
    for field in inner:
        yield from nodes(field)


def everything():
    return [found for entry in plugin_schema()["fields"] for found in nodes(entry)]


def test_it_is_named_and_restricted_to_http():
    schema = plugin_schema()
    assert schema["name"] == "graphql-federation"
    assert [next(iter(entry)) for entry in schema["fields"]] == ["protocols", "config"]
    assert schema["fields"][0]["protocols"]["elements"]["one_of"] == ["http", "https"]


def test_it_is_json_and_every_entry_has_one_key():
    assert json.loads(json.dumps(plugin_schema())) == plugin_schema()
    assert all(len(entry) == 1 for entry in config_fields())


def test_kong_knows_every_attribute_and_takes_every_description():
    for name, node in everything():
        assert node.keys() <= ATTRIBUTES, name
        if "description" in node:
            assert 10 <= len(node["description"]) <= 500, name


def test_every_field_of_the_configuration_is_described_for_the_form():
    for name, node in everything():
        if name not in {"protocols", "config"} and not name.endswith("[]"):
            assert "description" in node, name


def test_patterns_mean_the_same_in_lua_and_python():
    for name, node in everything():
        said = [node] if "match" in node else []
        for rule in [*said, *node.get("match_all", ()), *node.get("match_none", ())]:
            pattern = rule.get("match") or rule["pattern"]
            assert "%" not in pattern, name
            assert "\\" not in pattern, name
            assert "err" in rule, name


def filled(fields):
    """The configuration Kong makes of an empty one: defaults, records, nulls."""
    config = {}
    for entry in fields:
        ((name, node),) = entry.items()
        config[name] = filled(node["fields"]) if node["type"] == "record" else node.get("default")
    return config


def test_what_kong_fills_in_is_what_the_plugin_takes_for_absent():
    config = filled(config_fields())
    config["supergraph"]["sdl"] = "x"
    assert parse_settings(config) == parse_settings({"supergraph": {"sdl": "x"}})
