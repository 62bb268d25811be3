"""
The plugin server's side: its socket, its protocol, and whether it answers a graph's simplest question.

The question goes the way Kong's would: an instance is started with the graph's configuration, an event carries a
request for `{ __typename }`, and the answer is the plugin's own. That needs the supergraph and a plan, and no subgraph.
"""

from __future__ import annotations

import asyncio
import grp
import json
import os
import pwd
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from kong_federation import kong
from kong_federation.doctor.entities import PLUGIN
from kong_federation.doctor.finding import Finding, failed, ok, skipped
from kong_federation.doctor.graphs import Graph
from kong_federation.kong.schema import plugin_schema
from kong_federation.pluginserver.probe import ProbeError, probe
from kong_federation.standin.connection import Closed, PluginServerError
from kong_federation.standin.declarative import read_configuration
from kong_federation.standin.events import silent
from kong_federation.standin.exchange import Exchange, begin
from kong_federation.standin.headers import HeaderList
from kong_federation.standin.plugins import PluginInfo
from kong_federation.standin.request import Body, Line, Peer, Request
from kong_federation.standin.router import Match
from kong_federation.standin.rpc import PluginServer

CHECK = "server"

_REPLAYS = 1  # an instance that is forgotten between start and event is started once more
_QUESTION = b'{"query":"{ __typename }"}'
_SEE_LOG = "The plugin server's log says why; it goes to standard error, under Kong to its error log at the level info."


def examine_socket(path: Path) -> Iterator[Finding]:
    """Whether there is a socket that may be connected to; nothing is sent."""
    start = f"Start the plugin server: kong-federation serve --socket {path}"
    try:
        found = path.stat()
    except FileNotFoundError:
        yield failed(CHECK, f"{path} is not there", f"{start}; or say with --socket where it listens.")
        return
    except OSError as error:
        yield failed(CHECK, f"{path} cannot be looked at: {error.strerror}", "Run the doctor as Kong's user.")
        return
    if not stat.S_ISSOCK(found.st_mode):
        yield failed(CHECK, f"{path} is not a socket", f"Take it away. {start}")
        return
    who = f"mode {stat.S_IMODE(found.st_mode):o}, owner {_user(found.st_uid)}:{_group(found.st_gid)}"
    if not os.access(path, os.W_OK):
        yield failed(
            CHECK,
            f"this user may not write to {path} ({who})",
            "Kong must be able to write to it: run both as one user, or serve with --socket-owner or --socket-mode.",
        )
        return
    others = "" if found.st_mode & stat.S_IWOTH else "; Kong must run as that user or in that group"
    yield ok(CHECK, f"{path} is a socket and may be written to ({who}{others})")


def examine_protocol(path: Path, patience: float) -> Finding:
    """Whether what listens speaks the protocol."""
    try:
        probe(path, patience)
    except ProbeError as error:
        return failed(
            CHECK,
            f"it does not answer as a plugin server: {error}",
            "Restart it. If something else listens there, give the plugin server a socket of its own.",
        )
    return ok(CHECK, "a worker of the plugin server answers the protocol")


async def examine_questions(path: Path, graphs: Sequence[Graph], patience: float) -> list[Finding]:
    """Whether it answers `{ __typename }` for each graph."""
    findings = []
    for graph in graphs:
        if graph.settings is None:
            text = f"{graph.name}: not asked, its configuration refers to a vault"
            findings.append(skipped(CHECK, text, "Ask the graph through Kong, which resolves such references."))
        else:
            findings.append(await _examine_question(path, graph, patience))
    return findings


async def _examine_question(path: Path, graph: Graph, patience: float) -> Finding:
    try:
        async with asyncio.timeout(patience):
            answer = await _ask(path, graph, patience)
    except TimeoutError:
        return failed(CHECK, f"{graph.name}: no answer within {patience:g} seconds", _SEE_LOG)
    except Closed as error:
        return failed(CHECK, f"{graph.name}: {error}", _SEE_LOG)
    except PluginServerError as error:
        advice = f"The plugin server does not take the configuration, or is of another version. {_SEE_LOG}"
        return failed(CHECK, f"{graph.name}: {error}", advice)
    if answer is None:
        return failed(CHECK, f"{graph.name}: the request was let through", "This is not graphql-federation's server.")
    told = _told(answer.body)
    if answer.status == 200 and "data" in told:
        return ok(CHECK, f"{graph.name}: its supergraph is loaded, {{ __typename }} is answered")
    errors = "; ".join(_said(error) for error in told.get("errors", ())) or "no reason given"
    return failed(
        CHECK, f"{graph.name}: answered {answer.status}: {errors}", f"docs/errors.md has every code. {_SEE_LOG}"
    )


async def _ask(path: Path, graph: Graph, patience: float) -> kong.Exit | None:
    server = PluginServer(path, patience, _REPLAYS, silent)
    with tempfile.TemporaryDirectory(prefix="kong-federation-doctor-") as spool:
        try:
            configuration, exchange = _exchange(graph, Path(spool))
            exited = await server.handle(configuration, 1, exchange)
            if exited is None:
                return None
            exited.connection.close()
            return exited.answer
        finally:
            await server.end()


def _exchange(graph: Graph, spool: Path) -> tuple[Any, Exchange]:
    """The plugin's configuration as Kong holds it, and a request that has come by a route of the doctor's own."""
    route = {"name": "doctor", "paths": ["/"], "plugins": [{"name": PLUGIN, "config": graph.config}]}
    info = PluginInfo(PLUGIN, "", 0, ("access",), plugin_schema())
    configuration = read_configuration({"_format_version": "3.0", "routes": [route]}, {PLUGIN: info})
    headers = {
        "host": "kong-federation-doctor",
        "content-type": "application/json",
        "accept": "application/json",
        "content-length": str(len(_QUESTION)),
    }
    request = Request(
        line=Line("POST", "/", "1.1"),
        headers=HeaderList(headers.items()),
        body=Body(_body(), len(_QUESTION), 1 << 20, spool),
        peer=Peer("127.0.0.1", 0, "127.0.0.1", 0),
        method="POST",
        query="",
        head=0,
    )
    match = Match(configuration.routes[0], "/", "")
    return configuration.plugins[0], begin(request, match, configuration, "doctor")


async def _body() -> AsyncIterator[bytes]:
    yield _QUESTION


def _told(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _said(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    code = error.get("extensions", {}).get("code", "")
    return f"{code}: {error.get('message', '')}".strip(": ")


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
