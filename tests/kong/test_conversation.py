"""What is asked first and told last, by the configuration."""

import pytest

from kong_federation.gateway import Facts, Identity
from kong_federation.kong import FUNCTIONS, Consumer, Credential, RawBody
from kong_federation.kong.conversation import Conversation
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
    facts = Facts("Q", "query", "abc", "hit", ("a", "\u00e9"), 3, 0, "", 10, 1.5)
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
        calls = Conversation(parse_settings({**MINIMAL, "telemetry": telemetry})).closing(facts)
        assert [name for name, _ in calls.calls] == functions
        assert {name: FUNCTIONS[name].argument.decode(argument) for name, argument in calls.calls} == dict.fromkeys(
            functions, ("graphql", told)
        )
    silent = {"log_serializer": False, "shared_context": False}
    assert Conversation(parse_settings({**MINIMAL, "telemetry": silent})).closing(facts) is None
    assert Conversation(parse_settings(MINIMAL)).closing(None) is None
    assert Conversation().closing(facts) is None
