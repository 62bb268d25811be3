"""The run itself, against a gateway that was told what to say."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from spec.audit.__main__ import main
from spec.audit.score import faults
from spec.audit.suite import Question, Suite
from spec.difference import differences
from spec.exchange import Answer


@pytest.fixture
def gateway():
    """A gateway with canned answers by path and query; what it was sent is kept."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            sent = self.rfile.read(int(self.headers["content-length"]))
            server.sent.append((self.path, dict(self.headers), json.loads(sent)))
            status, body = server.answers.get((self.path, json.loads(sent)["query"]), (404, b"nothing"))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.answers, server.sent = {}, []
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def knows(gateway, name, change=lambda _id, body: body, status=200):
    suite = Suite(name)
    for question in suite.questions():
        body = change(question.id, {"data": question.data, **({"errors": [{}]} if question.errors else {})})
        answer = status, json.dumps(body).encode()
        gateway.answers[f"/{name}/graphql", question.query] = answer


def run(gateway, *arguments):
    return main([*arguments, "--gateway", gateway.url, "--port", "0"])


def test_a_gateway_that_is_right_passes(gateway, capsys):
    for name in ("enum-intersection", "simple-override"):
        knows(gateway, name, status=500)
    assert run(gateway, "enum-intersection", "simple-override") == 0
    assert capsys.readouterr().out.splitlines() == [
        "enum-intersection 5/5 (requests: 0 vs 4 vs 4)",
        "simple-override 2/2 (requests: 0 vs 4 vs 4)",
        "AUDIT 7/7",
    ]


def test_a_test_is_sent_as_the_audit_sends_it(gateway):
    knows(gateway, "simple-entity-call")
    run(gateway, "simple-entity-call")
    ((path, headers, sent),) = gateway.sent
    assert path == "/simple-entity-call/graphql"
    assert sent == {"query": Suite("simple-entity-call").questions()[0].query}
    assert {name.lower(): value for name, value in headers.items() if name.lower() != "content-length"} == {
        "host": gateway.url.removeprefix("http://"),
        "accept": "application/json",
        "content-type": "application/json",
    }


def test_what_is_wrong_is_told_and_decides(gateway, capsys):
    def spoil(test, body):
        return {"data": {"aFeed": []}, "errors": [{"message": "no b"}]} if test == "simple-override_1" else body

    knows(gateway, "simple-override", spoil)
    knows(gateway, "simple-entity-call")
    assert run(gateway, "simple-override", "simple-entity-call", "--require", "simple-entity-call") == 0
    assert capsys.readouterr().out.splitlines() == [
        "simple-entity-call 1/1 (requests: 0 vs 2 vs 2)",
        "FAIL simple-override_1 (HTTP 200, 0 requests)",
        "     data.aFeed: expected 1 items, got 0",
        '     data.bFeed: expected [{"createdAt": "p1-createdAt"}], but it is missing',
        '     it says: "no b"',
        "simple-override 1/2 (requests: 0 vs 4 vs 4)",
        "AUDIT 2/3",
    ]
    assert run(gateway, "simple-override") == 1
    assert run(gateway, "--test", "simple-override_0") == 0
    assert capsys.readouterr().out.splitlines()[-1] == "AUDIT 1/1"


def test_an_answer_that_is_no_json_fails(gateway, capsys):
    assert run(gateway, "simple-entity-call") == 1
    assert "no JSON: b'nothing'" in capsys.readouterr().out


def test_the_configuration_for_another_host(capsys):
    assert main(["simple-override", "--kong-yml"]) == 0
    declared = yaml.safe_load(capsys.readouterr().out)
    (route,) = declared["routes"]
    assert route["paths"] == ["/simple-override/graphql"]
    assert route["plugins"] == [
        {
            "name": "graphql-federation",
            "config": {
                "supergraph": {"path": str(Suite("simple-override").supergraph)},
                "subgraphs": [
                    {"name": "a", "url": "http://127.0.0.1:4200/simple-override/a"},
                    {"name": "b", "url": "http://127.0.0.1:4200/simple-override/b"},
                ],
                "operations": {"introspection": True},
            },
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "no such suite: nothing"),
        (["--test", "simple-override_9"], "no such test"),
        (["mutations", "--require", "typename"], "required, but not run: typename"),
        (["mutations", "--require", "nothing"], "no such suite: nothing"),
    ],
)
def test_a_wrong_call_is_refused(capsys, arguments, message):
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        ({"a": 1, "b": 2}, {"b": 2.0, "a": 1}, []),
        (None, None, []),
        ([1, 2], [2, 1], ["data.0: expected 1, got 2", "data.1: expected 2, got 1"]),
        (1, True, ["data: expected 1, got true"]),
        (False, 0, ["data: expected false, got 0"]),
        ({"a": None}, {}, ["data.a: expected null, but it is missing"]),
        ({}, {"a": None}, ["data.a: nobody asked for it, got null"]),
        ({"a": [{}]}, {"a": [None]}, ["data.a.0: expected {}, got null"]),
        ("5", 5, ['data: expected "5", got 5']),
        ([1], {"0": 1}, ['data: expected [1], got {"0": 1}']),
    ],
)
def test_differences(expected, actual, found):
    assert list(differences(expected, actual)) == found


@pytest.mark.parametrize(
    ("wanted", "errors", "passes"),
    [
        (None, {}, True),
        (None, {"errors": [{}]}, True),
        (True, {"errors": [{}]}, True),
        (True, {"errors": []}, False),
        (True, {}, False),
        (False, {"errors": []}, True),
        (False, {"errors": [{}]}, False),
    ],
)
def test_errors_count_only_where_they_are_mentioned(wanted, errors, passes):
    question = Question(id="x_0", query="{ x }", data=None, errors=wanted, apollo=None, hive=None)
    assert (not faults(question, Answer(200, errors))) is passes
