"""`kong-federation dev`: what it prints, and how it ends."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket

import pytest

from kong_federation.cli import dev
from kong_federation.standin import (
    Answered,
    ConfigurationRead,
    Logged,
    Ready,
    ServerEnded,
    ServerSaid,
    ServerStarted,
    Warned,
)
from tests.standin.scripted import ScriptedServer, ask, get, parse


def arguments(*words):
    parser = argparse.ArgumentParser()
    dev.configure(parser)
    return parser.parse_args(list(words))


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            ConfigurationRead(1, 2, ("key-auth (global)",)),
            "configuration read: 1 services, 2 routes, 1 plugins\n  plugin key-auth (global)",
        ),
        (Warned("careful"), "warning: careful"),
        (ServerStarted(7), "plugin server started (pid 7)"),
        (ServerEnded(7, -9), "plugin server (pid 7) ended with status -9"),
        (ServerSaid(7, "hello"), "[plugin server 7] hello"),
        (
            Ready("http://h:1", ("http://h:1/a (r) -> no service",)),
            "  route http://h:1/a (r) -> no service\nready: http://h:1",
        ),
        (Logged("warn", "x"), "[warn] x"),
        (Logged("debug", "x"), ""),
        (Answered("c", "GET", "/a", 200, 0.0123, "id", ""), 'c "GET /a" 200 12.3 ms - id'),
        (
            Answered("c", "POST", "/a", 200, 0.01, "id", "r", {"graphql": {"operation_name": "Q", "subgraphs": "a,b"}}),
            'c "POST /a" 200 10.0 ms r id Q a,b',
        ),
    ],
)
def test_lines(event, line):
    assert dev._line(event, access=True) == line


def test_the_access_log_can_be_off():
    assert not dev._line(Answered("c", "GET", "/a", 200, 0.01, "id", "r"), access=False)


def test_a_wrong_file_is_a_clear_error(directory, capsys):
    path = directory / "kong.yml"
    path.write_text("_format_version: '3.0'\nnonsense: []\n")
    assert dev.run(arguments(str(path), "--port", "0", "--socket", str(directory / "s"))) == 1
    assert "nonsense: unknown field" in capsys.readouterr().err


def test_a_port_in_use_is_a_clear_error(directory, capsys, unused_tcp_port_factory):
    path = directory / "kong.yml"
    path.write_text("_format_version: '3.0'\n")
    port = unused_tcp_port_factory()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert dev.run(arguments(str(path), "--port", str(port), "--socket", str(directory / "s"))) == 1
    assert f"('127.0.0.1', {port}): address already in use" in capsys.readouterr().err


async def test_it_serves_until_it_is_interrupted(directory, capsys):
    path = directory / "kong.yml"
    path.write_text("_format_version: '3.0'\nroutes: [{name: r, paths: [/graphql]}]\n")
    async with ScriptedServer(directory / "s", lambda wire, _: wire.exit(200)) as server:
        running = asyncio.create_task(
            dev._serve(arguments(str(path), "--port", "0", "--socket", str(server.path), "--watch"))
        )
        printed = ""
        async with asyncio.timeout(20):
            while "ready: " not in printed:
                assert not running.done()
                await asyncio.sleep(0.05)
                printed += capsys.readouterr().out
        assert printed.startswith(dev.NOTICE)
        port = int(printed.partition("ready: http://127.0.0.1:")[2].split()[0])
        assert f"  route http://127.0.0.1:{port}/graphql (r) -> no service\n" in printed
        assert parse(await ask(port, get("/graphql")))[0] == 503  # no plugin, and no service behind the route
        os.kill(os.getpid(), signal.SIGINT)
        assert await asyncio.wait_for(running, 10) == 0
    assert '"GET /graphql" 503' in capsys.readouterr().out
    with pytest.raises(ConnectionError):
        await ask(port, get("/graphql"))
