"""
The recorded exchanges, replayed against the stand-in's side of the protocol.

A scripted plugin server sends the recorded frames of the server; the stand-in gets the recorded HTTP request and must
send what Kong sent, and the client must get what Kong's client got. What cannot be equal is masked: times, ids that
are random in Kong, ports, the file of a spooled body, and the order of fields, which follows Lua's hash tables.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import re
from pathlib import Path

import pytest

from kong_federation.kong import (
    FUNCTIONS,
    Exit,
    HandleEvent,
    InstanceStarted,
    StartInstance,
    Target,
    decode_answer,
    decode_call,
    encode_answer,
)
from kong_federation.kong import Done as EventDone
from kong_federation.standin import PluginInfo, StandIn, Tuning
from tests.standin.scripted import Wire, ask, parse

CASES = json.loads((Path(__file__).parents[1] / "kong" / "transcripts.json").read_text())

FIELDS = [
    {"mode": {"type": "string"}},
    {"end": {"type": "string"}},
    {"calls": {"type": "array", "elements": {"type": "array", "elements": {"type": "string"}}}},
]
INFO = PluginInfo(
    "graphql-federation",
    "0.1.0",
    5,
    ("access",),
    {"name": "graphql-federation", "fields": [{"config": {"type": "record", "required": True, "fields": FIELDS}}]},
)

RECORDED_PORT = 9100  # of the upstream

# The answer to the spooled body was left out of the record; its length is known.
LEFT_OUT = FUNCTIONS["kong.response.exit"].argument.encode(
    Exit(200, (("content-type", "application/json"),), b"x" * 135)
)

# Changes from request to request or from machine to machine.
MASKED_CALLS = {"kong.nginx.req_start_time", "kong.node.get_id", "kong.request.get_port"}
MASKED_HEADERS = {
    "date",
    "x-kong-request-id",
    "x-kong-response-latency",
    "x-kong-upstream-latency",
    "x-kong-proxy-latency",
}


def started_with(case):
    """The configuration Kong sent with the start of the case's instance; other cases reuse an earlier one."""
    for connection in case["connections"]:
        for frame in connection["frames"]:
            if frame["from"] == "kong" and "hex" in frame:
                with_sequence = decode_call_or_none(bytes.fromhex(frame["hex"]))
                if isinstance(with_sequence, StartInstance):
                    return json.loads(with_sequence.configuration)
    return None


def decode_call_or_none(content):
    try:
        return decode_call(content)
    except ValueError:
        return None


def route_name(case):
    return re.match(r"\w+ /([\w-]+)", case["request"])[1]


def configuration():
    """The recorded node's kong.yml, put together again from what Kong told the plugin."""
    services = {}
    routes = []
    for case in CASES:
        given = started_with(case)
        name = route_name(case)
        if given is None or name in services or name == "noservice":
            continue
        own = {key: value for key, value in given.items() if key in {"mode", "end", "calls"}}
        plugins = [{"name": "graphql-federation", "config": own}]
        if name == "getters-auth":
            plugins.append({"name": "key-auth"})
        services[name] = {
            "name": name,
            "url": "http://127.0.0.1:9100/json",
            "plugins": plugins,
            "routes": [{"name": name, "paths": [f"/{name}"], "strip_path": False}],
        }
    given = started_with(next(case for case in CASES if route_name(case) == "noservice"))
    own = {key: value for key, value in given.items() if key in {"mode", "calls"}}
    routes.append(
        {"name": "noservice", "paths": ["/noservice"], "plugins": [{"name": "graphql-federation", "config": own}]}
    )
    consumer = {
        "username": "alice",
        "custom_id": "a-1",
        "tags": ["beta"],
        "keyauth_credentials": [{"key": "alice-key", "id": "c8ae8a8b-b210-44f5-a110-573ba74d3733"}],
    }
    return {
        "_format_version": "3.0",
        "services": list(services.values()),
        "routes": routes,
        "consumers": [consumer],
    }


