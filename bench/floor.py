"""
The floor: a plugin server that knows three operations by heart.

It speaks Kong's plugin protocol as the product does and asks Kong and the subgraphs for the same things, but each
operation is a few lines of straight Python: which entities to ask for, in how many waves, and where each answer goes
is written down instead of planned, nothing is validated, and what may fail in production is not looked at. So it
is what Python can do on this machine at this hour, and the product's distance from it is what generality costs. It
remembers nothing that depends on an answer.

    python -m bench.floor --socket PATH

An operation is a generator: it yields the subgraph requests of a wave and is resumed with their answers where the
last of them is read, so there is neither a task nor a future per request.
"""

from __future__ import annotations

import argparse
import asyncio
import struct
import urllib.parse
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeAlias, cast

import orjson
import uvloop
from httptools import HttpResponseParser

from bench.questions import OPERATIONS
from kong_federation.kong import FUNCTIONS, InstanceStarted, StartInstance, decode_call, encode_answer, frame
from kong_federation.kong.protobuf import read_varint, varint
from kong_federation.kong.records import around_body

ACCOUNTS, INVENTORY, PRODUCTS, REVIEWS = range(4)
NAMES = ("accounts", "inventory", "products", "reviews")
CONNECTIONS = 64  # kept per subgraph

# A wave: subgraph and body of each request. Its answers come back as JSON values, in the same order.
Wave: TypeAlias = tuple[tuple[int, bytes], ...]
Operation: TypeAlias = Generator[Wave, list[Any], bytes]


# --- the three operations ---------------------------------------------------------------------------------------------

USERS = orjson.dumps({"query": "{users{id name}}"})


def users() -> Operation:
    (accounts,) = yield ((ACCOUNTS, USERS),)
    return orjson.dumps({"data": {"users": [{"id": user["id"], "name": user["name"]} for user in accounts["users"]]}})


TOP_PRODUCTS = orjson.dumps({"query": "{topProducts{upc name}}"})
PRODUCT_REVIEWS = orjson.dumps(
    {"query": "query($r:[_Any!]!){_entities(representations:$r){...on Product{reviews{id body}}}}"}
)[:-1]


def hop2() -> Operation:
    (products,) = yield ((PRODUCTS, TOP_PRODUCTS),)
    top = products["topProducts"]
    representations = orjson.dumps([{"__typename": "Product", "upc": product["upc"]} for product in top])
    (reviews,) = yield ((REVIEWS, b'%b,"variables":{"r":%b}}' % (PRODUCT_REVIEWS, representations)),)
    for product, entity in zip(top, reviews["_entities"], strict=True):
        product["reviews"] = entity["reviews"]
    return orjson.dumps({"data": products})


ALL_USERS = orjson.dumps({"query": "{users{id username name}}"})
ALL_PRODUCTS = orjson.dumps({"query": "{topProducts{name price upc weight}}"})
# `author` is provided with its username; `name` is fetched later.
WRITTEN = "reviews{id body author{id username reviews{id body product{upc}}}}"
ALL_REVIEWS = orjson.dumps(
    {
        "query": "query($u:[_Any!]!,$p:[_Any!]!){"
        f"u:_entities(representations:$u){{...on User{{reviews{{id body product{{upc {WRITTEN}}}}}}}}}"
        f"p:_entities(representations:$p){{...on Product{{{WRITTEN}}}}}}}"
    }
)[:-1]
AUTHOR_NAMES = orjson.dumps({"query": "query($r:[_Any!]!){_entities(representations:$r){...on User{name}}}"})[:-1]
PRODUCT_FACTS = orjson.dumps(
    {"query": "query($r:[_Any!]!){_entities(representations:$r){...on Product{name price weight}}}"}
)[:-1]
STOCK = orjson.dumps(
    {"query": "query($r:[_Any!]!){_entities(representations:$r){...on Product{inStock shippingEstimate}}}"}
)[:-1]


def referred(written: Any) -> tuple[list[Any], list[Any], list[Any], dict[str, Any], list[str]]:
    """Reviews whose product has reviews, that have an author, whose product has none; authors' ids; products' upcs."""
    reviewed, authored, plain = [], [], []
    names: dict[str, Any] = {}
    upcs: dict[str, None] = {}
    for entity in written["u"]:
        for review in entity["reviews"]:
            product = review["product"]
            upcs[product["upc"]] = None
            reviewed.append(review)
            authored += product["reviews"]
    for entity in written["p"]:
        authored += entity["reviews"]
    for review in authored:
        author = review["author"]
        names[author["id"]] = None
        plain += author["reviews"]
    for review in plain:
        upcs[review["product"]["upc"]] = None
    return reviewed, authored, plain, names, list(upcs)


