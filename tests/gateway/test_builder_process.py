"""The builder's life and death, with real processes."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kong_federation.gateway import client, sockets
from kong_federation.gateway.builder import process as planning_process
from tests.gateway.gateway_world import code, post, until
from tests.gateway.scripted_planner import PROGRAM

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie still answers; it is dead all the same.
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"


async def pids(gateway, salt=""):
    """The process ids of the builder and of a planning process."""
    response = await gateway.handle(post(f"{{ pid }} # {salt}"))
    builder, planner = json.loads(response.body)["errors"][0]["message"].split()
    return int(builder), int(planner)


def builders_of(world):
    return list(world.directory.glob("builders/builder-*.sock"))


async def test_workers_of_a_node_share_one_builder(world):
    one, other = world.gateway(), world.gateway()
    # Both ask before any builder exists.
    answers = await asyncio.gather(one.handle(post("{ me }")), other.handle(post("{ me }")))
    assert [answer.status for answer in answers] == [200, 200]
    assert (await pids(one, "1"))[0] == (await pids(other, "2"))[0]


async def test_another_supergraph_has_another_builder(world):
    one = world.gateway()
    other = world.gateway(world.script(version=2))
    assert (await pids(one))[0] != (await pids(other))[0]


async def test_a_builder_ends_with_its_last_worker_and_leaves_nothing_behind(world):
    gateway, other = world.gateway(), world.gateway()
    builder, planner = await pids(gateway)
    assert await pids(other) == (builder, planner)
    await gateway.close()
    await asyncio.sleep(3 * PROGRAM.grace)
    assert alive(builder)
    await other.close()
    await until(lambda: not alive(builder) and not alive(planner))
    # Plans are there for the next one.
    await until(lambda: [path.name for path in world.directory.iterdir()] == ["plans"])


async def test_a_builder_that_is_used_again_within_its_grace_stays(world):
    first = world.gateway()
    builder, _ = await pids(first)
    await first.close()
    assert (await pids(world.gateway()))[0] == builder


async def test_an_operation_that_takes_too_long_ends_alone(world):
    gateway = world.gateway(planning={"timeout": 500})
    builder, _ = await pids(gateway)
    slow, quick = await asyncio.gather(gateway.handle(post("{ slow }")), gateway.handle(post("{ me }")))
    assert (slow.status, code(slow)) == (400, "QUERY_PLANNING_LIMIT")
    assert quick.status == 200
    assert (await pids(gateway, "again"))[0] == builder


async def test_many_slow_operations_do_not_stop_the_others_for_ever(world):
    gateway = world.gateway(planning={"timeout": 200})
    await gateway.handle(post("{ __typename }"))
    slow = [asyncio.ensure_future(gateway.handle(post(f"{{ slow }} # {number}"))) for number in range(4)]
    await asyncio.sleep(0.05)
    assert (await gateway.handle(post("{ me }"))).status == 200
    assert {code(answer) for answer in await asyncio.gather(*slow)} == {"QUERY_PLANNING_LIMIT"}


async def test_an_operation_that_ends_its_process_twice_is_refused(world):
    gateway = world.gateway()
    builder, planner = await pids(gateway)
    response = await gateway.handle(post("{ end }"))
    assert (response.status, code(response)) == (503, "SERVICE_UNAVAILABLE")
    again, other = await pids(gateway, "again")
    assert again == builder
    assert other != planner


async def test_a_builder_that_dies_in_mid_request_is_replaced_and_nobody_notices(world, tmp_path):
    gateway = world.gateway(world.script(once=str(tmp_path / "once")))
    builder, _ = await pids(gateway)
    response = await gateway.handle(post("{ endBuilder }"))
    assert response.status == 200
    assert not alive(builder)
    assert (await pids(gateway, "again"))[0] != builder


async def test_a_builder_that_is_stuck_is_killed_and_replaced(world, tmp_path, monkeypatch):
    monkeypatch.setattr(client, "_PING_SECONDS", 0.1)
    monkeypatch.setattr(client, "_SILENCE_SECONDS", 0.5)
    gateway = world.gateway(world.script(once=str(tmp_path / "once")))
    builder, _ = await pids(gateway)
    waiting = [gateway.handle(post("{ stopBuilder }")), gateway.handle(post("{ me }"))]
    assert {answer.status for answer in await asyncio.gather(*waiting)} == {200}
    await until(lambda: not alive(builder))


async def test_a_slow_plan_is_not_taken_for_a_stuck_builder(world, monkeypatch):
    monkeypatch.setattr(client, "_PING_SECONDS", 0.05)
    monkeypatch.setattr(client, "_SILENCE_SECONDS", 0.3)
    gateway = world.gateway(planning={"timeout": 1_000})
    builder, _ = await pids(gateway)
    assert code(await gateway.handle(post("{ slow }"))) == "QUERY_PLANNING_LIMIT"
    assert (await pids(gateway, "again"))[0] == builder


async def test_a_killed_builder_takes_its_planning_processes_with_it(world, monkeypatch):
    gateway = world.gateway(planning={"timeout": 1_000})
    builder, planner = await pids(gateway)
    slow = asyncio.ensure_future(gateway.handle(post("{ slow }")))
    await asyncio.sleep(0.2)
    os.kill(builder, signal.SIGKILL)
    # The slow operation is planned anew by another builder; the old process hears its alarm.
    assert code(await slow) == "QUERY_PLANNING_LIMIT"
    await until(lambda: not alive(planner))


async def test_a_runtime_directory_of_any_length_will_do(world):
    world.directory = world.directory.joinpath(*["a directory with quite a long name"] * 5)
    assert (await world.gateway().handle(post("{ me }"))).status == 200


async def test_nobody_else_may_connect(world):
    gateway = world.gateway()
    await gateway.handle(post("{ me }"))
    (path,) = builders_of(world)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_volume_that_others_can_write_to_will_do(world):
    world.directory.mkdir()
    world.directory.chmod(0o777)
    assert (await world.gateway().handle(post("{ me }"))).status == 200


async def test_a_directory_of_somebody_else_is_not_used(world, caplog):
    (world.directory / "builders").mkdir(parents=True)
    (world.directory / "builders").chmod(0o777)
    response = await world.gateway().handle(post("{ me }"))
    assert (response.status, code(response)) == (503, "SERVICE_UNAVAILABLE")
    assert "not a directory of our own" in caplog.text


async def test_the_builder_inherits_nothing(world, request):
    keep = socket.socket()
    request.addfinalizer(keep.close)
    keep.set_inheritable(True)
    builder, planner = await pids(world.gateway())
    assert os.getsid(builder) == builder
    assert links(builder)["cwd"] == "/"
    assert links(os.getpid())[str(keep.fileno())] not in links(builder).values()
    # A planning process holds its own socket and the three standard ones.
    assert len(links(planner)) == 1 + 4
    # The supergraph was handed over as standard input, and is let go of.
    assert links(builder)["0"] == "/dev/null"


def links(pid):
    """What a process has open, and its working directory."""
    found = {}
    for entry in (Path(f"/proc/{pid}/cwd"), *Path(f"/proc/{pid}/fd").iterdir()):
        # Looking into the directory is itself an open descriptor, for a moment.
        with contextlib.suppress(FileNotFoundError):
            found[entry.name] = str(entry.readlink())
    return found


async def test_a_stray_message_ends_its_connection_only(world):
    gateway = world.gateway()
    builder, _ = await pids(gateway)
    (path,) = builders_of(world)
    for nonsense in (b"\xc1" * 100, b"\x01", b"\x94\x01\x02\x03\xa1x\xc1"):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(nonsense)
        writer.write_eof()
        await reader.read()
        writer.close()
    assert (await pids(gateway, "again"))[0] == builder


def test_a_stale_socket_is_replaced_and_a_live_one_is_not(tmp_path):
    path = sockets.socket_path(tmp_path / "run", "00ff" * 16)
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    listener = sockets.claim(path)
    assert listener is not None
    assert sockets.claim(path) is None
    sockets.give_up(path, listener)
    assert not path.exists()


def test_the_directory_goes_with_its_last_socket_and_comes_with_the_next(tmp_path):
    one, other = (sockets.socket_path(tmp_path, digit * 64) for digit in "ab")
    listeners = [sockets.claim(one), sockets.claim(other)]
    sockets.give_up(one, listeners[0])
    assert list(other.parent.iterdir()) == [other]
    sockets.give_up(other, listeners[1])
    assert not other.parent.exists()
    again = sockets.claim(one)
    sockets.give_up(one, again)


def test_a_runtime_directory_may_vanish(tmp_path):
    path = sockets.socket_path(tmp_path / "run", "00ff" * 16)
    listener = sockets.claim(path)
    shutil.rmtree(path.parent)
    sockets.give_up(path, listener)
    assert listener.fileno() == -1


def test_a_second_builder_leaves_at_once(tmp_path):
    path = sockets.socket_path(tmp_path / "run", "00ff" * 16)
    listener = sockets.claim(path)
    second = subprocess.run(
        [sys.executable, "-m", "kong_federation.gateway.builder", str(path), PROGRAM.planner, "1"],
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )
    assert second.returncode == 0
    sockets.give_up(path, listener)


def test_the_alarm_is_later_than_the_builders_own_timer():
    assert planning_process._ALARM_MARGIN > 0.5


async def test_the_workers_loop_is_never_held_for_long(world):
    """
    While a supergraph is loaded and operations are planned cold, no callback of the worker's loop computes for long.

    What is measured is the thread's own CPU time between two turns of the loop, so that a busy machine does not count.
    """
    loop = asyncio.get_running_loop()
    stretches = []
    stop = False

    def turn(before):
        now = time.thread_time()
        stretches.append(now - before)
        if not stop:
            loop.call_soon(turn, time.thread_time())

    loop.call_soon(turn, time.thread_time())
    gateway = world.gateway(world.script(seconds=0.5), planning={"timeout": 300})
    for number in range(10):
        await gateway.handle(post(f"{{ me }} # {number}"))
    await gateway.handle(post("{ slow }"))
    stop = True
    stretches.sort()
    assert len(stretches) > 1_000
    # One for the garbage collector, one for whatever is imported at the first use.
    assert stretches[-3] < 0.010


@pytest.mark.parametrize("document", ["{" * 3, "query ($v: Int) { me(v: $v) }"])
async def test_equal_orders_are_equal_bytes_whatever_the_document(world, document):
    gateway = world.gateway()
    first = await gateway.handle(post(document))
    assert (await gateway.handle(post(document))).body == first.body
