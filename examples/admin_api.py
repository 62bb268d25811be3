"""
The plugin enabled over Kong's Admin API, call by call, each result checked.

    python examples/admin_api.py http://127.0.0.1:8001
    ADMIN_URL=http://127.0.0.1:8001 python examples/admin_api.py --supergraph /etc/kong-federation/supergraph.graphql

The calls are those of docs/admin-api.md. A Kong with a database is changed entity by entity, one without by replacing
its whole declarative configuration, which is refused if there is one already (`--replace` insists). What was made is
taken away at the end, unless `--keep` is said. Needs Python and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

PLUGIN = "graphql-federation"
NAME = "graphql"
PATH = "/graphql"
SUPERGRAPH = "/etc/kong-federation/supergraph.graphql"
DATABASE_ONLY = "this endpoint is only available when Kong is configured to not use a database"


class UnexpectedError(Exception):
    """Something to tell the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: what is sent, the status that is right, and what the answer has to show."""

    why: str
    method: str
    path: str
    body: Any = None
    status: int = 200
    shows: Callable[[Any], bool] = lambda _: True

    def curl(self) -> str:
        """The call as a line for a shell, with the Admin API's address in $ADMIN_URL."""
        words = ["curl", "-sS", "-X", self.method, f'"$ADMIN_URL{self.path}"']
        if self.body is not None:
            words += ["-H", "'content-type: application/json'", "-d", shlex.quote(json.dumps(self.body))]
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Graph:
    """What is enabled: the route's name and path, and where the plugin server finds the supergraph."""

    name: str = NAME
    path: str = PATH
    supergraph: str = SUPERGRAPH

    @property
    def route(self) -> dict[str, Any]:
        """A route without a service: without the plugin it leads nowhere, and Kong answers 503."""
        return {"name": self.name, "paths": [self.path], "methods": ["GET", "POST", "OPTIONS"], "strip_path": False}

    @property
    def plugin(self) -> dict[str, Any]:
        return {"name": PLUGIN, "config": {"supergraph": {"path": self.supergraph}}}

    def declared(self, **limits: int) -> dict[str, Any]:
        """The same as a declarative configuration."""
        config = {**self.plugin["config"], **({"limits": limits} if limits else {})}
        route = {**self.route, "plugins": [{"name": PLUGIN, "config": config}]}
        return {"_format_version": "3.0", "routes": [route]}


def checks(graph: Graph) -> Iterator[Call]:
    """What is asked first, with a database and without one: nothing is changed."""
    yield Call("The plugin is known", "GET", "/plugins/enabled", shows=lambda said: PLUGIN in said["enabled_plugins"])
    yield Call(
        "Its configuration is right",
        "POST",
        "/schemas/plugins/validate",
        graph.plugin,
        shows=lambda said: said["message"] == "schema validation successful",
    )
    wrong = {"name": PLUGIN, "config": {"supergraph": {}, "limits": {"deadline": 60_000}}}
    yield Call(
        "One that is wrong is refused, with all mistakes",
        "POST",
        "/schemas/plugins/validate",
        wrong,
        400,
        lambda said: said["fields"]["config"].keys() == {"supergraph", "limits"},
    )


def with_database(graph: Graph) -> Iterator[Call]:
    """Entity by entity."""
    yield Call("A route without a service", "POST", "/routes", graph.route, 201, lambda made: made["service"] is None)
    yield Call(
        "The plugin on it",
        "POST",
        f"/routes/{graph.name}/plugins",
        {**graph.plugin, "instance_name": graph.name},
        201,
        lambda made: made["config"]["limits"]["deadline"] == 30_000,
    )
    yield Call(
        "A setting changed; all others stay",
        "PATCH",
        f"/plugins/{graph.name}",
        {"config": {"limits": {"deadline": 10_000}}},
        200,
        lambda made: (
            made["config"]["limits"]["deadline"] == 10_000 and made["config"]["supergraph"]["path"] == graph.supergraph
        ),
    )
    yield seen(graph, 10_000)


def without_database(graph: Graph) -> Iterator[Call]:
    """The whole configuration at once; single entities cannot be written."""
    yield Call(
        "A route alone cannot be made",
        "POST",
        "/routes",
        graph.route,
        405,
        lambda said: said["name"] == "operation unsupported",
    )
    yield Call(
        "The whole configuration",
        "POST",
        "/config",
        graph.declared(),
        201,
        lambda made: [one["name"] for one in made["plugins"].values()] == [PLUGIN],
    )
    yield seen(graph, 30_000)
    yield Call(
        "A setting changed: the whole configuration again",
        "POST",
        "/config",
        graph.declared(deadline=10_000),
        201,
        lambda made: len(made["routes"]) == 1,
    )
    yield seen(graph, 10_000)
    yield Call(
        "One that is wrong is refused, entity by entity",
        "POST",
        "/config?flatten_errors=1",
        graph.declared(deadline=60_000),
        400,
        lambda said: said["flattened_errors"][0]["errors"][0]["field"] == "config.limits.deadline",
    )
    yield seen(graph, 10_000)


