"""What is asked first and told last, by the configuration."""

from dataclasses import replace

import pytest

from kong_federation.gateway import Facts, HttpRequest, Identity, Passage, Way
from kong_federation.gateway.facts import Kind
from kong_federation.gateway.passage import Destination
from kong_federation.kong import FUNCTIONS, Consumer, Credential, FrameReader, RawBody, Service, Target
from kong_federation.kong.conversation import Conversation
from kong_federation.kong.telling import _KEPT, Telling
from kong_federation.settings import parse_settings

MINIMAL = {"supergraph": {"sdl": "x"}}
RULE = {"op": "insert", "named": "x-who", "value_from": "groups"}
WHO = {
    **MINIMAL,
    "subgraph_defaults": {"headers": {"request": [RULE]}},
    "identity": {"groups": {"ctx_key": "authenticated_groups"}, "scopes": {"header": "x-authenticated-scope"}},
}
HEAD = {
    "kong.request.get_raw_body": RawBody(content=b"x"),
    "kong.request.get_headers": {"a": ["1", "2"], "b": "3", "x-authenticated-scope": "read"},
    "kong.request.get_method": "POST",
    "kong.nginx.get_var": "id",
}


def replies(conversation, **results):
    return [FUNCTIONS[name].result.encode(results[name]) for name, _ in conversation.opening.calls]


def asked(conversation):
    return [(name, FUNCTIONS[name].argument.decode(argument)) for name, argument in conversation.opening.calls]


@pytest.mark.parametrize("settings", [None, parse_settings(MINIMAL)])
def test_without_use_for_it_nobody_is_asked_who_asks(settings):
    conversation = Conversation(settings)
    assert asked(conversation) == [
        ("kong.request.get_raw_body", None),
        ("kong.request.get_headers", 1000),
        ("kong.request.get_method", None),
        ("kong.nginx.get_var", "kong_request_id"),
    ]
    head = conversation.head(replies(conversation, **HEAD))
    assert (head.method, head.body, head.request_id) == ("POST", RawBody(content=b"x"), "id")
    assert (head.headers["a"], head.identity) == (["1", "2"], Identity())


def test_who_asks_is_asked_in_the_same_write():
    conversation = Conversation(parse_settings(WHO))
    assert asked(conversation)[4:] == [
        ("kong.client.get_consumer", None),
        ("kong.client.get_credential", None),
        ("kong.ctx.shared.get", "authenticated_groups"),
    ]
    about = {
        "kong.client.get_consumer": Consumer("c", 5, "alice", "a-1", ("t",)),
        "kong.client.get_credential": Credential("k"),
        "kong.ctx.shared.get": ["gold"],
    }
    assert conversation.head(replies(conversation, **HEAD, **about)).identity == Identity(
        "c", "alice", "a-1", ("t",), "k", ("gold",), ("read",)
    )
    nobody = [
        *replies(conversation, **HEAD, **about)[:4],
        b"",
        b"",
        FUNCTIONS["kong.ctx.shared.get"].result.encode(None),
    ]
    assert conversation.head(nobody).identity == Identity()


def test_facts_are_told_to_whom_the_configuration_says():
    facts = Facts(Kind("Q", "query", "abc", "hit", ("a", "\u00e9"), 3), 10, 1.5)
    told = {
        "operation_name": "Q",
        "operation_type": "query",
        "operation_hash": "abc",
        "plan_cache": "hit",
        "subgraphs": "a,\xc3\xa9",
        "subrequests": 3,
        "errors": 0,
        "response_bytes": 10,
        "duration_ms": 1.5,
    }
    for telemetry, functions in [
        ({}, ["kong.log.set_serialize_value", "kong.ctx.shared.set"]),
        ({"log_serializer": False}, ["kong.ctx.shared.set"]),
        ({"shared_context": False}, ["kong.log.set_serialize_value"]),
    ]:
        conversation = Conversation(parse_settings({**MINIMAL, "telemetry": telemetry}))
        for size, duration in [(10, 1.5), (0, 0.0), (2**40, 1e-9)]:
            asked = facts._replace(response_bytes=size, duration=duration)
            frames = FrameReader().feed(conversation.closing(asked))
            assert [name.decode() for name in frames[::2]] == functions
            for name, argument in zip(functions, frames[1::2], strict=True):
                wanted = told | {"response_bytes": size, "duration_ms": duration}
                assert FUNCTIONS[name].argument.decode(argument) == ("graphql", wanted)
    silent = {"log_serializer": False, "shared_context": False}
    assert Conversation(parse_settings({**MINIMAL, "telemetry": silent})).closing(facts) == b""
    assert Conversation(parse_settings(MINIMAL)).closing(None) == b""
    assert Conversation().closing(facts) == b""


