"""
An examination, from what is nearest to Kong to what is farthest from it.

    versions     Python, the package
    kong.yml     the plugin's configurations in a file, where their routes lead
    kong         the node, and the same of what it has
    server       the socket, the protocol, a question to each graph
    supergraph   as this machine sees it
    subgraphs    each of them asked once

What one stage finds is the next one's matter; what cannot be looked at is said.
"""

from __future__ import annotations

import asyncio
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kong_federation import __version__
from kong_federation.doctor.admin import Node, read_node
from kong_federation.doctor.entities import PLUGIN, from_document
from kong_federation.doctor.finding import Finding, State, failed, ok, skipped, warning
from kong_federation.doctor.graphs import FILE, NODE, Graph, examine_body_buffer, examine_graphs, examine_node
from kong_federation.doctor.http import NoAnswerError, shown
from kong_federation.doctor.server import CHECK as SERVER
from kong_federation.doctor.server import examine_protocol, examine_questions, examine_socket
from kong_federation.doctor.supergraph import examine_subgraphs, examine_supergraph
from kong_federation.errors import FederationError, FederationErrors
from kong_federation.standin.plugins import read_dump
from kong_federation.standin.yaml_file import read_yaml

VERSIONS = "versions"


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    What is to be looked at.

    Args:
        kong_yml: A declarative configuration, or None.
        admin_url: Of a node's Admin API, or None.
        socket: The plugin server's; None: the one that the node names.
        dump: What Kong's query command reads, or None.
        timeout: Seconds for each thing that is asked.
        verify: Whether the Admin API's certificate must be trusted.
    """

    kong_yml: Path | None = None
    admin_url: str | None = None
    socket: Path | None = None
    dump: Path | None = None
    timeout: float = 10.0
    verify: bool = True


def examine(wanted: Wanted) -> list[Finding]:
    """Look at everything that is named, and at what that leads to."""
    findings = [ok(VERSIONS, f"kong-federation {__version__}, Python {platform.python_version()} ({sys.platform})")]
    if wanted.dump is not None:
        findings.append(_examine_dump(wanted.dump))
    graphs, node = _examine_kong(wanted, findings)
    socket = _socket(wanted, node, findings)
    if socket is not None:
        findings += asyncio.run(_examine_server(socket, graphs, wanted.timeout))
    addresses = []
    for graph in graphs:
        found, more = examine_supergraph(graph)
        addresses += found
        findings += more
    findings += examine_subgraphs(addresses, wanted.timeout)
    return findings


def _examine_dump(path: Path) -> Finding:
    advice = f"Write it anew: kong-federation dump --output {path}; then restart Kong."
    try:
        theirs = read_dump(path.read_text(encoding="utf-8")).version
    except OSError as error:
        return failed(VERSIONS, f"{path}: {error.strerror}", advice)
    except (FederationErrors, UnicodeDecodeError) as error:
        # Whatever it is, it may be somebody's only copy.
        advice = "Is it what Kong's query command prints? Write that anew: kong-federation dump --output FILE"
        return failed(VERSIONS, f"{path} is no dump that Kong could read: {error}", advice)
    if theirs != __version__:
        return warning(VERSIONS, f"{path} is of version {theirs}, and this is {__version__}", advice)
    return ok(VERSIONS, f"{path} is of this version")


def _examine_kong(wanted: Wanted, findings: list[Finding]) -> tuple[list[Graph], Node | None]:
    """The graphs that Kong's configuration names, each once, and the node if one was asked."""
    graphs: list[Graph] = []
    node = None
    if wanted.kong_yml is not None:
        try:
            document = read_yaml(wanted.kong_yml)
        except FederationError as error:
            findings.append(failed(FILE, error.message, "Give the kong.yml that Kong is started with."))
        else:
            found, more = examine_graphs(FILE, from_document(document))
            graphs += found
            findings += more
    if wanted.admin_url is not None:
        try:
            node = read_node(wanted.admin_url, wanted.timeout, verify=wanted.verify)
        except NoAnswerError as error:
            advice = (
                "Is Kong running, and is this its Admin API (admin_listen)? --insecure takes Kong's own certificate."
            )
            findings.append(failed(NODE, f"{shown(wanted.admin_url)}: {error}", advice))
        else:
            findings += examine_node(node, __version__)
            found, more = examine_graphs(NODE, node.entities)
            findings += more
            known = [graph.config for graph in graphs]
            graphs += [graph for graph in found if graph.config not in known]
            findings += examine_body_buffer(node, found)
    return graphs, node


def _socket(wanted: Wanted, node: Node | None, findings: list[Finding]) -> Path | None:
    """The socket to look at: the one that was named, otherwise Kong's."""
    servers = node.configuration.get("pluginservers", ()) if node is not None else ()
    named = [server.get("socket") for server in servers if server.get("name") == PLUGIN]
    theirs = Path(named[0]) if named and named[0] else None
    if wanted.socket is None and theirs is None:
        findings.append(skipped(SERVER, "the plugin server was not looked at", "Say where it listens: --socket PATH."))
    elif wanted.socket is not None and theirs is not None and wanted.socket.absolute() != theirs:
        findings.append(
            failed(
                SERVER,
                f"Kong connects to {theirs}, and the plugin server is said to listen on {wanted.socket.absolute()}",
                "Make pluginserver_graphql_federation_socket and --socket of `kong-federation serve` the same path.",
            )
        )
    return wanted.socket or theirs


async def _examine_server(path: Path, graphs: Sequence[Graph], patience: float) -> list[Finding]:
    findings = list(examine_socket(path))
    if any(finding.state is State.FAILED for finding in findings):
        return findings
    findings.append(await asyncio.to_thread(examine_protocol, path, patience))
    if findings[-1].state is State.OK:
        findings += await examine_questions(path, graphs, patience)
    return findings
