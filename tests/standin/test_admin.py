"""The Admin API, held to what a Kong 3.9.3 answered to the same requests in the same order."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from kong_federation.pluginserver.info import plugin_info
from kong_federation.standin import StandIn, read_dump
from tests.standin.admin_cases import CASES, FORM, JSON, STEERED, TEXT, Case, ask

RECORDED = json.loads((Path(__file__).parent / "admin.json").read_text(encoding="utf-8"))
EMPTY = {"_format_version": "3.0"}
ROUTE_ALONE = {"name": "graphql", "paths": ["/graphql"]}

# Moments; and fields of Kong's upstreams that the stand-in has no use for.
PASSING = {"created_at", "updated_at"}
UPSTREAM = {"healthchecks", "slots", "use_srv_name", "client_certificate"}


@pytest.fixture
async def standin(tmp_path):
    socket = tmp_path / "nobody.socket"  # no request of these tests reaches a plugin
    plugin = read_dump(json.dumps(plugin_info()))
    async with StandIn(EMPTY, port=0, socket=socket, plugin=plugin, admin_port=0) as running:
        yield running


async def asked(standin, case):
    host = standin.admin_url.removeprefix("http://")
    status, headers, text = await asyncio.to_thread(ask, host, case)
    return status, headers, json.loads(text) if text else None


def steady(value):
    """What is the same in every run and with every version of the plugin."""
    if isinstance(value, list):
        return [steady(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, inner in value.items():
        if name == "keyauth_credentials":  # Kong draws their ids
            kept[name] = [steady({**credential, "id": ""}) for credential in inner.values()]
        elif name == "errors":  # in no order
            kept[name] = sorted(inner, key=lambda error: error["message"])
        elif name == "config" and "supergraph" in inner and "limits" in inner and "planning" in inner:
            kept[name] = inner["supergraph"]  # complete, so as the plugin's version has it
        elif not (name in PASSING | UPSTREAM or name.startswith("hash_") or (name == "tags" and inner is None)):
            kept[name] = steady(inner)
    return kept


async def test_every_answer_is_kongs(standin):
    assert len(RECORDED) == len(CASES)
    differing = []
    for case, recorded in zip(CASES, RECORDED, strict=True):
        assert recorded["asked"] == case.name
        status, headers, answer = await asked(standin, case)
        ours = (status, headers.get("content-type"), steady(answer))
        theirs = (recorded["status"], recorded["type"], steady(recorded["answer"]))
        if ours != theirs:
            differing.append(f"{case.name} {case.body}\n  ours   {ours}\n  Kong's {theirs}")
    assert not differing, "\n".join(differing)


async def test_a_node_tells_what_it_is(standin):
    status, headers, root = await asked(standin, Case("GET", "/"))
    assert (status, headers["server"]) == (200, "kong/3.9.3")
    assert root["version"] == "3.9.3"
    configuration = root["configuration"]
    assert configuration["database"] == "off"
    assert configuration["plugins"] == ["bundled", "graphql-federation"]
    (server,) = configuration["pluginservers"]
    assert server["name"] == "graphql-federation"
    assert server["socket"].endswith("nobody.socket")
    plugin = plugin_info()["Plugins"][0]
    known = root["plugins"]["available_on_server"]["graphql-federation"]
    assert known == {"version": plugin["Version"], "priority": plugin["Priority"]}
    assert root["plugins"]["enabled_in_cluster"] == []

    status, _, schema = await asked(standin, Case("GET", "/schemas/plugins/graphql-federation"))
    assert status == 200
    assert schema["fields"] == plugin["Schema"]["fields"]


async def test_the_hash_tells_configurations_apart(standin):
    async def digest():
        _, _, status = await asked(standin, Case("GET", "/status"))
        return status["configuration_hash"]

    before = await digest()
    assert before == "0" * 32
    assert (await asked(standin, Case("POST", "/config", {"config": TEXT}, JSON)))[0] == 201
    loaded = await digest()
    assert loaded != before
    assert (await asked(standin, Case("POST", "/config", {"config": "a=b"}, JSON)))[0] == 400
    assert await digest() == loaded
    assert (await asked(standin, Case("POST", "/config", STEERED, JSON)))[0] == 201
    assert await digest() != loaded


async def test_lists_come_in_pages(standin):
    routes = [{"name": f"r{number}", "paths": [f"/{number}"]} for number in range(5)]
    assert (await asked(standin, Case("POST", "/config", {**EMPTY, "routes": routes}, JSON)))[0] == 201
    seen, path = [], "/routes?size=2"
    while path:
        status, _, page = await asked(standin, Case("GET", path))
        assert status == 200
        assert len(page["data"]) <= 2
        seen += [route["name"] for route in page["data"]]
        path = page["next"]
    assert sorted(seen) == [f"r{number}" for number in range(5)]


@pytest.mark.parametrize(
    "case",
    [
        Case("GET", "/config"),
        Case("GET", "/certificates"),
        Case("GET", "/schemas/plugins/cors"),
        Case("POST", "/schemas/plugins/validate", {"name": "cors"}, JSON),
    ],
    ids=lambda case: case.name,
)
async def test_what_kong_has_and_the_stand_in_has_not_is_said(standin, case):
    status, _, answer = await asked(standin, case)
    assert status == 501
    assert "not imitated by the stand-in" in answer["message"]


async def test_forms_are_for_configurations_only(standin):
    status, _, _ = await asked(standin, Case("POST", "/schemas/plugins/validate", "name=graphql-federation", FORM))
    assert status == 415


async def test_a_loaded_configuration_is_in_use_at_once(standin):
    host = standin.url.removeprefix("http://")

    async def answered():
        status, _, text = await asyncio.to_thread(ask, host, Case("GET", "/graphql"))
        return status, json.loads(text)["message"]

    assert await answered() == (404, "no Route matched with those values")
    assert (await asked(standin, Case("POST", "/config", {**EMPTY, "routes": [ROUTE_ALONE]}, JSON)))[0] == 201
    assert await answered() == (503, "no Service found with those values")
    assert (await asked(standin, Case("PATCH", "/routes/graphql", {"paths": ["/g"]}, JSON)))[0] == 405
    assert await answered() == (503, "no Service found with those values")