def seen(graph: Graph, deadline: int) -> Call:
    def shows(said: Any) -> bool:
        (plugin,) = said["data"]
        return plugin["name"] == PLUGIN and plugin["config"]["limits"]["deadline"] == deadline

    return Call("What is in use", "GET", f"/routes/{graph.name}/plugins", shows=shows)


def taken_away(graph: Graph, *, database: bool) -> Iterator[Call]:
    """Everything that was made."""
    if database:
        yield Call("The plugin is taken away", "DELETE", f"/plugins/{graph.name}", status=204)
        yield Call("And the route", "DELETE", f"/routes/{graph.name}", status=204)
    else:
        yield Call("An empty configuration", "POST", "/config", {"_format_version": "3.0"}, 201)


def main() -> int:
    """Run the calls; the exit status is 0 if every result was right."""
    arguments = parse_arguments()
    graph = Graph(arguments.name, arguments.path, arguments.supergraph)
    url = arguments.admin_url.rstrip("/")
    try:
        for call in checks(graph):
            run(url, call)
        database = has_database(url)
        print(f"\n{'With a database' if database else 'Without a database'}\n", flush=True)
        if not database and not arguments.replace:
            refuse_to_replace(url)
        for call in with_database(graph) if database else without_database(graph):
            run(url, call)
        if arguments.proxy_url:
            ask_graph(arguments.proxy_url.rstrip("/") + graph.path)
        if not arguments.keep:
            for call in taken_away(graph, database=database):
                run(url, call)
    except UnexpectedError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    print("\nEvery result was right.")
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Enable the plugin over Kong's Admin API, and check each result.")
    parser.add_argument(
        "admin_url",
        nargs="?",
        default=os.environ.get("ADMIN_URL", "http://127.0.0.1:8001"),
        help="the Admin API (default: %(default)s, from ADMIN_URL)",
    )
    parser.add_argument("--name", default=NAME, help="of the route and the plugin's instance (default: graphql)")
    parser.add_argument("--path", default=PATH, help="of the route (default: /graphql)")
    parser.add_argument("--supergraph", default=SUPERGRAPH, help="as the plugin server sees it")
    parser.add_argument("--proxy-url", help="then ask the graph through Kong's proxy, e.g. http://127.0.0.1:8000")
    parser.add_argument("--replace", action="store_true", help="replace the configuration of a Kong without a database")
    parser.add_argument("--keep", action="store_true", help="leave what was made")
    return parser.parse_args()


def run(url: str, call: Call) -> Any:
    """
    Make a call.

    Raises:
        UnexpectedError: The status or the answer is not the right one.
    """
    print(f"# {call.why}\n{call.curl()}", flush=True)
    status, answer = send(url, call)
    print(f"  -> {status}\n", flush=True)
    if status != call.status:
        raise UnexpectedError(
            f"{call.method} {call.path} answered {status}, not {call.status}:\n{json.dumps(answer, indent=2)}"
        )
    try:
        right = call.shows(answer)
    except (LookupError, TypeError, ValueError) as error:
        raise UnexpectedError(f"{call.method} {call.path}: the answer lacks {error}:\n{json.dumps(answer)}") from error
    if not right:
        raise UnexpectedError(f"{call.method} {call.path} answered something else:\n{json.dumps(answer)}")
    return answer


def send(url: str, call: Call) -> tuple[int, Any]:
    body = None if call.body is None else json.dumps(call.body).encode()
    request = urllib.request.Request(url + call.path, body, {"content-type": "application/json"}, method=call.method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, read(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, read(error)
    except OSError as error:
        raise UnexpectedError(f"{url} cannot be reached: {error}") from error


def read(response: Any) -> Any:
    text = response.read().decode(errors="replace")
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text


def has_database(url: str) -> bool:
    """`GET /` would say it, too, but fails in Kong 3.9 where Kong itself starts a plugin server."""
    status, said = send(url, Call("Is there a database?", "GET", "/config"))
    return status == 400 and isinstance(said, dict) and said.get("message") == DATABASE_ONLY


def refuse_to_replace(url: str) -> None:
    """
    Look whether there is a configuration that would be lost.

    Raises:
        UnexpectedError: There is one.
    """
    for kind in ("services", "routes", "plugins", "consumers"):
        _, said = send(url, Call("What is there already?", "GET", f"/{kind}"))
        if said["data"]:
            raise UnexpectedError(f"This Kong has {kind} already; POST /config would replace them. --replace insists.")


def ask_graph(url: str) -> None:
    """
    Ask the graph itself for its root type.

    Raises:
        UnexpectedError: The answer is not one of GraphQL.
    """
    status, said = send(url, Call("The graph answers", "POST", "", {"query": "{ __typename }"}))
    print(f"# The graph answers\nPOST {url}\n  -> {status} {json.dumps(said)}\n", flush=True)
    if status != 200 or "data" not in said:
        raise UnexpectedError(f"{url} answered {status}")


if __name__ == "__main__":
    sys.exit(main())
