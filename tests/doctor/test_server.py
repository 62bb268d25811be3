"""The plugin server as the doctor sees it: the socket, the protocol, the first question."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path

import pytest
import pytest_asyncio

from kong_federation.doctor.entities import from_document
from kong_federation.doctor.finding import State
from kong_federation.doctor.graphs import FILE, Graph, examine_graphs
from kong_federation.doctor.server import examine_protocol, examine_questions, examine_socket
from kong_federation.standin import StandIn

SUPERGRAPH = Path(__file__).parents[2] / "examples" / "supergraph.graphql"
EMPTY = {"_format_version": "3.0"}


def graphs(*configs):
    routes = [
        {"name": f"r{place}", "paths": [f"/{place}"], "plugins": [{"name": "graphql-federation", "config": config}]}
        for place, config in enumerate(configs)
    ]
    found, _ = examine_graphs(FILE, from_document({**EMPTY, "routes": routes}))
    assert len(found) == len(configs)
    return found


def only(findings):
    (finding,) = findings
    return finding


def test_a_socket_that_is_there(tmp_path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        path.chmod(0o660)
        finding = only(examine_socket(path))
        assert finding.state is State.OK
        assert "mode 660" in finding.text
        assert "Kong must run as that user or in that group" in finding.text
        path.chmod(0o666)
        assert "Kong must" not in only(examine_socket(path)).text


def test_a_socket_that_is_not_there_or_is_none(tmp_path):
    finding = only(examine_socket(tmp_path / "s"))
    assert (finding.state, finding.text) == (State.FAILED, f"{tmp_path}/s is not there")
    assert f"kong-federation serve --socket {tmp_path}/s" in finding.advice
    (tmp_path / "f").write_text("")
    assert only(examine_socket(tmp_path / "f")).text.endswith("is not a socket")


def test_a_socket_that_may_not_be_written_to(tmp_path, monkeypatch):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        monkeypatch.setattr(os, "access", lambda *_: False)  # the tests may run as root, who may do anything
        finding = only(examine_socket(path))
    assert finding.state is State.FAILED
    assert "may not write" in finding.text
    assert "--socket-mode" in finding.advice


@contextlib.asynccontextmanager
async def listener(path, answer):
    over = []

    async def accept(reader, writer):
        over.append(done := asyncio.Event())
        with contextlib.suppress(ConnectionError):
            await answer(reader, writer)
            writer.close()
            await writer.wait_closed()
        done.set()

    server = await asyncio.start_unix_server(accept, str(path))
    try:
        yield
    finally:
        server.close()
        for done in over:
            await done.wait()


async def silence(reader, writer):
    await reader.read()


async def garbage(reader, writer):
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()
    await reader.read()


async def goodbye(reader, writer):
    await reader.read(1)


async def another(reader, writer):
    await reader.read(1)
    writer.write((2).to_bytes(4, "little") + bytes([0x08, 0x63]))
    await writer.drain()


@pytest.mark.parametrize("answer", [silence, garbage, goodbye, another], ids=lambda answer: answer.__name__)
async def test_something_else_listens(tmp_path, answer):
    path = tmp_path / "s"
    async with listener(path, answer):
        finding = await asyncio.to_thread(examine_protocol, path, 0.3)
    assert finding.state is State.FAILED
    assert finding.advice


async def test_nobody_listens(tmp_path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
    finding = await asyncio.to_thread(examine_protocol, path, 0.3)
    assert finding.state is State.FAILED
    assert "refused" in finding.text.lower()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plugin_server():
    """A real plugin server: its socket."""
    async with StandIn(EMPTY, port=0, workers=1) as standin:
        yield standin.socket


@pytest.mark.asyncio(loop_scope="module")
async def test_a_server_that_is_well_answers(plugin_server):
    assert (await asyncio.to_thread(examine_protocol, plugin_server, 10)).state is State.OK
    right, again = graphs({"supergraph": {"path": str(SUPERGRAPH)}}, {"supergraph": {"sdl": SUPERGRAPH.read_text()}})
    for finding in await examine_questions(plugin_server, [right, again], 20):
        assert finding.state is State.OK, finding
        assert "its supergraph is loaded" in finding.text


@pytest.mark.asyncio(loop_scope="module")
async def test_a_supergraph_that_the_server_cannot_load(plugin_server):
    gone, wrong = graphs({"supergraph": {"path": "/no/such/file"}}, {"supergraph": {"sdl": "type Query { a: Int }"}})
    for finding in await examine_questions(plugin_server, [gone, wrong], 20):
        assert finding.state is State.FAILED, finding
        assert ": answered 5" in finding.text
        assert "docs/errors.md" in finding.advice


@pytest.mark.asyncio(loop_scope="module")
async def test_a_configuration_that_the_server_does_not_take(plugin_server):
    (graph,) = graphs({"supergraph": {"path": str(SUPERGRAPH)}})
    twice = {**graph.config, "subgraphs": [{"name": "a", "headers": {"request": []}}] * 2}
    finding = only(await examine_questions(plugin_server, [Graph("g", twice, graph.settings, ())], 20))
    assert finding.state is State.FAILED
    assert "answered 500: CONFIGURATION_INVALID" in finding.text


async def test_vault_references_are_not_asked(tmp_path):
    finding = only(await examine_questions(tmp_path / "s", [Graph("g", {}, None, ())], 1))
    assert finding.state is State.SKIPPED
