"""
Two subgraphs and everything else that is asked over HTTP, in threads of this process, with a record of who asked what.

`accounts` and `reviews` are executed by graphql-core. Its fields can be told to fail, to be slow, and to be large.
`/void` stands for a service that must never be reached; `/log` takes what `http-log` sends.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from graphql import GraphQLSchema, build_schema, graphql_sync

_ACCOUNTS = build_schema("""
scalar _Any
union _Entity = User
type Query {
  me: User
  users(count: Int = 3): [User!]!
  blob(size: Int!): String
  slow(seconds: Float!): String
  fail: String
  _entities(representations: [_Any!]!): [_Entity]!
}
type Mutation { count: Int }
type User { id: ID! name: String! price: Float }
""")
_REVIEWS = build_schema("""
scalar _Any
union _Entity = User
type Query { latest: Review _entities(representations: [_Any!]!): [_Entity]! }
type User { id: ID! reviews: [Review!]! }
type Review { body: String! }
""")

SUPERGRAPH = """\
schema
  @link(url: "https://specs.apollo.dev/link/v1.0")
  @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
{ query: Query mutation: Mutation }
directive @join__field(graph: join__Graph) repeatable on FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: String) repeatable on OBJECT
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph {
  ACCOUNTS @join__graph(name: "accounts", url: "%(url)s/accounts")
  REVIEWS @join__graph(name: "reviews", url: "%(url)s/reviews")
}
type Query @join__type(graph: ACCOUNTS) @join__type(graph: REVIEWS) {
  me: User @join__field(graph: ACCOUNTS)
  users(count: Int = 3): [User!]! @join__field(graph: ACCOUNTS)
  blob(size: Int!): String @join__field(graph: ACCOUNTS)
  slow(seconds: Float!): String @join__field(graph: ACCOUNTS)
  fail: String @join__field(graph: ACCOUNTS)
  latest: Review @join__field(graph: REVIEWS)
}
type Mutation @join__type(graph: ACCOUNTS) { count: Int @join__field(graph: ACCOUNTS) }
type User @join__type(graph: ACCOUNTS, key: "id") @join__type(graph: REVIEWS, key: "id") {
  id: ID!
  name: String! @join__field(graph: ACCOUNTS)
  price: Float @join__field(graph: ACCOUNTS)
  reviews: [Review!]! @join__field(graph: REVIEWS)
}
type Review @join__type(graph: REVIEWS) { body: String! }
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """
    One request that came here.

    Args:
        path: Without query.
        headers: Names in lower case; several values joined by commas.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Record:
    """What was asked, by everybody; `url` is where."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    mutations: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, asked: Asked) -> None:
        """Keep a request."""
        with self._lock:
            self.asked.append(asked)

    def count(self) -> int:
        """Run the mutation."""
        with self._lock:
            self.mutations += 1
            return self.mutations

    def forget(self) -> None:
        """Begin anew."""
        with self._lock:
            self.asked.clear()

    def to(self, path: str) -> list[Asked]:
        """The requests to one path."""
        with self._lock:
            return [one for one in self.asked if one.path == path]


@contextmanager
def subgraphs() -> Iterator[Record]:
    """All of them on one port, for as long as the context lasts."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.record = Record(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.record
        finally:
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    record: Record
    request_queue_size = 512
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A gateway that gave up waiting has closed its connection; what else goes wrong is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        path, _, query = self.path.partition("?")
        names = {name.lower() for name in self.headers}
        headers = {name: ",".join(self.headers.get_all(name, [])) for name in names}
        self.server.record.note(Asked(self.command, path, query, headers, body))
        schema, root = {"/accounts": (_ACCOUNTS, self._accounts()), "/reviews": (_REVIEWS, _reviews())}.get(
            path, (None, {})
        )
        self._answer(b"{}" if schema is None else _execute(schema, root, body))

    do_GET = do_POST  # noqa: N815 - the base class looks for this name

    def _answer(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.send_header("x-from-subgraph", "1")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """The record is enough."""

    def _accounts(self) -> dict[str, Any]:
        def slow(_: object, seconds: float) -> str:
            time.sleep(seconds)
            return "done"

        def fail(_: object) -> None:
            raise ValueError("secret of the subgraph")

        return {
            "me": _user("1"),
            "users": lambda _, count: [_user(str(number + 1)) for number in range(count)],
            "blob": lambda _, size: "x" * size,
            "slow": slow,
            "fail": fail,
            "count": lambda _: self.server.record.count(),
            "_entities": lambda _, representations: [_user(one["id"]) for one in representations],
        }


def _user(number: str) -> dict[str, Any]:
    return {"__typename": "User", "id": number, "name": f"user {number}", "price": 0.1}


def _reviews() -> dict[str, Any]:
    def entity(representation: Mapping[str, Any]) -> dict[str, Any]:
        number = representation["id"]
        return {"__typename": "User", "id": number, "reviews": [{"body": f"review by {number}"}]}

    return {"latest": {"body": "latest"}, "_entities": lambda _, representations: list(map(entity, representations))}


def _execute(schema: GraphQLSchema, root: dict[str, Any], body: bytes) -> bytes:
    asked = json.loads(body)
    result = graphql_sync(
        schema, asked["query"], root, variable_values=asked.get("variables"), operation_name=asked.get("operationName")
    )
    return json.dumps(result.formatted, separators=(",", ":")).encode()
