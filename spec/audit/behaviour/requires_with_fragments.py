"""requires-with-fragments: required fields behind type conditions, one of them inaccessible."""

from __future__ import annotations

from collections.abc import Callable

from spec.audit.subgraph import FaultError, Rules
from spec.audit.tables import ABSENT, Row, Tables, by, find, text


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    entities = tables["entities"]

    def data(entity: Row) -> Row | None:
        row = find(entities, id=entity["id"])
        return row and (find(tables["bazs"], id=row["data"]) or find(tables["quxs"], id=row["data"]))

    def overlaid(sent: Row) -> Row | None:
        row = find(entities, id=sent.get("id"))
        return row and {**row, **sent}

    return {
        "a": Rules({"Entity": by("id", entities)}, {"Query.a": lambda _: entities[1], "Entity.data": data}),
        "b": Rules(
            {"Entity": overlaid},
            {
                "Query.b": lambda _: entities[0],
                "Query.bb": lambda _: entities[1],
                "Entity.data": data,
                "Entity.requirer": _suffixed("_requirer"),
                "Entity.requirer2": _suffixed("_requirer2"),
            },
        ),
    }


def _suffixed(suffix: str) -> Callable[[Row], str]:
    def resolve(entity: Row) -> str:
        data = entity["data"]
        if data is None:
            raise FaultError("Cannot read foo of null")
        # Without data in the representation it is the row's own, an id, which has no foo.
        return text(data.get("foo", ABSENT) if isinstance(data, dict) else ABSENT) + suffix

    return resolve