def steps(frames):
    """What each recorded frame is: (step, the PDK function it belongs to, its content)."""
    waiting = []  # functions whose results are still to come
    expected, function = "answer", ""
    last = len(frames) - 1
    for place, frame in enumerate(frames):
        content = bytes.fromhex(frame["hex"]) if "hex" in frame else LEFT_OUT
        if frame.get("event") == "closed":
            if frame["from"] == "kong" or place != last:  # after Kong's own end the server's says nothing
                yield f"{frame['from']} closes", "", b""
        elif frame["from"] == "kong" and waiting:
            yield "result", waiting.pop(0), content
        elif frame["from"] == "kong":
            expected = "function" if isinstance(decode_call(content), HandleEvent) else "answer"
            yield "call", "", content
        elif expected == "function" and content:
            function, expected = content.decode(), "argument"
            yield "function", function, content
        elif expected == "argument":
            waiting += [] if function == "kong.response.exit" else [function]
            expected = "function"
            yield "argument", function, content
        else:
            step, expected = ("over", "answer") if expected == "function" else (expected, expected)
            yield step, "", content


class Player:
    """A plugin server that plays the recorded frames and notes where the stand-in's differ from Kong's."""

    def __init__(self, case, path, port):
        self._connections = [list(connection["frames"]) for connection in case["connections"]]
        self._path = path
        self._port = port
        self._left = len(self._connections)
        self._over = asyncio.Event()
        self.differences = []

    async def __aenter__(self):
        self._server = await asyncio.start_unix_server(self._accept, str(self._path))
        if not self._left:
            self._over.set()
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def over(self):
        """All recorded connections have been played."""
        await self._over.wait()

    async def _accept(self, reader, writer):
        wire = Wire(reader, writer)
        if not self._connections:
            self.differences.append("one connection too many")
            writer.close()
            return
        frames = self._connections.pop(0)
        # A case that reuses an instance starts one here: the stand-in is new for each case.
        first = decode_call(bytes.fromhex(frames[0]["hex"]))
        if isinstance(first, HandleEvent):
            start = decode_call(await wire.receive())
            assert isinstance(start, StartInstance)
            wire.send(encode_answer(InstanceStarted(start.sequence, start.plugin, first.instance)))
        try:
            await self._play(wire, frames)
        except Exception as error:  # noqa: BLE001 - shown with the other differences
            self.differences.append(repr(error))
        self._left -= 1
        if not self._left:
            self._over.set()
        writer.close()

    async def _play(self, wire, frames):
        sequence = 0
        for step, function, content in steps(frames):
            match step:
                case "server closes":
                    wire.close()
                case "kong closes":
                    if await wire.receive() is not None:
                        self.differences.append("Kong closed here")
                case "call" | "result":
                    actual = await wire.receive()
                    if actual is None:
                        self.differences.append(f"closed instead of {content!r}")
                        return
                    if step == "call":
                        sequence = self._compare_call(content, actual)
                    else:
                        self._compare_result(function, content, actual)
                case "answer":
                    wire.send(self._renumbered(content, sequence))
                case "argument":
                    wire.send(self._ported(function, content))
                case _:
                    wire.send(content)

    def _renumbered(self, content, sequence):
        answer = decode_answer(content)
        if isinstance(answer, InstanceStarted):
            return encode_answer(InstanceStarted(sequence, answer.plugin, answer.instance))
        return encode_answer(EventDone(sequence))

    def _ported(self, function, content):
        """A recorded target lies on another port here."""
        if function != "kong.service.set_target":
            return content
        codec = FUNCTIONS[function].argument
        target = codec.decode(content)
        return codec.encode(Target(target.host, self._port)) if target.port == RECORDED_PORT else content

    def _compare_call(self, expected, actual):
        wanted, given = decode_call(expected), decode_call(actual)
        if isinstance(wanted, StartInstance):
            self._same(
                "start", (wanted.plugin, masked(wanted.configuration)), (given.plugin, masked(given.configuration))
            )
        else:
            self._same("event", (wanted.instance, wanted.phase), (given.instance, given.phase))
        return given.sequence

    def _compare_result(self, function, expected, actual):
        if function in MASKED_CALLS:
            self._same(f"{function}: presence", bool(expected), bool(actual))
            return
        decode = FUNCTIONS[function].result.decode if function in FUNCTIONS else bytes
        wanted, given = decode(expected), decode(actual)
        if function == "kong.nginx.get_var" and re.fullmatch("[0-9a-f]{32}", wanted):
            wanted, given = len(wanted), len(given)
        if function == "kong.request.get_raw_body" and wanted.path:
            size = len(Path(given.path).read_bytes())
            wanted, given = 60_012, size
        if function in {"kong.router.get_route", "kong.router.get_service", "kong.client.get_consumer"}:
            wanted, given = timeless(wanted), timeless(given)
        self._same(function, wanted, given)
        self._same(f"{function}: empty", expected == b"", actual == b"")

    def _same(self, what, wanted, given):
        if wanted != given:
            self.differences.append(f"{what}: Kong sent {wanted!r}, the stand-in {given!r}")


