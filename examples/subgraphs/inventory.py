"""
The inventory subgraph: what is on the shelf, and what it costs to send.

Extends `Product`. It does not know prices and weights; `@requires` makes the gateway bring them along from products.
"""

from __future__ import annotations

import strawberry
from serve import run

FREE_SHIPPING_FROM = 100_00  # cents
BASE_FEE = 390  # cents
GRAMS_PER_CENT = 5


@strawberry.type
class Warehouse:
    name: str
    city: str


HARBOUR = Warehouse(name="Harbour", city="Antwerp")
HILL = Warehouse(name="Hill", city="Liège")

SHELVES = {
    "tent": (HARBOUR, 14),
    "kettle": (HARBOUR, 0),
    "canoe": (HILL, 2),
    "lantern": (HILL, 31),
    "hammock": (HARBOUR, 5),
}


@strawberry.federation.type(keys=["upc"])
class Product:
    upc: strawberry.ID
    price: int | None = strawberry.federation.field(external=True, default=None)
    weight: int | None = strawberry.federation.field(external=True, default=None)

    @strawberry.field
    def in_stock(self) -> bool:
        return self.upc in SHELVES and SHELVES[self.upc][1] > 0

    @strawberry.field
    def warehouse(self) -> Warehouse | None:
        return SHELVES[self.upc][0] if self.upc in SHELVES else None

    @strawberry.federation.field(requires=["price", "weight"])
    def shipping_estimate(self) -> int | None:
        """Cents. Dear things travel free; others pay a base fee and by weight."""
        if self.price is None or self.weight is None:
            return None
        return 0 if self.price >= FREE_SHIPPING_FROM else BASE_FEE + self.weight // GRAMS_PER_CENT

    @classmethod
    def resolve_reference(cls, upc: strawberry.ID, price: int | None = None, weight: int | None = None) -> Product:
        return cls(upc=upc, price=price, weight=weight)


@strawberry.type
class Query:
    @strawberry.field
    def warehouses(self) -> list[Warehouse]:
        return [HARBOUR, HILL]


schema = strawberry.federation.Schema(query=Query, types=[Product])

if __name__ == "__main__":
    run("inventory", schema, 4003)
