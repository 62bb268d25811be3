"""Two subgraphs over loopback HTTP, and their supergraph."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from graphql import build_schema, graphql_sync

SUPERGRAPH = """
schema @link(url: "https://specs.apollo.dev/link/v1.0") @link(url: "https://specs.apollo.dev/join/v0.3", for: EXECUTION)
{ query: Query mutation: Mutation }
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String,
  external: Boolean, override: String, usedOverridden: Boolean) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false,
  resolvable: Boolean! = true, isInterfaceObject: Boolean! = false)
  repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
scalar join__FieldSet
scalar link__Import
enum link__Purpose { SECURITY EXECUTION }
enum join__Graph {
  ACCOUNTS @join__graph(name: "accounts", url: "http://127.0.0.1:1/accounts")
  REVIEWS @join__graph(name: "reviews", url: "http://127.0.0.1:1/reviews")
}
type Query @join__type(graph: ACCOUNTS) @join__type(graph: REVIEWS) { me: User @join__field(graph: ACCOUNTS) }
type Mutation @join__type(graph: ACCOUNTS) { rename(to: String!): User @join__field(graph: ACCOUNTS) }
type User @join__type(graph: ACCOUNTS, key: "id") @join__type(graph: REVIEWS, key: "id") {
  id: ID!
  name: String @join__field(graph: ACCOUNTS)
  reviews(first: Int): [Review!] @join__field(graph: REVIEWS)
}
type Review @join__type(graph: REVIEWS) { body: String }
"""

ACCOUNTS = build_schema("""
type Query { me: User  _entities(representations: [_Any!]!): [_Entity]! }
type Mutation { rename(to: String!): User }
scalar _Any
union _Entity = User
type User { id: ID! name: String }
""")
REVIEWS = build_schema("""
type Query { _entities(representations: [_Any!]!): [_Entity]! }
scalar _Any
union _Entity = User
type User { id: ID! reviews(first: Int): [Review!] }
type Review { body: String }
""")

ADA = {"__typename": "User", "id": "1", "name": "Ada"}


class Accounts:
    me = ADA

    def rename(self, info, to):
        return {**ADA, "name": to}


class Reviews:
    def _entities(self, info, representations):
        return [
            {**one, "reviews": lambda info, first=None: [{"body": "Good."}, {"body": "Better."}][:first]}
            for one in representations
        ]


GRAPHS = {"/accounts": (ACCOUNTS, Accounts()), "/reviews": (REVIEWS, Reviews())}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list = []  # noqa: RUF012 - one for all, on purpose

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append((self.path, dict(self.headers)))
        schema, root = GRAPHS[self.path]
        result = graphql_sync(schema, asked["query"], root, variable_values=asked.get("variables"))
        body = json.dumps(result.formatted).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def serving():
    """The configuration of a gateway in front of subgraphs that run meanwhile."""
    Handler.seen.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield {
                "supergraph": {"sdl": SUPERGRAPH},
                "subgraphs": [{"name": name, "url": f"{url}/{name}"} for name in ("accounts", "reviews")],
            }
        finally:
            server.shutdown()
            thread.join()
