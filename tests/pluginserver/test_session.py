import asyncio
import dataclasses
import gc
import json
import os
import random

import pytest

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import SUPERGRAPH_INVALID, UNSUPPORTED_OPERATION
from kong_federation.gateway import Facts, HttpResponse
from kong_federation.kong import (
    CloseInstance,
    Done,
    Exit,
    HandleEvent,
    OtherCall,
    RawBody,
    decode_answer,
    decode_call,
    encode_call,
    frame,
)
from kong_federation.limits import Limits
from kong_federation.pluginserver.session import Session, State
from tests.kong.recorded import CONNECTIONS

from .kong import REQUEST, Kong


def code_of(answer):
    unavailable = {"retry-after": "1"} if answer.status == 503 else {}
    assert dict(answer.headers) == {"content-type": "application/json", **unavailable}
    (error,) = json.loads(answer.body)["errors"]
    return error["extensions"]["code"]


async def test_an_event_asks_everything_in_one_write_and_answers_in_one(kong, gateway):
    instance = kong.start()
    writes = kong.transport.writes
    kong.event(instance)
    answer = await kong.serve()
    assert answer == Exit(200, gateway.response.headers, b'{"data":null}')
    assert kong.transport.writes == writes + 2
    assert [function for function, _ in kong.calls] == [
        "kong.request.get_raw_body",
        "kong.request.get_headers",
        "kong.request.get_method",
        "kong.nginx.get_var",
    ]
    (request,) = gateway.requests
    assert request.method == "POST"
    assert request.body == b'{"query":"{a}"}'
    assert request.header("x-name") == "caf\xe9"
    assert request.request_id == REQUEST["kong.nginx.get_var"]
    assert kong.session.state is State.ANSWERED
    assert not kong.transport.closed


async def test_a_get_has_its_query(kong, gateway):
    kong.event(kong.start())
    await kong.serve({**REQUEST, "kong.request.get_method": "GET", "kong.request.get_raw_query": "query=%7Ba%7D"})
    assert gateway.requests[0].query == "query=%7Ba%7D"


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_the_recorded_connections_are_served_wherever_they_are_cut(runtime, files, events, gateway, size):
    """Kong's recorded bytes in; its own instance ids and answers to calls come back byte for byte."""
    for connection in CONNECTIONS:
        kong = Kong(Session(runtime, events))
        results = {f.function: f.content for f in connection.frames if f.kind == "result"}
        answers = [f.content for f in connection.frames if f.kind == "answer"]
        for recorded in connection.frames:
            if recorded.kind != "call":
                continue
            call = decode_call(recorded.content)
            if not isinstance(call, HandleEvent):
                files._next = decode_answer(answers[0]).instance - 1
            stream = frame(recorded.content)
            for at in range(0, len(stream), size):
                kong.session.data_received(stream[at : at + size])
            if not isinstance(call, HandleEvent):
                assert kong.transport.frames.pop(0) == answers.pop(0)
                continue
            answer = await kong.serve({**REQUEST, **results})
            # The recorded temporary file is on another machine.
            spooled = results.get("kong.request.get_raw_body", b"").startswith(b"\x12")
            assert answer.status == (413 if spooled else 200)
            kong.leave()
            break  # the recording server let some events pass; this one answers all of them


async def test_another_phase_lets_the_request_pass_and_the_connection_goes_on(kong):
    instance = kong.start()
    for _ in range(3):
        kong.event(instance, "log")
        await kong.serve()
        assert kong.transport.frames == [b"", b"\x08\x07"]
        assert kong.session.state is State.IDLE
        kong.transport.frames.clear()
    kong.event(instance)
    assert (await kong.serve()).status == 200


