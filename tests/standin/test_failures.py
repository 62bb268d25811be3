"""The table of what happens when a plugin server does not do its part; each line of it with a scripted server."""

from __future__ import annotations

import asyncio
import json

import pytest

from kong_federation.kong import Target, encode_answer
from kong_federation.kong.messages import Done
from kong_federation.standin import Logged, StandIn, Tuning
from tests.standin.conftest import one_route, plugin_info
from tests.standin.scripted import ask, full_backlog, get, parse, post


def unexpected(answer):
    """Kong's page for what went wrong inside."""
    status, headers, body = parse(answer)
    told = json.loads(body)
    assert status == 500
    assert told["message"] == "An unexpected error occurred"
    assert told["request_id"] == dict(headers)["x-kong-request-id"]
    assert dict(headers)["content-type"] == "application/json; charset=utf-8"
    return True


async def test_no_plugin_server_is_500_and_asked_again_at_the_next_request(directory):
    heard = []
    standin = StandIn(
        one_route(), port=0, socket=directory / "nobody.socket", plugin=plugin_info(), listener=heard.append
    )
    async with standin:
        assert unexpected(await ask(standin.port, get("/graphql")))
        assert unexpected(await ask(standin.port, get("/graphql")))

    assert len([event for event in heard if isinstance(event, Logged) and event.level == "err"]) == 4


async def test_a_full_backlog_is_500_at_once(directory):
    path = directory / "deaf.socket"
    with full_backlog(path):
        async with StandIn(one_route(), port=0, socket=path, plugin=plugin_info()) as standin, asyncio.timeout(5):
            assert unexpected(await ask(standin.port, get("/graphql")))


async def test_an_orderly_close_in_an_event_starts_all_instances_again_and_replays(launch):
    config = {
        "_format_version": "3.0",
        "routes": [
            {"name": name, "paths": [f"/{name}"], "plugins": [{"name": "graphql-federation"}]} for name in ("a", "b")
        ],
    }
    closes = ["/a"]

    async def event(wire, _):
        path = await wire.call("kong.request.get_path")
        if path in closes:
            closes.remove(path)
            wire.close()
        else:
            wire.exit(200)

    standin, server = await launch(config, event)
    assert parse(await ask(standin.port, get("/b")))[0] == 200
    assert parse(await ask(standin.port, get("/a")))[0] == 200
    assert [start.plugin for start in server.starts] == ["graphql-federation"] * 3  # b, a, a again
    assert parse(await ask(standin.port, get("/b")))[0] == 200
    assert len(server.starts) == 4  # b was forgotten together with a


async def test_replays_end_here_and_say_so(launch):
    heard = []
    standin, server = await launch(one_route(), lambda wire, _: wire.close(), tuning=Tuning(replays=25), heard=heard)
    assert unexpected(await ask(standin.port, get("/graphql")))
    assert len(server.events) == 26
    assert len(server.starts) == 26
    assert any("Kong would go on for ever" in event.text for event in heard if isinstance(event, Logged))


async def test_a_close_after_some_calls_is_replayed_too(launch):
    async def event(wire, _):
        await wire.call("kong.request.get_method")
        if len(server.events) == 1:
            wire.close()
        else:
            wire.exit(201)

    standin, server = await launch(one_route(), event)
    assert parse(await ask(standin.port, get("/graphql")))[0] == 201
    assert len(server.events) == 2


async def test_a_close_within_a_frame_is_a_close(launch):
    def event(wire, _):
        if len(server.events) == 1:
            wire._writer.write(b"\x20\x00\x00\x00kong.req")
            wire.close()
        else:
            wire.exit(200)

    standin, server = await launch(one_route(), event)
    assert parse(await ask(standin.port, get("/graphql")))[0] == 200
    assert len(server.events) == 2


async def test_a_reset_is_500_without_a_replay(launch):
    async def event(wire, _):
        # Replies that nobody reads make the close a reset, as when a process dies.
        wire.send(*[b"kong.request.get_method", b""] * 3)
        await asyncio.sleep(0.1)
        wire.reset()

    def hold(wire, event_):
        wire._reader._transport.pause_reading()
        return event(wire, event_)

    standin, server = await launch(one_route(), hold)
    assert unexpected(await ask(standin.port, get("/graphql")))
    assert len(server.events) == 1


async def test_a_close_on_start_is_500_without_a_replay(launch):
    standin, server = await launch(one_route(), lambda *_: None, begin=lambda wire, _: wire.close())
    assert unexpected(await ask(standin.port, get("/graphql")))
    assert len(server.starts) == 1
    assert unexpected(await ask(standin.port, get("/graphql")))
    assert len(server.starts) == 2


async def test_a_start_without_an_instance_is_500(launch):
    def begin(wire, call):
        wire.send(encode_answer(Done(call.sequence)))

    standin, server = await launch(one_route(), lambda *_: None, begin=begin)
    assert unexpected(await ask(standin.port, get("/graphql")))
    assert not server.events


