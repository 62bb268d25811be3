"""nested-provides: a path through three levels that one subgraph provides whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from spec.audit.subgraph import FaultError, Rules
from spec.audit.tables import Row, Tables, by, find, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    products, categories = tables["products"], tables["categories"]

    def punished(otherwise: Callable) -> Callable:
        return _punish if strict else otherwise

    def listed(keys: list[str]) -> list[Row]:
        return [find(categories, id=key) for key in keys]

    def provided(product: Row) -> Row:
        return {"id": product["id"], "categories": [outer(row) for row in listed(product["categories"])]}

    def outer(row: Row) -> Row:
        inner = [pick(below, "id", "name") for below in listed(row["subCategories"])]
        return {**pick(row, "id", "name"), "subCategories": inner}

    return {
        "all-products": Rules({"Product": punished(by("id", products, "id"))}),
        "category": Rules(
            {"Product": punished(by("id", products, "id")), "Category": punished(by("id", categories, "id"))},
            {"Query.products": lambda _: [provided(row) for row in products]},
        ),
        "subcategories": Rules(
            {
                "Product": punished(by("id", products)),
                "Category": by("id", categories, "id", "subCategories"),
            },
            {
                "Product.categories": punished(lambda product: listed(product["categories"])),
                "Category.subCategories": lambda category: listed(category["subCategories"]),
            },
        ),
    }


def _punish(*_: object) -> NoReturn:
    raise FaultError("You should be using the categories subgraph!")
