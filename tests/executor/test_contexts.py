"""`@fromContext`, from the plan to the answer: who is asked for what, with which values."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from kong_federation.executor import ExecutionContext, SubgraphTarget, prepare
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph
from kong_federation.transport import MemoryTransport, SubgraphRequest, SubgraphResponse

WORLD = Path(__file__).parents[1] / "worlds" / "context" / "supergraph.graphql"

USERS = {
    "customers": [{"id": "1", "currency": "EUR"}, {"id": "2", "currency": "USD"}, {"id": "3", "currency": "EUR"}],
    "visitor": {"id": "9", "locale": {"currency": "GBP"}},
}
BASKETS = {"1": ["a", "b"], "2": ["a"], "3": ["b"], "9": ["c"]}


def catalog(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "_entities": [
            {"basket": [{"upc": upc, "name": upc.upper()} for upc in BASKETS[one["id"]]]}
            for one in body["variables"]["representations"]
        ]
    }


def prices(body: dict[str, Any]) -> dict[str, Any]:
    currency = body["variables"].get("_kf0_currency")
    return {"_entities": [{"price": f"{one['upc']} in {currency}"} for one in body["variables"]["representations"]]}


async def run(text: str, users: dict[str, Any] = USERS) -> tuple[Any, tuple[Any, ...], list[dict[str, Any]]]:
    plan = Planner(load_supergraph(WORLD.read_text())).plan(text)
    asked: list[dict[str, Any]] = []

    def answers(data: Any) -> Any:
        async def handler(request: SubgraphRequest) -> SubgraphResponse:
            body = orjson.loads(request.body)
            if request.subgraph == "prices":
                asked.append(body["variables"])
            found = data(body) if callable(data) else {key: data[key] for key in data if key in body["query"]}
            return SubgraphResponse(200, (), orjson.dumps({"data": found}))

        return handler

    transport = MemoryTransport({"users": answers(users), "catalog": answers(catalog), "prices": answers(prices)})
    targets = {name: SubgraphTarget(name, 1.0, ()) for name in ("users", "catalog", "prices")}

    async def nothing(_document: str, _variables: dict[str, Any]) -> dict[str, Any]:
        return {}

    result = await prepare(plan).execute({}, ExecutionContext(transport, targets, nothing))
    return result.data, result.errors, asked


async def test_entities_are_asked_for_with_the_value_above_them() -> None:
    data, errors, asked = await run("{ customers { basket { price } } }")

    assert [[item["price"] for item in one["basket"]] for one in data["customers"]] == [
        ["a in EUR", "b in EUR"],
        ["a in USD"],
        ["b in EUR"],
    ]
    assert errors == ()
    # One request for each value; within it each entity once, wherever it stands.
    assert sorted((one["_kf0_currency"], len(one["representations"])) for one in asked) == [("EUR", 2), ("USD", 1)]


async def test_each_type_takes_the_value_from_where_it_has_it() -> None:
    data, errors, _ = await run("{ visitor { basket { price } } }")

    assert data == {"visitor": {"basket": [{"price": "c in GBP"}]}}
    assert errors == ()


async def test_a_null_above_is_sent_as_null() -> None:
    data, _, asked = await run("{ visitor { basket { price } } }", {"visitor": {"id": "9", "locale": None}})

    assert data == {"visitor": {"basket": [{"price": "c in None"}]}}
    assert asked[0]["_kf0_currency"] is None


async def test_without_a_value_nothing_is_asked_and_the_null_is_explained() -> None:
    data, errors, asked = await run("{ customers { basket { name price } } }", {"customers": [{"id": "1"}]})

    assert data == {"customers": [{"basket": [{"name": "A", "price": None}, {"name": "B", "price": None}]}]}
    assert errors
    assert asked == []


@pytest.mark.parametrize("text", ["{ customers { basket { price(currency: 1) } } }"])
def test_clients_do_not_see_the_argument(text: str) -> None:
    with pytest.raises(Exception, match="Unknown argument"):
        Planner(load_supergraph(WORLD.read_text())).plan(text)
