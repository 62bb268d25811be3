"""
The accounts subgraph: who shops here.

Owns `User`. Other subgraphs know people by their id only.
"""

from __future__ import annotations

import strawberry
from serve import run


@strawberry.federation.type(keys=["id"])
class User:
    id: strawberry.ID
    name: str
    username: str
    member_since: int

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> User | None:  # noqa: A002 -- the key's name
        return PEOPLE.get(id)


PEOPLE = {
    person.id: person
    for person in (
        User(id=strawberry.ID("1"), name="Ines Moreau", username="ines", member_since=2019),
        User(id=strawberry.ID("2"), name="Tomasz Wilk", username="tomasz", member_since=2021),
        User(id=strawberry.ID("3"), name="Adaeze Obi", username="adaeze", member_since=2023),
        User(id=strawberry.ID("4"), name="Jun Takeda", username="jun", member_since=2024),
    )
}


@strawberry.type
class Query:
    @strawberry.field
    def me(self, info: strawberry.Info) -> User | None:
        """Whoever the header `authorization: Bearer <username>` names. A demonstration: nothing is checked."""
        scheme, _, username = info.context["request"].headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        return next((person for person in PEOPLE.values() if person.username == username), None)

    @strawberry.field
    def user(self, id: strawberry.ID) -> User | None:  # noqa: A002 -- the argument's name
        return PEOPLE.get(id)

    @strawberry.field
    def users(self) -> list[User]:
        return list(PEOPLE.values())


schema = strawberry.federation.Schema(query=Query)

if __name__ == "__main__":
    run("accounts", schema, 4001)
