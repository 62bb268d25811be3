"""parent-entity-call: a value type's field that is reached only through its parent."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import Row, Tables, by, find, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    products, categories = tables["products"], tables["categories"]

    def category(*names: str) -> dict:
        def resolve(product: Row) -> Row | None:
            return pick(find(categories, id=product["categoryId"]), *names)

        return {"Product.category": resolve}

    def by_id(sent: Row) -> Row | None:
        return find(products, id=sent.get("id"), **pick(sent, "pid"))

    def by_both(sent: Row) -> Row | None:
        return find(products, id=sent.get("id"), pid=sent.get("pid"))

    categorised = by("id", categories, "id", "name")
    return {
        "a": Rules(
            {"Product": by_id, "Category": categorised},
            {"Query.products": lambda _: products, **category("id", "name")},
        ),
        "b": Rules({"Product": by_both, "Category": categorised}, category("id", "name")),
        "c": Rules({"Product": by_both}, category("details")),
    }