@pytest.mark.parametrize(
    ("function", "argument"),
    [
        ("kong.service.set_target", Target("127.0.0.1", 70_000)),
        ("kong.service.set_target", Target("127.0.0.1", -1)),
        ("kong.request.get_headers", 1001),
        ("kong.request.get_headers", 0),
        ("kong.request.get_query", 0),
        ("kong.service.request.set_method", "post"),
        ("kong.service.request.set_method", ""),
        ("kong.service.request.set_path", "graphql"),
        ("kong.service.request.set_scheme", "ftp"),
        ("kong.service.request.set_header", ("x", None)),
        ("kong.response.set_header", ("x", {"a": "b"})),
    ],
)
async def test_a_function_that_raises_is_500_and_closes(launch, function, argument):
    told = []

    async def event(wire, call):
        if function.endswith("set_header") and argument[1] is None:
            # null arrives as the text NULL_VALUE and is taken; false is nothing, and that raises
            assert await wire.call(function, ("x", None)) is None
            told.append(await wire.call(function, ("x", False)))
        else:
            told.append(await wire.call(function, argument))
        assert await wire.receive() is None

    standin, server = await launch(one_route(), event)
    assert unexpected(await ask(standin.port, get("/graphql")))
    assert told == [None]
    assert len(server.events) == 1


async def test_an_unknown_function_is_500_and_closes(launch):
    closed = []

    async def event(wire, _):
        wire.send(b"kong.vault.get", b"")
        closed.append(await wire.receive())

    standin, _ = await launch(one_route(), event)
    assert unexpected(await ask(standin.port, get("/graphql")))
    assert closed == [None]


@pytest.mark.parametrize("status", [0, 99, 600, 999])
async def test_an_exit_with_a_status_that_is_none_is_500(launch, status):
    standin, _ = await launch(one_route(), lambda wire, _: wire.exit(status, b"x"))
    assert unexpected(await ask(standin.port, get("/graphql")))


async def test_silence_is_500(launch):
    standin, _ = await launch(one_route(), lambda *_: None, tuning=Tuning(patience=0.2))
    assert unexpected(await ask(standin.port, get("/graphql")))


async def test_a_wrong_number_at_the_end_is_500(launch):
    standin, _ = await launch(one_route(), lambda wire, call: wire.send(b"", encode_answer(Done(call.sequence + 7))))
    assert unexpected(await ask(standin.port, get("/graphql")))


async def test_malformed_arguments_are_500(launch):
    standin, _ = await launch(one_route(), lambda wire, _: wire.send(b"kong.request.get_headers", b"\xff"))
    assert unexpected(await ask(standin.port, get("/graphql")))


async def test_nothing_and_failure_are_zero_length_frames(launch):
    replies = []

    async def event(wire, _):
        for function, argument in (
            (b"kong.request.get_header", b"\x0a\x01x"),
            (b"kong.service.set_upstream", b"\x0a\x04nope"),
            (b"kong.client.get_consumer", b""),
            (b"kong.router.get_service", b""),
            (b"kong.ctx.shared.set", b"\x0a\x01k\x12\x03\x1a\x01v"),
            (b"kong.nginx.get_var", b"\x0a\x07nothing"),
        ):
            wire.send(function, argument)
            replies.append(await wire.receive())
        wire.exit(200)

    standin, _ = await launch(one_route(), event)
    assert parse(await ask(standin.port, get("/graphql")))[0] == 200
    assert replies == [b""] * 6


async def test_the_replay_goes_on_when_the_client_has_left(launch):
    left = asyncio.Event()

    async def event(wire, _):
        await left.wait()
        wire.close()

    standin, server = await launch(one_route(), event, tuning=Tuning(replays=40))
    _, writer = await asyncio.open_connection("127.0.0.1", standin.port)
    writer.write(get("/graphql"))
    while not server.events:  # noqa: ASYNC110 - the server has no event to wait for
        await asyncio.sleep(0.01)
    writer.close()
    await writer.wait_closed()
    left.set()
    async with asyncio.timeout(5):
        while len(server.events) < 41:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)


async def test_an_error_page_is_in_the_form_the_client_accepts(launch):
    standin, _ = await launch(one_route(), lambda wire, _: wire.exit(999))
    status, headers, body = parse(await ask(standin.port, get("/graphql", "Accept: text/html, application/json;q=0.9")))
    assert (status, dict(headers)["content-type"]) == (500, "text/html; charset=utf-8")
    assert b"An unexpected error occurred" in body
    status, headers, _ = parse(await ask(standin.port, post("/graphql", b"", "Accept: text/plain;q=0.1, */*")))
    assert dict(headers)["content-type"] == "application/json; charset=utf-8"
