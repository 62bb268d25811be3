from __future__ import annotations

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture
def declared():
    return yaml.safe_load((ROOT / "kong.yml").read_text())


def plugins(route):
    return {plugin["name"]: plugin.get("config", {}) for plugin in route["plugins"]}


def test_both_routes_have_the_graph_and_no_service(declared):
    assert declared["_format_version"] == "3.0"
    assert [route["paths"] for route in declared["routes"]] == [["/graphql"], ["/members/graphql"]]
    for route in declared["routes"]:
        assert "service" not in route
        config = plugins(route)["graphql-federation"]
        assert (ROOT / config["supergraph"]["path"]).is_file()
        assert [subgraph["name"] for subgraph in config["subgraphs"]] == [
            "accounts",
            "products",
            "inventory",
            "reviews",
        ]


def test_members_need_a_key_that_a_consumer_has(declared):
    assert "key-auth" not in plugins(declared["routes"][0])
    assert plugins(declared["routes"][1])["key-auth"]["key_names"] == ["apikey"]
    (consumer,) = declared["consumers"]
    (credential,) = consumer["keyauth_credentials"]
    assert credential["key"] in (ROOT / "kong.yml").read_text().split("curl -H 'apikey: ")[1]
