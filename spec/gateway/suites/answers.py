"""Operations and their answers: GraphQL over HTTP, errors, limits, sizes."""

from __future__ import annotations

import json
from urllib.parse import quote

from spec.gateway.case import Scene, Suite, equal, true
from spec.gateway.client import GRAPHQL, JSON, query, send

SUITE = Suite("answers")

FEDERATED = "query Federated { users(count: 2) { name reviews { body } } }"
ANSWER = {
    "data": {
        "users": [
            {"name": "user 1", "reviews": [{"body": "review by 1"}]},
            {"name": "user 2", "reviews": [{"body": "review by 2"}]},
        ]
    }
}


@SUITE.case("a query over two subgraphs is answered")
def _(scene: Scene) -> None:
    answer = query(f"{scene.url}/plain", FEDERATED)
    equal((answer.status, answer.json), (200, ANSWER))
    equal([asked.path for asked in scene.record.asked], ["/accounts", "/reviews"], "requests to subgraphs")


@SUITE.case("an answer has Kong's headers and ours, and no other")
def _(scene: Scene) -> None:
    answer = query(f"{scene.url}/plain", "{ me { id } }")
    headers = dict(answer.headers)
    equal(headers.pop("content-type"), f"{JSON}; charset=utf-8")
    equal(headers.pop("content-length"), str(len(answer.body)))
    true(headers.pop("server", "").startswith("kong/"), "Kong names itself")
    for name in ("x-kong-request-id", "x-kong-response-latency", "date", "connection"):
        true(headers.pop(name, ""), f"{name} is there")
    equal(headers, {})


@SUITE.case("a query may come with GET, a mutation may not")
def _(scene: Scene) -> None:
    headers = {"apollo-require-preflight": "1"}
    variables = quote(json.dumps({"n": 1}))
    asked = quote("query ($n: Int) { users(count: $n) { id } }")
    got = send("GET", f"{scene.url}/plain?query={asked}&variables={variables}", headers=headers)
    equal((got.status, got.json), (200, {"data": {"users": [{"id": "1"}]}}))
    before = scene.record.mutations
    refused = send("GET", f"{scene.url}/plain?query={quote('mutation { count }')}", headers=headers)
    equal((refused.status, refused.code, refused.headers.get("allow")), (405, "METHOD_NOT_ALLOWED", "POST"))
    equal(scene.record.mutations, before)


@SUITE.case("a mutation runs once")
def _(scene: Scene) -> None:
    before = scene.record.mutations
    equal(query(f"{scene.url}/plain", "mutation { count }").json, {"data": {"count": before + 1}})
    equal(scene.record.mutations, before + 1)


@SUITE.case("the media type is the client's choice")
def _(scene: Scene) -> None:
    for accept, chosen in [(GRAPHQL, GRAPHQL), ("*/*", JSON), (f"{JSON};q=0.5, {GRAPHQL}", GRAPHQL)]:
        answer = query(f"{scene.url}/plain", "{ me { id } }", {"accept": accept})
        equal(answer.headers["content-type"], f"{chosen}; charset=utf-8")
    equal(query(f"{scene.url}/plain", "{ me { id } }", {"accept": "text/html"}).code, "INVALID_ACCEPT_HEADER")


@SUITE.case("an operation that does not fit the schema is refused, with a status by the media type")
def _(scene: Scene) -> None:
    for accept, status in [(GRAPHQL, 400), (JSON, 200)]:
        answer = query(f"{scene.url}/plain", "{ me { nothing } }", {"accept": accept})
        equal((answer.status, answer.code), (status, "GRAPHQL_VALIDATION_FAILED"))
        equal(answer.json["errors"][0]["locations"], [{"line": 1, "column": 8}])
        true("data" not in answer.json, "there is no data")
    equal(query(f"{scene.url}/plain", "{ me { ").code, "GRAPHQL_PARSE_FAILED")
    equal(scene.record.asked, [])


