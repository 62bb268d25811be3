import pytest
from hypothesis import given
from hypothesis import strategies as st

from kong_federation.kong import FUNCTIONS, Consumer, Credential, Exit, ProtocolError, RawBody, Route, Service, Target

from .recorded import FRAMES

RECORDED = [frame for frame in FRAMES if frame.function in FUNCTIONS]
ARGUMENTS = sorted({(frame.function, frame.content) for frame in RECORDED if frame.kind == "argument"})
RESULTS = sorted({(frame.function, frame.content) for frame in RECORDED if frame.kind == "result"})


def test_the_recordings_use_only_known_functions_but_for_the_one_that_should_fail():
    assert {frame.function for frame in FRAMES} - set(FUNCTIONS) == {"", "kong.request.no_such"}


@pytest.mark.parametrize(("function", "content"), ARGUMENTS)
def test_recorded_arguments_are_ours_byte_for_byte(function, content):
    codec = FUNCTIONS[function].argument
    assert codec.encode(codec.decode(content)) == content


@pytest.mark.parametrize(("function", "content"), RESULTS)
def test_recorded_results_return(function, content):
    codec = FUNCTIONS[function].result
    assert codec.decode(codec.encode(codec.decode(content))) == codec.decode(content)


def result(function: str) -> object:
    return next(
        FUNCTIONS[frame.function].result.decode(frame.content)
        for frame in RECORDED
        if frame.kind == "result" and frame.function == function and frame.content
    )


def test_what_the_recorded_results_say():
    assert result("kong.request.get_method") == "POST"
    assert result("kong.request.get_port") == 8200
    assert result("kong.request.get_http_version") == 1.1
    assert result("kong.request.get_headers")["content-type"] == "application/json"
    assert result("kong.client.get_consumer") == Consumer(
        "b32379d9-3d28-5683-a79c-72139be6e34f", 1795409961, "alice", "a-1", ("beta",)
    )
    assert result("kong.client.get_credential") == Credential("c8ae8a8b-b210-44f5-a110-573ba74d3733")
    route = result("kong.router.get_route")
    assert isinstance(route, Route)
    assert (route.paths, route.protocols, route.https_redirect_status_code) == (("/getters",), ("http", "https"), 426)
    service = result("kong.router.get_service")
    assert isinstance(service, Service)
    assert route.service == service.id
    assert (service.host, service.path, service.read_timeout) == ("127.0.0.1", "/json", 60000)


def test_the_recorded_bodies():
    bodies = [
        FUNCTIONS["kong.request.get_raw_body"].result.decode(content)
        for function, content in RESULTS
        if function == "kong.request.get_raw_body"
    ]
    assert RawBody(path="/usr/local/kong/client_body_temp/0000000001") in bodies
    assert RawBody(content=b"") in bodies
    assert FUNCTIONS["kong.request.get_raw_body"].result.decode(b"").error


def test_a_latin_1_header_byte_survives():
    headers = [
        FUNCTIONS[function].result.decode(content)
        for function, content in RESULTS
        if function == "kong.request.get_headers"
    ]
    assert "caf\xe9" in [value.get("x-name") for value in headers]


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("kong.response.exit", Exit(200, (("a", "1"), ("a", "2"), ("b", "\xff")), b"\x00\xff")),
        ("kong.response.exit", Exit(204, (), b"")),
        ("kong.service.set_target", Target("caf\xe9", -1)),
        ("kong.log.err", ["a", 1.0]),
        ("kong.request.get_headers", 1000),
        ("kong.service.request.set_raw_body", b"\xff\x00"),
        ("kong.service.request.set_headers", {"a": ["1", "2"]}),
    ],
)
def test_arguments_return(function, value):
    codec = FUNCTIONS[function].argument
    assert codec.decode(codec.encode(value)) == value


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("kong.router.get_route", Route(id="r", regex_priority=-1, preserve_host=True, service="s", tags=("a", "b"))),
        ("kong.router.get_service", Service(id="s", client_certificate="c", port=443)),
        ("kong.request.get_raw_body", RawBody(error="no")),
        ("kong.service.set_upstream", True),
        ("kong.service.set_upstream", False),
        ("kong.nginx.req_start_time", 12.5),
        ("kong.request.get_forwarded_port", -3),
    ],
)
def test_results_return(function, value):
    codec = FUNCTIONS[function].result
    assert codec.decode(codec.encode(value)) == value


@given(st.sampled_from(sorted(FUNCTIONS)), st.binary(max_size=60))
def test_any_bytes_decode_or_raise_the_one_error(function, data):
    for codec in (FUNCTIONS[function].argument, FUNCTIONS[function].result):
        try:
            codec.decode(data)
        except ProtocolError:
            continue
