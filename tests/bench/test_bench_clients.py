"""The load clients against small servers that play the other side, with the project's own codec."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from bench.clients import BenchError, HttpLane, KongLane, start_instance
from bench.measure import cpu, load
from bench.questions import Question
from kong_federation.kong import (
    FUNCTIONS,
    Exit,
    FrameReader,
    HandleEvent,
    InstanceStarted,
    StartInstance,
    decode_call,
    encode_answer,
    frame,
)

BODY = b'{"data":' + b'"x' + b"x" * 100_000 + b'"}'


class PluginServer:
    """Asks for what a gateway asks for, and answers with `status`; `seen` holds what Kong said."""

    def __init__(self, status=200, calls=()):
        self.status = status
        self.calls = calls or (
            ("kong.request.get_raw_body", None),
            ("kong.request.get_headers", 1000),
            ("kong.nginx.get_var", "kong_request_id"),
            ("kong.log.set_serialize_value", ("a", "b")),
            ("kong.nginx.req_start_time", None),
        )
        self.seen = []

    async def __call__(self, reader, writer):
        frames, waiting = FrameReader(), []

        async def read():
            while not waiting:
                data = await reader.read(65536)
                if not data:
                    return None
                waiting.extend(frames.feed(data))
            return waiting.pop(0)

        match decode_call(await read()):
            case StartInstance() as start:
                self.seen.append(start)
                if self.status == 200:
                    writer.write(frame(encode_answer(InstanceStarted(start.sequence, start.plugin, 7))))
            case HandleEvent(instance=7, phase="access"):
                await self.event(read, writer)
        writer.close()

    async def event(self, read, writer):
        known = [(name, FUNCTIONS.get(name), argument) for name, argument in self.calls]
        for name, signature, argument in known:
            writer.write(frame(name.encode()) + frame(signature.argument.encode(argument) if signature else b""))
        replies = [await read() for _ in known]
        if None in replies:
            return
        self.seen.append(
            [signature.result.decode(reply) for (_, signature, _), reply in zip(known, replies, strict=True)]
        )
        answer = FUNCTIONS["kong.response.exit"].argument.encode(Exit(self.status, (), BODY))
        whole = frame(b"kong.response.exit") + frame(answer)
        writer.write(whole[:50_000])
        await writer.drain()
        writer.write(whole[50_000:])
        assert await read() is None  # Kong never answers an exit, it closes


@pytest.fixture
async def listening(tmp_path):
    """Start a plugin server of a kind; gives the path of its socket."""
    servers = []

    async def listen(handler):
        path = tmp_path / "plugin.socket"
        servers.append(await asyncio.start_unix_server(handler, path))
        return path

    yield listen
    for server in servers:
        server.close()
        await server.wait_closed()


async def test_a_kong_lane_answers_the_pdk_calls_and_reads_the_exit(listening):
    server = PluginServer()
    socket = await listening(server)
    assert await start_instance(socket, b"{}") == 7
    lane = KongLane(socket, 7)
    assert [await lane.ask(b"question"), await lane.ask(b"question")] == [BODY, BODY]
    start, first, second = server.seen
    assert start == StartInstance(1, "graphql-federation", b"{}")
    assert first[0].content == b"question"
    assert first[1]["content-length"] == "8"
    assert first[2] != second[2], "a repeated request id would be taken for a replay"
    assert first[3] is None
    assert abs(first[4] - time.time()) < 60, "a mutation older than the server would be refused"


@pytest.mark.parametrize(
    ("server", "complaint"),
    [
        (PluginServer(status=500), "answered 500"),
        (PluginServer(calls=(("kong.vault.get", None),)), "kong.vault.get"),
    ],
)
async def test_a_kong_lane_says_what_went_wrong(listening, server, complaint):
    socket = await listening(server)
    with pytest.raises(BenchError, match=complaint):
        await KongLane(socket, 7).ask(b"question")


async def test_a_closed_event_is_an_error(listening):
    async def close(_reader, writer):
        writer.close()

    socket = await listening(close)
    with pytest.raises(BenchError, match="closed the event"):
        await KongLane(socket, 7).ask(b"question")


async def test_a_refused_configuration_is_an_error(listening):
    socket = await listening(PluginServer(status=500))
    with pytest.raises(BenchError, match="refused"):
        await start_instance(socket, b"{}")


USERS = b'{"query":"{ users { id } }"}'


async def test_load_counts_answers_and_wrong_ones(listening):
    socket = await listening(PluginServer())
    lanes = [KongLane(socket, 7) for _ in range(4)]
    right = await load(lanes, Question("right", USERS, {"data": BODY[9:-2].decode()}), 0.1)
    assert right.requests >= 4
    assert right.wrong == 0
    assert 0 < right.percentile(0.5) <= right.percentile(0.99)
    wrong = await load(lanes[:1], Question("wrong", USERS, {"data": None}), 0.02)
    assert wrong.wrong == wrong.requests > 0


async def test_an_http_lane_is_kept_alive_and_reads_in_pieces():
    seen = []

    async def stand_in(reader, writer):
        while head := await reader.readuntil(b"\r\n\r\n"):
            seen.append(head)
            await reader.readexactly(len(USERS))
            status = 200 if len(seen) < 3 else 500
            whole = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(BODY)) + BODY
            writer.write(whole[:30])
            await writer.drain()
            writer.write(whole[30:])
            if status == 500:
                writer.close()
                return

    server = await asyncio.start_server(stand_in, "127.0.0.1", 0)
    async with server:
        lane = await HttpLane.open(server.sockets[0].getsockname()[1])
        assert [await lane.ask(USERS), await lane.ask(USERS)] == [BODY, BODY]
        with pytest.raises(BenchError, match="answered 500"):
            await lane.ask(USERS)
        lane.close()


def test_the_cpu_of_a_tree_is_split_between_the_root_and_what_is_below():
    import subprocess
    import sys

    spin = "import time; end = time.process_time() + 0.1\nwhile time.process_time() < end: pass"
    code = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {spin!r}]); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        used = cpu(process.pid)
        process.communicate(b"\n")
    assert used.below >= 0.09
    assert used.root < used.below


async def test_an_http_lane_that_was_given_up_does_not_take_the_late_answer_for_the_next():
    seen = []

    async def gateway(reader, writer):
        number = len(seen)
        seen.append(number)
        with contextlib.suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            if number == 0:
                await asyncio.sleep(0.2)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%d" % number)
            await reader.read()
        writer.close()

    server = await asyncio.start_server(gateway, "127.0.0.1", 0)
    async with server:
        lane = await HttpLane.open(server.sockets[0].getsockname()[1])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lane.ask(b""), 0.05)
        assert await lane.ask(b"") == b"1"
        lane.close()
        await asyncio.sleep(0.3)


async def test_an_http_lane_does_not_use_what_has_rested_too_long(monkeypatch):
    connections = []

    async def gateway(reader, writer):
        connections.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        writer.close()

    server = await asyncio.start_server(gateway, "127.0.0.1", 0)
    async with server:
        lane = await HttpLane.open(server.sockets[0].getsockname()[1])
        assert [await lane.ask(b""), await lane.ask(b"")] == [b"ok", b"ok"]
        assert len(connections) == 1
        monkeypatch.setattr("bench.clients.REST", -1.0)
        assert await lane.ask(b"") == b"ok"
        assert len(connections) == 2
        lane.close()
        await asyncio.sleep(0.05)


async def test_an_http_lane_opens_again_what_the_gateway_has_closed():
    async def gateway(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(gateway, "127.0.0.1", 0)
    async with server:
        lane = await HttpLane.open(server.sockets[0].getsockname()[1])
        for _ in range(2):
            assert await lane.ask(b"") == b"ok"
            await asyncio.sleep(0.05)
        lane.close()
