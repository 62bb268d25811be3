"""What the four subgraphs share: a command line and an HTTP server around a schema."""

from __future__ import annotations

import argparse

from aiohttp import web
from strawberry.aiohttp.views import GraphQLView
from strawberry.federation import Schema


def application(schema: Schema) -> web.Application:
    """The subgraph as a web application; a browser that opens `/graphql` gets GraphiQL."""
    app = web.Application()
    app.router.add_route("*", "/graphql", GraphQLView(schema=schema))
    return app


def run(name: str, schema: Schema, port: int) -> None:
    """Serve the schema until the process is told to end, or print its SDL."""
    parser = argparse.ArgumentParser(description=f"The {name} subgraph of the demonstration.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=port, help="port to listen on (default: %(default)s)")
    parser.add_argument("--sdl", action="store_true", help="print the schema with its federation directives and end")
    arguments = parser.parse_args()
    if arguments.sdl:
        print(schema.as_str())
        return
    print(f"{name}: http://{arguments.host}:{arguments.port}/graphql", flush=True)
    web.run_app(
        application(schema), host=arguments.host, port=arguments.port, access_log=None, print=None, shutdown_timeout=1
    )
