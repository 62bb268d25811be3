"""
The products subgraph: what the shop sells.

Owns `Product`: names, prices in cents (null: on request), weights in grams (null: nothing to carry). Stock and shipping
are inventory's, opinions are reviews'.
"""

from __future__ import annotations

from enum import Enum

import strawberry
from serve import run


@strawberry.enum
class Category(Enum):
    CAMP = "CAMP"
    KITCHEN = "KITCHEN"
    WATER = "WATER"


@strawberry.federation.type(keys=["upc"])
class Product:
    upc: strawberry.ID
    name: str
    category: Category
    price: int | None
    weight: int | None

    @classmethod
    def resolve_reference(cls, upc: strawberry.ID) -> Product | None:
        return CATALOGUE.get(upc)


CATALOGUE = {
    upc: Product(upc=strawberry.ID(upc), name=name, category=category, price=price, weight=weight)
    for upc, name, category, price, weight in (
        ("tent", "Two-person tent", Category.CAMP, 18900, 2400),
        ("kettle", "Whistling kettle", Category.KITCHEN, 3450, 620),
        ("canoe", "Folding canoe", Category.WATER, 129900, 15800),
        ("lantern", "Storm lantern", Category.CAMP, 2790, 480),
        ("hammock", "Cotton hammock", Category.CAMP, 5900, 1350),
        ("pan", "Cast iron pan", Category.KITCHEN, 4200, 2100),
        ("kayak", "Hand-built kayak", Category.WATER, None, 21000),
        ("course", "Fire-making, a day in the woods", Category.CAMP, 9500, None),
    )
}


@strawberry.type
class Query:
    @strawberry.field
    def top_products(self, first: int = 5) -> list[Product]:
        return list(CATALOGUE.values())[: max(first, 0)]

    @strawberry.field
    def product(self, upc: strawberry.ID) -> Product | None:
        return CATALOGUE.get(upc)


schema = strawberry.federation.Schema(query=Query)

if __name__ == "__main__":
    run("products", schema, 4002)
