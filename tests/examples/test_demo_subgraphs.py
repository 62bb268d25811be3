from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient, TestServer

ENTITIES = "query ($r: [_Any!]!) { _entities(representations: $r) { ... on %s { %s } } }"


@pytest.fixture
def ask(subgraphs):
    """Send an operation to a subgraph over HTTP, as the gateway does."""

    async def ask(name, query, variables=None, headers=None):
        import serve

        application = serve.application(subgraphs[name].schema)
        async with TestServer(application) as server, TestClient(server) as client:
            response = await client.post(
                "/graphql", json={"query": query, "variables": variables}, headers=headers or {}
            )
            assert response.status == 200
            return await response.json()

    return ask


async def test_accounts_owns_people(ask):
    answer = await ask("accounts", "{ user(id: 2) { username memberSince } }")
    assert answer["data"] == {"user": {"username": "tomasz", "memberSince": 2021}}
    answer = await ask(
        "accounts", ENTITIES % ("User", "name"), {"r": [{"__typename": "User", "id": id_} for id_ in ("3", "9", "1")]}
    )
    assert answer["data"] == {"_entities": [{"name": "Adaeze Obi"}, None, {"name": "Ines Moreau"}]}


@pytest.mark.parametrize(
    ("headers", "me"), [({}, None), ({"authorization": "Bearer jun"}, {"id": "4"}), ({"authorization": "jun"}, None)]
)
async def test_me_is_whom_the_header_names(ask, headers, me):
    assert (await ask("accounts", "{ me { id } }", headers=headers))["data"] == {"me": me}


async def test_products_owns_the_catalogue(ask):
    answer = await ask("products", "{ topProducts(first: 2) { upc name category price weight } }")
    assert answer["data"]["topProducts"] == [
        {"upc": "tent", "name": "Two-person tent", "category": "CAMP", "price": 18900, "weight": 2400},
        {"upc": "kettle", "name": "Whistling kettle", "category": "KITCHEN", "price": 3450, "weight": 620},
    ]


async def test_inventory_reads_what_it_requires_from_the_representation(ask):
    representations = [
        {"__typename": "Product", "upc": "tent", "price": 18900, "weight": 2400},
        {"__typename": "Product", "upc": "kettle", "price": 3450, "weight": 620},
        {"__typename": "Product", "upc": "kayak", "price": None, "weight": 21000},
        {"__typename": "Product", "upc": "lantern"},
    ]
    answer = await ask(
        "inventory",
        ENTITIES % ("Product", "inStock shippingEstimate warehouse { city }"),
        {"r": representations},
    )
    assert answer["data"]["_entities"] == [
        {"inStock": True, "shippingEstimate": 0, "warehouse": {"city": "Antwerp"}},
        {"inStock": False, "shippingEstimate": 514, "warehouse": {"city": "Antwerp"}},
        {"inStock": False, "shippingEstimate": None, "warehouse": None},
        {"inStock": True, "shippingEstimate": None, "warehouse": {"city": "Liège"}},
    ]


async def test_reviews_extends_people_and_products(ask):
    answer = await ask(
        "reviews",
        "query ($r: [_Any!]!) { _entities(representations: $r) { __typename"
        " ... on User { posts { __typename product { upc } ... on Review { stars } ... on Question { answer } } }"
        " ... on Product { averageStars posts { author { id username } } } } }",
        {"r": [{"__typename": "User", "id": "2"}, {"__typename": "Product", "upc": "kettle"}]},
    )
    tomasz, kettle = answer["data"]["_entities"]
    assert tomasz["posts"] == [
        {"__typename": "Review", "product": {"upc": "kettle"}, "stars": 4},
        {"__typename": "Question", "product": {"upc": "lantern"}, "answer": None},
    ]
    assert kettle["averageStars"] == 4.5
    assert kettle["posts"] == [
        {"author": {"id": "2", "username": "tomasz"}},
        {"author": {"id": "3", "username": "adaeze"}},
    ]


ADD = "mutation ($r: NewReview!) { addReview(review: $r) { id stars author { username } product { posts { body } } } }"


async def test_a_review_is_added_and_kept(ask):
    review = {"author": "1", "product": "pan", "stars": 5, "body": "Outlives us all."}
    answer = await ask("reviews", ADD, {"r": review})
    assert answer["data"]["addReview"] == {
        "id": "p7",
        "stars": 5,
        "author": {"username": "ines"},
        "product": {"posts": [{"body": "Outlives us all."}]},
    }
    assert (await ask("reviews", "{ latestPosts(first: 1) { id } }"))["data"] == {"latestPosts": [{"id": "p7"}]}


@pytest.mark.parametrize(("author", "stars", "complaint"), [("9", 5, "no user '9'"), ("1", 6, "one to five stars")])
async def test_a_wrong_review_is_refused(ask, author, stars, complaint):
    answer = await ask("reviews", ADD, {"r": {"author": author, "product": "pan", "stars": stars, "body": ""}})
    assert answer["data"] is None
    assert complaint in answer["errors"][0]["message"]
