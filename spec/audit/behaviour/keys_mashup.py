"""keys-mashup: many keys are declared, few can be resolved."""

from __future__ import annotations

from spec.audit.subgraph import FaultError, Rules
from spec.audit.tables import Row, Tables, by, find, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    a, b = tables["a"], tables["b"]

    def carried(sent: Row) -> Row | None:
        row = find(a.values(), id=sent.get("id"))
        return row and {
            **pick(row, "id", "pId", "compositeId"),
            **({"name": sent["name"]} if sent.get("name") else {}),
        }

    def name_in_b(one: Row) -> str:
        if "name" not in one:
            raise FaultError("A.name was not provided")
        return f"b.a.nameInB {one['name']}"

    return {
        "a": Rules({"A": by("id", a.values(), "id", "pId", "compositeId", "name")}),
        "b": Rules(
            {"A": carried, "B": by("id", b.values())},
            {
                "Query.b": lambda _: b["100"],
                "B.a": lambda one: [pick(a[key], "id", "pId", "compositeId") for key in one["a"]],
                "A.nameInB": name_in_b,
            },
        ),
    }