async def test_other_calls_are_answered(kong):
    instance = kong.start()
    kong.send(encode_call(OtherCall(5, 34)))
    kong.send(encode_call(CloseInstance(6, instance)))
    assert [decode_answer(content) for content in kong.transport.frames] == [Done(5), Done(6)]


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (ValueError("secret"), 500, "INTERNAL_SERVER_ERROR"),
        (ConnectionResetError("secret"), 500, "INTERNAL_SERVER_ERROR"),
        (asyncio.CancelledError(), 500, "INTERNAL_SERVER_ERROR"),
        (SystemExit(3), 500, "INTERNAL_SERVER_ERROR"),
        (RecursionError("secret"), 500, "INTERNAL_SERVER_ERROR"),
        (FederationError(UNSUPPORTED_OPERATION, "no"), 400, "UNSUPPORTED_OPERATION"),
        (FederationErrors([FederationError(SUPERGRAPH_INVALID, "secret")]), 503, "SUPERGRAPH_INVALID"),
        (HttpResponse(999, (), b""), 500, "INTERNAL_SERVER_ERROR"),
        (HttpResponse(200, (("x", "\u20ac"),), b""), 500, "INTERNAL_SERVER_ERROR"),
    ],
)
async def test_whatever_the_gateway_does_the_client_gets_an_error(kong, gateway, failure, status, code):
    gateway.response = failure
    kong.event(kong.start())
    answer = await kong.serve()
    assert (answer.status, code_of(answer)) == (status, code)
    assert b"secret" not in answer.body


async def test_a_stream_is_refused_and_closed(kong, gateway):
    ended = []

    async def stream():
        try:
            yield b"x"
        finally:
            ended.append(True)

    body = stream()
    await anext(body)
    gateway.response = HttpResponse(200, (), body)
    kong.event(kong.start())
    assert code_of(await kong.serve()) == "INTERNAL_SERVER_ERROR"
    assert ended


async def test_the_deadline_answers_in_the_gateways_place(connect, runtime, events, gateway, settings, monkeypatch):
    short = dataclasses.replace(settings, limits=Limits(deadline=1))
    monkeypatch.setattr("kong_federation.kong.runtime.parse_settings", lambda _: short)
    monkeypatch.setattr("kong_federation.kong.runtime._GRACE", 0.05)
    gateway.gate = asyncio.Event()
    keeper = asyncio.ensure_future(events.keep_deadlines())
    kong = connect()
    kong.event(kong.start())
    answer = await kong.serve()
    assert (answer.status, code_of(answer)) == (504, "GATEWAY_TIMEOUT")
    await asyncio.sleep(0.01)
    assert gateway.cancelled == 1
    keeper.cancel()


async def test_a_gateway_that_ignores_its_cancellation_changes_nothing(connect, gateway, events):
    kong = connect()
    instance = kong.start()

    async def stubborn(request):
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            return HttpResponse(200, (), b"late")

    gateway.handle = stubborn
    kong.event(instance)
    task = asyncio.ensure_future(kong.serve())
    await asyncio.sleep(0.01)
    kong.session.expire()
    assert (await task).status == 504
    await asyncio.sleep(0.01)
    assert kong.exit().status == 504


async def test_too_many_events_at_once_are_answered(connect, gateway, events):
    events._most = 2
    gateway.gate = asyncio.Event()
    kongs = [connect() for _ in range(3)]
    instance = kongs[0].start()
    for kong in kongs:
        kong.event(instance)
    answer = await kongs[2].serve()
    assert (answer.status, code_of(answer)) == (503, "SERVICE_UNAVAILABLE")
    gateway.gate.set()
    assert [(await kong.serve()).status for kong in kongs[:2]] == [200, 200]


async def test_an_unknown_instance_is_started_again_once_for_a_request(connect):
    kong = connect()
    kong.event(12345)
    assert await kong.serve() is None
    assert kong.transport.closed
    again = connect()
    again.event(12345)
    answer = await again.serve()
    assert (answer.status, code_of(answer)) == (503, "SERVICE_UNAVAILABLE")
    other = connect()
    other.event(12345)
    assert await other.serve({**REQUEST, "kong.nginx.get_var": "another"}) is None


async def test_without_a_request_id_nothing_is_replayed(kong):
    kong.event(12345)
    assert (await kong.serve({**REQUEST, "kong.nginx.get_var": ""})).status == 503


async def test_the_client_leaving_cancels_the_request_and_leaves_nothing(kong, gateway, events):
    gateway.gate = asyncio.Event()
    kong.event(kong.start())
    serving = asyncio.ensure_future(kong.serve())
    await gateway.reached.wait()
    serving.cancel()
    kong.leave()
    await asyncio.sleep(0.01)
    assert gateway.cancelled == 1
    assert repr(events) == "<Events 0 running, 0 connections>"
    assert kong.exit() is None


