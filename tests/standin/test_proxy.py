"""What reaches the service, and what comes back from it."""

from __future__ import annotations

import asyncio
import json

import pytest

from kong_federation.kong import FUNCTIONS, Target
from kong_federation.standin import Answered
from tests.standin.scripted import ask, get, parse, post
from tests.standin.upstreams import Upstream

pytestmark = pytest.mark.filterwarnings("error")


def configuration(port, *, host="127.0.0.1", service=None, upstreams=(), **route):
    return {
        "_format_version": "3.0",
        "upstreams": list(upstreams),
        "services": [
            {
                "name": "s",
                "url": f"http://{host}:{port}/base",
                **(service or {}),
                "routes": [{"name": "r", "paths": ["/graphql"], **route}],
                "plugins": [{"name": "graphql-federation"}],
            }
        ],
    }


def goes_on(wire, call):
    wire.done(call)


async def test_the_request_with_what_kong_adds(launch):
    async with Upstream() as upstream:
        standin, _ = await launch(configuration(upstream.port), goes_on)
        request = get("/graphql/x%20y?a=%7B&b", "X-Two: 1", "X-Two: 2", "X-Forwarded-For: 9.9.9.9", "Proxy: p")
        status, headers, body = parse(await ask(standin.port, request))
    assert (status, body) == (200, b"ok")
    assert upstream.line == "GET /base/x%20y?a=%7B&b HTTP/1.1"
    assert upstream.headers == {
        "host": [f"127.0.0.1:{upstream.port}"],
        "connection": ["keep-alive"],
        "via": ["1.1 kong/3.9.3"],
        "x-forwarded-for": ["9.9.9.9, 127.0.0.1"],
        "x-forwarded-proto": ["http"],
        "x-forwarded-host": ["gw.example"],
        "x-forwarded-port": [str(standin.port)],
        "x-forwarded-path": ["/graphql/x%20y"],
        "x-forwarded-prefix": ["/graphql"],
        "x-real-ip": ["127.0.0.1"],
        "x-kong-request-id": [dict(headers)["x-kong-request-id"]],
        "x-two": ["1", "2"],
    }
    told = dict(headers)
    assert told["via"] == "1.1 kong/3.9.3"
    assert {"x-kong-upstream-latency", "x-kong-proxy-latency"} <= told.keys()


async def test_header_bytes_reach_the_service_unchanged(launch):
    async with Upstream() as upstream:
        standin, _ = await launch(configuration(upstream.port), goes_on)
        await ask(standin.port, get("/graphql", "X-Name: caf\xe9", "X-Utf: \xc3\xa9"))
    assert b"X-Name: caf\xe9\r\n" in upstream.heads[0]
    assert b"X-Utf: \xc3\xa9\r\n" in upstream.heads[0]


async def test_everything_a_plugin_can_steer(launch):
    async def event(wire, call):
        for function, argument in (
            ("kong.service.set_target", Target("127.0.0.1", upstream.port)),
            ("kong.service.request.set_scheme", "http"),
            ("kong.service.request.set_path", "/else where"),
            ("kong.service.request.set_method", "POST"),
            ("kong.service.request.set_raw_query", "q=1"),
            ("kong.service.request.set_header", ("x-set", "1")),
            ("kong.service.request.add_header", ("x-set", "2")),
            ("kong.service.request.set_headers", {"x-list": ["a", "b"], "x-number": 2.0}),
            ("kong.service.request.clear_header", "cookie"),
            ("kong.service.request.set_raw_body", b'{"query":"{a}"}'),
            ("kong.response.set_header", ("x-from-plugin", "1")),
            ("kong.response.add_header", ("x-from-plugin", "2")),
        ):
            await wire.call(function, argument)
        seen.append(await wire.call("kong.request.get_header", "x-number"))
        wire.done(call)

    seen = []
    async with Upstream() as upstream:
        standin, _ = await launch(configuration(9), event)
        status, headers, _ = parse(await ask(standin.port, get("/graphql?old=1", "Cookie: s=1")))
    assert status == 200
    assert upstream.line == "POST /else%20where?q=1 HTTP/1.1"
    sent = upstream.headers
    assert sent["host"] == ["127.0.0.1"]  # a target's Host has no port
    assert (sent["x-set"], sent["x-list"], sent["x-number"]) == (["1", "2"], ["a", "b"], ["2"])
    assert "cookie" not in sent
    assert upstream.bodies == [b'{"query":"{a}"}']
    assert [value for name, value in headers if name == "x-from-plugin"] == ["1", "2"]
    assert seen == ["2"]


