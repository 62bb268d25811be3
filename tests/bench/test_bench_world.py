from __future__ import annotations

import orjson
import pytest

from bench.questions import Cold, fresh, questions
from bench.subgraphs import Shelf, workload_subgraphs
from bench.world import Tables, subgraph

ENTITIES = "query ($r: [_Any!]!) { _entities(representations: $r) { ... on %s { %s } } }"


@pytest.fixture(scope="module")
def tables():
    return Tables.load()


def ask(tables, name, query, representations=None):
    answer = subgraph(name, tables).answer({"query": query, "variables": {"r": representations}})
    assert "errors" not in answer
    return answer["data"]


def test_the_monolith_gives_the_published_answer(tables):
    from bench.questions import OPERATIONS
    from bench.world import monolith

    big = next(question for question in questions() if question.name == "big")
    assert monolith(tables).answer({"query": OPERATIONS["big"]}) == big.expected


def test_accounts(tables):
    asked = "{ me { id username } user(id: 2) { name } missing: user(id: 99) { name } users { id } }"
    assert ask(tables, "accounts", asked) == {
        "me": {"id": "1", "username": "urigo"},
        "user": {"name": "Dotan Simha"},
        "missing": None,
        "users": [{"id": str(number)} for number in range(1, 7)],
    }


def test_products(tables):
    data = ask(tables, "products", "{ topProducts { upc } two: topProducts(first: 2) { name } }")
    assert [product["upc"] for product in data["topProducts"]] == ["1", "2", "3", "4", "5"]
    assert data["two"] == [{"name": "Table"}, {"name": "Couch"}]


@pytest.mark.parametrize(
    ("required", "estimate"),
    [
        ({"price": 899, "weight": 101}, 50),
        ({"price": 1000, "weight": 100}, 50),
        ({"price": 1001, "weight": 100}, 0),
        ({"price": None, "weight": 100}, None),
        ({}, None),
    ],
)
def test_inventory_knows_price_and_weight_from_the_representation_only(tables, required, estimate):
    representation = {"__typename": "Product", "upc": "2", **required}
    (product,) = ask(tables, "inventory", ENTITIES % ("Product", "inStock shippingEstimate"), [representation])[
        "_entities"
    ]
    assert product == {"inStock": False, "shippingEstimate": estimate}


def test_reviews(tables):
    data = ask(
        tables,
        "reviews",
        "query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { reviews { id } }"
        " ... on Product { reviews { product { upc } author { id username } } } ... on Review { product { upc } } } }",
        [
            {"__typename": "User", "id": "5"},
            {"__typename": "Product", "upc": "2"},
            {"__typename": "Review", "id": "3"},
        ],
    )
    user, product, review = data["_entities"]
    assert user == {"reviews": [{"id": "1"}, {"id": "2"}]}
    assert product["reviews"] == [{"product": {"upc": "2"}, "author": {"id": "1", "username": "urigo"}}] * len(
        product["reviews"]
    )
    assert product["reviews"]
    assert review["product"]["upc"] in tables.products


def test_a_subgraph_refuses_what_is_not_in_its_schema(tables):
    answer = subgraph("reviews", tables).answer({"query": "{ users { id } }"})
    assert "users" in answer["errors"][0]["message"]


def test_a_fresh_text_differs_each_time():
    big = questions()[0]
    assert len({fresh(big).request for _ in range(3)} | {big.request}) == 4


def test_a_right_answer_may_be_written_in_another_way():
    users = questions()[2]
    assert not users.is_right(b"")
    assert not users.is_right(b'{"data":{"users":[]}}')
    import json

    assert users.is_right(json.dumps(users.expected, indent=3).encode())
    assert users.is_right(json.dumps(users.expected).encode())


def test_calls_that_differ_in_an_alias_nobody_used_before_are_executed_once():
    shelf = Shelf(workload_subgraphs())
    cold = next(question for question in questions() if isinstance(question, Cold))
    executed = []
    for _ in range(3):
        _, alias = cold.next()
        body = b'{"query":"{ topProducts { upc %b: name } }"}' % alias
        head = shelf.head(b"POST /products HTTP/1.1\r\ncontent-length: %d" % len(body))
        answer = shelf.respond(head, body)
        said, content = answer.split(b"\r\n\r\n", 1)
        assert f"content-length: {len(content)}".encode() in said
        assert all(set(product) == {"upc", alias.decode()} for product in orjson.loads(content)["data"]["topProducts"])
        stats = shelf.head(b"GET /stats HTTP/1.1")
        executed.append(orjson.loads(shelf.respond(stats, b"").split(b"\r\n\r\n", 1)[1])["executing_seconds"])
    assert executed[0] == executed[1] == executed[2] > 0
