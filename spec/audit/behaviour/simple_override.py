"""simple-override: a field that moved to another subgraph."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import Tables, by


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    posts = tables["posts"]
    return {
        "a": Rules(
            {"Post": by("id", posts)},
            {
                "Query.feed": lambda _: posts,
                "Query.aFeed": lambda _: posts[1:2],
                "Post.createdAt": lambda _: "NEVER",
            },
        ),
        "b": Rules(
            {"Post": by("id", posts, "id", "createdAt")},
            {"Query.feed": lambda _: posts, "Query.bFeed": lambda _: posts[:1]},
        ),
    }