async def test_kong_leaving_when_the_body_has_just_been_read_begins_nothing(kong, gateway, runtime, monkeypatch):
    body = asyncio.get_running_loop().create_future()
    monkeypatch.setattr("kong_federation.kong.event.read_body", lambda *_: body)
    kong.event(kong.start())
    serving = asyncio.ensure_future(kong.serve({**REQUEST, "kong.request.get_raw_body": RawBody(path="/in/a/file")}))
    for _ in range(5):
        await asyncio.sleep(0)
    assert kong.calls
    serving.cancel()
    body.set_result(b'{"query":"mutation{a}"}')
    kong.leave()
    for _ in range(3):
        await asyncio.sleep(0)
    assert gateway.requests == []
    assert runtime.guard.flights.left_by(os.getpid()) == []


@pytest.mark.parametrize(("replies", "deaths"), [(0, 1), (1, 1), (2, 0)])
async def test_an_answer_is_taken_when_kong_has_replied_to_what_it_was_told_before(
    kong, gateway, runtime, replies, deaths
):
    """Kong that cannot reply any more sends the event again, though the answer has come: a mutation stays known."""
    gateway.response = HttpResponse(200, (), b"{}", Facts())
    body = RawBody(content=b'{"query":"mutation{a}"}')
    kong.event(kong.start())
    told = ["kong.log.set_serialize_value", "kong.ctx.shared.set"]
    replied = dict.fromkeys(told[:replies], b"")
    if replies < len(told):
        with pytest.raises(KeyError, match=told[replies]):
            await kong.serve({**REQUEST, "kong.request.get_raw_body": body, **replied})
    else:
        await kong.serve({**REQUEST, "kong.request.get_raw_body": body, **replied})
    assert kong.exit().status == 200
    kong.leave()
    assert runtime.guard.flights.begin(REQUEST["kong.nginx.get_var"], b"").deaths == deaths


async def test_kong_leaving_before_it_answers_a_call(kong, gateway, events):
    kong.event(kong.start())
    await asyncio.sleep(0.01)
    kong.leave()
    await asyncio.sleep(0.01)
    assert not gateway.requests
    assert repr(events) == "<Events 0 running, 0 connections>"


async def test_an_instance_that_cannot_be_shared_closes(kong, files, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "start", full)
    kong.send(encode_call(decode_call(CONNECTIONS[0].frames[0].content)))
    assert kong.transport.closed


async def test_a_result_nobody_asked_for_is_answered(kong, gateway):
    gateway.gate = asyncio.Event()
    kong.event(kong.start())
    task = asyncio.ensure_future(kong.serve())
    await gateway.reached.wait()
    kong.send(b"more")
    assert (await task).status == 500


@pytest.mark.parametrize("content", [b"", b"\xff", b"\x08\x01", b"\xa2\x02\x05\x08"])
async def test_bytes_that_are_no_call_are_answered(kong, content):
    kong.send(content)
    assert code_of(kong.exit()) == "INTERNAL_SERVER_ERROR"
    assert not kong.transport.closed


async def test_a_frame_that_is_too_large_is_answered(kong):
    instance = kong.start()
    kong.event(instance)
    assert kong.new_calls()
    kong.session.data_received(b"\xff\xff\xff\xff")
    assert code_of(kong.exit()) == "INTERNAL_SERVER_ERROR"


@pytest.mark.parametrize("seed", range(300))
async def test_random_bytes_in_an_event_end_in_an_answer(connect, gateway, seed):
    """After a valid event, whatever Kong sends, the client is answered exactly once and nothing is closed."""
    chance = random.Random(seed)
    kong = connect()
    kong.event(kong.start())
    for _ in range(chance.randrange(1, 12)):
        await asyncio.sleep(0)
        if chance.random() < 0.6:
            kong.send(chance.randbytes(chance.choice((0, 1, 2, 7, 40))))
        else:
            kong.session.data_received(chance.randbytes(chance.randrange(1, 9)))
    kong.session.expire()
    assert kong.session.state is State.ANSWERED
    await asyncio.sleep(0.001)
    kong.new_calls()
    assert kong.exit() is not None
    assert not kong.transport.closed


