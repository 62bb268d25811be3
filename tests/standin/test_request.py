"""What plugins see of a request: bodies in memory and in files, queries, headers, variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from kong_federation.standin import Logged, Tuning
from kong_federation.standin.lua import from_wire, text
from kong_federation.standin.request import decode_query
from tests.standin.conftest import one_route
from tests.standin.scripted import ask, get, parse, post


def spooled(path):
    return Path(path).read_bytes()


@pytest.mark.parametrize(("size", "in_file"), [(0, False), (1, False), (8192, False), (8193, True), (300_000, True)])
async def test_a_body_over_the_buffer_is_a_file_until_the_request_is_over(launch, size, in_file):
    seen = []

    async def event(wire, _):
        body = await wire.call("kong.request.get_raw_body")
        again = await wire.call("kong.request.get_raw_body")
        assert body == again
        seen.extend((body.path, spooled(body.path) if body.path else body.content))
        wire.exit(200)

    standin, _ = await launch(one_route(), event)
    assert parse(await ask(standin.port, post("/graphql", b"x" * size)))[0] == 200
    path, content = seen
    assert content == b"x" * size
    assert bool(path) == in_file
    if path:
        with pytest.raises(FileNotFoundError):
            spooled(path)


async def test_the_buffer_can_be_larger(launch):
    async def event(wire, _):
        body = await wire.call("kong.request.get_raw_body")
        wire.exit(200 if body.content else 400)

    standin, _ = await launch(one_route(), event, tuning=Tuning(body_buffer=1_000_000))
    assert parse(await ask(standin.port, post("/graphql", b"x" * 500_000)))[0] == 200


async def test_a_compressed_body_stays_compressed(launch):
    async def event(wire, _):
        wire.exit(200, (await wire.call("kong.request.get_raw_body")).content)

    standin, _ = await launch(one_route(), event)
    sent = b"\x1f\x8b not really gzip"
    assert parse(await ask(standin.port, post("/graphql", sent, "Content-Encoding: gzip")))[2] == sent


async def test_header_bytes_are_not_checked(launch):
    async def event(wire, _):
        headers = await wire.call("kong.request.get_headers", 1000)
        assert headers["x-name"] == "caf\xe9"
        assert await wire.call("kong.request.get_header", "X-NAME") == "caf\xe9"
        assert await wire.call("kong.nginx.get_var", "http_x_name") == "caf\xe9"
        wire.exit(200, b"", ("x-valid", "caf\xc3\xa9"), ("x-broken", "a\r\nb"))

    standin, _ = await launch(one_route(), event)
    answer = await ask(standin.port, get("/graphql", "X-Name: caf\xe9"))
    assert b"x-valid: caf\xc3\xa9\r\n" in answer
    assert b"x-broken: a%0D%0Ab\r\n" in answer


@pytest.mark.parametrize(
    ("sent", "status", "message"),
    [
        (b"TRACE" + get("/graphql").removeprefix(b"GET"), 405, b"Method not allowed"),
        (get("/graphql", "Authorization: a", "authorization: b"), 400, b"Bad request"),
        (get("/nowhere", "If-Match: a", "If-Match: a"), 400, b"Bad request"),
    ],
)
async def test_what_nginx_refuses_reaches_no_plugin(launch, sent, status, message):
    async def event(wire, _):
        raise AssertionError(wire)

    standin, _ = await launch(one_route(), event)
    answer = parse(await ask(standin.port, sent))
    assert (answer[0], message in answer[2]) == (status, True)


async def test_only_as_many_headers_as_asked_for(launch):
    async def event(wire, _):
        wire.exit(200, str(len(await wire.call("kong.request.get_headers", 2))).encode())

    standin, _ = await launch(one_route(), event)
    assert parse(await ask(standin.port, get("/graphql", "a: 1", "b: 2")))[2] == b"2"


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", {}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1&a=2&a", {"a": ["1", "2", True]}),
        ("flag&empty=", {"flag": True, "empty": ""}),
        ("a%20b=%7B+%7D&&=x", {"a b": "{ }"}),
        ("x=%FF", {"x": "\xff"}),
        ("x=%zz", {"x": "%zz"}),
    ],
)
def test_queries(query, wanted):
    assert decode_query(query) == wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("request_uri", "/graphql?a=%7B&b"),
        ("uri", "/graphql"),
        ("args", "a=%7B&b"),
        ("is_args", ""),  # an empty text and no text look the same
        ("arg_a", "%7B"),
        ("request_method", "GET"),
        ("host", "gw.example"),
        ("scheme", "http"),
        ("server_protocol", "HTTP/1.1"),
        ("remote_addr", "127.0.0.1"),
        ("http_x_two", "1, 2"),
        ("content_type", ""),
        ("upstream_uri", "/"),
        ("no_such", ""),
    ],
)
async def test_nginx_variables(launch, name, wanted):
    async def event(wire, _):
        wire.exit(200, ((await wire.call("kong.nginx.get_var", name)) or "").encode())

    standin, _ = await launch(one_route(), event)
    answer = parse(await ask(standin.port, get("/graphql?a=%7B&b", "X-Two: 1", "X-Two: 2")))[2].decode()
    assert answer == ("?" if name == "is_args" else wanted)


async def test_log_lines_are_heard(launch):
    heard = []

    async def event(wire, _):
        await wire.call("kong.log.warn", ["a ", 2.0, True, None])
        wire.exit(200)

    standin, _ = await launch(one_route(), event, heard=heard)
    await ask(standin.port, get("/graphql"))
    assert Logged("warn", "a 2trueNULL_VALUE") in heard


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (False, None),
        (None, "NULL_VALUE"),
        ([], {}),
        ([1.0, False, 2.0], [1.0]),
        ([False, 2.0], {}),
        ({"a": False, "b": [{}]}, {"b": [{}]}),
        (True, True),
    ],
)
def test_values_through_lua(given, wanted):
    assert from_wire(given) == wanted


@pytest.mark.parametrize(("value", "wanted"), [(2.0, "2"), (0.1, "0.1"), (1e20, "1e+20"), (True, "true"), ("x", "x")])
def test_numbers_as_lua_writes_them(value, wanted):
    assert text(value) == wanted