def big() -> Operation:
    accounts, products = yield ((ACCOUNTS, ALL_USERS), (PRODUCTS, ALL_PRODUCTS))
    everyone, top = accounts["users"], products["topProducts"]
    user_keys = orjson.dumps([{"__typename": "User", "id": user["id"]} for user in everyone])
    product_keys = orjson.dumps([{"__typename": "Product", "upc": product["upc"]} for product in top])
    (written,) = yield ((REVIEWS, b'%b,"variables":{"u":%b,"p":%b}}' % (ALL_REVIEWS, user_keys, product_keys)),)

    reviewed, authored, plain, names, upcs = referred(written)
    author_keys = orjson.dumps([{"__typename": "User", "id": id_} for id_ in names])
    fact_keys = orjson.dumps([{"__typename": "Product", "upc": upc} for upc in upcs])
    accounts, products = yield (
        (ACCOUNTS, b'%b,"variables":{"r":%b}}' % (AUTHOR_NAMES, author_keys)),
        (PRODUCTS, b'%b,"variables":{"r":%b}}' % (PRODUCT_FACTS, fact_keys)),
    )
    for id_, entity in zip(names, accounts["_entities"], strict=True):
        names[id_] = entity["name"]
    facts = dict(zip(upcs, products["_entities"], strict=True))
    for product in top:
        facts[product["upc"]] = product
    stock_keys = orjson.dumps(
        [
            {"__typename": "Product", "upc": upc, "price": product["price"], "weight": product["weight"]}
            for upc, product in facts.items()
        ]
    )
    (inventory,) = yield ((INVENTORY, b'%b,"variables":{"r":%b}}' % (STOCK, stock_keys)),)

    whole: dict[str, dict[str, Any]] = {}
    for (upc, product), stock in zip(facts.items(), inventory["_entities"], strict=True):
        whole[upc] = {
            "inStock": stock["inStock"],
            "name": product["name"],
            "price": product["price"],
            "shippingEstimate": stock["shippingEstimate"],
            "upc": upc,
            "weight": product["weight"],
        }
    leaves = {upc: orjson.Fragment(orjson.dumps(product)) for upc, product in whole.items()}
    for review in plain:
        review["product"] = leaves[review["product"]["upc"]]
    for review in authored:
        author = review["author"]
        review["author"] = {
            "id": author["id"],
            "username": author["username"],
            "name": names[author["id"]],
            "reviews": author["reviews"],
        }
    for review in reviewed:
        product = review["product"]
        review["product"] = {**whole[product["upc"]], "reviews": product["reviews"]}
    for user, entity in zip(everyone, written["u"], strict=True):
        user["reviews"] = entity["reviews"]
    rows = [
        {**whole[product["upc"]], "reviews": entity["reviews"]}
        for product, entity in zip(top, written["p"], strict=True)
    ]
    return orjson.dumps({"data": {"users": everyone, "topProducts": rows}})


KNOWN: dict[str, Callable[[], Operation]] = {
    OPERATIONS["users"]: users,
    OPERATIONS["hop2"]: hop2,
    OPERATIONS["big"]: big,
}


# --- subgraphs --------------------------------------------------------------------------------------------------------


class Subgraph:
    """Connections to one subgraph; a free one is used before another is opened."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = str(parts.hostname), int(parts.port or 80)
        self.head = (
            f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-type: application/json\r\n"
            "accept: application/json\r\ncontent-length: "
        ).encode()
        self.free: list[Connection] = []

    def ask(self, request: Request, place: int, body: bytes) -> None:
        """Send a body; the answer goes to a place in the request's wave."""
        written = b"%b%d\r\n\r\n%b" % (self.head, len(body), body)
        if self.free:
            self.free.pop().send(request, place, written)
        else:
            request.opening = asyncio.get_running_loop().create_task(self._open(request, place, written))

    async def _open(self, request: Request, place: int, written: bytes) -> None:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(lambda: Connection(self), self.host, self.port)
        connection.send(request, place, written)


