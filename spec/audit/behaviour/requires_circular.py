"""requires-circular: a field requires one that requires one of the first subgraph's."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import ABSENT, Row, Tables, by, find, number, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    authors, posts = tables["authors"], tables["posts"]

    def judged(sent: Row) -> Row | None:
        row = find(posts, id=sent.get("id"))
        return row and {"id": row["id"], "byNovice": sent.get("byNovice")}

    def by_expert(post: Row) -> bool | None:
        novice = post.get("byNovice")
        return None if novice is None else not novice

    def authored(sent: Row) -> Row | None:
        row = find(posts, id=sent.get("id"))
        return row and {"id": row["id"], "author": {"id": row["author"]["id"], **(sent.get("author") or {})}}

    def by_novice(post: Row) -> bool:
        return number(post["author"].get("yearsOfExperience", ABSENT)) < 10

    return {
        "a": Rules(
            {"Post": judged, "Author": by("id", authors)},
            {"Query.feed": lambda _: [pick(row, "id") for row in posts], "Post.byExpert": by_expert},
        ),
        "b": Rules({"Post": authored}, {"Post.byNovice": by_novice}),
    }
