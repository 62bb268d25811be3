"""typename: `__typename` of unions, interfaces and interface objects."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import Tables, by, find, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    users = tables["users"]
    return {
        "a": Rules(
            {"User": by("id", users, "__typename", "id"), "Admin": by("id", users, "id", "isMain")},
            {
                "Query.union": lambda _: {"__typename": "Oven", "id": "1"},
                "Query.interface": lambda _: {"__typename": "Toaster", "id": "2"},
            },
        ),
        "b": Rules(
            {"User": by("id", users, "id")},
            {
                "Query.users": lambda _: [pick(row, "id") for row in users],
                "User.name": lambda user: (find(users, id=user.get("id")) or {}).get("name"),
            },
        ),
    }