class Connection(asyncio.Protocol):
    """One connection to a subgraph, with one request on it at most."""

    def __init__(self, subgraph: Subgraph) -> None:
        self._subgraph = subgraph
        self._pieces: list[bytes] = []
        self._complete = False
        self._request: Request
        self._place = 0
        self.on_body = self._pieces.append
        self._parser = HttpResponseParser(self)  # takes the callbacks that it finds at this moment

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast("asyncio.Transport", transport).write

    def send(self, request: Request, place: int, written: bytes) -> None:
        self._request = request
        self._place = place
        self._write(written)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)
        if not self._complete:
            return
        self._complete = False
        pieces = self._pieces
        answer = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        if len(self._subgraph.free) < CONNECTIONS:
            self._subgraph.free.append(self)
        self._request.answered(self._place, answer)

    def on_message_complete(self) -> None:
        self._complete = True

    def connection_lost(self, _error: Exception | None) -> None:
        if self in self._subgraph.free:  # the subgraph closed it in its rest
            self._subgraph.free.remove(self)


# --- Kong -------------------------------------------------------------------------------------------------------------

LENGTH = struct.Struct("<I")
EVENT = b"\xa2\x02"  # the key of *handle event* in a call
ASKED = b"".join(
    frame(name.encode()) + frame(FUNCTIONS[name].argument.encode(argument))
    for name, argument in (
        ("kong.request.get_raw_body", None),
        ("kong.request.get_headers", 1000),
        ("kong.request.get_method", None),
        ("kong.nginx.get_var", "kong_request_id"),
    )
)
BEFORE, AFTER = around_body(200, (("content-type", "application/json"),))
EXIT = frame(b"kong.response.exit")


class Request(asyncio.Protocol):
    """One event on its own connection."""

    def __init__(self, subgraphs: list[Subgraph]) -> None:
        self._subgraphs = subgraphs
        self._asked = False
        self._rest = b""
        self._operation: Operation
        self._answers: list[Any] = []
        self._missing = 0
        self.opening: asyncio.Task[None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._write = cast("asyncio.Transport", transport).write

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        if self._asked:
            self._replies(data)
        elif EVENT in data[:16]:
            self._asked = True
            self._write(ASKED)
        else:
            self._start(data)

    def _start(self, data: bytes) -> None:
        call = decode_call(data[4:])
        assert isinstance(call, StartInstance)
        urls = {subgraph["name"]: subgraph["url"] for subgraph in orjson.loads(call.configuration)["subgraphs"]}
        self._subgraphs[:] = [Subgraph(urls[name]) for name in NAMES]
        self._write(frame(encode_answer(InstanceStarted(call.sequence, call.plugin, 1))))

    def _replies(self, data: bytes) -> None:
        """Body, headers, method and request id; all have to be there."""
        at, size = 0, len(data)
        for _ in range(4):
            if size < at + 4:
                self._rest = data
                return
            at += 4 + LENGTH.unpack_from(data, at)[0]
        if size < at:
            self._rest = data
            return
        length, start = read_varint(data, 5)
        question = orjson.loads(data[start : start + length])
        self._operation = KNOWN[question["query"]]()
        self._next(None)

    def answered(self, place: int, answer: bytes) -> None:
        """An answer of the wave has come."""
        assert answer, "a subgraph failed"
        self._answers[place] = orjson.loads(answer)["data"]
        self._missing -= 1
        if not self._missing:
            self._next(self._answers)

    def _next(self, answers: list[Any] | None) -> None:
        try:
            wave = self._operation.send(answers) if answers else next(self._operation)
        except StopIteration as stop:
            self._exit(stop.value)
            return
        self._missing = len(wave)
        self._answers = [None] * len(wave)
        for place, (subgraph, body) in enumerate(wave):
            self._subgraphs[subgraph].ask(self, place, body)

    def _exit(self, body: bytes) -> None:
        length = varint(len(body))
        whole = len(BEFORE) + len(length) + len(body) + len(AFTER)
        self._write(b"".join((EXIT, LENGTH.pack(whole), BEFORE, length, body, AFTER)))


async def serve(path: Path) -> None:
    """Serve until cancelled."""
    subgraphs: list[Subgraph] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(lambda: Request(subgraphs), str(path), backlog=4096)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description="A plugin server that knows three operations by heart.")
    parser.add_argument("--socket", type=Path, required=True)
    uvloop.run(serve(parser.parse_args().socket))


if __name__ == "__main__":
    main()
