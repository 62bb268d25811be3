"""The plugin server as a child: started, heard, started again, ended."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import pytest

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.standin import ServerEnded, ServerSaid, ServerStarted
from kong_federation.standin.child import Child, ask_dump

SERVER = """
import os, signal, socket, sys, time
path = sys.argv[1]
if os.path.exists(path): os.unlink(path)
listener = socket.socket(socket.AF_UNIX)
listener.bind(path)
listener.listen(8)
print("listening", flush=True)
print("trouble", file=sys.stderr, flush=True)
if sys.argv[2:] == ["heir"] and os.fork() == 0:
    time.sleep(3)
    os._exit(0)
while True: time.sleep(1)
"""


def command(path, *more):
    return [sys.executable, "-c", SERVER, str(path), *more]


async def until(condition, seconds=8):
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a listener has nothing to wait for
            await asyncio.sleep(0.02)


async def test_start_output_and_end(directory):
    heard = []
    child = Child(command(directory / "s"), directory / "s", heard.append)
    await child.start()
    pid = child.pid
    assert heard[0] == ServerStarted(pid)
    await until(lambda: {ServerSaid(pid, "listening"), ServerSaid(pid, "trouble")} <= set(heard))
    await child.close()
    assert child.pid is None
    assert not any(isinstance(event, ServerEnded) for event in heard)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("more", [(), ("heir",)])
async def test_a_dead_server_is_started_again_though_its_children_live(directory, more):
    heard = []
    child = Child(command(directory / "s", *more), directory / "s", heard.append)
    await child.start()
    first = child.pid
    os.kill(first, signal.SIGKILL)
    await until(lambda: ServerEnded(first, -signal.SIGKILL) in heard, 1.5)
    await until(lambda: child.pid not in {None, first}, 2)
    await child.close()


async def test_it_is_started_at_most_once_a_second(directory):
    heard = []
    child = Child(command(directory / "s"), directory / "s", heard.append)
    await child.start()
    loop = asyncio.get_running_loop()
    before = loop.time()
    starts = []
    for _ in range(2):
        pid = child.pid
        os.kill(pid, signal.SIGKILL)
        await until(lambda pid=pid: child.pid not in {None, pid})
        starts.append(loop.time() - before)
    await child.close()
    assert starts[1] - starts[0] > 0.8


async def test_a_server_that_ends_at_once_is_an_error(directory):
    child = Child([sys.executable, "-c", "raise SystemExit(3)"], directory / "s", lambda _: None)
    with pytest.raises(FederationError, match="ended with status 3"):
        await child.start()
    assert child.pid is None


def dump(protocol, *fields):
    plugin = {"Name": "x", "Version": "1.2.3", "Priority": 5, "Phases": ["access"]}
    schema = {"name": "x", "fields": [{"config": {"type": "record", "fields": list(fields)}}]}
    return json.dumps({"Protocol": protocol, "Plugins": [{**plugin, "Schema": schema}]})


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("nothing", "cannot be read"),
        ('{"Protocol": "ProtoBuf:1", "Plugins": []}', "cannot be read"),
        (dump("MsgPack:1"), "speaks ProtoBuf:1"),
        (
            dump("ProtoBuf:1", {"a": {"type": "string", "magic": 1}}),
            "x.config.a: the schema's 'magic' is not known to the stand-in",
        ),
        (dump("ProtoBuf:1", {"a": {"type": "function"}}), "type 'function' is not known"),
    ],
)
async def test_a_dump_that_kong_could_not_use(printed, said):
    with pytest.raises(FederationErrors, match=said):
        await ask_dump([sys.executable, "-c", f"print({printed!r})"])


async def test_a_dump_command_that_fails():
    with pytest.raises(FederationError, match="status 4: no luck"):
        await ask_dump([sys.executable, "-c", "import sys; print('no luck', file=sys.stderr); sys.exit(4)"])


async def test_the_dump_is_asked():
    info = await ask_dump([sys.executable, "-c", f"print({dump('ProtoBuf:1')!r})"])
    assert (info.name, info.version, info.priority, tuple(info.phases)) == ("x", "1.2.3", 5, ("access",))
