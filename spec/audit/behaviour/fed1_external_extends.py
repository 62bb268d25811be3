"""fed1-external-extends: an external field that is answered only where it is provided."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import Row, Tables, by, find, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    users = tables["users"]

    def name(user: Row) -> str:
        given = user.get("name")
        return "never" if given is None else given

    def by_id(_: object, id: str | None = None) -> Row | None:  # noqa: A002 - the argument's name
        return pick(find(users, id=id), "id", "name", "nickname")

    return {
        "a": Rules(
            {"User": by("id", users, "id", "rid")},
            {
                "Query.randomUser": lambda _: pick(users[0], "id", "rid"),
                "Query.providedRandomUser": lambda _: pick(users[0], "id", "rid", "name"),
                "User.name": name,
            },
        ),
        "b": Rules({"User": by("id", users, "id", "name", "nickname")}, {"Query.userById": by_id}),
    }
