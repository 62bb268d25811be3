"""requires-with-argument: required fields that take arguments, beside the client's own use of the same field."""

from __future__ import annotations

from spec.audit.subgraph import FaultError, Rules
from spec.audit.tables import ABSENT, Row, Tables, by, find, kept, number, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    products, posts, comments = tables["products"], tables["posts"], tables["comments"]
    return {
        "a": _shipping(products),
        "b": Rules(
            {"Product": by("upc", products)},
            {
                "Query.products": lambda _: products,
                "Product.price": lambda product, **_: product["price"],
                "Category.averagePrice": lambda category, **_: category["averagePrice"],
            },
        ),
        "c": Rules(
            {"Post": by("id", posts, "id"), "Comment": by("id", comments, "id", "authorId", "body")},
            {"Query.feed": lambda _: [pick(row, "id") for row in posts]},
        ),
        "d": _discussion(tables),
    }


def _shipping(products: list[Row]) -> Rules:
    def product(sent: Row) -> Row | None:
        row = find(products, upc=sent.get("upc"))
        return row and {**pick(row, "upc", "category"), **kept(sent, "price", "weight")}

    def estimate(one: Row) -> float:
        return number(one.get("price", ABSENT)) * number(one.get("weight", ABSENT)) * 10

    return Rules(
        {"Product": product},
        {
            "Product.price": lambda one, **_: one.get("price"),
            "Product.shippingEstimate": estimate,
            "Product.isExpensiveCategory": lambda one: one["category"]["averagePrice"] > 11,
            "Category.averagePrice": lambda category, **_: category["averagePrice"],
        },
    )


def _discussion(tables: Tables) -> Rules:
    posts, comments, authors = tables["posts"], tables["comments"], tables["authors"]

    def post(sent: Row) -> Row | None:
        row = find(posts, id=sent.get("id"))
        if row is None:
            return None
        sent_comments = sent.get("comments")
        if sent_comments is None:
            return pick(row, "id")
        if len(sent_comments) != 3:
            raise FaultError("Expected 3 comments")
        return {"id": row["id"], "author": sent_comments[2].get("authorId")}

    def first_comments(one: Row, limit: int) -> list[Row]:
        return [pick(row, "id") for row in comments if row["postId"] == one["id"]][:limit]

    return Rules(
        {"Post": post, "Comment": by("id", comments, "id")},
        {
            "Post.author": lambda one: pick(find(authors, id=one.get("author")), "id", "name"),
            "Post.comments": first_comments,
        },
    )
