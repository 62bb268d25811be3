"""fed1-external-extends-resolvable: a composite key with a field its owner gives away."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import Row, Tables, by, find, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    products = tables["products"]

    def product(sent: Row) -> Row | None:
        wanted = ("id", "name") if "id" in sent else ("upc",)
        return pick(find(products, **{key: sent.get(key) for key in wanted}), "id", "name", "upc", "price")

    return {
        "a": Rules(
            {"Product": by("id", products, "id", "name", "pid")},
            {"Query.productInA": lambda _: pick(products[0], "id", "name", "pid")},
        ),
        "b": Rules(
            {"Product": product},
            {"Query.productInB": lambda _: pick(products[0], "id", "name", "upc", "price")},
        ),
    }
