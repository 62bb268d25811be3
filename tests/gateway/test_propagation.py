"""Which headers travel to subgraphs."""

import pytest

from kong_federation.gateway import Identity
from kong_federation.gateway.propagation import compile_rules, propagate
from kong_federation.settings import parse_settings


def rules(*said):
    settings = parse_settings({"supergraph": {"sdl": "x"}, "subgraph_defaults": {"headers": {"request": said}}})
    return compile_rules(settings.subgraph_defaults.headers.request)


def names(*named):
    return rules(*({"op": "propagate", "named": name} for name in named))


def sent(headers, *said, identity=None):
    listed = {name: [values] if isinstance(values, str) else values for name, values in headers.items()}
    return propagate(listed, identity or Identity(), rules(*said))


def test_without_rules_only_trace_context_and_ids_travel():
    headers = {
        "traceparent": ["00-a"],
        "x-b3-traceid": ["b"],
        "x-datadog-trace-id": ["1"],
        "x-request-id": ["r"],
        "authorization": ["secret"],
        "cookie": ["secret"],
        "x-kong-request-id": ["forged"],
    }
    assert propagate(headers, Identity(), names()) == (
        ("traceparent", "00-a"),
        ("x-b3-traceid", "b"),
        ("x-datadog-trace-id", "1"),
        ("x-request-id", "r"),
    )


def test_rules_name_headers_in_any_case_and_all_values_travel():
    headers = {"x-mine": ["1", "2", "\xff"]}
    assert propagate(headers, Identity(), names("X-Mine")) == (
        ("x-mine", "1"),
        ("x-mine", "2"),
        ("x-mine", "\xff"),
    )


def test_headers_that_connection_names_stay_here():
    headers = {"x-mine": ["1"], "x-other": ["2"], "connection": ["close, X-Mine"]}
    assert propagate(headers, Identity(), names("x-mine", "x-other")) == (("x-other", "2"),)


def test_a_value_cannot_write_headers_of_its_own():
    headers = {"traceparent": ["a\r\nauthorization: admin"], "tracestate": ["a\0"]}
    assert propagate(headers, Identity(), names()) == ()


PROPAGATE = {"op": "propagate"}


def test_matching_headers_travel_but_for_those_that_are_excluded_or_belong_to_one_connection():
    headers = {"x-a": "1", "x-b": ["2", "3"], "cookie": "c", "x-secret": "s", "host": "h", "x-gone": "g"}
    headers |= {"connection": "X-Gone", "content-type": "t", "x-kong-request-id": "forged", "x-" + "y" * 300: "long"}
    rule = {**PROPAGATE, "matching": "^X-", "exclude": ["X-Secret"]}
    assert sent(headers, rule) == (("x-a", "1"), ("x-b", "2"), ("x-b", "3"))
    assert sent(headers, {**PROPAGATE, "matching": "."}) == (
        ("x-a", "1"),
        ("x-b", "2"),
        ("x-b", "3"),
        ("cookie", "c"),
        ("x-secret", "s"),
    )


def test_a_header_is_renamed_and_has_a_default():
    rule = {**PROPAGATE, "named": "X-Tenant", "rename": "X-Org", "default": "none"}
    assert sent({"x-tenant": ["a", "b"]}, rule) == (("x-org", "a"), ("x-org", "b"))
    assert sent({}, rule) == (("x-org", "none"),)


def test_rules_are_carried_out_in_order_and_a_later_one_wins():
    insert = {"op": "insert", "named": "x-a", "value": "ours"}
    propagate_all = {**PROPAGATE, "matching": "^x-"}
    client = {"x-a": "theirs", "x-b": "2", "traceparent": "t"}
    assert sent(client, propagate_all, insert) == (("traceparent", "t"), ("x-a", "ours"), ("x-b", "2"))
    assert sent(client, insert, propagate_all) == (("traceparent", "t"), ("x-a", "theirs"), ("x-b", "2"))
    assert sent(client, propagate_all, {"op": "remove", "named": "X-B"}, {"op": "remove", "matching": "^trace"}) == (
        ("x-a", "theirs"),
    )
    removed = {"op": "remove", "matching": "", "exclude": ["x-b"]} | {"matching": "^"}
    assert sent(client, propagate_all, removed) == (("x-b", "2"),)


def test_trace_context_travels_with_any_rules():
    client = {"traceparent": "t", "x-datadog-trace-id": "1", "x-other": "o"}
    insert = {"op": "insert", "named": "x-a", "value": "v"}
    assert sent(client, insert) == (("traceparent", "t"), ("x-datadog-trace-id", "1"), ("x-a", "v"))


WHO = Identity("c-1", "alice", "a-1", ("beta",), "k-1", ("gold", "eu"), ("read", "write"))


@pytest.mark.parametrize(
    ("value_from", "value"),
    [
        ("consumer_id", "c-1"),
        ("consumer_username", "alice"),
        ("consumer_custom_id", "a-1"),
        ("consumer_tags", "beta"),
        ("credential_id", "k-1"),
        ("groups", "gold,eu"),
        ("scopes", "read,write"),
    ],
)
def test_who_asks_is_told_by_kong_and_never_by_the_client(value_from, value):
    rule = {"op": "insert", "named": "x-who", "value_from": value_from}
    forged = {"x-who": "forged"}
    all_of_theirs = {**PROPAGATE, "matching": "^x-"}
    assert sent(forged, all_of_theirs, rule, identity=WHO) == (("x-who", value),)
    assert sent(forged, all_of_theirs, rule) == ()
    assert sent(forged, all_of_theirs, {**rule, "default": "nobody"}) == (("x-who", "nobody"),)


def test_a_consumers_name_cannot_write_headers_of_its_own():
    rule = {"op": "insert", "named": "x-who", "value_from": "consumer_username"}
    assert sent({}, rule, identity=Identity(consumer_username="a\r\nx-admin: 1")) == ()


def test_kongs_request_id_is_kongs_whatever_rules_say():
    rename = {**PROPAGATE, "named": "x-a", "rename": "x-kong-request-id"}
    insert = {"op": "insert", "named": "x-kong-request-id", "value": "forged"}
    assert sent({"x-a": "forged"}, rename, insert) == ()