async def test_a_header_without_values_and_an_empty_query_are_gone(launch):
    """As seen on Kong 3.9.3."""

    async def event(wire, call):
        await wire.call("kong.service.set_target", Target("127.0.0.1", upstream.port))
        await wire.call("kong.service.request.set_headers", {"cookie": [], "host": "a.test:1", "x-absent": []})
        await wire.call("kong.service.request.set_raw_query", "")
        wire.done(call)

    async with Upstream() as upstream:
        standin, _ = await launch(configuration(9), event)
        await ask(standin.port, get("/graphql?old=1", "Cookie: s=1", "X-Kept: 1"))
    assert upstream.line.split(" ")[1] == "/base"
    assert upstream.headers["host"] == ["a.test:1"]
    assert upstream.headers["x-kept"] == ["1"]
    assert not {"cookie", "x-absent"} & upstream.headers.keys()


async def test_what_is_told_in_one_write_with_the_answer_is_heard(launch):
    def event(wire, call):
        told = FUNCTIONS["kong.log.set_serialize_value"].argument.encode(("graphql", {"subrequests": 2, "errors": 0}))
        wire.send(b"kong.log.set_serialize_value", told, b"kong.ctx.shared.set", told)
        wire.exit(200, b"answer")

    heard = []
    standin, _ = await launch(configuration(9), event, heard=heard)
    status, _, body = parse(await ask(standin.port, get("/graphql")))
    assert (status, body) == (200, b"answer")
    (answered,) = (one for one in heard if isinstance(one, Answered))
    assert answered.serialized == {"graphql": {"subrequests": 2, "errors": 0}}


async def test_set_upstream_takes_targets_in_turn(launch):
    async def event(wire, call):
        assert await wire.call("kong.service.set_upstream", "pool") is True
        wire.done(call)

    async with Upstream() as one, Upstream() as two:
        pool = {
            "name": "pool",
            "targets": [
                {"target": f"127.0.0.1:{one.port}", "weight": 200},
                {"target": f"127.0.0.1:{two.port}", "weight": 100},
                {"target": "127.0.0.1:9", "weight": 0},
            ],
        }
        standin, _ = await launch(configuration(9, host="localhost", upstreams=[pool]), event)
        for _ in range(6):
            assert parse(await ask(standin.port, get("/graphql")))[0] == 200
    assert (len(one.heads), len(two.heads)) == (4, 2)
    assert one.headers["host"] == [f"127.0.0.1:{one.port}"]


@pytest.mark.parametrize(
    "steered", [("kong.service.set_upstream", "pool"), ("kong.service.set_target", Target("localhost", 80))]
)
async def test_a_name_fails_when_the_services_host_is_an_address(launch, steered):
    async def event(wire, call):
        await wire.call(*steered)
        wire.done(call)

    pool = {"name": "pool", "targets": [{"target": "127.0.0.1:9"}]}
    standin, _ = await launch(configuration(9, upstreams=[pool]), event)
    assert parse(await ask(standin.port, get("/graphql")))[0] == 500


async def test_an_upstream_without_targets_is_503(launch):
    standin, _ = await launch(configuration(9, host="pool", upstreams=[{"name": "pool"}]), goes_on)
    status, _, body = parse(await ask(standin.port, get("/graphql")))
    assert (status, json.loads(body)["message"]) == (503, "failure to get a peer from the ring-balancer")


async def test_a_route_without_a_service_is_503_after_the_plugins(launch):
    config = configuration(9)
    config["routes"] = [{"name": "alone", "paths": ["/alone"], "plugins": [{"name": "graphql-federation"}]}]
    standin, server = await launch(config, goes_on)
    status, _, body = parse(await ask(standin.port, get("/alone")))
    assert (status, json.loads(body)["message"]) == (503, "no Service found with those values")
    assert len(server.events) == 1


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (b"", 502, "An invalid response was received from the upstream server"),
        (b"nonsense\r\n\r\n", 502, "An invalid response was received from the upstream server"),
    ],
)
async def test_an_upstream_that_does_not_speak_http(launch, answer, status, message):
    async with Upstream(answer) as upstream:
        standin, _ = await launch(configuration(upstream.port), goes_on)
        got, _, body = parse(await ask(standin.port, get("/graphql")))
    assert (got, json.loads(body)["message"]) == (status, message)


async def test_an_upstream_that_is_not_there_is_502(launch):
    async with Upstream() as gone:
        port = gone.port
    standin, _ = await launch(configuration(port, service={"retries": 1}), goes_on)
    status, headers, _ = parse(await ask(standin.port, get("/graphql")))
    assert status == 502
    assert dict(headers)["server"] == "kong/3.9.3"


async def test_an_upstream_that_does_not_answer_is_504(launch):
    async def sleep(_, __):
        await asyncio.sleep(5)

    async with Upstream(sleep) as upstream:
        standin, _ = await launch(configuration(upstream.port, service={"read_timeout": 100}), goes_on)
        status, _, body = parse(await ask(standin.port, get("/graphql")))
    assert (status, json.loads(body)["message"]) == (504, "The upstream server is timing out")


