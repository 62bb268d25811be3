"""simple-entity-call: one entity, one key, two subgraphs."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import Tables, by, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    users = tables["users"]
    return {
        "email": Rules(
            {"User": by("id", users, "id", "email")},
            {"Query.user": lambda _: pick(users[0], "id", "email")},
        ),
        "nickname": Rules({"User": by("email", users, "nickname")}),
    }
