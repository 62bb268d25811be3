"""Pass-through: operations that one subgraph answers whole."""

from __future__ import annotations

import json
from urllib.parse import quote

from spec.gateway.case import Scene, Suite, equal, true
from spec.gateway.client import GRAPHQL, Answer, query, send
from spec.gateway.host import until
from spec.gateway.suites.answers import ANSWER, FEDERATED

SUITE = Suite("pass-through")


def _is_passed(answer: Answer) -> bool:
    return "x-kong-upstream-latency" in answer.headers and answer.headers.get("x-from-subgraph") == "1"


@SUITE.case("a query that one subgraph answers whole goes there and back by nginx")
def _(scene: Scene) -> None:
    client = {"cookie": "s=1", "authorization": "secret", "x-other": "1", "traceparent": "00-a-b-01"}
    answer = query(f"{scene.url}/passed?x=1", "query Q($n: Int) { users(count: $n) { id } }", client)
    equal((answer.status, answer.json), (200, {"data": {"users": [{"id": "1"}, {"id": "2"}, {"id": "3"}]}}))
    true(_is_passed(answer), f"nginx asked: {answer.headers}")
    (asked,) = scene.record.asked
    equal((asked.method, asked.path, asked.query), ("POST", "/accounts", ""))
    true("query Q" in json.loads(asked.body)["query"], "the plan's own document is sent")
    equal({name: asked.headers.get(name) for name in client}, {**dict.fromkeys(client), "traceparent": "00-a-b-01"})
    equal(asked.headers["host"], scene.record.url.removeprefix("http://"))
    equal(asked.headers["content-type"], "application/json")


@SUITE.case("it goes through an upstream of Kong's")
def _(scene: Scene) -> None:
    answer = query(f"{scene.url}/balanced", "{ me { name } }")
    equal(answer.json, {"data": {"me": {"name": "user 1"}}})
    true(_is_passed(answer), "nginx asked")


@SUITE.case("an upstream that Kong does not have is no reason not to answer")
def _(scene: Scene) -> None:
    answer = query(f"{scene.url}/lost", "{ me { name } }")
    equal((answer.status, answer.json), (200, {"data": {"me": {"name": "user 1"}}}))
    true(not _is_passed(answer), "the plugin asked")


@SUITE.case("what is not one subgraph's answer is answered by the plugin")
def _(scene: Scene) -> None:
    for text, expected in [
        (FEDERATED, ANSWER),
        ("{ me { name __typename } }", {"data": {"me": {"name": "user 1", "__typename": "User"}}}),
        ("mutation { count }", {"data": {"count": scene.record.mutations + 1}}),
    ]:
        answer = query(f"{scene.url}/passed", text)
        equal(answer.json, expected)
        true(not _is_passed(answer), f"the plugin answers {text}")
    answer = query(f"{scene.url}/passed", "{ me { name } }", {"accept": GRAPHQL})
    equal(answer.headers["content-type"], f"{GRAPHQL}; charset=utf-8")


@SUITE.case("limits, validation and methods hold as everywhere")
def _(scene: Scene) -> None:
    equal(query(f"{scene.url}/passed", "{ me { nothing } }").code, "GRAPHQL_VALIDATION_FAILED")
    equal(query(f"{scene.url}/passed", "query ($n: Int) { users(count: $n) { id } }", variables={"n": "x"}).status, 200)
    equal(scene.record.asked, [])


@SUITE.case("a GET becomes the subgraph's POST")
def _(scene: Scene) -> None:
    asked = quote("{ me { id } }")
    answer = send("GET", f"{scene.url}/passed?query={asked}", headers={"apollo-require-preflight": "1"})
    equal(answer.json, {"data": {"me": {"id": "1"}}})
    true(_is_passed(answer), "nginx asked")
    (seen,) = scene.record.asked
    equal((seen.method, seen.query), ("POST", ""))


@SUITE.case("a large answer passes untouched")
def _(scene: Scene) -> None:
    answer = query(f"{scene.url}/passed", "{ blob(size: 5000000) }")
    equal((answer.status, len(answer.body)), (200, 5_000_000 + len('{"data":{"blob":""}}')))
    true(_is_passed(answer), "nginx asked")


@SUITE.case("errors are the subgraph's own")
def _(scene: Scene) -> None:
    answer = query(f"{scene.url}/passed", "{ fail }")
    true(b"secret of the subgraph" in answer.body, "as the configuration allows")


@SUITE.case("logs say that it was passed through", ["file-log"])
def _(scene: Scene) -> None:
    query(f"{scene.url}/passed-logged", "{ me { name } }")
    file = scene.host.directory / "passed.log"
    until(lambda: (file.exists() and file.read_text()) or None, "a line is written")
    facts = json.loads(file.read_text().splitlines()[-1])["graphql"]
    equal((facts["passthrough"], facts["subgraphs"], facts["subrequests"]), ("yes", "accounts", 1))


@SUITE.case("without the plugin its service leads nowhere")
def _(scene: Scene) -> None:
    equal(query(f"{scene.url}/empty", "{ me { name } }").status, 503)
    equal(scene.record.asked, [])