@pytest.mark.parametrize("seed", range(200))
async def test_random_bytes_from_the_start_never_raise(connect, seed):
    chance = random.Random(seed)
    kong = connect()
    stream = chance.randbytes(60) if chance.random() < 0.5 else b"".join(frame(chance.randbytes(9)) for _ in range(6))
    at = 0
    while at < len(stream):
        size = chance.randrange(1, 20)
        kong.session.data_received(stream[at : at + size])
        at += size
        await asyncio.sleep(0)
    assert not kong.transport.closed
    kong.leave()
    assert kong.session.state is State.CLOSED


async def test_a_header_struct_of_garbage_is_an_internal_error(kong):
    kong.event(kong.start())
    assert code_of(await kong.serve({**REQUEST, "kong.request.get_headers": b"\xff\xff"})) == "INTERNAL_SERVER_ERROR"


async def test_a_body_above_the_limit(connect, settings, monkeypatch, gateway):
    small = dataclasses.replace(settings, limits=Limits(max_body_size=10))
    monkeypatch.setattr("kong_federation.kong.runtime.parse_settings", lambda _: small)
    kong = connect()
    kong.event(kong.start())
    answer = await kong.serve({**REQUEST, "kong.request.get_raw_body": RawBody(content=b"x" * 11)})
    assert (answer.status, code_of(answer)) == (413, "REQUEST_TOO_LARGE")


async def test_draining_hangs_up_on_what_is_idle_and_waits_for_requests(connect, gateway, events):
    gateway.gate = asyncio.Event()
    idle, busy, late = connect(), connect(), connect()
    instance = idle.start()
    busy.event(instance)
    serving = asyncio.ensure_future(busy.serve())
    await gateway.reached.wait()
    draining = asyncio.ensure_future(events.drain(5))
    await asyncio.sleep(0.01)
    assert idle.transport.hung_up
    assert not idle.transport.closed, "what Kong is writing would be reset"
    idle.event(instance)
    assert idle.new_calls() == [], "it comes again over another connection"
    assert not busy.transport.hung_up
    late.event(instance)
    serving_late = asyncio.ensure_future(late.serve())
    await asyncio.sleep(0.01)
    gateway.gate.set()
    assert (await serving).status == 200
    assert (await serving_late).status == 200, "its connection was there before the end"
    for kong in (idle, busy, late):
        kong.leave()
    await draining


async def test_draining_waits_for_a_first_call_only_for_a_moment(connect, events, monkeypatch):
    monkeypatch.setattr("kong_federation.pluginserver.events._FIRST_CALL", 0.05)
    silent = connect()
    draining = asyncio.ensure_future(events.drain(5))
    await asyncio.sleep(0.01)
    assert not silent.transport.hung_up
    await asyncio.sleep(0.1)
    assert silent.transport.hung_up
    silent.leave()
    await draining


async def test_what_proceeds_while_draining_is_hung_up_on(connect, gateway, events):
    kong = connect()
    instance = kong.start()
    kong.event(instance, "log")
    draining = asyncio.ensure_future(events.drain(5))
    await asyncio.sleep(0)
    await kong.serve()
    await asyncio.sleep(0)
    assert kong.transport.hung_up
    kong.leave()
    await draining


async def test_draining_answers_what_does_not_end(connect, gateway, events):
    gateway.gate = asyncio.Event()
    kong = connect()
    kong.event(kong.start())
    serving = asyncio.ensure_future(kong.serve())
    await gateway.reached.wait()
    draining = asyncio.ensure_future(events.drain(0.05))
    answer = await serving
    assert (answer.status, code_of(answer)) == (503, "SERVICE_UNAVAILABLE")
    kong.leave()
    await draining


async def test_an_event_leaves_nothing_behind_for_the_collector(connect, gateway):
    gateway.requests = type("Forgetful", (), {"append": lambda self, _: None})()
    instance = connect().start()

    async def one():
        kong = connect()
        kong.event(instance)
        assert await kong.serve() is not None
        kong.leave()
        kong.session._transport = None  # the test's own cycle

    await one()
    gc.collect()
    gc.disable()
    try:
        for _ in range(100):
            await one()
        await asyncio.sleep(0)
        assert gc.collect() < 100
    finally:
        gc.enable()
