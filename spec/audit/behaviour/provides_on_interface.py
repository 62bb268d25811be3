"""provides-on-interface: fields of an interface's members that are provided, and resolvers that punish other ways."""

from __future__ import annotations

from typing import NoReturn

from spec.audit.subgraph import FaultError, Rules
from spec.audit.tables import Row, Tables, by, find, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    medias, animals = tables["medias"], tables["animals"]

    def book(row: Row | None, *named: str) -> Row | None:
        """The book with its animals; those of the named types say their name."""
        return row and {
            **pick(row, "__typename", "id"),
            "animals": [animal(find(animals, id=key), named) for key in row["animals"]],
        }

    def animal(row: Row, named: tuple[str, ...]) -> Row:
        return pick(row, "__typename", "id", *(["name"] if row["__typename"] in named else []))

    def age(one: Row) -> int | None:
        row = find(animals, id=one.get("id"))
        return row and row["age"]

    return {
        "a": Rules(fields={"Query.media": _wrong("a"), "Query.book": lambda _: book(medias[0], "Dog")}),
        "b": Rules(fields={"Query.media": lambda _: book(medias[0], "Dog", "Cat")}),
        "c": Rules(
            {
                "Book": lambda sent: book(find(medias, id=sent.get("id")), "Dog", "Cat"),
                "Cat": by("id", animals, "id", "name", "age"),
                "Dog": _wrong("c"),
            },
            {"Dog.age": age, "Cat.age": age},
        ),
    }


def _wrong(subgraph: str) -> object:
    def resolve(_: object) -> NoReturn:
        raise FaultError(f"You should be using the '{subgraph}' subgraph!")

    return resolve
