"""override-type-interface: an overridden field of a type that implements another interface on either side."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import Tables, by


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    images, texts = tables["imagePosts"], tables["textPosts"]
    return {
        "a": Rules(
            {"ImagePost": by("id", images)},
            {"Query.feed": lambda _: images, "ImagePost.createdAt": lambda _: "NEVER"},
        ),
        "b": Rules(
            {"ImagePost": by("id", images, "id", "createdAt"), "TextPost": by("id", texts, "id", "createdAt", "body")},
            {"Query.anotherFeed": lambda _: images},
        ),
    }
