"""interface-object-with-requires: a field of an interface object that requires one of the interface's."""

from __future__ import annotations

from spec.audit.subgraph import FaultError, Rules
from spec.audit.tables import Row, Tables, by, find, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    users = tables["users"]
    typed = [{"__typename": "User", **pick(row, "id", "name", "age")} for row in users]

    def node(sent: Row) -> Row | None:
        row = find(users, id=sent.get("id"))
        return row and {"id": row["id"], **pick(sent, "name")}

    def username(one: Row) -> str:
        if not one.get("name"):
            raise FaultError("Requires field 'name' not provided")
        return find(users, id=one["id"])["username"]

    return {
        "a": Rules({"User": by("id", typed), "NodeWithName": by("id", typed)}, {"Query.users": lambda _: typed}),
        "b": Rules(
            {"NodeWithName": node},
            {
                "Query.anotherUsers": lambda _: [pick(row, "id") for row in users],
                "NodeWithName.username": username,
            },
        ),
    }
