"""shared-root: root fields every subgraph answers with a part of the product."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import Tables, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    def part(name: str) -> Rules:
        product = pick(tables["product"], "id", name)
        return Rules(fields={"Query.product": lambda _: product, "Query.products": lambda _: [product]})

    return {name: part(name) for name in ("name", "price", "category")}