def test_what_is_kept_of_facts_is_bounded_whatever_names_clients_give():
    telling = Telling(["kong.ctx.shared.set"])
    for number in range(100):
        name = f"Q{number}" + "x" * 2**18
        assert name.encode() in telling.written(Facts(Kind(name, "query")))
    kept = [sum(map(len, pieces)) for pieces in telling._pieces.values()]
    assert len(kept) > 1
    assert sum(kept) < _KEPT < 100 * 2**18
    huge = "x" * _KEPT
    assert huge.encode() in telling.written(Facts(Kind(huge, "query")))


PASSING = {**MINIMAL, "passthrough": {"enabled": True}, "security": {"mask_errors": False}}
PASSAGE = Passage(
    "a",
    Destination("a.test", 4001, "a.test:4001", "/graphql", "v=1", ""),
    (("content-type", "application/json"), ("host", "a.test:4001"), ("x-kept", "1")),
    b"{}",
)


@pytest.mark.parametrize(
    ("service", "way"),
    [
        (Service(protocol="http", host="graphql.closed"), Way("http", named=True)),
        (Service(protocol="https", host="10.0.0.1"), Way("https", named=False)),
        (None, None),
    ],
)
def test_where_a_service_leads_is_asked_only_for_pass_through(service, way):
    conversation = Conversation(parse_settings(PASSING))
    assert asked(conversation)[4:] == [("kong.router.get_service", None)]
    told = FUNCTIONS["kong.router.get_service"].result.encode(service) if service else b""
    head = [FUNCTIONS[name].result.encode(value) for name, value in HEAD.items()]
    assert conversation.head([*head, told]).way == way


def steered(passage=PASSAGE, **request):
    silent = {"log_serializer": False, "shared_context": False}
    conversation = Conversation(parse_settings({**PASSING, "telemetry": silent}))
    headers = {name: ["x"] for name in ("host", "cookie", "x-kept", "connection", "accept-encoding", "content-length")}
    request = HttpRequest(**{"method": "POST", "headers": headers, "way": Way("http", named=True), **request})
    calls = conversation.steering(request, passage).calls
    return {name: FUNCTIONS[name].argument.decode(argument) for name, argument in calls}


def test_nginx_is_steered_in_one_write():
    assert steered() == {
        "kong.service.set_target": Target("a.test", 4001),
        "kong.service.request.set_path": "/graphql",
        "kong.service.request.set_raw_query": "v=1",
        # The cookie is taken away; what belongs to the connection is nginx's.
        "kong.service.request.set_headers": {
            "cookie": [],
            "content-type": "application/json",
            "host": "a.test:4001",
            "x-kept": "1",
        },
        "kong.service.request.set_raw_body": b"{}",
    }
    assert next(iter(steered())) == "kong.service.set_target"


def test_nginx_is_steered_to_an_upstream_by_another_method_and_scheme():
    upstream = replace(PASSAGE, destination=replace(PASSAGE.destination, upstream="products.subgraph"))
    calls = steered(upstream, method="GET", way=Way("https", named=True))
    assert calls["kong.service.set_upstream"] == "products.subgraph"
    assert "kong.service.set_target" not in calls
    assert calls["kong.service.request.set_method"] == "POST"
    assert calls["kong.service.request.set_scheme"] == "http"


def test_facts_are_told_in_the_same_write():
    calls = Conversation(parse_settings(PASSING)).steering(HttpRequest("POST"), replace(PASSAGE, facts=Facts())).calls
    assert [name for name, _ in calls][-2:] == ["kong.log.set_serialize_value", "kong.ctx.shared.set"]
