"""The script of the Admin API's calls: run against the stand-in, and written down in docs/admin-api.md."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kong_federation.pluginserver.info import plugin_info
from kong_federation.standin import StandIn, read_dump

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "admin_api.py"
EMPTY = {"_format_version": "3.0"}


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("admin_api", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["admin_api"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["admin_api"]


def test_the_documentation_shows_exactly_its_calls(script):
    graph = script.Graph()
    ways = [script.checks(graph), script.with_database(graph), script.without_database(graph)]
    ways += [script.taken_away(graph, database=True), script.taken_away(graph, database=False)]
    made = {call.curl() for way in ways for call in way}
    page = (ROOT / "docs" / "admin-api.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^curl .*$", page, re.MULTILINE))
    assert shown == made


def standin(tmp_path, config):
    plugin = read_dump(json.dumps(plugin_info()))
    return StandIn(config, port=0, socket=tmp_path / "nobody.socket", plugin=plugin, admin_port=0)


async def ran(*arguments):
    process = await asyncio.create_subprocess_exec(
        sys.executable, SCRIPT, *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, said.decode()


async def test_it_runs_without_a_database_and_leaves_nothing(tmp_path):
    async with standin(tmp_path, EMPTY) as running:
        status, said = await ran(running.admin_url)
        assert status == 0, said
        assert said.rstrip().endswith("Every result was right.")
        # 3 that change nothing, 7 of the way without a database, 1 that tidies up.
        assert len(re.findall(r"^curl ", said, re.MULTILINE)) == 11
        again, _ = await ran(running.admin_url)
        assert again == 0


async def test_it_replaces_a_configuration_only_when_told_to(tmp_path):
    async with standin(tmp_path, {**EMPTY, "consumers": [{"username": "ines"}]}) as running:
        status, said = await ran(running.admin_url)
        assert status == 1
        assert "This Kong has consumers already" in said
        status, said = await ran(running.admin_url, "--replace", "--keep")
        assert status == 0, said
        status, said = await ran(running.admin_url)
        assert "This Kong has routes already" in said


async def test_a_wrong_result_is_said(tmp_path, script):
    async with standin(tmp_path, EMPTY) as running:
        call = script.Call("It is not there", "GET", "/routes/graphql")
        with pytest.raises(script.UnexpectedError, match="answered 404, not 200"):
            await asyncio.to_thread(script.run, running.admin_url, call)
        call = script.Call("It shows more", "GET", "/status", shows=lambda said: said["no such thing"])
        with pytest.raises(script.UnexpectedError, match="the answer lacks 'no such thing'"):
            await asyncio.to_thread(script.run, running.admin_url, call)
        call = script.Call("It is another", "GET", "/", shows=lambda said: said["version"] == "1.0")
        with pytest.raises(script.UnexpectedError, match="answered something else"):
            await asyncio.to_thread(script.run, running.admin_url, call)


async def test_nobody_there_is_said():
    status, said = await ran("http://127.0.0.1:1")
    assert status == 1
    assert "cannot be reached" in said
