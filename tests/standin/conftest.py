from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest

from kong_federation.standin import PluginInfo, StandIn, Tuning
from tests.standin.scripted import ScriptedServer

ANY_CONFIG = {"config": {"type": "record", "required": True, "fields": [{"mode": {"type": "string"}}]}}


def plugin_info(*fields: dict, priority: int = 5) -> PluginInfo:
    schema = {"name": "graphql-federation", "fields": list(fields or [ANY_CONFIG])}
    return PluginInfo("graphql-federation", "0.1.0", priority, ("access",), schema)


def one_route(path: str = "/graphql", **more: object) -> dict:
    """A configuration of one route without a service, with the plugin."""
    route = {"name": "graphql", "paths": [path], "plugins": [{"name": "graphql-federation"}], **more}
    return {"_format_version": "3.0", "routes": [route]}


@pytest.fixture
def directory():
    """A directory whose path is short enough for a unix socket."""
    path = Path(tempfile.mkdtemp(prefix="kgf"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def launch(directory):
    """Start a stand-in in front of a scripted plugin server."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(config, event, *, begin=None, info=None, tuning=None, heard=None):
            server = ScriptedServer(directory / "server.socket", event, begin)
            await stack.enter_async_context(server)
            heard = heard if heard is not None else []
            standin = StandIn(
                config,
                port=0,
                socket=server.path,
                plugin=info or plugin_info(),
                listener=heard.append,
                tuning=tuning or Tuning(),
            )
            await stack.enter_async_context(standin)
            return standin, server

        yield start
