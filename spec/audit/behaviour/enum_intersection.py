"""enum-intersection: an enum with one value here and two there."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import Tables, by


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    users = tables["users"]
    return {
        "a": Rules({"User": by("id", users)}, {"Query.users": lambda _: users}),
        "b": Rules(
            {"User": by("id", users)},
            {
                "Query.usersB": lambda _: users,
                "Query.usersByType": lambda _, **given: [row for row in users if row["type"] == given["type"]],
            },
        ),
    }