@SUITE.case("what is no GraphQL request is refused")
def _(scene: Scene) -> None:
    url = f"{scene.url}/plain"
    for body, headers, status, code in [
        (b"{", {"content-type": JSON}, 400, "INVALID_GRAPHQL_REQUEST"),
        (b"[]", {"content-type": JSON}, 400, "BATCHING_NOT_ENABLED"),
        (b"", {"content-type": JSON}, 400, "INVALID_GRAPHQL_REQUEST"),
        (b'{"query":"{me{id}}"}', {"content-type": "text/plain"}, 400, "CSRF_ERROR"),
        (b'{"query":"{me{id}}"}', {"content-type": "text/plain", "apollo-require-preflight": "1"}, 415, None),
    ]:
        answer = send("POST", url, body, headers)
        equal(answer.status, status, f"status of {body!r}")
        if code is not None:
            equal(answer.code, code)
    equal(send("PUT", url, b"{}", {"content-type": JSON}).status, 405)
    equal(scene.record.asked, [])


@SUITE.case("OPTIONS tells the methods")
def _(scene: Scene) -> None:
    answer = send("OPTIONS", f"{scene.url}/plain")
    equal((answer.status, answer.headers.get("allow"), answer.body), (204, "GET, POST, OPTIONS", b""))


@SUITE.case("introspection is answered only where it is switched on")
def _(scene: Scene) -> None:
    text = "{ __schema { queryType { name } } }"
    equal(query(f"{scene.url}/plain", text).code, "INTROSPECTION_DISABLED")
    equal(query(f"{scene.url}/open", text).json, {"data": {"__schema": {"queryType": {"name": "Query"}}}})


@SUITE.case("limits are held before anything is asked")
def _(scene: Scene) -> None:
    equal(query(f"{scene.url}/limited", "{ a: me { id } b: me { id } }").code, "DOCUMENT_LIMIT_EXCEEDED")
    large = query(f"{scene.url}/limited", "{ me { id } }", extensions={"x": "x" * 1_000})
    equal((large.status, large.code), (413, "REQUEST_TOO_LARGE"))
    equal(scene.record.asked, [])


@SUITE.case("a subgraph's error is told without its text, and shown where masking is off")
def _(scene: Scene) -> None:
    answer = query(f"{scene.url}/plain", "{ fail me { id } }")
    equal(answer.json["data"], {"fail": None, "me": {"id": "1"}})
    (error,) = answer.json["errors"]
    equal((error["path"], error["extensions"]["code"]), (["fail"], "DOWNSTREAM_SERVICE_ERROR"))
    true(b"secret" not in answer.body, "the subgraph's text is kept back")
    true(b"secret of the subgraph" in query(f"{scene.url}/open", "{ fail }").body, "the text is shown")


@SUITE.case("a subgraph that is down leaves the rest of the answer")
def _(scene: Scene) -> None:
    answer = query(f"{scene.url}/dead", "{ me { name } latest { body } }")
    equal(answer.json["data"], {"me": {"name": "user 1"}, "latest": None})
    equal(answer.code, "SUBREQUEST_HTTP_ERROR")


@SUITE.case("a subgraph that is too slow is given up")
def _(scene: Scene) -> None:
    answer = query(f"{scene.url}/hurried", "{ slow(seconds: 2) }")
    equal((answer.status, answer.code, answer.json["data"]), (200, "SUBREQUEST_TIMEOUT", {"slow": None}))


@SUITE.case("a large answer arrives whole")
def _(scene: Scene) -> None:
    for size in (100_000, 5_000_000):
        answer = query(f"{scene.url}/plain", "query ($n: Int!) { blob(size: $n) }", variables={"n": size})
        equal((answer.status, len(answer.json["data"]["blob"])), (200, size))


@SUITE.case("a request body that nginx wrote to a file is read")
def _(scene: Scene) -> None:
    padding = "x" * 1_500_000
    answer = query(f"{scene.url}/plain", FEDERATED, extensions={"padding": padding})
    equal((answer.status, answer.json), (200, ANSWER))


@SUITE.case("bytes above 0x7f in a header do no harm")
def _(scene: Scene) -> None:
    answer = query(f"{scene.url}/plain", "{ me { id } }", {"x-name": "caf\xe9"})
    equal(answer.status, 200)
