"""Every function of the table has a method that asks it and understands its answer."""

from pathlib import Path

import pytest

import kong_federation
from kong_federation.kong import FUNCTIONS, Consumer, Credential, RawBody, Route, Service
from kong_federation.kong.functions import decode_text, encode_text
from kong_federation.kong.pdk import Calls, Pdk


class Channel:
    def __init__(self, results):
        self.results = results
        self.calls = []

    async def call(self, calls):
        self.calls.append([(name, FUNCTIONS[name].argument.decode(argument)) for name, argument in calls.calls])
        return [FUNCTIONS[name].result.encode(self.results[name]) for name, _ in calls.calls]


async def test_several_calls_are_made_in_one_write():
    channel = Channel({"kong.request.get_method": "POST", "kong.nginx.get_var": "id"})
    calls = Calls(("kong.request.get_method", b""), ("kong.nginx.get_var", encode_text("kong_request_id")))
    assert [decode_text(reply) for reply in await Pdk(channel).ask(calls)] == ["POST", "id"]
    assert channel.calls == [[("kong.request.get_method", None), ("kong.nginx.get_var", "kong_request_id")]]


READS = [
    ("get_method", "kong.request.get_method", "GET"),
    ("get_path", "kong.request.get_path", "/a"),
    ("get_path_with_query", "kong.request.get_path_with_query", "/a?b"),
    ("get_raw_query", "kong.request.get_raw_query", "b=\xe9"),
    ("get_scheme", "kong.request.get_scheme", "http"),
    ("get_host", "kong.request.get_host", "h"),
    ("get_port", "kong.request.get_port", 80),
    ("get_forwarded_scheme", "kong.request.get_forwarded_scheme", "https"),
    ("get_forwarded_host", "kong.request.get_forwarded_host", "h"),
    ("get_forwarded_port", "kong.request.get_forwarded_port", 443),
    ("get_http_version", "kong.request.get_http_version", 1.1),
    ("get_query", "kong.request.get_query", {"a": True, "b": ["1", "2"]}),
    ("get_raw_body", "kong.request.get_raw_body", RawBody(path="/f")),
    ("get_ip", "kong.client.get_ip", "127.0.0.1"),
    ("get_forwarded_ip", "kong.client.get_forwarded_ip", "10.0.0.1"),
    ("get_consumer", "kong.client.get_consumer", Consumer("c", tags=("t",))),
    ("get_credential", "kong.client.get_credential", Credential("k")),
    ("get_route", "kong.router.get_route", Route("r")),
    ("get_service", "kong.router.get_service", Service("s")),
    ("req_start_time", "kong.nginx.req_start_time", 5.5),
    ("get_node_id", "kong.node.get_id", "n"),
]
READS_BY_NAME = [
    ("get_header", "kong.request.get_header", "v"),
    ("get_query_arg", "kong.request.get_query_arg", "v"),
    ("get_shared", "kong.ctx.shared.get", {"a": ["b"]}),
    ("get_var", "kong.nginx.get_var", "v"),
    ("get_ctx", "kong.nginx.get_ctx", ["g"]),
]
WRITES = [
    ("set_shared", "kong.ctx.shared.set", ("k", "hit")),
    ("set_ctx", "kong.nginx.set_ctx", ("k", "v")),
    ("set_serialize_value", "kong.log.set_serialize_value", ("a.b", 1.0)),
    ("set_response_header", "kong.response.set_header", ("k", "v")),
    ("add_response_header", "kong.response.add_header", ("k", "v")),
    ("set_header", "kong.service.request.set_header", ("k", "v")),
    ("add_header", "kong.service.request.add_header", ("k", "v")),
]
WRITES_OF_TEXT = [
    ("set_scheme", "kong.service.request.set_scheme", "https"),
    ("set_path", "kong.service.request.set_path", "/p"),
    ("set_method", "kong.service.request.set_method", "POST"),
    ("set_raw_query", "kong.service.request.set_raw_query", "a=b"),
    ("clear_header", "kong.service.request.clear_header", "cookie"),
    ("set_raw_body", "kong.service.request.set_raw_body", b"\xff"),
]


@pytest.mark.parametrize(("method", "function", "result"), READS)
async def test_reads(method, function, result):
    channel = Channel({function: result})
    assert await getattr(Pdk(channel), method)() == result


@pytest.mark.parametrize(("method", "function", "result"), READS_BY_NAME)
async def test_reads_by_name(method, function, result):
    channel = Channel({function: result})
    assert await getattr(Pdk(channel), method)("name") == result
    assert channel.calls == [[(function, "name")]]


@pytest.mark.parametrize(("method", "function", "arguments"), WRITES)
async def test_writes(method, function, arguments):
    channel = Channel({function: None})
    await getattr(Pdk(channel), method)(*arguments)
    assert channel.calls == [[(function, arguments)]]


@pytest.mark.parametrize(("method", "function", "argument"), WRITES_OF_TEXT)
async def test_writes_of_text(method, function, argument):
    channel = Channel({function: None})
    await getattr(Pdk(channel), method)(argument)
    assert channel.calls == [[(function, argument)]]


async def test_the_others():
    channel = Channel(
        {
            "kong.request.get_headers": {"a": "1"},
            "kong.log.err": None,
            "kong.service.set_target": None,
            "kong.service.set_upstream": True,
            "kong.service.request.set_headers": None,
        }
    )
    pdk = Pdk(channel)
    assert await pdk.get_headers() == {"a": ["1"]}
    await pdk.log("err", "a", 1.0)
    await pdk.set_target("h", 80)
    assert await pdk.set_upstream("u") is True
    await pdk.set_headers((("a", "1"), ("a", "2")))
    assert [call[0][1] for call in channel.calls][1] == ["a", 1.0]
    assert channel.calls[-1] == [("kong.service.request.set_headers", {"a": ["1", "2"]})]


async def test_nothing_is_none():
    class Silent:
        async def call(self, calls):
            return [b"" for _ in calls.calls]

    pdk = Pdk(Silent())
    for read in (pdk.get_consumer, pdk.get_credential, pdk.get_route, pdk.get_service):
        assert await read() is None
    assert await pdk.get_header("x") is None
    assert await pdk.get_var("x") is None
    assert await pdk.get_shared("x") is None
    assert await pdk.set_upstream("x") is False


def test_every_function_but_exit_is_covered():
    named = set(Path(kong_federation.__file__).with_name("kong").joinpath("pdk.py").read_text().split('"')) | {
        "kong.response.exit",
        "kong.nginx.get_var",
    }
    assert {name for name in FUNCTIONS if not name.startswith("kong.log.")} <= named
