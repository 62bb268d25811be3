"""child-type-mismatch: `User.id` is nullable in one subgraph and not in the other."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import Tables, by, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    users = [pick(row, "id", "name") for row in tables["users"]]
    accounts = [{"__typename": "User", **row} for row in users]
    accounts += [{"__typename": "Admin", **row} for row in tables["admins"]]
    return {
        "a": Rules(fields={"Query.users": lambda _: [pick(row, "id") for row in users]}),
        "b": Rules(
            {"User": by("id", users)},
            {
                "Query.accounts": lambda _: accounts,
                "User.similarAccounts": lambda _: accounts,
                "Admin.similarAccounts": lambda _: accounts,
            },
        ),
    }
