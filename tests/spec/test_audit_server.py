"""The audit's subgraphs over HTTP, as a gateway meets them."""

from __future__ import annotations

import pytest

from spec.audit.world import running
from spec.exchange import ask


@pytest.fixture(scope="module")
def world():
    with running() as world:
        yield world


def test_a_request_is_answered_and_noted(world):
    world.forget()
    answer = ask("POST", f"{world.url}/simple-override/a", {"query": "{ aFeed { id } }"})
    assert (answer.status, answer.body) == (200, {"data": {"aFeed": [{"id": "p2"}]}})
    (noted,) = world.requests()
    assert noted == {
        "suite": "simple-override",
        "subgraph": "a",
        "query": "{ aFeed { id } }",
        "variables": None,
        "answer": answer.body,
    }
    world.forget()
    assert world.requests() == []


def test_errors_of_graphql_come_with_status_200(world):
    url = f"{world.url}/requires-with-argument/d"
    query = "query N($r: [_Any!]!) { _entities(representations: $r) { __typename } } query M { __typename }"
    thrown = ask(
        "POST",
        url,
        {
            "query": query,
            "operationName": "N",
            "variables": {"r": [{"__typename": "Post", "id": "p1", "comments": []}]},
        },
    )
    assert thrown.status == 200
    assert thrown.body["data"] is None
    assert thrown.body["errors"][0]["message"] == "Expected 3 comments"
    refused = ask("POST", url, {"query": query})
    assert refused.status == 200
    assert "data" not in refused.body
    assert "operation name" in refused.body["errors"][0]["message"]


def test_state_is_one_per_suite_and_shared_by_its_subgraphs(world):
    added = ask("POST", f"{world.url}/mutations/c", {"query": 'mutation { add(num: 4, requestId: "shared") }'})
    assert added.body == {"data": {"add": 4}}
    deleted = ask("POST", f"{world.url}/mutations/b", {"query": 'mutation { delete(requestId: "shared") }'})
    assert deleted.body == {"data": {"delete": 4}}


@pytest.mark.parametrize(
    ("path", "payload", "status"),
    [
        ("/simple-override/c", {"query": "{ feed { id } }"}, 404),
        ("/nothing/a", {"query": "{ feed { id } }"}, 404),
        ("/simple-override/a", [{"query": "{ feed { id } }"}], 400),
        ("/simple-override/a", {}, 400),
        ("/simple-override/a", "text", 400),
    ],
)
def test_what_is_no_request_is_refused(world, path, payload, status):
    assert ask("POST", f"{world.url}{path}", payload).status == status


def test_strict_subgraphs_throw():
    with running(strict=True) as world:
        query = '{ _entities(representations: [{__typename: "Product", id: "p1"}]) { __typename } }'
        answer = ask("POST", f"{world.url}/nested-provides/category", {"query": query})
    assert answer.body["errors"][0]["message"] == "You should be using the categories subgraph!"
