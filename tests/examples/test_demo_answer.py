"""The answer that the demonstration calls right is what the subgraphs say when they are asked by hand, one by one."""

from __future__ import annotations

import json
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def entities(module, typename, representations, selection):
    answer = module.schema.execute_sync(
        f"query ($r: [_Any!]!) {{ _entities(representations: $r) {{ ... on {typename} {{ {selection} }} }} }}",
        variable_values={"r": [{"__typename": typename, **fields} for fields in representations]},
    )
    assert answer.errors is None
    return answer.data["_entities"]


def asked_by_hand(subgraphs):
    top = "{ topProducts(first: 3) { upc name price weight } }"
    products = subgraphs["products"].schema.execute_sync(top).data["topProducts"]
    stock = entities(
        subgraphs["inventory"],
        "Product",
        [{"upc": product["upc"], "price": product["price"], "weight": product["weight"]} for product in products],
        "inStock shippingEstimate",
    )
    talk = entities(
        subgraphs["reviews"],
        "Product",
        [{"upc": product["upc"]} for product in products],
        "averageStars posts { __typename body author { username id } ... on Review { stars }"
        " ... on Question { answer } }",
    )
    for reviewed in talk:
        for post in reviewed["posts"]:
            (person,) = entities(subgraphs["accounts"], "User", [{"id": post["author"].pop("id")}], "name")
            post["author"].update(person)
    return [
        {"name": product["name"], "price": product["price"], **stocked, **reviewed}
        for product, stocked, reviewed in zip(products, stock, talk, strict=True)
    ]


def test_the_recorded_answer_is_what_the_subgraphs_say(subgraphs):
    recorded = json.loads((EXAMPLES / "query.answer.json").read_text())
    assert recorded == {"data": {"topProducts": asked_by_hand(subgraphs)}}
