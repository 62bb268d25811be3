"""
The gateways that are ours: the product in its several hosts, and the floor.

Each is started as whoever deploys it would, on the workload's subgraphs, and reached by lanes of the kind it serves.
"""

from __future__ import annotations

import json
import socketserver
import sys
import tempfile
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bench.clients import HttpLane, KongLane, Lane, start_instance
from bench.world import SUBGRAPHS, WORKLOAD
from examples.children import Child, Children

ROOT = Path(__file__).resolve().parents[1]
CLI = (sys.executable, "-m", "kong_federation.cli.__main__")
SOCKET = "graphql-federation.socket"
START_SECONDS = 60.0  # a busy machine imports slowly


@dataclass(frozen=True, slots=True)
class Gateway:
    """
    One gateway that runs.

    Args:
        name: For the table.
        child: The process that was started.
        lanes: Clients.
        front: Whether the started process is the stand-in itself, with the plugin server below it.
    """

    name: str
    child: Child
    lanes: Sequence[Lane]
    front: bool = False


@dataclass(frozen=True, slots=True)
class Bench:
    """
    What gateways are started on.

    Args:
        children: Owns the processes.
        subgraphs: The port of the workload's subgraphs.
        lanes: Concurrent clients.
        workers: Processes of the plugin server.
    """

    children: Children
    subgraphs: int
    lanes: int
    workers: int = 1

    def configuration(self) -> dict[str, Any]:
        """The plugin's configuration."""
        return {
            "supergraph": {"path": str(WORKLOAD / "supergraph.graphql")},
            "subgraphs": [{"name": name, "url": f"http://127.0.0.1:{self.subgraphs}/{name}"} for name in SUBGRAPHS],
        }


def start_subgraphs(children: Children) -> int:
    """Start the subgraphs' process; returns its port."""
    child = children.start("subgraphs", [sys.executable, "-m", "bench.subgraphs", "--port", "0"], cwd=ROOT)
    children.wait_until(lambda: child.output.read_text().endswith("\n"), "the subgraphs", START_SECONDS)
    port: int = json.loads(child.output.read_text().splitlines()[-1])["listening"]
    return port


async def open_ours(bench: Bench) -> Gateway:
    """The plugin server, driven over Kong's protocol by lanes that behave like a Kong worker."""
    folder = Path(tempfile.mkdtemp(dir=bench.children.folder))
    serve = [*CLI, "serve", "--kong-prefix", str(folder), "--socket-name", SOCKET, "--workers", str(bench.workers)]
    return await _plugin_server(bench, "ours", serve, folder / SOCKET)


async def open_floor(bench: Bench) -> Gateway:
    """The plugin server that knows the operations by heart."""
    socket = Path(tempfile.mkdtemp(dir=bench.children.folder)) / "floor.socket"
    return await _plugin_server(bench, "floor", [sys.executable, "-m", "bench.floor", "--socket", str(socket)], socket)


async def _plugin_server(bench: Bench, name: str, command: Sequence[str], socket: Path) -> Gateway:
    child = bench.children.start(name, command, cwd=ROOT)
    bench.children.wait_until(socket.exists, name, START_SECONDS)
    # Kong adds keys of its own to every configuration.
    extra = {"__seq__": 1, "__key__": "plugins:graphql-federation:bench", "__plugin_id": "bench", "route_id": "bench"}
    instance = await start_instance(socket, orjson.dumps({**bench.configuration(), **extra}))
    return Gateway(name, child, [KongLane(socket, instance) for _ in range(bench.lanes)])


async def open_stand_in(bench: Bench) -> Gateway:
    """`kong-federation dev` with a kong.yml for the workload."""
    port = free_port()
    route = {
        "name": "graphql",
        "paths": ["/graphql"],
        "strip_path": False,
        "plugins": [{"name": "graphql-federation", "config": bench.configuration()}],
    }
    declared = bench.children.folder / "kong.yml"
    declared.write_text(json.dumps({"_format_version": "3.0", "routes": [route]}))  # JSON is YAML
    command = [*CLI, "dev", str(declared), "--port", str(port), "--no-access-log"]
    child = bench.children.start("kong-federation dev", command, cwd=ROOT)
    bench.children.wait_until(lambda: answers(port), "the stand-in for Kong", START_SECONDS)
    return Gateway("stand-in", child, [await HttpLane.open(port) for _ in range(bench.lanes)], front=True)


OURS: dict[str, Callable[[Bench], Awaitable[Gateway]]] = {
    "ours": open_ours,
    "floor": open_floor,
    "stand-in": open_stand_in,
}


def free_port() -> int:
    """A port that nobody listens on."""
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as probe:
        port: int = probe.server_address[1]
        return port


def answers(port: int) -> bool:
    """Whether a gateway answers the smallest query."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        b'{"query":"{ __typename }"}',
        {"content-type": "application/json", "accept": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return "data" in json.load(response)
    except (OSError, ValueError):
        return False
