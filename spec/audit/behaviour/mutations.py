"""mutations: state that three subgraphs share, and products that a resolved reference consumes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from copy import deepcopy
from typing import Any

from spec.audit.subgraph import FaultError, Rules
from spec.audit.tables import Row, Tables, by, find, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    state = deepcopy(tables)
    return {"a": _a(state), "b": _b(state), "c": _c(state)}


def _a(state: Tables) -> Rules:
    products, numbers = state["products"], state["numbers"]

    def stocked() -> list[Row]:
        first = state["initialProduct"]
        if find(products, id=first["id"]) is None:
            products.append(first)
        return products

    def add_product(_: object, input: Row) -> Row:  # noqa: A002 - the argument's name
        products.append({"id": f"p-added-{len(products)}", "name": input["name"], "price": input["price"]})
        return products[-1]

    def multiply(_: object, **given: Any) -> int:
        key = given["requestId"]
        numbers[key] = numbers.get(key, 0) * given["by"]
        return numbers[key]

    return Rules(
        {"Product": _consumer(products, lambda row: row), "Category": by("id", state["categories"], "id")},
        {
            "Query.product": lambda _, **given: find(stocked(), id=given["id"]),
            "Query.products": lambda _: list(stocked()),
            "Mutation.addProduct": add_product,
            "Mutation.addCategory": _category_adder(state["categories"]),
            "Mutation.multiply": multiply,
        },
    )


def _b(state: Tables) -> Rules:
    numbers = state["numbers"]

    def priced(row: Row) -> Row:
        if not isinstance(row.get("price"), int | float):
            return {"id": row["id"], "isAvailable": False}
        return {**pick(row, "id", "price"), "isAvailable": True}

    def is_expensive(product: Row) -> bool:
        price = product.get("price")
        if not isinstance(price, int | float):
            raise FaultError("Price is not available")
        return price > 100

    return Rules(
        {"Product": _consumer(state["products"], priced), "Category": by("id", state["categories"])},
        {
            "Mutation.delete": lambda _, **given: numbers.pop(given["requestId"], 0),
            "Mutation.addCategory": _category_adder(state["categories"]),
            "Product.isExpensive": is_expensive,
        },
    )


def _c(state: Tables) -> Rules:
    numbers = state["numbers"]

    def add(_: object, **given: Any) -> int:
        key = given["requestId"]
        numbers[key] = numbers.get(key, 0) + given["num"]
        return numbers[key]

    return Rules(fields={"Mutation.add": add})


def _consumer(products: list[Row], shape: Callable[[Row], Row]) -> Callable[[Row], Awaitable[Row | None]]:
    async def consume(sent: Row) -> Row | None:
        row = find(products, id=sent.get("id"))
        # All lookups of one `_entities` come before the first removal.
        await asyncio.sleep(0)
        if row is None:
            return None
        products[:] = [one for one in products if one is not row]
        return shape(row)

    return consume


def _category_adder(categories: list[Row]) -> Callable[..., Row]:
    def add(_: object, **given: Any) -> Row:
        key = f"c-added-{given['requestId']}"
        if find(categories, id=key) is not None:
            raise FaultError("Category with this requestId was already added")
        categories.append({"id": key, "name": given["name"]})
        return categories[-1]

    return add
