"""The audit's one subgraph, served from a thread of this process."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from graphql import GraphQLSchema, build_schema, graphql_sync

SCHEMA: Final[GraphQLSchema] = build_schema(
    "type Query { greeting(name: String): String } type Mutation { rename(name: String!): String }"
)
_ROOT: Final = {
    "greeting": lambda _info, name="world": f"Hello, {name}!",
    "rename": lambda _info, name: name,
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = graphql_sync(SCHEMA, asked["query"], _ROOT, variable_values=asked.get("variables"))
        body = json.dumps(answer.formatted).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing: the last line of the output is the audit's."""


@contextmanager
def running() -> Iterator[str]:
    """The subgraph's URL, for as long as the context lasts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/graphql"
        finally:
            server.shutdown()
            thread.join()
