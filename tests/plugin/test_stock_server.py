"""The plugin under the real `kong-python-pluginserver` of kong-pdk, driven as Kong drives it."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.plugin.shop_subgraphs import Handler, serving
from tests.plugin.stock_server import ROOT, Kong, Request, stock_server

QUERY = "query ($first: Int) { me { name reviews(first: $first) { body } } }"
ANSWER = {"data": {"me": {"name": "Ada", "reviews": [{"body": "Good."}]}}}


def post(body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json", "content-length": str(len(content)), **headers}
    return Request(headers=headers, body=content)


@pytest.fixture(scope="module", params=["--no-lua-style", "--verbose"], ids=["value", "value and error"])
def server(request, tmp_path_factory):
    with serving() as config, stock_server(tmp_path_factory.mktemp("kong"), request.param) as path:
        kong = Kong(path)
        yield kong, config, path
        kong.close()


def test_a_federated_query_is_answered(server):
    kong, config, _ = server
    instance = kong.start_instance({**config, "__seq__": 1, "subgraph_defaults": None})
    request = post({"query": QUERY, "variables": {"first": 1}}, traceparent="00-abc-def-01")
    status, headers, body = kong.access(instance, request)
    assert (status, json.loads(body)) == (200, ANSWER)
    assert headers == {"content-type": "application/json; charset=utf-8"}
    sent = [{name.lower(): value for name, value in headers.items()} for _, headers in Handler.seen[-2:]]
    assert {one["traceparent"] for one in sent} == {"00-abc-def-01"}
    assert {one["x-kong-request-id"] for one in sent} == {"0123456789abcdef"}
    # Anything expensive in front of the first call would hold up all other requests.
    assert request.calls[0] == ("kong.request.get_method", [])


def test_a_get_is_answered(server):
    kong, config, _ = server
    request = Request("GET", {"apollo-require-preflight": "1"}, "query=%7Bme%7Bname%7D%7D")
    status, _, body = kong.access(kong.start_instance(config), request)
    assert (status, json.loads(body)) == (200, {"data": {"me": {"name": "Ada"}}})


def test_who_asks_is_told_to_subgraphs_and_facts_to_kong(server):
    kong, config, _ = server
    rules = [{"op": "insert", "named": f"x-{name}", "value_from": name} for name in ("consumer_id", "groups")]
    config = {**config, "subgraph_defaults": {"headers": {"request": rules}}, "identity": {"groups": {"ctx_key": "g"}}}
    request = post({"query": "query Q { me { name } }"})
    request.consumer = {"id": "c-1", "username": "alice", "tags": ["t"]}
    request.shared = {"g": ["gold", "caf\xe9"]}
    assert kong.access(kong.start_instance(config), request)[0] == 200
    _, headers = Handler.seen[-1]
    sent = {name.lower(): value for name, value in headers.items()}
    assert (sent["x-consumer_id"], sent["x-groups"]) == ("c-1", "gold,caf\xc3\xa9")
    assert {name for name, _ in request.told.values()} == {"graphql"}
    facts = request.told["kong.log.set_serialize_value"][1]
    assert request.told["kong.ctx.shared.set"][1] == facts
    assert (facts["operation_name"], facts["subrequests"]) == ("Q", 1)


def test_options_has_an_empty_body_that_is_not_none(server):
    kong, config, _ = server
    status, headers, body = kong.access(kong.start_instance(config), Request("OPTIONS"))
    assert (status, body, headers) == (204, "", {"allow": "GET, POST, OPTIONS"})


def test_a_wrong_configuration_is_answered_not_raised(server):
    kong, _, _ = server
    instance = kong.start_instance({"supergraph": {}, "nonsense": 1})
    status, _, body = kong.access(instance, post({"query": "{ me { name } }"}))
    assert (status, json.loads(body)["errors"][0]["extensions"]["code"]) == (500, "CONFIGURATION_INVALID")


def test_a_body_that_is_too_large_is_not_brought_over(server):
    kong, config, _ = server
    request = post(b"{}", **{"content-length": "3000000"})
    status, _, _ = kong.access(kong.start_instance(config), request)
    assert status == 413
    assert "kong.request.get_raw_body" not in [method for method, _ in request.calls]


def test_what_kong_answers_may_be_odd(server):
    kong, config, _ = server
    instance = kong.start_instance(config)
    request = post({"query": "{ me { name } }"})
    request.headers = None
    request.answer = lambda method, arguments: "POST" if method.endswith("method") else None
    status, _, body = kong.access(instance, request)
    assert (status, json.loads(body)["errors"][0]["extensions"]["code"]) == (400, "CSRF_ERROR")


def test_a_call_that_goes_wrong_is_answered(server):
    kong, config, _ = server
    request = post({"query": "{ me { name } }"})
    request.answer = lambda method, arguments: "POST" if method.endswith("method") else 5
    status, _, _ = kong.access(kong.start_instance(config), request)
    assert status == 500


def test_requests_are_answered_side_by_side(server):
    _, config, path = server
    answers = []

    def client():
        kong = Kong(path)
        instance = kong.start_instance(config)
        answers.extend(kong.access(instance, post({"query": QUERY, "variables": {"first": 1}}))[2] for _ in range(5))
        kong.close()

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [json.loads(answer) for answer in answers] == [ANSWER] * 40


def test_kong_is_told_one_plugin_with_one_phase():
    program = Path(sys.executable).parent / "kong-python-pluginserver"
    command = [program, "--plugins-directory", ROOT / "plugins", "--dump-all-plugins"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, env={})
    (plugin,) = json.loads(told.stdout)
    assert (plugin["Name"], plugin["Phases"], plugin["Priority"]) == ("graphql-federation", ["access"], 5)
    (config,) = plugin["Schema"]["fields"]
    assert list(config["config"]["fields"][0]) == ["supergraph"]
