"""Instances and connections: when they are started, reused, replaced and closed."""

from __future__ import annotations

import asyncio
import json

import pytest

from kong_federation.kong import CloseInstance, HandleEvent, InstanceStarted, StartInstance, encode_answer
from kong_federation.standin import StandIn
from tests.standin.conftest import one_route, plugin_info
from tests.standin.scripted import ScriptedServer, ask, get, parse


async def test_an_instance_is_started_once_and_with_kongs_keys(launch):
    config = one_route()
    config["routes"][0]["plugins"][0].update(config={"mode": "x"}, instance_name="mine")
    standin, server = await launch(config, lambda wire, _: wire.exit(200))
    for _ in range(3):
        assert parse(await ask(standin.port, get("/graphql")))[0] == 200
    assert len(server.starts) == 1
    assert [event.phase for event in server.events] == ["access"] * 3
    sent = json.loads(server.starts[0].configuration)
    route = sent["route_id"]
    assert sent["mode"] == "x"
    assert sent["plugin_instance_name"] == "mine"
    assert sent["__key__"] == f"plugins:graphql-federation:{route}::::{sent['__ws_id']}"
    assert sent.keys() == {
        "mode",
        "route_id",
        "plugin_instance_name",
        "__key__",
        "__seq__",
        "__plugin_id",
        "__ws_id",
    }


async def test_fields_without_a_value_are_left_out(launch):
    fields = [
        {"absent": {"type": "string"}},
        {"empty": {"type": "array", "elements": {"type": "string"}, "default": []}},
        {"kept": {"type": "integer", "default": 5}},
        {"inner": {"type": "record", "required": True, "fields": [{"deep": {"type": "number", "default": 2.0}}]}},
        {"optional": {"type": "record", "fields": [{"deep": {"type": "number", "default": 2.0}}]}},
    ]
    info = plugin_info({"config": {"type": "record", "required": True, "fields": fields}})
    standin, server = await launch(one_route(), lambda wire, _: wire.exit(200), info=info)
    await ask(standin.port, get("/graphql"))
    sent = json.loads(server.starts[0].configuration)
    assert {name: value for name, value in sent.items() if not name.startswith("__") and name != "route_id"} == {
        "empty": [],
        "kept": 5,
        "inner": {"deep": 2},
    }


async def test_requests_that_come_together_start_one_instance(launch):
    def begin(wire, call):
        asyncio.get_running_loop().call_later(
            0.1, wire.send, encode_answer(InstanceStarted(call.sequence, call.plugin, 7))
        )

    standin, server = await launch(one_route(), lambda wire, _: wire.exit(200), begin=begin)
    answers = await asyncio.gather(*[ask(standin.port, get("/graphql")) for _ in range(8)])
    assert {parse(answer)[0] for answer in answers} == {200}
    assert len(server.starts) == 1
    assert {event.instance for event in server.events} == {7}


async def test_a_changed_file_starts_the_instance_again_and_closes_the_old_one(directory):
    path = directory / "kong.yml"
    path.write_text(json.dumps(one_route()))
    async with (
        ScriptedServer(directory / "s", lambda wire, _: wire.exit(200)) as server,
        StandIn(path, port=0, socket=server.path, plugin=plugin_info()) as standin,
    ):
        await ask(standin.port, get("/graphql"))
        path.write_text(json.dumps(one_route("/elsewhere")))
        await standin.reload()
        assert parse(await ask(standin.port, get("/graphql")))[0] == 404
        assert parse(await ask(standin.port, get("/elsewhere")))[0] == 200
    kinds = [type(call) for call in server.calls]
    assert kinds == [StartInstance, HandleEvent, StartInstance, CloseInstance, HandleEvent]
    first, second = server.starts
    assert server.calls[3].instance == server.events[0].instance
    assert json.loads(first.configuration)["__seq__"] < json.loads(second.configuration)["__seq__"]


async def test_a_wrong_file_is_a_warning_and_the_old_configuration_stays(directory):
    path = directory / "kong.yml"
    path.write_text(json.dumps(one_route()))
    heard = []
    async with ScriptedServer(directory / "s", lambda wire, _: wire.exit(200)) as server:
        standin = StandIn(path, port=0, socket=server.path, plugin=plugin_info(), listener=heard.append)
        async with standin:
            watching = asyncio.create_task(standin.watch())
            await asyncio.sleep(0)
            path.write_text("_format_version: '3.0'\nnonsense: 1\n")
            async with asyncio.timeout(5):
                while not any("nonsense: unknown field" in getattr(event, "text", "") for event in heard):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert parse(await ask(standin.port, get("/graphql")))[0] == 200
            watching.cancel()


async def test_a_connection_is_used_again_after_an_event_and_not_after_an_exit(launch):
    def event(wire, call):
        wire.done(call) if len(server.events) <= 2 else wire.exit(200)

    standin, server = await launch(one_route(), event)
    for _ in range(2):
        assert parse(await ask(standin.port, get("/graphql")))[0] == 503
    assert server.connections == 1
    for _ in range(2):
        assert parse(await ask(standin.port, get("/graphql")))[0] == 200
    async with asyncio.timeout(2):
        while server.ended < 2:  # noqa: ASYNC110 - both exits closed their connection
            await asyncio.sleep(0.01)
    assert server.connections == 2


async def test_the_connection_of_an_exit_closes_only_when_the_request_is_over(launch):
    closed = []

    async def event(wire, _):
        wire.exit(200, b"x" * 10_000_000)
        closed.append(await wire.receive())

    standin, _ = await launch(one_route(), event)
    reader, writer = await asyncio.open_connection("127.0.0.1", standin.port)
    writer.write(get("/graphql"))
    await reader.readexactly(1000)
    await asyncio.sleep(0.1)
    assert not closed
    assert len(await reader.read()) > 9_000_000 or await reader.read()
    writer.close()
    async with asyncio.timeout(2):
        while not closed:  # noqa: ASYNC110 - the scripted server has no event to wait for
            await asyncio.sleep(0.01)
    assert closed == [None]


async def test_an_idle_connection_that_the_server_closed_is_not_used(launch):
    wires = []

    def event(wire, call):
        wires.append(wire)
        wire.done(call)

    standin, server = await launch(one_route(), event)
    assert parse(await ask(standin.port, get("/graphql")))[0] == 503
    wires[0].close()
    await asyncio.sleep(0.05)
    assert parse(await ask(standin.port, get("/graphql")))[0] == 503
    assert server.connections == 2
    assert len(server.starts) == 1


@pytest.mark.parametrize("size", [0, 1, 65_536, 3_000_000])
async def test_answers_of_any_size(launch, size):
    standin, _ = await launch(one_route(), lambda wire, _: wire.exit(200, b"x" * size, ("content-type", "a/b")))
    status, headers, body = parse(await ask(standin.port, get("/graphql")))
    assert (status, len(body), dict(headers)["content-length"]) == (200, size, str(size))
