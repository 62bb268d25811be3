"""
The two subgraphs, served from this process, so that they can be made slow, silent or mad between two requests.

`shop` counts how often each order was carried out: an order carried out twice is what must never happen.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web
from graphql import GraphQLSchema, build_schema, graphql_sync

PRODUCTS: Final = [{"id": str(number), "name": f"Product {number}"} for number in range(1, 9)]

_SHOP: Final[GraphQLSchema] = build_schema(
    """
    type Query { products: [Product!]! echo(text: String!): String }
    type Mutation { buy(order: ID!): Receipt! }
    type Receipt { order: ID! }
    type Product { id: ID! name: String! }
    """
)
_STOCK: Final[GraphQLSchema] = build_schema(
    """
    scalar _Any
    union _Entity = Product
    type Query { _entities(representations: [_Any!]!): [_Entity]! }
    type Product { id: ID! left: Int }
    """
)


def left(product: str) -> int:
    """How many are left of a product."""
    return int(product) * 11


class Subgraph:
    """
    One subgraph.

    Args:
        schema: What it serves.
        root: Its resolvers.
        seconds: How long it takes to answer when all is well.
    """

    def __init__(self, schema: GraphQLSchema, root: dict[str, Any], seconds: float) -> None:
        self.garbage: bytes | None = None
        self.delay = seconds
        self.seconds = seconds
        self._schema = schema
        self._root = root
        self._runner: web.ServerRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/graphql"

    async def start(self) -> None:
        """Listen, at the same port as before; nothing if it does."""
        if self._runner is not None:
            return
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True, backlog=1024)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Be gone."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        asked = await request.json()
        await asyncio.sleep(self.delay)
        if self.garbage is not None:
            return web.Response(body=self.garbage, content_type="application/json")
        answer = graphql_sync(self._schema, asked["query"], self._root, variable_values=asked.get("variables"))
        return web.json_response(answer.formatted)


class World:
    """Both subgraphs, and the orders that were carried out."""

    def __init__(self) -> None:
        self.orders: Counter[str] = Counter()
        self.shop = Subgraph(
            _SHOP,
            {"products": PRODUCTS, "echo": lambda _, text: text, "buy": self._buy},
            0.01,
        )
        self.stock = Subgraph(_STOCK, {"_entities": _entities}, 0.005)

    @property
    def urls(self) -> dict[str, str]:
        return {"shop": self.shop.url, "stock": self.stock.url}

    def _buy(self, _: object, order: str) -> dict[str, str]:
        self.orders[order] += 1
        return {"order": order}


@asynccontextmanager
async def running() -> AsyncIterator[World]:
    """The world, for as long as the context lasts."""
    world = World()
    try:
        await world.shop.start()
        await world.stock.start()
        yield world
    finally:
        await world.shop.stop()
        await world.stock.stop()


def _entities(_: object, representations: list[dict[str, str]]) -> list[dict[str, Any]]:
    return [{"__typename": "Product", "id": each["id"], "left": left(each["id"])} for each in representations]
