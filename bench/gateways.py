"""
The gateways that are ours: the product in its several hosts, and the floor.

Each is started as whoever deploys it would, and reached by lanes of the kind it serves.
"""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from bench.clients import HttpLane, KongLane, Lane, start_instance
from bench.graphs import Served
from bench.pdk import SOCKET as PDK_SOCKET
from bench.pdk import PdkLane, start_pdk_instance
from examples.children import Child, Children

ROOT = Path(__file__).resolve().parents[1]
# What an installation of this checkout is; `make` builds it before any bench, and without it the sources are measured.
BUILT = ROOT / "build" / "compiled"
CLI = (sys.executable, "-m", "kong_federation.cli.__main__")
SOCKET = "graphql-federation.socket"
START_SECONDS = 90.0  # a busy machine imports slowly

# Names, as they stand in tables.
OURS, PLAIN, FLOOR = "ours", "ours, plain Python", "floor"
STAND_IN, KONG_PDK = "ours, stand-in", "ours, kong-pdk"


@dataclass(frozen=True, slots=True)
class Gateway:
    """
    One gateway that runs.

    Args:
        name: For the table.
        child: The process that was started.
        lanes: By graph the clients; a graph that the gateway does not serve is missing.
        front: Whether the started process is the stand-in itself, with the plugin server below it.
    """

    name: str
    child: Child
    lanes: dict[str, Sequence[Lane]]
    front: bool = False


@dataclass(frozen=True, slots=True)
class Bench:
    """
    What gateways are started on.

    Args:
        children: Owns the processes.
        graphs: What they serve.
        lanes: Concurrent clients.
        workers: Processes of the plugin server.
    """

    children: Children
    graphs: Sequence[Served]
    lanes: int
    workers: int = 1


Opener = Callable[[Bench], Awaitable[Gateway]]


async def open_ours(bench: Bench) -> Gateway:
    """The plugin server as it is installed, driven over Kong's protocol by lanes that behave like a Kong worker."""
    return await _serving(bench, OURS, installation())


async def open_plain(bench: Bench) -> Gateway:
    """The same from its sources: what it is where there is no C compiler."""
    return await _serving(bench, PLAIN, ROOT)


def installation() -> Path:
    """Where the installation is."""
    return BUILT if BUILT.is_dir() else ROOT


def is_compiled() -> bool:
    """Whether there is an installation, and was a C compiler for it."""
    said = subprocess.run([*CLI, "--version"], cwd=installation(), capture_output=True, text=True, check=True)
    return "compiled" in said.stdout


async def _serving(bench: Bench, name: str, where: Path) -> Gateway:
    folder = Path(tempfile.mkdtemp(dir=bench.children.folder))
    serve = [*CLI, "serve", "--kong-prefix", str(folder), "--socket-name", SOCKET, "--workers", str(bench.workers)]
    return await _plugin_server(bench, name, serve, folder / SOCKET, where)


async def open_floor(bench: Bench) -> Gateway:
    """The plugin server that knows the operations by heart."""
    socket = Path(tempfile.mkdtemp(dir=bench.children.folder)) / "floor.socket"
    return await _plugin_server(bench, FLOOR, [sys.executable, "-m", "bench.floor", "--socket", str(socket)], socket)


async def _plugin_server(bench: Bench, name: str, command: Sequence[str], socket: Path, where: Path = ROOT) -> Gateway:
    child = bench.children.start(f"{name} {socket.parent.name}", command, cwd=where)
    bench.children.wait_until(socket.exists, name, START_SECONDS)
    lanes: dict[str, Sequence[Lane]] = {}
    for graph in bench.graphs:
        instance = await start_instance(socket, _as_kong_sends(graph))
        lanes[graph.name] = [KongLane(socket, instance) for _ in range(bench.lanes)]
    return Gateway(name, child, lanes)


def _as_kong_sends(graph: Served) -> bytes:
    """The configuration with the keys that Kong adds."""
    extra = {"__seq__": 1, "__key__": f"plugins:graphql-federation:{graph.name}", "__plugin_id": graph.name}
    return orjson.dumps({**graph.configuration(), **extra, "route_id": graph.name})


async def open_stand_in(bench: Bench) -> Gateway:
    """`kong-federation dev` with a kong.yml for the graphs; only the first is asked."""
    port = free_port()
    graph = bench.graphs[0]
    route = {
        "name": "graphql",
        "paths": ["/graphql"],
        "strip_path": False,
        "plugins": [{"name": "graphql-federation", "config": graph.configuration()}],
    }
    declared = bench.children.folder / "kong.yml"
    declared.write_text(json.dumps({"_format_version": "3.0", "routes": [route]}))  # JSON is YAML
    command = [*CLI, "dev", str(declared), "--port", str(port), "--no-access-log"]
    child = bench.children.start(STAND_IN, command, cwd=installation())
    bench.children.wait_until(lambda: answers(port), "the stand-in for Kong", START_SECONDS)
    lanes: Sequence[Lane] = [await HttpLane.open(port) for _ in range(bench.lanes)]
    return Gateway(STAND_IN, child, {graph.name: lanes}, front=True)


async def open_kong_pdk(bench: Bench) -> Gateway:
    """The plugin under the stock server of kong-pdk, driven over Kong's MessagePack protocol."""
    prefix = Path(tempfile.mkdtemp(dir=bench.children.folder))
    program = str(Path(sys.executable).parent / "kong-python-pluginserver")
    plugins = str(ROOT / "plugins")
    command = [program, "--no-lua-style", "--plugins-directory", plugins, "--kong-prefix", str(prefix)]
    environment = {"KONG_FEDERATION_RUNTIME_DIRECTORY": str(prefix / "run"), "PYTHONPATH": str(installation())}
    child = bench.children.start(KONG_PDK, command, cwd=ROOT, env={**os.environ, **environment})
    socket = prefix / PDK_SOCKET
    bench.children.wait_until(socket.exists, "kong-python-pluginserver", START_SECONDS)
    lanes: dict[str, Sequence[Lane]] = {}
    for graph in bench.graphs:
        instance = await start_pdk_instance(socket, _as_kong_sends(graph))
        lanes[graph.name] = [PdkLane(socket, instance) for _ in range(bench.lanes)]
    return Gateway(KONG_PDK, child, lanes)


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
