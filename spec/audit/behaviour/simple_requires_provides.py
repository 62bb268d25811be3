"""simple-requires-provides: accounts, inventory, products and reviews."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import ABSENT, Row, Tables, by, find, kept, number, pick, text


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    users, products = tables["users"], tables["products"]
    return {
        "accounts": Rules(
            {"User": by("id", users, "id", "name", "username")},
            {"Query.me": lambda _: users[0]},
        ),
        "inventory": _inventory(tables),
        "products": Rules({"Product": by("upc", products)}, {"Query.products": lambda _: products}),
        "reviews": _reviews(tables),
    }


def _inventory(tables: Tables) -> Rules:
    def product(sent: Row) -> Row | None:
        row = find(tables["products"], upc=sent.get("upc"))
        return row and {"upc": row["upc"], **kept(sent, "price", "weight")}

    def estimate(one: Row) -> float:
        return number(one.get("price", ABSENT)) * number(one.get("weight", ABSENT)) * 10

    return Rules(
        {"Product": product},
        {
            "Product.inStock": lambda one: one["upc"] in tables["inStock"],
            "Product.shippingEstimate": estimate,
            "Product.shippingEstimateTag": lambda one: f"#{one['upc']}#{text(estimate(one))}#",
        },
    )


def _reviews(tables: Tables) -> Rules:
    reviews, users, products = tables["reviews"], tables["users"], tables["products"]

    def where(column: str, key: str) -> object:
        return lambda one: [row for row in reviews if row[column] == one.get(key)]

    return Rules(
        {
            "Review": by("id", reviews),
            "User": by("id", users, "id", "username"),
            "Product": lambda sent: pick(sent, "upc"),
        },
        {
            "Review.author": lambda row: pick(find(users, id=row["authorId"]), "id", "username"),
            "Review.product": lambda row: pick(find(products, upc=row["productUpc"]), "upc"),
            "User.reviews": where("authorId", "id"),
            "Product.reviews": where("productUpc", "upc"),
        },
    )