async def test_an_answer_is_passed_on_while_it_comes(launch):
    first_seen = asyncio.Event()

    async def drip(_, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\nX-A: 2\r\n\r\n5\r\nfirst\r\n")
        await first_seen.wait()
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")
        await writer.drain()

    async with Upstream(drip) as upstream:
        standin, _ = await launch(configuration(upstream.port), goes_on)
        reader, writer = await asyncio.open_connection("127.0.0.1", standin.port)
        writer.write(get("/graphql"))
        head = await asyncio.wait_for(reader.readuntil(b"first"), 5)
        first_seen.set()
        assert b"second" in await asyncio.wait_for(reader.read(), 5)
        writer.close()
        await writer.wait_closed()
    assert head.count(b"X-A: ") == 2


async def test_an_answer_that_breaks_off_is_not_ended_properly(launch):
    async with Upstream(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this") as upstream:
        standin, _ = await launch(configuration(upstream.port), goes_on)
        try:
            answer = await ask(standin.port, get("/graphql"))
        except ConnectionError:
            return
    assert len(parse(answer)[2]) < 100


@pytest.mark.parametrize(
    ("head", "method"),
    [(b"HTTP/1.1 204 No Content", b"GET"), (b"HTTP/1.1 304 Not Modified", b"GET"), (b"HTTP/1.1 200 Fine", b"HEAD")],
)
async def test_answers_without_a_body(launch, head, method):
    async with Upstream(head + b"\r\nETag: x\r\n\r\n") as upstream:
        standin, _ = await launch(configuration(upstream.port), goes_on)
        answer = await ask(standin.port, get("/graphql").replace(b"GET", method, 1))
    assert answer.startswith(head)
    assert parse(answer)[2] == b""


async def test_a_chunked_body_arrives_with_its_length(launch):
    async with Upstream() as upstream:
        standin, _ = await launch(configuration(upstream.port), goes_on)
        head = b"POST /graphql HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        await ask(standin.port, head + b"3\r\nabc\r\n0\r\n\r\n")
    assert upstream.headers["content-length"] == ["3"]
    assert "transfer-encoding" not in upstream.headers
    assert upstream.bodies == [b"abc"]


async def test_without_buffering_a_body_is_passed_on_while_it_comes(launch):
    async with Upstream() as upstream:
        standin, _ = await launch(configuration(upstream.port, request_buffering=False), goes_on)
        head = b"POST /graphql HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        await ask(standin.port, head + b"3\r\nabc\r\n0\r\n\r\n")
    assert upstream.headers["transfer-encoding"] == ["chunked"]
    assert upstream.bodies == [b"3\r\nabc\r\n0\r\n\r\n"]


async def test_a_spooled_body_reaches_the_service(launch):
    async with Upstream() as upstream:
        standin, _ = await launch(configuration(upstream.port), goes_on)
        assert parse(await ask(standin.port, post("/graphql", b"x" * 500_000)))[0] == 200
    assert upstream.bodies == [b"x" * 500_000]


async def test_a_kept_host_and_a_kept_path(launch):
    async with Upstream() as upstream:
        standin, _ = await launch(configuration(upstream.port, preserve_host=True, strip_path=False), goes_on)
        await ask(standin.port, get("/graphql?"))
    assert upstream.headers["host"] == ["gw.example"]
    assert upstream.line == "GET /base/graphql? HTTP/1.1"
    assert "x-forwarded-prefix" not in upstream.headers


async def test_a_route_for_https_only(launch):
    standin, server = await launch(configuration(9, protocols=["https"]), goes_on)
    status, headers, body = parse(await ask(standin.port, get("/graphql")))
    assert (status, json.loads(body)["message"]) == (426, "Please use HTTPS protocol")
    assert dict(headers)["upgrade"] == "TLS/1.2, HTTP/1.1"
    assert not server.calls


async def test_a_redirect_to_https(launch):
    standin, _ = await launch(configuration(9, protocols=["https"], https_redirect_status_code=301), goes_on)
    status, headers, _ = parse(await ask(standin.port, get("/graphql?a=1")))
    assert (status, dict(headers)["location"]) == (301, "https://gw.example/graphql?a=1")


async def test_no_route_is_404(launch):
    standin, server = await launch(configuration(9), goes_on)
    status, headers, body = parse(await ask(standin.port, get("/other")))
    told = json.loads(body)
    assert (status, told["message"]) == (404, "no Route matched with those values")
    assert told["request_id"] == dict(headers)["x-kong-request-id"]
    assert not server.calls


async def test_one_connection_takes_several_requests(launch):
    standin, _ = await launch(configuration(9), lambda wire, _: wire.exit(200, b"ok"))
    reader, writer = await asyncio.open_connection("127.0.0.1", standin.port)
    for _ in range(3):
        writer.write(b"GET /graphql HTTP/1.1\r\nHost: h\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Connection: keep-alive" in head
        assert await reader.readexactly(2) == b"ok"
    writer.close()
    await writer.wait_closed()
