"""
The workload's data and the rules by which its subgraphs answer (workload/README.md), executed by graphql-core.

One set of resolvers serves all schemas: the subgraphs, each with its own SDL and its own way from a
representation to an object, and the monolith, the whole graph in one piece, which says what a federated answer has to
be equal to. Objects are dictionaries of fields; resolvers stand only where an object leads to others. A subgraph cannot
say more than its SDL has fields for, and inventory reads price and weight from the representation only, so a gateway
that forgets what `@requires` asks for gets wrong answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLFieldResolver,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    execute_sync,
    parse,
    validate,
)

WORKLOAD = Path(__file__).parent / "workload"
# The public benchmark's four, and two of our own, of which the four know nothing: many entities, and a mutation.
SUBGRAPHS = ("accounts", "inventory", "products", "reviews", "ledger", "notes")
SUPERGRAPH = WORKLOAD / "extended.graphql"
PRICE_OF_FREE_SHIPPING = 1000  # dearer things ship for nothing
AUTHOR = "1"  # the user who wrote every review
REMEMBERED = 20_000  # documents; a load test needs a few dozen, so this only bounds mistakes
ENTRIES = 2_500  # of the ledger, that *wide* asks for: with their notes an answer of 1 MB

Row = Mapping[str, Any]

FEDERATION_1 = """
scalar _Any
scalar _FieldSet
directive @key(fields: _FieldSet!) repeatable on OBJECT | INTERFACE
directive @external on FIELD_DEFINITION
directive @requires(fields: _FieldSet!) on FIELD_DEFINITION
directive @provides(fields: _FieldSet!) on FIELD_DEFINITION
type Query { _entities(representations: [_Any!]!): [_Entity]! }
"""


class Tables:
    """The rows, found by their keys."""

    def __init__(self, data: Mapping[str, list[Row]]) -> None:
        self.users = {row["id"]: {"__typename": "User", **row} for row in data["USERS"]}
        self.products = {row["upc"]: {"__typename": "Product", **row} for row in data["PRODUCTS"]}
        self.reviews = {row["id"]: {"__typename": "Review", **row} for row in data["REVIEWS"]}
        self.stock = {row["upc"]: row["in_stock"] for row in data["INVENTORY"]}

    @classmethod
    def load(cls) -> Tables:
        return cls(json.loads((WORKLOAD / "data.json").read_text()))


def entry(number: int) -> Row:
    """A row of the ledger."""
    return {
        "__typename": "Entry",
        "id": str(number),
        "number": number,
        "text": f"Entry {number}: " + "goods received, counted and put on the shelf; " * 5,
        "note": f"Note on {number}: " + "checked against the order; " * 4,
    }


def resolvers(tables: Tables) -> dict[tuple[str, str], GraphQLFieldResolver]:
    """What leads from one object to others, by type and field."""
    reviews = list(tables.reviews.values())

    def reviews_of_product(product: Row, _info: object) -> list[Row]:
        return [row for row in reviews if row["product"]["upc"] == product["upc"]]

    def shipping_estimate(product: Row, _info: object) -> int | None:
        price, weight = product.get("price"), product.get("weight")
        if price is None:
            return None
        return 0 if price > PRICE_OF_FREE_SHIPPING else weight // 2

    return {
        ("Query", "me"): lambda _root, _info: next(iter(tables.users.values())),
        ("Query", "user"): lambda _root, _info, id: tables.users.get(id),  # noqa: A006 -- the argument's name
        ("Query", "users"): lambda _root, _info: list(tables.users.values()),
        ("Query", "topProducts"): lambda _root, _info, first: list(tables.products.values())[:first],
        ("Query", "entries"): lambda _root, _info, first: [entry(number) for number in range(1, first + 1)],
        ("Mutation", "addEntry"): lambda _root, _info, text: {**entry(1), "text": text},
        ("User", "reviews"): lambda _user, _info: reviews[:2],
        ("Product", "reviews"): reviews_of_product,
        ("Product", "inStock"): lambda product, _info: tables.stock.get(product["upc"]),
        ("Product", "shippingEstimate"): shipping_estimate,
        ("Review", "product"): lambda review, _info: tables.products[review["product"]["upc"]],
        ("Review", "author"): lambda _review, _info: tables.users[AUTHOR],
    }


def references(tables: Tables, subgraph: str) -> Callable[[Row], Row | None]:
    """The subgraph's way from a representation to the object it stands for; None if there is none."""
    rows: dict[str, Mapping[str, Row]] = {"User": tables.users, "Product": tables.products, "Review": tables.reviews}
    keys = {"User": "id", "Product": "upc", "Review": "id"}

    def own_row(representation: Row) -> Row | None:
        typename = representation["__typename"]
        if typename == "Entry":
            return entry(int(representation["id"]))
        return rows[typename].get(representation[keys[typename]])

    def representation_itself(representation: Row) -> Row | None:
        return representation if representation["upc"] in tables.stock else None

    return representation_itself if subgraph == "inventory" else own_row


class Graph:
    """
    A schema with its answers.

    Args:
        schema: With resolvers.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._documents: dict[str, DocumentNode] = {}

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """
        Answer a GraphQL request.

        Args:
            request: `query`, and perhaps `variables` and `operationName`.

        Returns:
            `data`, and `errors` if there are any.
        """
        text = request["query"]
        document = self._documents.get(text)
        if document is None:
            document = parse(text)
            complaints = validate(self._schema, document)
            if complaints:
                return {"errors": [complaint.formatted for complaint in complaints]}
            if len(self._documents) >= REMEMBERED:
                self._documents.clear()
            self._documents[text] = document
        result = execute_sync(
            self._schema,
            document,
            variable_values=request.get("variables"),
            operation_name=request.get("operationName"),
        )
        return dict(result.formatted)


def with_resolvers(schema: GraphQLSchema, table: Mapping[tuple[str, str], GraphQLFieldResolver]) -> GraphQLSchema:
    """The schema, with those resolvers that it has fields for."""
    for (typename, name), resolve in table.items():
        found = schema.get_type(typename)
        if isinstance(found, GraphQLObjectType) and name in found.fields:
            found.fields[name].resolve = resolve
    return schema


def subgraph(name: str, tables: Tables) -> Graph:
    """One of the subgraphs, as its SDL describes it."""
    sdl = (WORKLOAD / f"{name}.graphql").read_text()
    entities = re.findall(r"type (\w+) @key", sdl)
    # Federation 1: `extend type` of a type that only other subgraphs define. For graphql-core it is a definition.
    sdl = re.sub(r"extend type (?!Query\b)", "type ", sdl)
    schema = build_schema(f"{FEDERATION_1} union _Entity = {' | '.join(entities)}\n{sdl}")
    find = references(tables, name)
    table = resolvers(tables)
    table["Query", "_entities"] = lambda _root, _info, representations: [find(one) for one in representations]
    return Graph(with_resolvers(schema, table))


def monolith(tables: Tables) -> Graph:
    """The whole graph without federation: the supergraph's own types over the same tables."""
    schema = build_schema(SUPERGRAPH.read_text())
    return Graph(with_resolvers(schema, resolvers(tables)))