def timeless(record):
    masks = {"created_at": bool, "updated_at": bool, "port": bool}
    fields = {name: getattr(record, name) for name in (one.name for one in dataclasses.fields(record))}
    return {name: masks.get(name, lambda value: value)(value) for name, value in fields.items()}


def masked(configuration):
    return {**json.loads(configuration), "__seq__": 0}


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
async def test_the_stand_in_does_what_kong_did(case, directory):
    async with recorded_upstream(case) as port, Player(case, directory / "server.socket", port) as player:
        config = configuration()
        for service in config["services"]:
            service["url"] = f"http://127.0.0.1:{port}/json"
        tuning = Tuning(replays=len(case["connections"]) - 1, patience=5)
        standin = StandIn(config, port=0, socket=directory / "server.socket", plugin=INFO, tuning=tuning)
        async with standin:
            answer = parse(await ask(standin.port, request(case)))
            await asyncio.wait_for(player.over(), 5)
    assert player.differences == []
    if case["response"] is None:  # Kong was still replaying when the recording client gave up
        assert answer[0] == 500
        return
    check_response(answer, parse(case["response"].encode("latin-1")))


def request(case):
    """The recorded request; of a large body the record has only the beginning."""
    head, _, body = case["request"].encode("latin-1").partition(b"\r\n\r\n")
    length = int((re.search(rb"Content-Length: (\d+)", head) or [b"", b"0"])[1])
    return head + b"\r\n\r\n" + (b'{"query":"' + b"a" * (length - 12) + b'"}' if length > 1000 else body)


def check_response(answer, recorded):
    status, headers, body = answer
    wanted_status, wanted_headers, wanted_body = recorded
    assert status == wanted_status
    assert names_and_values(headers) == names_and_values(wanted_headers)
    request_id = dict(headers)["x-kong-request-id"]
    assert re.fullmatch("[0-9a-f]{32}", request_id)
    if wanted_body:
        # Kong's own pages show the id of the request.
        recorded_id = dict(wanted_headers)["x-kong-request-id"].encode()
        assert body.replace(request_id.encode(), b"id") == wanted_body.replace(recorded_id, b"id")


def names_and_values(headers):
    return sorted((name, "" if name in MASKED_HEADERS else value) for name, value in headers)


@contextlib.asynccontextmanager
async def recorded_upstream(case):
    """An upstream that answers as the recorded one did, without what Kong adds to it."""
    head, _, body = (case["response"] or "HTTP/1.1 200 OK\r\n\r\n").partition("\r\n\r\n")
    kept = [line for line in head.split("\r\n") if not line.startswith(("X-Kong", "Via", "Connection"))]
    asked = []

    async def answer(reader, writer):
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write("\r\n".join([*kept, "", ""]).encode("latin-1") + body.encode("latin-1"))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
    assert bool(asked) == (case["case"] in {"no-op event", "steer to another upstream"})
