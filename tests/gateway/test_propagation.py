"""Which headers travel to subgraphs."""

from kong_federation.gateway import HttpRequest
from kong_federation.gateway.propagation import propagate, propagated_names
from kong_federation.settings import parse_settings


def names(*named):
    rules = [{"op": "propagate", "named": name} for name in named]
    settings = parse_settings({"supergraph": {"sdl": "x"}, "subgraph_defaults": {"headers": {"request": rules}}})
    return propagated_names([settings.subgraph_defaults.headers])


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
    assert propagate(HttpRequest("POST", headers=headers, request_id="id"), names()) == (
        ("traceparent", "00-a"),
        ("x-b3-traceid", "b"),
        ("x-datadog-trace-id", "1"),
        ("x-request-id", "r"),
        ("x-kong-request-id", "id"),
    )


def test_rules_name_headers_in_any_case_and_all_values_travel():
    headers = {"x-mine": ["1", "2", "\xff"]}
    assert propagate(HttpRequest("POST", headers=headers), names("X-Mine")) == (
        ("x-mine", "1"),
        ("x-mine", "2"),
        ("x-mine", "\xff"),
    )


def test_headers_that_connection_names_stay_here():
    headers = {"x-mine": ["1"], "x-other": ["2"], "connection": ["close, X-Mine"]}
    assert propagate(HttpRequest("POST", headers=headers), names("x-mine", "x-other")) == (("x-other", "2"),)


def test_a_value_cannot_write_headers_of_its_own():
    headers = {"traceparent": ["a\r\nauthorization: admin"], "tracestate": ["a\0"]}
    assert propagate(HttpRequest("POST", headers=headers, request_id="i\nd"), names()) == ()
