"""Kong's configuration as the doctor sees it: which graphs there are, and what is said of them and their routes."""

from __future__ import annotations

import pytest

from kong_federation.doctor.entities import from_document
from kong_federation.doctor.finding import State
from kong_federation.doctor.graphs import FILE, examine_graphs

CONFIG = {"supergraph": {"path": "/x"}}
PLUGIN = {"name": "graphql-federation", "config": CONFIG}
ROUTE = {"name": "graphql", "paths": ["/graphql"]}
CLOSED = {"name": "closed", "host": "graphql.closed"}


def examined(document):
    graphs, findings = examine_graphs(FILE, from_document({"_format_version": "3.0", **document}))
    return graphs, [(finding.state, finding.text) for finding in findings if finding.state is not State.OK], findings


def test_a_route_without_a_service_is_well():
    graphs, wrong, findings = examined({"routes": [{**ROUTE, "plugins": [PLUGIN]}]})
    assert wrong == []
    (graph,) = graphs
    assert graph.paths == ("/graphql",)
    assert graph.config["limits"]["deadline"] == 30_000  # complete, as Kong hands it on
    assert "route graphql has no service: without the plugin, Kong answers 503" in [found.text for found in findings]


@pytest.mark.parametrize(
    "document",
    [
        {
            "services": [{**CLOSED, "routes": [{**ROUTE, "plugins": [PLUGIN]}]}],
            "upstreams": [{"name": "graphql.closed"}],
        },
        {
            "services": [CLOSED],
            "routes": [{**ROUTE, "service": "closed"}],
            "plugins": [{**PLUGIN, "route": "graphql"}],
            "upstreams": [{"name": "graphql.closed", "targets": [{"target": "a:1", "weight": 0}]}],
        },
        {
            "services": [{**CLOSED, "id": "s", "plugins": [PLUGIN]}],
            "routes": [{**ROUTE, "service": {"id": "s"}}],
            "upstreams": [{"name": "graphql.closed"}],
        },
    ],
    ids=["nested", "flat", "on the service"],
)
def test_an_upstream_without_targets_is_well(document):
    graphs, wrong, findings = examined(document)
    assert len(graphs) == 1
    assert wrong == []
    assert any("leads to an upstream without targets" in found.text for found in findings)


PASSED = {"passthrough": {"enabled": True}, "security": {"mask_errors": False}}
STEERED = {
    "subgraphs": [{"name": "products", "upstream": "products.subgraph"}, {"name": "accounts", "upstream": "accounts"}]
}
OPEN = {"name": "shop", "host": "shop.internal"}


@pytest.mark.parametrize(
    ("document", "state", "says"),
    [
        ({}, State.FAILED, "nothing enables the plugin graphql-federation"),
        ({"routes": [{**ROUTE, "plugins": [{"name": "cors"}]}]}, State.FAILED, "nothing enables"),
        (
            {"services": [{**OPEN, "routes": [{**ROUTE, "plugins": [PLUGIN]}]}]},
            State.WARNING,
            "route graphql leads to the service shop at shop.internal",
        ),
        (
            {
                "services": [{**CLOSED, "routes": [{**ROUTE, "plugins": [PLUGIN]}]}],
                "upstreams": [{"name": "graphql.closed"}],
                "targets": [{"target": "a:1", "upstream": "graphql.closed"}],
            },
            State.WARNING,
            "leads to the service closed",
        ),
        (
            {"routes": [{**ROUTE, "plugins": [{**PLUGIN, "enabled": False}]}]},
            State.WARNING,
            "plugin on route graphql is disabled",
        ),
        (
            {"routes": [{**ROUTE, "methods": ["GET"], "plugins": [PLUGIN]}]},
            State.FAILED,
            "route graphql takes GET and not POST",
        ),
        (
            {"routes": [{**ROUTE, "plugins": [{**PLUGIN, "protocols": ["https"]}]}]},
            State.WARNING,
            "route graphql takes http, where the plugin does not run",
        ),
        (
            {"routes": [{**ROUTE, "plugins": [{**PLUGIN, "config": {**CONFIG, **PASSED}}]}]},
            State.WARNING,
            "plugin on route graphql: pass-through is enabled, and route graphql has no service",
        ),
        (
            {
                "services": [
                    {
                        **CLOSED,
                        "routes": [{**ROUTE, "plugins": [{**PLUGIN, "config": {**CONFIG, **PASSED, **STEERED}}]}],
                    }
                ],
                "upstreams": [{"name": "graphql.closed"}, {"name": "accounts"}],
            },
            State.WARNING,
            "subgraph products names the upstream products.subgraph, which Kong does not have",
        ),
        ({"plugins": [{**PLUGIN, "route": "nope"}]}, State.FAILED, "plugin on route nope is on no route"),
        (
            {"routes": [ROUTE], "services": [OPEN], "plugins": [{**PLUGIN, "service": "shop"}]},
            State.FAILED,
            "on no route",
        ),
        (
            {"routes": [{**ROUTE, "plugins": [{**PLUGIN, "config": {"supergraph": {}, "limitz": 1}}]}]},
            State.FAILED,
            "plugin on route graphql: config.limitz: unknown field",
        ),
        (
            {"routes": [{**ROUTE, "plugins": [{**PLUGIN, "config": {**CONFIG, "limits": {"deadline": 0}}}]}]},
            State.FAILED,
            "config.limits.deadline: value should be between 1 and 55000",
        ),
        (
            {
                "routes": [
                    {
                        **ROUTE,
                        "plugins": [{**PLUGIN, "config": {**CONFIG, "subgraphs": [{"name": "a"}, {"name": "a"}]}}],
                    }
                ]
            },
            State.FAILED,
            "subgraphs.1.name is there twice",
        ),
    ],
)
def test_what_is_wrong_is_said_with_advice(document, state, says):
    _, wrong, findings = examined(document)
    assert [text for found, text in wrong if found is state and says in text], wrong
    assert all(finding.advice for finding in findings if finding.state is not State.OK)


def test_all_mistakes_of_a_configuration_are_said():
    config = {"supergraph": {"path": "/x"}, "limits": {"deadline": 0, "max_tokens": "x"}, "subgraphs": [{"url": "x"}]}
    graphs, wrong, _ = examined({"routes": [{**ROUTE, "plugins": [{**PLUGIN, "config": config}]}]})
    assert graphs == []
    assert len(wrong) == 4


def test_a_vault_reference_is_left_to_kong():
    config = {"supergraph": {"sdl": "{vault://env/supergraph}"}}
    (graph,), wrong, _ = examined({"routes": [{**ROUTE, "plugins": [{**PLUGIN, "config": config}]}]})
    assert graph.settings is None
    assert wrong == []


def test_plugins_are_called_by_what_people_know():
    document = {"routes": [ROUTE], "plugins": [{**PLUGIN, "instance_name": "shop"}]}
    (graph,), _, _ = examined(document)
    assert graph.name == "plugin shop"
    (graph,), _, _ = examined({"routes": [ROUTE], "plugins": [PLUGIN]})
    assert graph.name == "plugin on all routes"
