"""union-interface-distributed: a type that implements an interface in one subgraph only."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import Row, Tables, by, find, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    ovens, toasters, products = tables["ovens"], tables["toasters"], tables["products"]

    def shape(row: Row | None) -> Row | None:
        warranty = ["warranty"] if row and row["__typename"] == "Toaster" else []
        return pick(row, "__typename", "id", *warranty)

    def warranted(sent: Row) -> Row | None:
        row = find(ovens, id=sent.get("id"))
        return row and {"id": row["id"], "warranty": 1}

    return {
        "a": Rules(
            {"Oven": by("id", ovens, "id"), "Toaster": by("id", toasters, "id", "warranty")},
            {
                "Query.products": lambda _: [shape(row) for row in products],
                "Query.node": lambda _, **given: shape(find(products, id=given["id"])),
                "Query.nodes": lambda _: [shape(row) for row in toasters],
                "Query.toasters": lambda _: [shape(row) for row in toasters],
            },
        ),
        "b": Rules({"Oven": warranted}),
    }
